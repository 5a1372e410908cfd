#include "server/upload.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/ascii.h"
#include "base/check.h"
#include "base/log.h"
#include "text/utf8.h"

namespace maie::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFieldBytes = 1 << 20;  // of a form, beside its file
constexpr std::array kGuaranteed = {".wav", ".mp3", ".m4a", ".flac"};
// Names of containers that FFmpeg reads; others are stored as .wav, the content decides anyway.
constexpr std::array kKnown = {".wav", ".mp3",  ".m4a",  ".flac", ".ogg", ".opus", ".webm",
                               ".mp4", ".mpeg", ".mpga", ".aac",  ".amr", ".mov",  ".mkv"};
constexpr std::array kMimeTypes = {"audio/wav", "audio/wave",  "audio/x-wav", "audio/mpeg",
                                   "audio/mp4", "audio/x-m4a", "audio/flac"};

std::string extension_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == name.npos ? "" : lower(name.substr(dot));
}

template <size_t N>
bool is_one_of(const std::array<const char*, N>& words, std::string_view text) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// "audio/mpeg; codecs=mp3" is "audio/mpeg".
std::string mime_of(const http::FormFile& file) {
  std::string mime = lower(file.content_type.substr(0, file.content_type.find(';')));
  while (!mime.empty() && mime.back() == ' ') mime.pop_back();
  return mime;
}

// Enough to tell text from sound.
std::string first_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(4096, '\0');
  file.read(bytes.data(), std::streamsize(bytes.size()));
  bytes.resize(size_t(file.gcount()));
  return bytes;
}

// Containers and codecs whose first bytes may look like text.
bool begins_as_recording(std::string_view bytes) {
  for (const char* magic : {"RIFF", "RF64", "fLaC", "OggS", "ID3", "FORM", "caff", ".snd", "#!AMR",
                            "ADIF", "MAC ", "wvpk", "MPCK", "TTA1"}) {
    if (bytes.starts_with(magic)) return true;
  }
  return bytes.size() > 8 && bytes.substr(4, 4) == "ftyp";  // mp4, m4a, mov
}

// Whether all of it is text in UTF-8: HTML, JSON, a playlist, a letter. Compressed sound is not for
// a dozen bytes.
bool is_text(std::string_view bytes) {
  const bool cut = bytes.size() == 4096;  // perhaps within a character
  for (size_t keep = 0; cut && keep < 3 && (bytes.back() & 0x80) != 0; ++keep) {
    const bool lead = (bytes.back() & 0xC0) == 0xC0;
    bytes.remove_suffix(1);
    if (lead) break;
  }
  const auto is_control = [](char c) {
    return (c >= 0 && c < ' ' &&
            std::string_view("\t\n\v\f\r\x1b").find(c) == std::string_view::npos);
  };
  return std::none_of(bytes.begin(), bytes.end(), is_control) && text::repair_utf8(bytes) == bytes;
}

bool is_something_else(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return true;
  if (begins_as_recording(bytes)) return false;
  for (const std::string_view magic :
       {"%PDF-"sv, "\x89PNG\r\n"sv, "\xff\xd8\xff"sv, "GIF8"sv, "PK\x03\x04"sv, "\x1f\x8b"sv,
        "7z\xbc\xaf"sv, "Rar!"sv, "BZh"sv, "\xfd\x37zXZ"sv,
        "\x7f"
        "ELF"sv,
        "MZ\x90"sv, "SQLite format 3"sv, "\xd0\xcf\x11\xe0"sv}) {
    if (bytes.starts_with(magic)) return true;
  }
  return is_text(bytes);
}

ApiError unsupported_file(const http::FormFile& file, std::string message) {
  return {.status = 415,
          .code = "UNSUPPORTED_FORMAT",
          .message = std::move(message),
          .param = "file",
          .details = {{"filename", sanitised_file_name(file.file_name)},
                      {"extension", extension_of(file.file_name)},
                      {"mime_type", file.content_type},
                      {"allowed_extensions", kGuaranteed},
                      {"allowed_mime_types", kMimeTypes}}};
}

Status flush(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return errno_status("an upload", errno);
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  return failed == 0 ? Status() : errno_status("an upload", failed);
}

}  // namespace

size_t most_upload_bytes(const config::Settings& settings) {
  return size_t(settings.api.max_file_size_mb * 1048576);
}

size_t most_form_bytes(const config::Settings& settings) {
  return most_upload_bytes(settings) + kFieldBytes;
}

std::optional<ApiError> check_upload(const http::FormFile& file) {
  if (file.bytes == 0) {
    return ApiError{.status = 422,
                    .code = "VALIDATION_ERROR",
                    .message = "Missing or invalid 'file' field: the file is empty",
                    .param = "file"};
  }
  const std::string mime = mime_of(file);
  const bool audio = mime.starts_with("audio/") || mime.starts_with("video/");
  const bool known = is_one_of(kKnown, extension_of(file.file_name));
  if (!known && !audio) {
    return unsupported_file(file, "Unsupported file type: " + sanitised_file_name(file.file_name));
  }
  if (!mime.empty() && !audio && mime != "application/octet-stream" && mime != "text/plain") {
    return unsupported_file(file, "File MIME type must be audio/*, got: " + mime);
  }
  if (is_plainly_no_recording(file)) {
    return unsupported_file(file, "The file is no recording, whatever its name says: " +
                                      sanitised_file_name(file.file_name));
  }
  return std::nullopt;
}

bool is_plainly_no_recording(const http::FormFile& file) {
  return is_something_else(first_bytes(file.path));
}

Result<std::string> keep_upload(const config::Settings& settings, const std::string& task_id,
                                const http::FormFile& file) {
  check(is_task_id(task_id), "a folder is named by a task");
  const std::string extension = extension_of(file.file_name);
  const std::string name = is_one_of(kKnown, extension) ? "raw" + extension : "raw.wav";
  const std::string folder = settings.paths.audio_dir + "/" + task_id;
  if (::mkdir(folder.c_str(), 0700) != 0) return errno_status("an upload", errno);
  const std::string path = folder + "/" + name;
  Status status;
  if (::rename(file.path.c_str(), path.c_str()) != 0) status = errno_status("an upload", errno);
  if (status.ok()) status = flush(path, O_RDONLY);
  if (status.ok()) status = flush(folder, O_RDONLY | O_DIRECTORY);
  if (status.ok()) status = flush(settings.paths.audio_dir, O_RDONLY | O_DIRECTORY);
  if (!status.ok()) {
    log_error("an upload could not be kept: " + status.message());
    remove_task_folder(settings, task_id);
    return status;
  }
  return task_id + "/" + name;
}

void remove_task_folder(const config::Settings& settings, const std::string& task_id) {
  if (!is_task_id(task_id)) return;
  std::error_code error;
  fs::remove_all(settings.paths.audio_dir + "/" + task_id, error);
  if (error) log_warning("the recording of a task could not be removed: " + error.message());
}

std::string sanitised_file_name(std::string name) {
  const auto erase_all = [&name](std::string_view what) {
    for (size_t at; (at = name.find(what)) != name.npos;) name.erase(at, what.size());
  };
  const auto replace_all = [&name](std::string_view what) {
    for (size_t at; (at = name.find(what)) != name.npos;) name.replace(at, what.size(), "_");
  };
  erase_all("../");
  erase_all("..\\");
  replace_all("..");
  for (char& c : name) {
    if (std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos || (c >= 0 && c < ' ')) {
      c = '_';
    }
  }
  if (name.size() > 255) {
    const std::string extension = extension_of(name).size() <= 16 ? extension_of(name) : "";
    size_t keep = 255 - extension.size();
    while (keep > 0 && (static_cast<unsigned char>(name[keep]) & 0xC0) == 0x80) --keep;
    name = name.substr(0, keep) + extension;
  }
  const auto trim = [&name](char c) {
    while (!name.empty() && name.front() == c) name.erase(0, 1);
    while (!name.empty() && name.back() == c) name.pop_back();
  };
  trim(' ');
  trim('.');
  return name.empty() ? "unnamed_file" : name;
}

std::string new_task_id() {
  std::array<unsigned char, 16> bytes{};
  check(::getrandom(bytes.data(), bytes.size(), 0) == ssize_t(bytes.size()), "random bytes");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
  std::string id;
  for (size_t i = 0; i < bytes.size(); ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
    id += digits;
    if (i == 3 || i == 5 || i == 7 || i == 9) id += '-';
  }
  return id;
}

bool is_task_id(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

}  // namespace maie::server
