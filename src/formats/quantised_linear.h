#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/status.h"
#include "formats/quantised_matrix.h"
#include "formats/safetensors.h"

namespace maie::formats {

/// How the linear layers of a Hugging Face directory are quantised.
struct QuantisationConfig {
  enum class Method { kAwq, kGptq, kPackQuantized };

  Method method = Method::kAwq;
  int bits = 4;                 ///< 4, or 8 for GPTQ and pack-quantized
  int64_t group = 128;          ///< inputs that share a scale; 0: all inputs of an output
  bool symmetric = false;       ///< pack-quantized without zero points
  bool zeros_less_one = false;  ///< GPTQ's first format stores each zero less one
};

/// The "quantization_config" of a config.json; nullopt when it has none. kUnsupported, naming the
/// member and its value, for methods and variants that would give other weights.
Result<std::optional<QuantisationConfig>> parse_quantisation(const Json& config);

/// Whether a layer is quantised in this file ("model.layers.0.mlp.up_proj" is a prefix); those that
/// the config leaves out have a plain ".weight".
bool has_quantised_linear(const Safetensors& file, const std::string& prefix,
                          QuantisationConfig::Method method);

/// A quantised layer of a file, [out, in], opened and checked but for the values of its scales;
/// rows are read without loss, by several threads where need be. Views of the file, which must stay
/// open.
///
///   AWQ (gemm)      qweight i32 [in, out/8], qzeros i32 [in/g, out/8], scales [in/g, out]
///   GPTQ            qweight i32 [in*b/32, out], qzeros i32 [in/g, out*b/32], scales [in/g, out],
///                   g_idx i32 [in] or none
///   pack-quantized  weight_packed i32 [out, in*b/32 rounded up], weight_scale [out, in/g],
///                   weight_shape [2], weight_zero_point i32 [out*b/32 rounded up, in/g] or
///                   i8 [out, in/g], weight_g_idx i32 [in] or none
///
/// Scales are float16, bfloat16 or float32. kNotFound, kCorrupt or kUnsupported with the tensor's
/// name; an activation order that scatters groups over the inputs is kUnsupported.
class QuantisedLinear {
 public:
  static Result<QuantisedLinear> open(const Safetensors& file, const std::string& prefix,
                                      const QuantisationConfig& config);

  /// Extents, bits, group and kind of zero of the layer; the vectors are empty.
  const QuantisedMatrix& form() const { return form_; }
  /// Every zero is the middle of the codes.
  bool symmetric() const { return symmetric_; }
  /// Rows [first, first + count). kCorrupt when a scale is not finite.
  Status read(int64_t first, int64_t count, const CodeRows& to) const;
  /// Calls `with` for the bytes of each large tensor.
  template <class With>
  void for_each_extent(With with) const {
    for (const ConstTensor& tensor : {weight_, scales_, zeros_}) {
      if (tensor) with({static_cast<const std::byte*>(tensor.raw()), tensor.size_bytes()});
    }
  }

 private:
  friend class LayerChecks;
  QuantisedLinear() = default;
  void read_awq(int64_t first, int64_t count, const CodeRows& to) const;
  void read_gptq(int64_t first, int64_t count, const CodeRows& to) const;
  void read_pack_quantized(int64_t first, int64_t count, const CodeRows& to) const;
  float zero_at(int64_t row, int64_t group) const;

  QuantisationConfig config_;
  QuantisedMatrix form_;
  bool symmetric_ = false;
  std::string scales_name_;  // for messages
  ConstTensor weight_, scales_;
  ConstTensor zeros_;  // absent: all are the middle
};

/// The whole layer at once.
Result<QuantisedMatrix> read_quantised_linear(const Safetensors& file, const std::string& prefix,
                                              const QuantisationConfig& config);

}  // namespace maie::formats
