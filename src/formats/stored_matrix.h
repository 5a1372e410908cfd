#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "formats/gguf.h"
#include "formats/quantised_linear.h"
#include "formats/quantised_matrix.h"
#include "formats/safetensors.h"
#include "tensor/tensor.h"

namespace maie::formats {

/// A weight matrix [rows = outputs, columns = inputs] as a file stores it, read by runs of rows: a
/// model is converted piece by piece, by several threads, and never stands in memory twice. Keeps
/// its file open. Immutable; any thread may call.
class StoredMatrix {
 public:
  virtual ~StoredMatrix() = default;

  int64_t rows() const { return form_.rows; }
  int64_t columns() const { return form_.columns; }
  /// "bfloat16", "q4_K", "awq-4bit", ...
  const std::string& type() const { return type_; }
  /// The layout that holds it without loss, or best.
  StoredLayout layout() const { return layout_; }
  /// Bits, group and kind of zero of what `read_codes` gives; the vectors are empty. Not for
  /// layout kDense.
  const QuantisedMatrix& form() const { return form_; }

  /// Values of `count` rows from `first` on, in float32. kCorrupt, with file and tensor, when one
  /// is not finite.
  Status read_floats(int64_t first, int64_t count, std::span<float> out) const;
  /// Codes of them, unless the layout is kDense. kCorrupt when a scale is not finite.
  virtual Status read_codes(int64_t first, int64_t count, const CodeRows& to) const = 0;
  /// Whether every zero is the middle of the codes, so that none need be kept.
  virtual bool symmetric() const { return false; }

  /// The values in place, aligned, where they are dense and in order; otherwise an empty view.
  virtual ConstTensor in_place() const { return {}; }
  /// Tells the system that the file's pages of these rows are not needed soon; they are read again
  /// when they are. Without effect for a part of a matrix whose rows do not lie together.
  virtual void release(int64_t, int64_t) const {}
  void release() const { release(0, rows()); }

 protected:
  StoredMatrix(std::string where, std::string type, StoredLayout layout, QuantisedMatrix form)
      : where_(std::move(where)), type_(std::move(type)), layout_(layout), form_(std::move(form)) {}
  virtual Status load_floats(int64_t first, int64_t count, std::span<float> out) const = 0;

  std::string where_;  // "file: tensor "name"", for messages
  std::string type_;
  StoredLayout layout_;
  QuantisedMatrix form_;
};

/// A dense matrix of a safetensors file: `view` is [rows, columns] of a float type. `name` is that
/// of the tensor, for messages; so in the next.
std::unique_ptr<const StoredMatrix> stored_matrix(std::shared_ptr<const Safetensors> file,
                                                  const std::string& name, ConstTensor view);

/// A matrix of a GGUF file, of any type.
/// @param pair_width  0, or the width of heads whose rows the file has in pairs (see
///   docs/models/qwen3.md): row h*pair_width + 2i + j stands for h*pair_width + j*pair_width/2 + i.
std::unique_ptr<const StoredMatrix> stored_matrix(std::shared_ptr<const Gguf> file,
                                                  const std::string& name, const GgufTensor& tensor,
                                                  int64_t pair_width = 0);

/// A quantised layer of a safetensors file, with the checks of read_quantised_linear.
Result<std::unique_ptr<const StoredMatrix>> stored_matrix(std::shared_ptr<const Safetensors> file,
                                                          const std::string& prefix,
                                                          const QuantisationConfig& config);

}  // namespace maie::formats
