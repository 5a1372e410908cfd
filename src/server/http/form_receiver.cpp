#include "server/http/form_receiver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "base/secret.h"

namespace maie::http {
namespace {

constexpr std::string_view kPrefix = "upload-";
/// Written bytes go to the disk in such steps, so that flushing a large file at the end is short.
constexpr uint64_t kFlushStep = 8 << 20;

Refusal too_large(const std::string& what) { return {413, "too_large", what}; }

/// What the failed system call means to the client; the rest is for the log.
Refusal disk_refusal(const char* what, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  log_error("an upload failed: " + errno_status(what, error_number).message());
  if (full) return {507, "disk_full", "there is no room for the upload now; try again later"};
  if (error_number == EROFS || error_number == EIO || error_number == EACCES) {
    return {503, "unavailable", "uploads cannot be stored now; try again later"};
  }
  return {500, "internal", "the upload could not be stored"};
}

}  // namespace

FormReceiver::FormReceiver(std::string_view boundary, const FormLimits& limits,
                           std::string spool_folder)
    : limits_(limits),
      folder_(std::move(spool_folder)),
      parser_(boundary, limits.max_parts, *this) {}

FormReceiver::~FormReceiver() {
  close_file();
  for (const std::string& path : paths_) ::unlink(path.c_str());  // or it was renamed
}

std::optional<Refusal> FormReceiver::receive(std::string_view bytes) { return parser_.feed(bytes); }

std::optional<Refusal> FormReceiver::finish() { return parser_.finish(); }

std::optional<Refusal> FormReceiver::begin(PartHead head) {
  if (auto refusal = count(head.name.size() + head.content_type.size())) return refusal;
  if (head.file_name) return open_file(std::move(head));
  form_.fields.emplace_back(std::move(head.name), "");
  return std::nullopt;
}

std::optional<Refusal> FormReceiver::data(std::string_view bytes) {
  return file_ >= 0 ? write_file(bytes) : add_to_field(bytes);
}

std::optional<Refusal> FormReceiver::end() {
  if (file_ < 0) return std::nullopt;
  form_.files.back().sha256 = digest_->hex();
  close_file();
  return std::nullopt;
}

std::optional<Refusal> FormReceiver::open_file(PartHead head) {
  const std::string path = folder_ + "/" + std::string(kPrefix) + random_hex(16);
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0) return disk_refusal("the spool folder", errno);
  paths_.push_back(path);
  digest_.emplace(Digest::Kind::kSha256);
  flushed_ = 0;
  form_.files.push_back({.name = std::move(head.name),
                         .file_name = std::move(*head.file_name),
                         .content_type = std::move(head.content_type),
                         .path = path});
  return std::nullopt;
}

std::optional<Refusal> FormReceiver::write_file(std::string_view bytes) {
  FormFile& file = form_.files.back();
  digest_->add(bytes);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_refusal("writing to the spool folder", errno);
    file.bytes += static_cast<uint64_t>(written);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (file.bytes - flushed_ >= kFlushStep) {
    ::sync_file_range(file_, static_cast<off_t>(flushed_),
                      static_cast<off_t>(file.bytes - flushed_), SYNC_FILE_RANGE_WRITE);
    flushed_ = file.bytes;
  }
  return std::nullopt;
}

std::optional<Refusal> FormReceiver::add_to_field(std::string_view bytes) {
  std::string& value = form_.fields.back().second;
  if (value.size() + bytes.size() > limits_.max_field_bytes) {
    return too_large("a field of the form is longer than " +
                     std::to_string(limits_.max_field_bytes) + " bytes");
  }
  value += bytes;
  return count(bytes.size());
}

std::optional<Refusal> FormReceiver::count(size_t bytes) {
  field_bytes_ += bytes;
  if (field_bytes_ <= 2 * limits_.max_field_bytes) return std::nullopt;
  return too_large("the fields of the form are longer than " +
                   std::to_string(2 * limits_.max_field_bytes) + " bytes together");
}

void FormReceiver::close_file() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  digest_.reset();
}

Status prepare_spool(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return errno_status(folder, error.value());
  if (::chmod(folder.c_str(), 0700) != 0) return errno_status(folder, errno);
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kPrefix) &&
        std::filesystem::is_regular_file(entry->symlink_status(ignored))) {
      std::filesystem::remove(entry->path(), ignored);
    }
  }
  if (error) return errno_status(folder, error.value());
  return {};
}

}  // namespace maie::http
