#include "audio/clip.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "audio/sample.h"

namespace maie::audio {
namespace {

constexpr size_t kBlockSamples = 64 * 1024;

std::vector<std::string> temporary_folders(const std::string& wanted) {
  if (!wanted.empty()) return {wanted};
  if (const char* folder = std::getenv("TMPDIR"); folder != nullptr && *folder != '\0') {
    return {folder};
  }
  return {"/var/tmp", "/tmp"};
}

int open_unlinked(const std::string& folder) {
  const int direct = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (direct >= 0) return direct;
  // Network and overlay file systems may lack O_TMPFILE.
  std::string name = folder + "/maie-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

Result<int> open_temporary_file(const std::string& folder) {
  Status failure;
  for (const std::string& candidate : temporary_folders(folder)) {
    const int file = open_unlinked(candidate);
    if (file >= 0) return file;
    failure = errno_status(
        candidate + ": cannot make a temporary file (name another folder with TMPDIR)", errno);
  }
  return failure;
}

struct Clip::Content {
  std::vector<int16_t> memory;  // all samples of a short clip; else those not yet in the file
  int file = -1;
  int64_t in_file = 0;  // samples in the file, which come before those in memory
  AudioInfo info;
  std::vector<std::string> warnings;

  Content() = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() {
    if (file >= 0) ::close(file);
  }
  int64_t size() const { return in_file + int64_t(memory.size()); }

  Status read_file(int64_t first, std::span<int16_t> out) const {
    char* to = reinterpret_cast<char*>(out.data());
    size_t left = out.size_bytes();
    off_t at = off_t(first) * off_t(sizeof(int16_t));
    while (left > 0) {
      const ssize_t count = ::pread(file, to, left, at);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        return unavailable("cannot read the decoded audio back from its temporary file" +
                           std::string(count == 0 ? " (it was cut)" : "") + "; check that disk");
      }
      to += count;
      left -= size_t(count);
      at += count;
    }
    return {};
  }
};

Clip::Clip() : content_(std::make_shared<const Content>()) {}
Clip::~Clip() = default;
Clip::Clip(const Clip&) = default;
Clip& Clip::operator=(const Clip&) = default;
// A moved-from clip must still answer, so moves copy the shared pointer.
Clip::Clip(Clip&& other) noexcept : content_(other.content_) {}
Clip& Clip::operator=(Clip&& other) noexcept {
  content_ = other.content_;
  return *this;
}

Clip Clip::from_samples(std::span<const float> samples) {
  auto content = std::make_shared<Content>();
  content->memory.resize(samples.size());
  std::transform(samples.begin(), samples.end(), content->memory.begin(), to_s16);
  content->info = {.container = "",
                   .codec = "",
                   .rate_hz = kRate,
                   .channels = 1,
                   .duration_hint_s = double(samples.size()) / kRate};
  Clip clip;
  clip.content_ = std::move(content);
  return clip;
}

int64_t Clip::size_samples() const { return content_->size(); }
const AudioInfo& Clip::info() const { return content_->info; }
const std::vector<std::string>& Clip::warnings() const { return content_->warnings; }
bool Clip::on_disk() const { return content_->file >= 0; }

Status Clip::read(int64_t first, std::span<float> out) const {
  check(first >= 0 && first + int64_t(out.size()) <= size_samples(), "range within the clip");
  if (!on_disk()) {
    std::transform(content_->memory.begin() + first,
                   content_->memory.begin() + first + int64_t(out.size()), out.begin(), from_s16);
    return {};
  }
  std::vector<int16_t> block(std::min(kBlockSamples, out.size()));
  for (size_t done = 0; done < out.size();) {
    const size_t now = std::min(block.size(), out.size() - done);
    MAIE_TRY(content_->read_file(first + int64_t(done), std::span(block).first(now)));
    std::transform(block.begin(), block.begin() + int64_t(now), out.begin() + int64_t(done),
                   from_s16);
    done += now;
  }
  return {};
}

ClipWriter::ClipWriter(Options options)
    : options_(std::move(options)), content_(std::make_unique<Clip::Content>()) {}
ClipWriter::~ClipWriter() = default;
ClipWriter::ClipWriter(ClipWriter&&) noexcept = default;

int64_t ClipWriter::size_samples() const { return content_->size(); }

Status ClipWriter::append(std::span<const float> samples) {
  std::vector<int16_t>& memory = content_->memory;
  const size_t limit = size_t(std::max(options_.memory_limit_s, 0.0) * Clip::kRate);
  while (!samples.empty()) {
    const size_t now = std::min(kBlockSamples, samples.size());
    const size_t before = memory.size();
    memory.resize(before + now);
    std::transform(samples.begin(), samples.begin() + int64_t(now),
                   memory.begin() + int64_t(before), to_s16);
    samples = samples.subspan(now);
    if (content_->file < 0 && memory.size() > limit) {
      MAIE_ASSIGN(content_->file, open_temporary_file(options_.temporary_folder));
    }
    if (content_->file >= 0) MAIE_TRY(flush());
  }
  return {};
}

/// Moves the samples in memory to the end of the file.
Status ClipWriter::flush() {
  std::vector<int16_t>& memory = content_->memory;
  const char* from = reinterpret_cast<const char*>(memory.data());
  size_t left = memory.size() * sizeof(int16_t);
  off_t at = off_t(content_->in_file) * off_t(sizeof(int16_t));
  while (left > 0) {
    const ssize_t count = ::pwrite(content_->file, from, left, at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const std::string where = "temporary file for the decoded audio";
      if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) {
        return resource_exhausted(where +
                                  ": no room left; free some space (115 MB for an hour of "
                                  "audio) or name another folder with TMPDIR");
      }
      return errno_status(where, errno);
    }
    from += count;
    left -= size_t(count);
    at += count;
  }
  content_->in_file += int64_t(memory.size());
  if (memory.capacity() > 4 * kBlockSamples) {
    std::vector<int16_t>().swap(memory);  // the 15 minutes that were in memory so far
  }
  memory.clear();
  return {};
}

Clip ClipWriter::finish(AudioInfo info, std::vector<std::string> warnings) {
  content_->info = std::move(info);
  content_->warnings = std::move(warnings);
  content_->memory.shrink_to_fit();
  Clip clip;
  clip.content_ = std::move(content_);
  content_ = std::make_unique<Clip::Content>();
  return clip;
}

}  // namespace maie::audio
