// How a connection reads the body of a request.
#include <boost/asio/post.hpp>

#include "server/http/characters.h"
#include "server/http/connection.h"

namespace maie::http {
namespace {

/// Of chunk headers and trailers; Beast wants each whole.
constexpr size_t kMostChunkHead = 16 << 10;
/// An upload that is slower than this after its first minute is given up.
constexpr double kSlowestBytesPerSecond = 256, kSlownessCounts = 60;

const Refusal kTooSlow = {408, "timeout", "the body of the request took too long"};

}  // namespace

Awaitable<void> Connection::read_body(RequestParser& parser, Problem& problem) {
  std::optional<Counted> upload;
  Request& request = exchange_->request;
  if (exchange_->route->body == BodyKind::kForm) {
    const Result<std::string> boundary = boundary_of(request.headers.get("content-type"));
    if (!boundary) {
      problem =
          Refusal{400, "bad_form", "Invalid multipart/form-data: " + boundary.error().message()};
      co_return;
    }
    upload.emplace(context_.uploads);
    if (upload->rank() > limits_.max_uploads) {
      problem = Refusal{503, "overloaded", "too many uploads at once; try again later"};
      co_return;
    }
    const ServerOptions& options = context_.options;
    exchange_->form = std::make_unique<FormReceiver>(
        *boundary, FormLimits{options.max_form_parts, options.max_field_bytes},
        options.spool_folder);
  }
  const bool waits = version_11_ && request.headers.has("expect");
  if (waits && !parser.done() && received().empty()) {
    const bool told = co_await write("HTTP/1.1 100 Continue\r\n\r\n", patience());
    left_early_ = !told;
  }
  if (!left_early_) co_await receive_body(parser, problem);
  if (!left_early_ && !problem && exchange_->form) co_await end_form(problem);
  release_memory();
}

Awaitable<void> Connection::receive_body(RequestParser& parser, Problem& problem) {
  const Clock::time_point begun = Clock::now();
  const uint64_t most = exchange_->route->max_body_bytes;
  const RequestParser::Sink sink = [&](std::string_view piece) {
    body_bytes_ += piece.size();
    if (problem) return;
    if (body_bytes_ > most) {
      problem = Refusal{413, "too_large", "Request Entity Too Large"};
    } else if (exchange_->form) {
      problem = exchange_->form->receive(piece);
    } else {
      exchange_->request.body += piece;
    }
  };
  const std::function<void()> parse = [&] {
    const auto used = parser.parse_body(received(), sink);
    if (!used) {
      problem = bad_request("the chunks of the body are malformed");
      return;
    }
    received().erase(0, *used);
    if (!problem && !parser.done() && received().size() > kMostChunkHead) {
      problem = bad_request("the head of a chunk is too long");
    }
  };
  while (!parser.done() && !problem) {
    if (!received().empty() && exchange_->form) {
      co_await on_spooler(parse);
    } else if (!received().empty()) {
      parse();
    }
    if (parser.done() || problem) break;
    const Clock::time_point now = Clock::now();
    const double took = std::chrono::duration<double>(now - begun).count();
    if (took > kSlownessCounts && double(body_bytes_) < took * kSlowestBytesPerSecond) {
      problem = kTooSlow;
      break;
    }
    const Read got =
        co_await read(now + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(limits_.body_idle_timeout_s)));
    if (got == Read::kTimeout) problem = kTooSlow;
    left_early_ = got == Read::kEnd;
    if (left_early_) break;
  }
}

/// Runs `work`, which may wait for the disk, elsewhere; only then goes on.
Awaitable<void> Connection::on_spooler(const std::function<void()>& work) {
  bool done = false;
  boost::asio::post(context_.spoolers, [&, self = self()] {
    work();
    boost::asio::post(executor(), [&done, self] {
      done = true;
      self->wake();
    });
  });
  while (!done) co_await wait(kForever);
}

Awaitable<void> Connection::end_form(Problem& problem) {
  problem = exchange_->form->finish();
  if (!problem) exchange_->request.form = exchange_->form->take();
  co_return;
}

}  // namespace maie::http
