#include "llm/prefix_store.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"

namespace maie::llm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "MAIEKV01";
constexpr size_t kHashBytes = 64;  // SHA-256 in hexadecimal
constexpr size_t kMostPending = 2;
constexpr std::string_view kEnding = ".prefix";

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

void append_u64(std::string& out, uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out += char(value >> shift & 0xFF);
}

void append_part(std::string& out, std::span<const std::byte> bytes) {
  append_u64(out, bytes.size());
  out.append(as_text(bytes));
}

std::string token_bytes(std::span<const int32_t> tokens) {
  std::string out;
  for (const int32_t token : tokens) {
    for (int shift = 0; shift < 32; shift += 8) out += char(uint32_t(token) >> shift & 0xFF);
  }
  return out;
}

// A part with its length before it, taken off the front; nothing when it ends past the file.
std::optional<std::span<const std::byte>> take_part(std::span<const std::byte>& rest) {
  if (rest.size() < 8) return {};
  uint64_t size = 0;
  for (size_t i = 0; i < 8; ++i) size |= uint64_t(rest[i]) << (8 * i);
  rest = rest.subspan(8);
  if (size > rest.size()) return {};
  const auto part = rest.first(size_t(size));
  rest = rest.subspan(size_t(size));
  return part;
}

}  // namespace

Result<std::span<const std::byte>> parse_stored_prefix(std::span<const std::byte> file,
                                                       std::string_view identity,
                                                       std::span<const int32_t> tokens,
                                                       size_t page_bytes, int64_t page_tokens) {
  const size_t head = kMagic.size() + kHashBytes;
  if (file.size() < head || as_text(file.first(kMagic.size())) != kMagic) {
    return corrupt("not a kept prefix, or of another version");
  }
  auto rest = file.subspan(head);
  const auto named = take_part(rest);
  const auto ids = named ? take_part(rest) : std::nullopt;
  const auto pages = ids ? take_part(rest) : std::nullopt;
  if (!pages || !rest.empty()) return corrupt("cut short, or longer than it says");
  if (as_text(*named) != identity) return not_found("of another model or machine");
  if (as_text(*ids) != token_bytes(tokens)) return not_found("of another prompt");
  if (int64_t(tokens.size()) % page_tokens != 0 ||
      pages->size() != size_t(int64_t(tokens.size()) / page_tokens) * page_bytes) {
    return corrupt("pages of another size");
  }
  if (sha256_hex(file.subspan(head)) != as_text(file.subspan(kMagic.size(), kHashBytes))) {
    return corrupt("its checksum does not fit");
  }
  return *pages;
}

PrefixStore::PrefixStore(PrefixStoreOptions options)
    : options_(std::move(options)), thread_([this] { work(); }) {}

PrefixStore::~PrefixStore() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::string PrefixStore::path_of(std::span<const int32_t> tokens) const {
  const std::string what = options_.identity + '\n' + token_bytes(tokens);
  return options_.directory + "/" + sha256_hex(as_bytes(what)) + std::string(kEnding);
}

bool PrefixStore::has(std::span<const int32_t> tokens) const {
  std::error_code error;
  return fs::exists(path_of(tokens), error);
}

std::vector<std::byte> PrefixStore::load(std::span<const int32_t> tokens) const {
  if (!has(tokens)) return {};
  const std::string path = path_of(tokens);
  const auto file = MappedFile::open(path);
  if (!file) return {};
  const auto pages = parse_stored_prefix((*file)->bytes(), options_.identity, tokens,
                                         options_.page_bytes, options_.page_tokens);
  std::error_code error;
  if (!pages) {
    log_warning(path + ": " + pages.error().message() + "; the prompt is read anew");
    fs::remove(path, error);
    return {};
  }
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);  // used now
  return {pages->begin(), pages->end()};
}

void PrefixStore::save(std::span<const int32_t> tokens, std::vector<std::byte> pages) {
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() >= kMostPending) {
      log_warning(options_.directory + ": slower than prompts come; one is not kept");
      return;
    }
  }
  std::string body;
  body.reserve(pages.size() + 4 * tokens.size() + options_.identity.size() + 24);
  append_part(body, as_bytes(options_.identity));
  append_part(body, as_bytes(token_bytes(tokens)));
  append_part(body, pages);
  {
    const std::lock_guard lock(mutex_);
    pending_.push_back({path_of(tokens), std::move(body)});
  }
  changed_.notify_all();
}

void PrefixStore::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return pending_.empty() && !writing_; });
}

void PrefixStore::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closing_ || !pending_.empty(); });
    if (pending_.empty()) return;
    const Pending pending = std::move(pending_.front());
    pending_.pop_front();
    writing_ = true;
    lock.unlock();
    write(pending);
    lock.lock();
    writing_ = false;
    changed_.notify_all();
  }
}

void PrefixStore::write(const Pending& pending) const {
  try {
    fs::create_directories(options_.directory);
    const std::string content =
        std::string(kMagic) + sha256_hex(as_bytes(pending.content)) + pending.content;
    if (content.size() > options_.most_bytes) return;
    remove_oldest(options_.most_bytes - content.size());
    const Status written = write_file_atomically(pending.path, content);
    if (!written.ok()) log_warning("a prompt is not kept: " + written.message());
  } catch (const std::exception& error) {
    log_warning(options_.directory + ": a prompt is not kept: " + error.what());
  }
}

void PrefixStore::remove_oldest(size_t room) const {
  struct Kept {
    fs::file_time_type used;
    fs::path path;
    size_t size;
  };
  std::vector<Kept> files;
  size_t total = 0;
  for (const auto& entry : fs::directory_iterator(options_.directory)) {
    if (entry.path().extension() != kEnding) continue;
    std::error_code error;
    const auto used = entry.last_write_time(error);
    const auto size = error ? 0 : entry.file_size(error);
    if (error) continue;  // somebody else removed it
    files.push_back({used, entry.path(), size_t(size)});
    total += size_t(size);
  }
  std::sort(files.begin(), files.end(),
            [](const Kept& a, const Kept& b) { return a.used < b.used; });
  for (const Kept& file : files) {
    if (total <= room) return;
    std::error_code error;
    fs::remove(file.path, error);
    total -= file.size;
  }
}

}  // namespace maie::llm
