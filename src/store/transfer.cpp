// One file, several workers. Each claims the first missing piece and asks for it as a range. Until
// the first answer tells whether the server knows ranges, one worker is at work alone; when it does
// not, that one takes the whole file and the others have nothing to do. A piece that broke off goes
// back to be claimed again, less what came.
#include "store/transfer.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>
#include <vector>

#include "net/retry.h"

namespace maie::store {
namespace {

constexpr uint64_t kSmallestPiece = 8 << 20;
constexpr uint64_t kLargestPiece = 256 << 20;

// "bytes 5-9/100"; nullopt for anything else.
struct ContentRange {
  uint64_t begin = 0, last = 0, total = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view text) {
  ContentRange range;
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const auto take = [&text](uint64_t& number, char end) {
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return false;
    text.remove_prefix(size_t(at - text.data()));
    if (end == 0) return text.empty();
    if (text.empty() || text.front() != end) return false;
    text.remove_prefix(1);
    return true;
  };
  if (!take(range.begin, '-') || !take(range.last, '/') || !take(range.total, 0))
    return std::nullopt;
  return range;
}

class Transfer {
 public:
  Transfer(const Hub& hub, std::string repo, std::string commit, std::string path, PartFile& part,
           const TransferOptions& options)
      : hub_(hub),
        repo_(std::move(repo)),
        commit_(std::move(commit)),
        path_(std::move(path)),
        what_(repo_ + ", " + path_),
        part_(part),
        options_(options) {
    const uint64_t left = part.size_bytes() - part.done_bytes();
    const uint64_t share = left / (2 * uint64_t(std::max(options.connections, 1))) + 1;
    piece_bytes_ = options.piece_bytes > 0    ? options.piece_bytes
                   : options.connections <= 1 ? UINT64_MAX
                                              : std::clamp(share, kSmallestPiece, kLargestPiece);
  }

  Status run() {
    std::vector<std::thread> others;
    const uint64_t pieces = (part_.size_bytes() - part_.done_bytes()) / piece_bytes_ + 1;
    const int workers = int(std::min<uint64_t>(uint64_t(options_.connections), pieces));
    for (int i = 1; i < workers; ++i) others.emplace_back([this] { work(); });
    work();
    for (std::thread& other : others) other.join();
    const Status saved = part_.save();
    return failure_.ok() ? saved : failure_;
  }

 private:
  enum class Mode { kUnknown, kRanges, kWhole };

  // What became of one request.
  struct Outcome {
    Status final;                   // not ok: no use in going on
    std::string why;                // not empty: worth another try
    std::optional<double> asked_s;  // what the server asks to wait
  };

  void work() {
    int failures = 0;                          // of this worker, in a row
    uint64_t best_bytes = part_.done_bytes();  // a failure after more than that is the first again
    while (const std::optional<ByteRange> piece = next_piece()) {
      Outcome outcome;
      try {
        outcome = fetch(*piece);
      } catch (const std::exception& error) {  // a thread has nobody above it
        outcome.final = internal_error(what_ + ": " + error.what());
      }
      if (outcome.final.ok() && !outcome.why.empty()) {
        const uint64_t done = part_.done_bytes();
        failures = done > best_bytes ? 1 : failures + 1;
        best_bytes = std::max(best_bytes, done);
        // The piece stays claimed meanwhile, or the others would try it without waiting.
        outcome.final = wait_for_next_try(hub_.retry(), failures, outcome.asked_s, outcome.why,
                                          options_.cancel);
      }
      put_back(*piece);
      if (!outcome.final.ok()) fail(outcome.final);
    }
  }

  std::optional<ByteRange> next_piece() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (!failure_.ok() || part_.done_bytes() == part_.size_bytes()) return std::nullopt;
      if (active_ == 0 || mode_ == Mode::kRanges) {
        if (active_ == 0 && mode_ == Mode::kWhole) mode_ = Mode::kUnknown;
        if (const auto piece = part_.claim(piece_bytes_)) {
          ++active_;
          return piece;
        }
      }
      changed_.wait(lock);
    }
  }

  void put_back(ByteRange piece) {
    const std::lock_guard lock(mutex_);
    part_.release(piece);
    --active_;
    changed_.notify_all();
  }

  void fail(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = status;
    changed_.notify_all();
  }

  bool has_failed() {
    const std::lock_guard lock(mutex_);
    return !failure_.ok();
  }

  Outcome fetch(ByteRange piece) {
    net::HttpRequest request = hub_.file_request(repo_, commit_, path_);
    request.headers.emplace_back(
        "Range", "bytes=" + std::to_string(piece.begin) + "-" + std::to_string(piece.end - 1));
    request.stall_limit_s = options_.stall_limit_s;
    request.max_body_bytes = part_.size_bytes() + (64 << 10);  // a sentence about an error at least
    uint64_t position = piece.begin, end = piece.end;
    bool has_begun = false;
    Outcome stop;  // why the receiver ended the exchange
    const auto receive = [&](const net::HttpResponse& head, std::string_view bytes) {
      if (has_failed()) {
        stop.final = cancelled("another part of the file failed");
        return false;
      }
      if (head.status != 200 && head.status != 206) return true;  // words, not the file
      if (!has_begun) {
        has_begun = true;
        stop = accept(head, piece, position, end);
        if (!stop.final.ok() || !stop.why.empty()) return false;
      }
      if (bytes.size() > end - position) {
        stop.final = corrupt(what_ + ": the server sends more bytes than asked for or listed");
        return false;
      }
      stop.final = part_.write(position, bytes);
      position += bytes.size();
      report();
      return stop.final.ok();
    };
    const Result<net::HttpResponse> response =
        hub_.client().send(request, options_.cancel, receive);
    if (!stop.final.ok() || !stop.why.empty()) return stop;
    if (response.has_value()) return judge(*response, piece, position, end);
    Outcome outcome;
    const Status status = response.error().within(what_);
    if (status.code() == Code::kUnavailable) {
      outcome.why = status.message();
    } else if (status.code() == Code::kResourceExhausted) {  // longer than max_body_bytes
      outcome.final = corrupt(what_ +
                              ": the server's file is longer than the hub lists; try again or "
                              "another mirror");
    } else {
      outcome.final = status;
    }
    return outcome;
  }

  // The head of an answer that carries the file: from where its bytes count.
  Outcome accept(const net::HttpResponse& head, ByteRange piece, uint64_t& position,
                 uint64_t& end) {
    Outcome outcome;
    if (head.status == 206) {
      const auto range = parse_content_range(head.header("content-range"));
      if (!range || range->begin != piece.begin) {
        outcome.why = what_ + ": the server sent another range than asked for";
      } else if (range->total != part_.size_bytes()) {
        outcome.final = wrong_size(range->total);
      } else {
        set_mode(Mode::kRanges);
      }
      return outcome;
    }
    if (!set_mode(Mode::kWhole)) {
      outcome.why = what_ + ": the server no longer sends ranges";
      return outcome;
    }
    if (piece.begin > 0 || part_.done_bytes() > 0) outcome.final = part_.restart();
    position = 0;
    end = part_.size_bytes();
    return outcome;
  }

  // True when the mode is, or now became, that one.
  bool set_mode(Mode mode) {
    const std::lock_guard lock(mutex_);
    if (mode_ == Mode::kUnknown || (mode == Mode::kWhole && active_ == 1)) mode_ = mode;
    changed_.notify_all();
    return mode_ == mode;
  }

  Status wrong_size(uint64_t size) const {
    return corrupt(what_ + ": the server's file has " + std::to_string(size) +
                   " bytes, the hub lists " + std::to_string(part_.size_bytes()) +
                   "; try again or another mirror");
  }

  Outcome judge(const net::HttpResponse& response, ByteRange piece, uint64_t position,
                uint64_t end) {
    Outcome outcome;
    const int status = response.status;
    if (status == 200 || status == 206) {
      // Whole answers of the wrong length: a short file, or a proxy that cut it.
      if (position < end)
        outcome.why =
            what_ + ": the answer ended " + std::to_string(end - position) + " bytes early";
      return outcome;
    }
    if (status == 416) {
      if (piece.begin == 0) {
        outcome.final = wrong_size(0);
      } else {
        outcome.why = what_ + ": the server has no bytes from " + std::to_string(piece.begin);
      }
      return outcome;
    }
    const bool elsewhere =
        origin_of(response.url) != origin_of(hub_.file_request(repo_, commit_, path_).url);
    // The signed address a redirect led to has expired; the hub gives a new one.
    if ((status == 401 || status == 403) && elsewhere) {
      outcome.why = what_ + ": the storage behind the hub refused the request";
      return outcome;
    }
    if (const std::optional<Status> refusal = hub_.refusal(response, what_)) {
      outcome.final = *refusal;
      return outcome;
    }
    outcome.asked_s = net::asked_pause_s(response, std::time(nullptr));
    outcome.why = what_ + ": the server answered with status " + std::to_string(status);
    return outcome;
  }

  void report() {
    if (!options_.progress) return;
    const std::lock_guard lock(reporting_);
    options_.progress(part_.done_bytes());
  }

  const Hub& hub_;
  const std::string repo_, commit_, path_, what_;
  PartFile& part_;
  const TransferOptions& options_;
  uint64_t piece_bytes_ = 0;
  std::mutex reporting_;

  std::mutex mutex_;  // of everything below
  std::condition_variable changed_;
  Mode mode_ = Mode::kUnknown;
  int active_ = 0;
  Status failure_;
};

}  // namespace

Status fetch_bytes(const Hub& hub, const std::string& repo, const std::string& commit,
                   const std::string& path, PartFile& part, const TransferOptions& options) {
  return Transfer(hub, repo, commit, path, part, options).run();
}

}  // namespace maie::store
