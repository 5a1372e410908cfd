#include "store/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "store/model_id.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSaveEvery = 16 << 20;
constexpr size_t kLargestJournal = 4 << 20;
constexpr size_t kMostRanges = 50'000;
constexpr std::string_view kEnding = ".part";

// Parts of that tag in the folder, and what an interrupted journal left ("….part.json.XXXXXX").
std::vector<std::string> leftovers(const std::string& folder, const std::string& tag) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(tag + ".") && name.find(kEnding, tag.size()) != name.npos)
      names.push_back(it->path().string());
  }
  return names;
}

std::optional<ByteRanges> parse_journal(std::string_view text, const std::string& tag,
                                        uint64_t size_bytes) {
  const Result<Json> json = parse_json(text, {.depth = 4, .values = 4 * kMostRanges});
  if (!json.has_value() || !json->is_object()) return std::nullopt;
  if (json_string(*json, "tag", "") != tag || json_int(*json, "size", -1) != int64_t(size_bytes))
    return std::nullopt;
  const auto done = json->find("done");
  if (done == json->end() || !done->is_array() || done->size() > kMostRanges) return std::nullopt;
  ByteRanges ranges;
  for (const Json& pair : *done) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_unsigned() ||
        !pair[1].is_number_unsigned())
      return std::nullopt;
    const ByteRange range{pair[0].get<uint64_t>(), pair[1].get<uint64_t>()};
    if (range.begin >= range.end || range.end > size_bytes) return std::nullopt;
    ranges.add(range);
  }
  return ranges;
}

Status flush_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return errno_status(folder, errno);
  const int failure = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // Some network file systems have no fsync of folders.
  return failure == 0 || failure == EINVAL ? Status() : errno_status(folder, failure);
}

}  // namespace

DiskCalls DiskCalls::real() {
  return {.write =
              [](int descriptor, const void* bytes, size_t count, uint64_t offset) {
                return long(::pwrite(descriptor, bytes, count, off_t(offset)));
              },
          .free_bytes = [](const std::string& folder) -> Result<uint64_t> {
            struct statvfs info {};
            if (::statvfs(folder.c_str(), &info) != 0) return errno_status(folder, errno);
            return uint64_t(info.f_bavail) * info.f_frsize;
          }};
}

PartFile::PartFile(std::string folder, std::string tag, uint64_t size_bytes, std::string commit,
                   const DiskCalls& disk)
    : folder_(std::move(folder)),
      tag_(std::move(tag)),
      commit_(std::move(commit)),
      size_bytes_(size_bytes),
      disk_(disk) {}

PartFile::~PartFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::unique_ptr<PartFile>> PartFile::open(const std::string& folder, const std::string& tag,
                                                 uint64_t size_bytes, const std::string& commit,
                                                 const DiskCalls& disk) {
  check(is_content_tag(tag), "a part is named by a checked tag");
  std::unique_ptr<PartFile> part(new PartFile(folder, tag, size_bytes, commit, disk));
  const std::vector<std::string> found = leftovers(folder, tag);
  for (const std::string& path : found) {
    if (path.ends_with(kEnding) && part->descriptor_ < 0) part->resume(path);
  }
  for (const std::string& path : found) {
    if (path != part->path_ && path != part->path_ + ".json") ::unlink(path.c_str());
  }
  if (part->descriptor_ < 0) MAIE_TRY(part->begin());
  return part;
}

bool PartFile::resume(const std::string& path) {
  const Result<std::string> journal = read_file(path + ".json", kLargestJournal);
  if (!journal.has_value()) return false;
  const std::optional<ByteRanges> done = parse_journal(*journal, tag_, size_bytes_);
  if (!done) return false;
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  struct stat info {};
  const uint64_t last = done->list().empty() ? 0 : done->list().back().end;
  if (descriptor < 0 || ::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode) ||
      uint64_t(info.st_size) < last) {
    if (descriptor >= 0) ::close(descriptor);
    return false;
  }
  path_ = path;
  descriptor_ = descriptor;
  done_ = done_or_claimed_ = *done;
  was_resumed_ = done_.size() > 0;
  return true;
}

Status PartFile::begin() {
  path_ = folder_ + "/" + tag_ + ".XXXXXX" + std::string(kEnding);
  descriptor_ = ::mkostemps(path_.data(), int(kEnding.size()), O_CLOEXEC);
  if (descriptor_ < 0) return errno_status(path_, errno);
  // mkostemps makes the file private; a cache is shared as far as the user's umask says. The umask
  // itself can only be read by setting it, which other threads would notice.
  struct stat info {};
  if (::stat(folder_.c_str(), &info) == 0) (void)::fchmod(descriptor_, info.st_mode & 0666);
  return save();
}

Status PartFile::write(uint64_t offset, std::string_view bytes) {
  const ByteRange range{offset, offset + bytes.size()};
  check(range.end <= size_bytes_, "bytes within the file");
  while (!bytes.empty()) {
    const long count = disk_.write(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno_status(path_, errno);
    }
    offset += uint64_t(count);
    bytes.remove_prefix(size_t(count));
  }
  bool is_time = false;
  {
    const std::lock_guard lock(mutex_);
    done_.add(range);
    done_or_claimed_.add(range);
    unsaved_ += range.size();
    is_time = unsaved_ >= kSaveEvery;
  }
  return is_time ? save() : Status();
}

std::optional<ByteRange> PartFile::claim(uint64_t limit) {
  const std::lock_guard lock(mutex_);
  const std::optional<ByteRange> gap = done_or_claimed_.first_gap(size_bytes_, limit);
  if (gap) done_or_claimed_.add(*gap);
  return gap;
}

void PartFile::release(ByteRange claimed) {
  const std::lock_guard lock(mutex_);
  done_or_claimed_.remove(claimed);
  for (const ByteRange& range : done_.list()) done_or_claimed_.add(range);
}

uint64_t PartFile::done_bytes() const {
  const std::lock_guard lock(mutex_);
  return done_.size();
}

Status PartFile::save() {
  const std::lock_guard one(saving_);
  Json done = Json::array();
  {
    const std::lock_guard lock(mutex_);
    for (const ByteRange& range : done_.list()) done.push_back({range.begin, range.end});
    unsaved_ = 0;
  }
  if (::fdatasync(descriptor_) != 0) return errno_status(path_, errno);
  const Json journal = {{"tag", tag_}, {"size", size_bytes_}, {"commit", commit_}, {"done", done}};
  return write_file_atomically(path_ + ".json", journal.dump() + "\n");
}

Status PartFile::restart() {
  {
    const std::lock_guard lock(mutex_);
    done_.clear();
    done_or_claimed_.clear();
  }
  was_resumed_ = false;
  if (::ftruncate(descriptor_, 0) != 0) return errno_status(path_, errno);
  return save();
}

Status PartFile::finish(const CancelToken* cancel, const std::function<void(uint64_t)>& progress) {
  if (done_bytes() != size_bytes_) return internal_error(path_ + ": finished before it was whole");
  if (::ftruncate(descriptor_, off_t(size_bytes_)) != 0) return errno_status(path_, errno);
  MAIE_ASSIGN(const std::string hash, hash_like(tag_, path_, cancel, progress));
  if (hash != tag_) {
    return corrupt("the bytes that came have the hash " + hash + ", the hub's list says " + tag_ +
                   "; try again or another mirror");
  }
  if (::fsync(descriptor_) != 0) return errno_status(path_, errno);
  const std::string blob = folder_ + "/" + tag_;
  if (::rename(path_.c_str(), blob.c_str()) != 0) return errno_status(blob, errno);
  ::unlink((path_ + ".json").c_str());
  return flush_folder(folder_);
}

void PartFile::discard() {
  ::unlink(path_.c_str());
  ::unlink((path_ + ".json").c_str());
}

Result<std::string> hash_like(const std::string& tag, const std::string& path,
                              const CancelToken* cancel,
                              const std::function<void(uint64_t)>& progress) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno_status(path, errno);
  const std::unique_ptr<const int, void (*)(const int*)> closer(
      &descriptor, [](const int* open) { ::close(*open); });
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return errno_status(path, errno);
  if (!S_ISREG(info.st_mode)) return corrupt(path + ": is not a file");
  Digest digest(tag.size() == 40 ? Digest::Kind::kSha1 : Digest::Kind::kSha256);
  if (tag.size() == 40) {
    digest.add("blob " + std::to_string(info.st_size));
    digest.add(std::string_view("\0", 1));
  }
  std::vector<std::byte> block(1 << 20);
  for (uint64_t read_bytes = 0;;) {
    if (cancel != nullptr && cancel->is_cancelled()) return cancel->status();
    const ssize_t count = ::read(descriptor, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_status(path, errno);
    if (count == 0) return digest.hex();
    digest.add(std::span(block.data(), size_t(count)));
    read_bytes += uint64_t(count);
    if (progress) progress(read_bytes);
  }
}

}  // namespace maie::store
