#include "server/http/request_parser.h"

// One of Beast's assertions (basic_parser.ipp, "n >= 5") is wrong for an empty chunked body that
// comes byte by byte; what it guards works.
#define BOOST_DISABLE_ASSERTS
#include <boost/beast/http/basic_parser.hpp>

#include "server/http/head_check.h"

namespace maie::http {
namespace {

namespace beast = boost::beast;
using BeastString = beast::string_view;
using BeastError = beast::error_code;

std::string text_of(BeastString text) { return {text.data(), text.size()}; }

}  // namespace

class RequestParser::Parser final : public beast::http::basic_parser<true> {
 public:
  Parser() {
    header_limit(UINT32_MAX);  // who reads the head bounds it
    body_limit(UINT64_MAX);    // who reads the body counts it
  }

  std::string method, target;
  int version = 0;
  Headers headers;
  const Sink* sink = nullptr;

 private:
  void on_request_impl(beast::http::verb, BeastString method_text, BeastString target_text,
                       int version_number, BeastError&) override {
    method = text_of(method_text);
    target = text_of(target_text);
    version = version_number;
  }
  void on_response_impl(int, BeastString, int, BeastError&) override {}
  void on_field_impl(beast::http::field, BeastString name, BeastString value,
                     BeastError&) override {
    if (sink == nullptr) headers.add(text_of(name), text_of(value));  // else a trailer: ignored
  }
  void on_header_impl(BeastError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
  std::size_t on_body_impl(BeastString piece, BeastError&) override { return give(piece); }
  void on_chunk_header_impl(std::uint64_t, BeastString, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastString piece, BeastError&) override {
    return give(piece);
  }
  void on_finish_impl(BeastError&) override {}

  std::size_t give(BeastString piece) {
    if (!piece.empty()) (*sink)({piece.data(), piece.size()});
    return piece.size();
  }
};

RequestParser::RequestParser() : parser_(std::make_unique<Parser>()) {}
RequestParser::~RequestParser() = default;

const std::string& RequestParser::method() const { return parser_->method; }
const std::string& RequestParser::target() const { return parser_->target; }
Headers& RequestParser::headers() { return parser_->headers; }
bool RequestParser::version_11() const { return parser_->version >= 11; }
bool RequestParser::keep_alive() const { return parser_->keep_alive(); }
bool RequestParser::done() const { return parser_->is_done(); }

std::optional<uint64_t> RequestParser::content_length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<uint64_t>(*length) : std::nullopt;
}

std::optional<Refusal> RequestParser::parse_head(std::string_view head) {
  if (auto problem = check_head(head)) return problem;
  BeastError error;
  const size_t taken = parser_->put({head.data(), head.size()}, error);
  if (error || taken != head.size() || !parser_->is_header_done()) {
    return bad_request("the head of the request is malformed");
  }
  return std::nullopt;
}

std::optional<size_t> RequestParser::parse_body(std::string_view bytes, const Sink& sink) {
  parser_->sink = &sink;
  size_t taken = 0;
  while (!parser_->is_done() && taken < bytes.size()) {
    BeastError error;
    taken += parser_->put({bytes.data() + taken, bytes.size() - taken}, error);
    if (error == beast::http::error::need_more) break;
    if (error) return std::nullopt;
  }
  return taken;
}

}  // namespace maie::http
