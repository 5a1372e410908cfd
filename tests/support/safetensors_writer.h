#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace maie::support {

/// Puts a safetensors file together (docs/spec/models.md 8.1). One thread at a time.
class SafetensorsWriter {
 public:
  /// @param type  as the format names it: "F32", "BF16", "I32", ...
  void add(const std::string& name, const char* type, const std::vector<int64_t>& shape,
           const std::string& bytes) {
    const size_t begin = data_.size();
    data_ += bytes;
    header_[name] = {{"dtype", type}, {"shape", shape}, {"data_offsets", {begin, data_.size()}}};
  }

  std::string bytes() const {
    std::string header = header_.dump();
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const auto length = uint64_t{header.size()};
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data_;
  }

 private:
  Json header_ = Json::object();
  std::string data_;
};

}  // namespace maie::support
