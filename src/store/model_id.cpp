#include "store/model_id.h"

#include <algorithm>

namespace maie::store {
namespace {

constexpr size_t kLongestName = 96;
constexpr size_t kLongestPath = 1000;
constexpr size_t kLongestSegment = 200;  // of 255, so that ".part" and the like still fit
constexpr std::string_view kFolderPrefix = "models--";

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// An organisation or a model. "--" is what joins the two in the name of a folder.
bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kLongestName) return false;
  if (text.front() == '.' || text.front() == '-' || text.back() == '.' || text.back() == '-')
    return false;
  if (text.find("--") != text.npos || text.find("..") != text.npos) return false;
  return std::all_of(text.begin(), text.end(), is_name_character);
}

Status not_an_id(std::string_view text) {
  return invalid_input("\"" + std::string(text.substr(0, 200)) +
                       "\" is not the name of a model; write org/name, org/name@revision or "
                       "org/name/file.gguf");
}

}  // namespace

Result<ModelId> parse_model_id(std::string_view text) {
  ModelId id;
  std::string_view rest = text;
  if (const size_t at = rest.find('@'); at != rest.npos) {
    id.revision = rest.substr(at + 1);
    if (!is_safe_path(id.revision) || id.revision.find('@') != std::string::npos)
      return not_an_id(text);
    rest = rest.substr(0, at);
  }
  const size_t slash = rest.find('/');
  const std::string_view first = rest.substr(0, slash);
  if (!is_name(first)) return not_an_id(text);
  if (slash == rest.npos) {
    id.repo = first;
    return id;
  }
  rest = rest.substr(slash + 1);
  const size_t second_slash = rest.find('/');
  const std::string_view second = rest.substr(0, second_slash);
  if (!is_name(second)) return not_an_id(text);
  id.repo = std::string(first) + "/" + std::string(second);
  if (second_slash != rest.npos) {
    id.file = rest.substr(second_slash + 1);
    if (!is_safe_path(id.file)) return not_an_id(text);
  }
  return id;
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kLongestPath) return false;
  const auto bad = [](char c) { return uint8_t(c) < 0x20 || c == 0x7f || c == '\\'; };
  if (std::any_of(path.begin(), path.end(), bad)) return false;
  while (true) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (segment.empty() || segment == "." || segment == ".." || segment.size() > kLongestSegment)
      return false;
    if (end == path.size()) return true;
    path.remove_prefix(end + 1);
  }
}

bool is_hex(std::string_view text, size_t digits) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == digits && std::all_of(text.begin(), text.end(), hex);
}

std::string folder_of_repo(std::string_view repo) {
  std::string folder(kFolderPrefix);
  for (const char c : repo) folder += c == '/' ? std::string("--") : std::string(1, c);
  return folder;
}

std::string repo_of_folder(std::string_view folder) {
  if (folder.substr(0, kFolderPrefix.size()) != kFolderPrefix) return "";
  std::string repo(folder.substr(kFolderPrefix.size()));
  if (const size_t joint = repo.find("--"); joint != repo.npos) repo.replace(joint, 2, "/");
  const Result<ModelId> id = parse_model_id(repo);
  return id.has_value() && folder_of_repo(id->repo) == folder ? repo : "";
}

std::string percent_encoded(std::string_view text, bool keep_slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_name_character(c) || c == '~' || (keep_slash && c == '/')) {
      out += c;
    } else {
      out += '%';
      out += kDigits[uint8_t(c) >> 4];
      out += kDigits[uint8_t(c) & 15];
    }
  }
  return out;
}

}  // namespace maie::store
