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
#include "tensor/tensor.h"

namespace maie::formats {

/// The variables of a CTranslate2 `model.bin`, mapped and not copied. Immutable; any thread may
/// read.
///
/// Variables follow each other without padding, so most views are not aligned to their element:
/// who needs that checks the address and copies (memcpy).
class Ctranslate2 {
 public:
  /// Binary versions this reads; others are kUnsupported.
  static constexpr uint32_t kOldestVersion = 2, kNewestVersion = 6;

  static Result<std::shared_ptr<const Ctranslate2>> open(const std::string& path);
  /// Bytes in memory that stay as they are while the result lives; `path` is for messages.
  static Result<std::shared_ptr<const Ctranslate2>> parse(std::span<const std::byte> bytes,
                                                          const std::string& path);

  uint32_t binary_version() const { return version_; }
  /// "WhisperSpec", "TransformerSpec", ... and its revision.
  const std::string& spec_name() const { return spec_; }
  uint32_t revision() const { return revision_; }

  /// The variable of that name or alias, valid while this object lives; nullptr when there is none.
  /// An alias of a weight is also one of its scale ("<name>_scale").
  const ConstTensor* find(std::string_view name) const;
  /// Names of variables, in alphabetical order, without aliases.
  std::vector<std::string_view> names() const;

  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  Status read(std::span<const std::byte> bytes);

  std::map<std::string, ConstTensor, std::less<>> variables_;
  std::map<std::string, std::string, std::less<>> aliases_;
  std::string spec_;
  uint32_t version_ = 0;
  uint32_t revision_ = 0;
  uint64_t size_bytes_ = 0;
  std::string path_;
  std::shared_ptr<const MappedFile> map_;  // owns the bytes of the views
};

}  // namespace maie::formats
