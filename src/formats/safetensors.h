#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "tensor/tensor.h"

namespace maie::formats {

/// A file that makes up a model.
struct ModelFile {
  std::string path;
  uint64_t size_bytes = 0;
};

/// The tensors of a safetensors file, or of the several files of one model, mapped and not copied:
/// opening costs the header only, whatever the size. Immutable; any thread may read.
///
/// Everything the format promises is checked on opening: the header's length and JSON, no name
/// twice, sizes that fit their shapes, and offsets that tile the file to its last byte. What fails
/// is kCorrupt, with file, tensor and byte counts.
///
/// A view's data is as aligned as the file has it: writers pad the header to 8 bytes, the format
/// does not ask for it. Who needs aligned elements checks the address and copies (memcpy).
class Safetensors {
 public:
  static constexpr uint64_t kMaxHeaderBytes = 100'000'000;

  /// One file.
  static Result<std::shared_ptr<const Safetensors>> open(const std::string& path);
  /// The files of a folder: those model.safetensors.index.json names, or else model.safetensors.
  /// kNotFound when it has neither.
  static Result<std::shared_ptr<const Safetensors>> open_sharded(const std::string& directory);
  /// Bytes in memory that stay as they are while the result lives; `path` is for messages.
  static Result<std::shared_ptr<const Safetensors>> parse(std::span<const std::byte> bytes,
                                                          const std::string& path);

  /// The tensor of that name, valid while this object lives; nullptr when there is none, or it has
  /// a type or a rank no tensor here can have (`get` says which).
  const ConstTensor* find(std::string_view name) const;
  /// The same, with the sentence that explains an absence (kNotFound, kUnsupported).
  Result<ConstTensor> get(std::string_view name) const;
  /// All names, in alphabetical order, also of the tensors `find` does not give.
  std::vector<std::string_view> names() const;

  /// Tells the system that these bytes of a tensor are not needed soon (nothing else changes).
  void release(std::span<const std::byte> bytes) const;

  /// The "__metadata__" of the file (of the first file that has each key).
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Every file read, the index included.
  const std::vector<ModelFile>& files() const { return files_; }
  /// The path opened, for messages.
  const std::string& path() const { return path_; }

 private:
  struct Entry {
    ConstTensor view;  // no data: not representable, `type` and `rank` say why
    std::string type;  // as written, e.g. "F8_E4M3"
    size_t rank = 0;
    uint64_t begin = 0, end = 0;
  };
  struct HeaderTensor;
  class HeaderReader;

  Status add_file(const std::string& path);
  Status add_bytes(std::span<const std::byte> bytes, const std::string& path);

  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, std::string> metadata_;
  std::vector<ModelFile> files_;
  std::vector<std::shared_ptr<const MappedFile>> maps_;  // own the bytes of the views
  std::string path_;
};

}  // namespace maie::formats
