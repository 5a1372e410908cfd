// libFuzzer: the body of a form with the boundary "B", behind one byte for the size of its pieces.
// However it is cut, the same form is received, within its limits, and the spool folder is left as
// it was found.
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/log.h"
#include "server/http/characters.h"
#include "server/http/form_receiver.h"

namespace {

using namespace maie::http;
namespace fs = std::filesystem;

constexpr FormLimits kLimits{.max_parts = 8, .max_field_bytes = 64};

void check(bool holds) {
  if (!holds) std::abort();
}

/// Removed when the process ends.
class SpoolFolder {
 public:
  SpoolFolder() {
    // In memory where that is possible: every input writes its files several times.
    std::string name = (fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
                       "spool.XXXXXX";
    check(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    check(prepare_spool(path_).ok());
  }
  ~SpoolFolder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void check_file(const FormFile& file) {
  struct stat facts = {};
  check(::lstat(file.path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode));
  check((facts.st_mode & 0777) == 0600 && uint64_t(facts.st_size) == file.bytes);
  check(valid_utf8(file.name) && valid_utf8(file.file_name));
  maie::Digest digest(maie::Digest::Kind::kSha256);
  digest.add(content(file.path));
  check(digest.hex() == file.sha256);
}

void check_form(const Form& form) {
  check(form.fields.size() + form.files.size() <= size_t{8});
  size_t kept = 0;
  for (const auto& [name, value] : form.fields) {
    check(valid_utf8(name) && value.size() <= kLimits.max_field_bytes);
    kept += name.size() + value.size();
  }
  check(kept <= 2 * kLimits.max_field_bytes);
  for (const FormFile& file : form.files) check_file(file);
}

/// The form as a text with everything but the paths; a refusal as "!code".
std::string received(std::string_view body, size_t piece, const std::string& folder) {
  FormReceiver receiver("B", kLimits, folder);
  std::optional<Refusal> refusal;
  for (size_t at = 0; at < body.size() && !refusal; at += piece) {
    refusal = receiver.receive(body.substr(at, piece));
  }
  if (!refusal) refusal = receiver.finish();
  if (refusal) {
    check(refusal->status >= 400 && refusal->status < 500 && !refusal->message.empty());
    return "!" + refusal->code;
  }
  const Form form = receiver.take();
  check_form(form);
  std::string out;
  for (const auto& [name, value] : form.fields) out += name + '\x1e' + value + '\x1f';
  for (const FormFile& file : form.files) {
    out += file.name + '\x1e' + file.file_name + '\x1e' + file.content_type + '\x1e' + file.sha256 +
           '\x1f';
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const SpoolFolder folder;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string whole = received(body, size, folder.path());
  check(received(body, 1, folder.path()) == whole);
  check(received(body, size_t{data[0]} + 1, folder.path()) == whole);
  check(fs::is_empty(folder.path()));
  return 0;
}
