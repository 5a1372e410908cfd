#include "net/exchange.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "base/ascii.h"
#include "net/ascii.h"

namespace maie::net {
namespace {

constexpr size_t kMaxHeadBytes = 256 << 10;  // libcurl 8 has 300 KB, libcurl 7.81 no limit in all
constexpr uint64_t kMaxErrorBody = 1 << 20;  // of an answer that is only read for its message
constexpr int kWaitMs = 100;                 // between two looks at the cancel token
constexpr long kBufferBytes = 128 << 10;     // for downloads; the default is 16 KiB

bool is_token(std::string_view text) {  // RFC 9110, 5.6.2
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
}

std::string seconds(double s) {
  std::string text = std::to_string(s);
  text.erase(text.find('.') + 2);
  if (text.ends_with(".0")) text.erase(text.size() - 2);
  return text + " s";
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

Status Exchange::prepare() {
  const HttpRequest& request = setup_.request;
  if (!line_.easy || !line_.multi) return resource_exhausted("out of memory for a connection");
  CURL* easy = line_.easy.get();
  curl_easy_reset(easy);  // keeps the connections
  curl_easy_setopt(easy, CURLOPT_URL, setup_.url.text.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS, long(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
  // Do not wait for the name server's answer when we end early.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
  // One exchange a connection at a time: HTTP/2 would bring nothing here but its own limits.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   std::max(1L, long(setup_.options.connect_timeout_s * 1000)));
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, setup_.options.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  set_proxy_and_certificates();

  if (!is_token(request.method)) return invalid_input("not an HTTP method");
  std::vector<std::string> lines;
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_field_value(value)) {
      return invalid_input(setup_.url.place() + ": a header (" + std::to_string(lines.size() + 1) +
                           " of the request) holds characters that HTTP does not allow; is there a "
                           "line break in a key?");
    }
    has_type = has_type || lower(name) == "content-type";
    lines.push_back(value.empty() ? name + ";" : name + ": " + value);
  }
  lines.push_back("Expect:");  // else a body past 1 MiB waits a second for a leave to be sent
  if (!has_type) lines.push_back("Content-Type:");  // else libcurl says it is a web form
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) return resource_exhausted("out of memory for a request");
    (void)headers_.release();
    headers_.reset(longer);
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  set_method();
  return {};
}

void Exchange::set_method() {
  CURL* easy = line_.easy.get();
  const std::string& method = setup_.request.method;
  const std::string& body = setup_.request.body;
  if (method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());  // not copied; outlives the exchange
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void Exchange::set_proxy_and_certificates() {
  CURL* easy = line_.easy.get();
  if (setup_.url.is_this_machine()) {
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  } else if (setup_.url.scheme == "http" && variable("http_proxy") == nullptr) {
    // libcurl itself does not read the name in capitals, because in a CGI program a client could
    // set it (as the header Proxy); we are none.
    const char* proxy = variable("HTTP_PROXY");
    if (proxy != nullptr) curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
  }
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (const char* file = variable("SSL_CERT_FILE")) curl_easy_setopt(easy, CURLOPT_CAINFO, file);
  if (const char* folder = variable("SSL_CERT_DIR")) curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
}

Status Exchange::run() {
  Status prepared = prepare();
  if (!prepared.ok()) {
    failure = HttpFailure::kRefused;
    return prepared;
  }
  last_byte_ = Clock::now();
  CURLcode code = CURLE_FAILED_INIT;
  if (curl_multi_add_handle(line_.multi.get(), line_.easy.get()) == CURLM_OK) {
    code = turn();
    curl_multi_remove_handle(line_.multi.get(), line_.easy.get());
  }
  if (thrown_) std::rethrow_exception(thrown_);
  if (!stopped_.ok()) return stopped_;
  // libcurl is content with a head that breaks off.
  if (code == CURLE_OK && !head_ended_) code = CURLE_PARTIAL_FILE;
  return code == CURLE_OK || cut_ ? Status() : failed(code);
}

// Until the transfer is done or a limit is passed.
CURLcode Exchange::turn() {
  CURLM* multi = line_.multi.get();
  for (;;) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (running == 0) return CURLE_FAILED_INIT;
    if (!within_limits()) return CURLE_ABORTED_BY_CALLBACK;
    if (curl_multi_poll(multi, nullptr, 0, kWaitMs, nullptr) != CURLM_OK) return CURLE_FAILED_INIT;
  }
}

bool Exchange::within_limits() {
  const Clock::time_point now = Clock::now();
  curl_off_t sent = 0;
  curl_easy_getinfo(line_.easy.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  if (sent != sent_bytes_) last_byte_ = now;
  sent_bytes_ = sent;
  const std::string place = setup_.url.place();
  if (setup_.cancel != nullptr && setup_.cancel->is_cancelled()) {
    return stop(HttpFailure::kCancelled, setup_.cancel->status());
  }
  if (setup_.deadline && now >= *setup_.deadline) {
    return stop(HttpFailure::kStalled,
                unavailable(place + ": no whole answer within " +
                            seconds(setup_.request.total_limit_s) + "; try again later"));
  }
  const double silent_s = std::chrono::duration<double>(now - last_byte_).count();
  if (silent_s >= setup_.request.stall_limit_s) {
    return stop(HttpFailure::kStalled,
                unavailable(place + ": nothing came for " + seconds(setup_.request.stall_limit_s) +
                            "; the server hangs or is overloaded, try again later"));
  }
  return true;
}

bool Exchange::stop(HttpFailure why, Status status) {
  failure = why;
  stopped_ = std::move(status);
  return false;
}

// libcurl gives one whole line a call.
bool Exchange::take_header(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > kMaxHeadBytes) {
    return stop(HttpFailure::kTooLong,
                resource_exhausted(setup_.url.place() + ": headers of more than " +
                                   std::to_string(kMaxHeadBytes >> 10) + " KiB are refused"));
  }
  if (body_began_) return true;  // trailers tell nothing that we ask for
  if (line.starts_with("HTTP/")) {
    response = {};  // what came before was "100 Continue" or its like
    response.url = setup_.url.text;
    head_ended_ = false;
    const size_t blank = std::min(line.find(' '), line.size());
    const std::string_view digits = trimmed(line.substr(blank)).substr(0, 3);
    std::from_chars(digits.data(), digits.data() + digits.size(), response.status);
    return true;
  }
  head_ended_ = trimmed(line).empty();
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  response.headers.emplace_back(lower(std::string(trimmed(line.substr(0, colon)))),
                                trimmed(line.substr(colon + 1)));
  return true;
}

bool Exchange::take_body(std::string_view piece) {
  body_began_ = true;
  body_bytes_ += piece.size();
  if (!response.ok()) {
    response.body.append(piece.substr(0, kMaxErrorBody - response.body.size()));
    cut_ = body_bytes_ > kMaxErrorBody;
    return !cut_;
  }
  curl_off_t announced = -1;
  curl_easy_getinfo(line_.easy.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  const uint64_t known = std::max(body_bytes_, uint64_t(std::max(announced, curl_off_t{0})));
  if (known > setup_.request.max_body_bytes) {
    return stop(
        HttpFailure::kTooLong,
        resource_exhausted(setup_.url.place() + ": an answer of more than " +
                           std::to_string(setup_.request.max_body_bytes) + " bytes is refused"));
  }
  if (!setup_.receiver) {
    response.body.append(piece);
    return true;
  }
  if (setup_.receiver(response, piece)) return true;
  return stop(HttpFailure::kCancelled, cancelled("stopped by the receiver"));
}

size_t Exchange::on_header(char* data, size_t, size_t size, void* self) {
  Exchange& exchange = *static_cast<Exchange*>(self);
  try {  // nothing may be thrown through libcurl
    const bool taken = exchange.take_header({data, size});
    exchange.last_byte_ = Clock::now();
    return taken ? size : 0;
  } catch (...) {
    exchange.thrown_ = std::current_exception();
    return 0;
  }
}

size_t Exchange::on_body(char* data, size_t, size_t size, void* self) {
  Exchange& exchange = *static_cast<Exchange*>(self);
  try {
    const bool taken = exchange.take_body({data, size});
    exchange.last_byte_ = Clock::now();  // after the receiver: its time is not the server's
    return taken || size == 0 ? size : 0;
  } catch (...) {
    exchange.thrown_ = std::current_exception();
    return 0;
  }
}

Status Exchange::failed(CURLcode code) {
  const std::string place = setup_.url.place() + ": ";
  const std::string detail = *error_text_ != '\0' ? error_text_ : curl_easy_strerror(code);
  failure = HttpFailure::kConnect;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return unavailable(place + "nobody knows this name; check the address and the network");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return unavailable(place + "the proxy's name is unknown; check HTTPS_PROXY and its like");
    case CURLE_COULDNT_CONNECT: {
      long number = 0;
      curl_easy_getinfo(line_.easy.get(), CURLINFO_OS_ERRNO, &number);
      const std::string why =
          number != 0 ? " (" + std::generic_category().message(int(number)) + ")" : "";
      return unavailable(place + "no connection" + why + "; is the server running there?");
    }
    case CURLE_OPERATION_TIMEDOUT:  // the only limit that libcurl watches
      return unavailable(place + "no connection within " +
                         seconds(setup_.options.connect_timeout_s) +
                         "; is the server running there?");
    case CURLE_PEER_FAILED_VERIFICATION:
      return unavailable(place + "its certificate is not trusted (" + detail +
                         "); name the certificate of its authority in SSL_CERT_FILE");
    case CURLE_SSL_CACERT_BADFILE:
      return unavailable(place + "SSL_CERT_FILE cannot be read (" + detail + ")");
    case CURLE_SSL_CONNECT_ERROR:
      return unavailable(place + "no TLS (" + detail + "); does that port speak https?");
    case CURLE_OUT_OF_MEMORY: return resource_exhausted(place + "out of memory");
    default: break;
  }
  failure = HttpFailure::kBroken;
  switch (code) {
    case CURLE_GOT_NOTHING:
      return unavailable(place + "closed the connection without an answer; try again later");
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return unavailable(place + "closed the connection before the answer was complete; try again");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return unavailable(place + "what answers there does not speak HTTP; check the port");
    default: return unavailable(place + "the exchange failed (" + detail + ")");
  }
}

}  // namespace maie::net
