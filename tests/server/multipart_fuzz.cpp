// libFuzzer: a Content-Type up to the first line end, then the body of a form. However the body is
// cut, the parts are the same, and parts that were taken come back from the form written of them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/characters.h"
#include "server/http/multipart.h"

namespace {

using namespace maie::http;

constexpr int kMostParts = 20;

void check(bool holds) {
  if (!holds) std::abort();
}

struct Part {
  PartHead head;
  std::string data;
  bool ended = false;
};

class PartKeeper final : public PartSink {
 public:
  std::optional<Refusal> begin(PartHead head) override {
    check(parts.empty() || parts.back().ended);
    parts.push_back({std::move(head), ""});
    return std::nullopt;
  }
  std::optional<Refusal> data(std::string_view bytes) override {
    check(!parts.empty() && !parts.back().ended && !bytes.empty());
    parts.back().data += bytes;
    return std::nullopt;
  }
  std::optional<Refusal> end() override {
    check(!parts.empty() && !parts.back().ended);
    parts.back().ended = true;
    return std::nullopt;
  }
  std::vector<Part> parts;
};

struct Outcome {
  std::vector<Part> parts;
  std::string refusal;  ///< empty: taken
};

bool same(const Outcome& a, const Outcome& b) {
  return a.refusal == b.refusal && std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(),
                                              b.parts.end(), [](const Part& x, const Part& y) {
                                                return x.head.name == y.head.name &&
                                                       x.head.file_name == y.head.file_name &&
                                                       x.head.content_type == y.head.content_type &&
                                                       x.data == y.data && x.ended == y.ended;
                                              });
}

/// The first piece of `first` bytes, then pieces of `piece`.
Outcome parse(std::string_view body, std::string_view boundary, size_t first, size_t piece) {
  PartKeeper keeper;
  MultipartParser parser(boundary, kMostParts, keeper);
  std::optional<Refusal> refusal;
  for (size_t length = first; !refusal && !body.empty(); length = piece) {
    length = std::min(length, body.size());
    refusal = parser.feed(body.substr(0, length));
    body.remove_prefix(length);
  }
  if (!refusal) refusal = parser.finish();
  return {std::move(keeper.parts), refusal ? refusal->code + ": " + refusal->message : ""};
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// The form that a client would send of these parts; empty when the head of a part is too long.
std::string written(const std::vector<Part>& parts, const std::string& boundary) {
  std::string out;
  for (const Part& part : parts) {
    std::string head = "Content-Disposition: form-data; name=" + quoted(part.head.name);
    if (part.head.file_name) head += "; filename=" + quoted(*part.head.file_name);
    if (!part.head.content_type.empty()) head += "\r\nContent-Type: " + part.head.content_type;
    if (head.size() + 2 > MultipartParser::kMostPartHeadBytes) return "";
    out += "--" + boundary + "\r\n" + head + "\r\n\r\n" + part.data + "\r\n";
  }
  return out + "--" + boundary + "--\r\n";
}

void check_taken(const std::vector<Part>& parts) {
  check(parts.size() <= size_t{kMostParts});
  for (const Part& part : parts) {
    check(part.ended);
    for (const std::string& name : {part.head.name, part.head.file_name.value_or("")}) {
      check(valid_utf8(name) && std::none_of(name.begin(), name.end(), is_control));
    }
    check(part.head.content_type.find_first_of("\r\n") == std::string::npos);
    check(trim(part.head.content_type) == part.head.content_type);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(text.find('\n'), size);
  const auto boundary = boundary_of(text.substr(0, line));
  if (!boundary) {
    check(!boundary.error().message().empty());
    return 0;
  }
  check(!boundary->empty() && boundary->size() <= 70);
  check(std::none_of(boundary->begin(), boundary->end(), is_control));
  const std::string_view body = text.substr(std::min(line + 1, size));
  const Outcome whole = parse(body, *boundary, size, size);
  for (const size_t piece : {1, 2, 3, 7, 64}) {
    check(same(whole, parse(body, *boundary, piece, piece)));
  }
  // One cut at every place; of long bodies at some places only, so that inputs stay quick.
  for (size_t cut = 1; cut < body.size(); cut += 1 + body.size() / 256) {
    check(same(whole, parse(body, *boundary, cut, size)));
  }
  if (!whole.refusal.empty()) return 0;
  check_taken(whole.parts);
  const std::string again = written(whole.parts, *boundary);
  if (!again.empty()) check(same(whole, parse(again, *boundary, again.size(), 1)));
  return 0;
}
