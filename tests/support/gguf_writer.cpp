#include "tests/support/gguf_writer.h"

#include <algorithm>
#include <sstream>

#include "base/check.h"

namespace maie::support {
namespace {

template <class Number>
void put(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_text(std::string& out, std::string_view text) {
  put(out, uint64_t{text.size()});
  out.append(text);
}
template <class Number>
std::string number_bytes(Number value) {
  std::string out;
  put(out, value);
  return out;
}
template <class Number>
std::string array_bytes(uint32_t type, const std::vector<Number>& values) {
  std::string out;
  put(out, type);
  put(out, uint64_t{values.size()});
  for (const Number value : values) put(out, value);
  return out;
}

}  // namespace

GgufWriter::GgufWriter(uint32_t version, uint32_t alignment)
    : version_(version), alignment_(alignment) {
  if (alignment != 32) add("general.alignment", alignment);
}

void GgufWriter::add_raw(std::string_view key, uint32_t type, std::string_view bytes) {
  put_text(values_, key);
  put(values_, type);
  values_.append(bytes);
  ++value_count_;
}
void GgufWriter::add(std::string_view key, uint32_t v) { add_raw(key, 4, number_bytes(v)); }
void GgufWriter::add(std::string_view key, int64_t v) { add_raw(key, 11, number_bytes(v)); }
void GgufWriter::add(std::string_view key, float v) { add_raw(key, 6, number_bytes(v)); }
void GgufWriter::add(std::string_view key, bool v) { add_raw(key, 7, number_bytes(uint8_t(v))); }
void GgufWriter::add(std::string_view key, std::string_view value) {
  std::string text;
  put_text(text, value);
  add_raw(key, 8, text);
}
void GgufWriter::add(std::string_view key, const std::vector<std::string>& values) {
  std::string list;
  put(list, uint32_t{8});
  put(list, uint64_t{values.size()});
  for (const std::string& value : values) put_text(list, value);
  add_raw(key, 9, list);
}
void GgufWriter::add(std::string_view key, const std::vector<int32_t>& values) {
  add_raw(key, 9, array_bytes(5, values));
}
void GgufWriter::add(std::string_view key, const std::vector<float>& values) {
  add_raw(key, 9, array_bytes(6, values));
}

void GgufWriter::add_tensor(std::string_view name, formats::BlockType type,
                            std::vector<int64_t> shape, Fill fill) {
  uint64_t values = 1;
  for (const int64_t dim : shape) values *= uint64_t(dim);
  const uint64_t size = values / formats::block_values(type) * formats::block_bytes(type);
  tensors_.push_back({std::string(name), type, std::move(shape), std::move(fill), size});
}

void GgufWriter::add_tensor(std::string_view name, formats::BlockType type,
                            std::vector<int64_t> shape, std::string bytes) {
  add_tensor(name, type, std::move(shape),
             [bytes = std::move(bytes), at = size_t{0}](std::span<std::byte> piece) mutable {
               check(at + piece.size() <= bytes.size(), "as many bytes as the shape asks for");
               std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()) + at, piece.size(),
                           piece.data());
               at += piece.size();
             });
}

std::string GgufWriter::head() const {
  std::string out = "GGUF";
  put(out, version_);
  put(out, uint64_t{tensors_.size()});
  put(out, value_count_);
  out += values_;
  uint64_t offset = 0;
  for (const Pending& tensor : tensors_) {
    put_text(out, tensor.name);
    put(out, uint32_t(tensor.shape.size()));
    for (auto dim = tensor.shape.rbegin(); dim != tensor.shape.rend(); ++dim) {
      put(out, uint64_t(*dim));
    }
    put(out, uint32_t(tensor.type));
    put(out, offset);
    offset += padded(tensor.size_bytes);
  }
  return out;
}

void GgufWriter::write(std::ostream& out) const {
  std::string start = head();
  start.resize(padded(start.size()));
  out.write(start.data(), std::streamsize(start.size()));
  for (const Pending& tensor : tensors_) {
    const uint64_t row = tensor.shape.empty()
                             ? tensor.size_bytes
                             : uint64_t(tensor.shape.back()) / formats::block_values(tensor.type) *
                                   formats::block_bytes(tensor.type);
    const uint64_t piece = std::max<uint64_t>(1, (1 << 20) / std::max<uint64_t>(1, row)) * row;
    Fill fill = tensor.fill;  // a copy, so that writing again gives the same bytes
    std::vector<std::byte> buffer;
    for (uint64_t at = 0; at < tensor.size_bytes; at += piece) {
      buffer.resize(size_t(std::min(piece, tensor.size_bytes - at)));
      fill(buffer);
      out.write(reinterpret_cast<const char*>(buffer.data()), std::streamsize(buffer.size()));
    }
    const std::string padding(size_t(padded(tensor.size_bytes) - tensor.size_bytes), '\0');
    out.write(padding.data(), std::streamsize(padding.size()));
  }
}

std::string GgufWriter::bytes() const {
  std::ostringstream out;
  write(out);
  return out.str();
}

}  // namespace maie::support
