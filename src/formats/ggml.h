#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "formats/blocks.h"
#include "tensor/shape.h"

namespace maie::formats {

class ByteReader;

/// The eleven numbers at the head of a whisper.cpp file, as they stand there: check before use.
struct GgmlHeader {
  int32_t vocabulary = 0;
  int32_t audio_context = 0, audio_width = 0, audio_heads = 0, audio_layers = 0;
  int32_t text_context = 0, text_width = 0, text_heads = 0, text_layers = 0;
  int32_t mel_bins = 0;
  int32_t file_type = 0;  ///< how most tensors are stored, plus 1000 times the quantisation version
};

/// A tensor as it lies in the file: `shape` with the last index fastest, `bytes` at any address.
struct GgmlTensor {
  BlockType type = BlockType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
};

/// A whisper.cpp `ggml-*.bin` file, mapped; tensors stay as blocks until asked for (blocks.h).
/// Immutable; any thread may read.
///
/// Layout, little-endian, without padding: magic "lmgg"; header; mel filters (i32 bins, i32
/// columns, f32 values); vocabulary (i32 count, then u32 length and bytes each: the ordinary tokens
/// only, as raw bytes); tensors until the end: i32 rank, i32 length of the name, i32 type, the
/// dimensions fastest first, name, data. Names are those of the OpenAI checkpoints.
class GgmlFile {
 public:
  static constexpr uint32_t kMagic = 0x67676d6c;

  static Result<std::shared_ptr<const GgmlFile>> open(const std::string& path);
  /// Bytes in memory that stay as they are while the result lives; `path` is for messages.
  static Result<std::shared_ptr<const GgmlFile>> parse(std::span<const std::byte> bytes,
                                                       const std::string& path);

  const GgmlHeader& header() const { return header_; }
  /// Raw bytes of the tokens, index = id.
  const std::vector<std::string>& vocabulary() const { return vocabulary_; }
  /// nullptr when there is no such tensor.
  const GgmlTensor* find(std::string_view name) const;
  std::vector<std::string_view> names() const;

  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  Status read(std::span<const std::byte> bytes);
  Status read_tensors(ByteReader& reader);

  GgmlHeader header_;
  std::vector<std::string> vocabulary_;
  std::map<std::string, GgmlTensor, std::less<>> tensors_;
  uint64_t size_bytes_ = 0;
  std::string path_;
  std::shared_ptr<const MappedFile> map_;  // owns the bytes of the tensors
};

}  // namespace maie::formats
