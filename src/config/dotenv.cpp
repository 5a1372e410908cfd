#include "config/dotenv.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "base/file.h"
#include "config/forms.h"

namespace maie::config {
namespace {

constexpr size_t kMostBytes = 256 << 10;

bool is_name(std::string_view text) {
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

bool is_only_comment(std::string_view rest) {
  rest = trimmed(rest);
  return rest.empty() || rest[0] == '#';
}

// Of what stands behind "=". False: its quotes do not end.
bool read_value(std::string_view text, std::string& value) {
  text = trimmed(text);
  const char quote = text.empty() ? '\0' : text[0];
  if (quote != '"' && quote != '\'') {
    size_t end = 0;  // a comment begins behind white space
    while (end < text.size() &&
           !(text[end] == '#' && (end == 0 || text[end - 1] == ' ' || text[end - 1] == '\t'))) {
      ++end;
    }
    value = trimmed(text.substr(0, end));
    return true;
  }
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) return is_only_comment(text.substr(i + 1));
    if (text[i] == '\\' && quote == '"' && i + 1 < text.size()) {
      ++i;
      value += text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
    } else {
      value += text[i];
    }
  }
  return false;
}

bool read_line(std::string_view line, DotenvLine& out) {
  if (line.starts_with("export ") || line.starts_with("export\t")) line = trimmed(line.substr(7));
  const size_t equals = line.find('=');
  if (equals == line.npos) return false;
  out.name = trimmed(line.substr(0, equals));
  return is_name(out.name) && read_value(line.substr(equals + 1), out.value);
}

std::string profile_word(std::string_view profile) {
  const std::string word = lower(trimmed(profile));
  if (word == "prod" || word == "production") return "production";
  return word == "edge" ? "edge" : "development";
}

using Names = std::map<std::string, std::string>;

void add_file(const std::string& path, Names& names, std::vector<std::string>& warnings) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return;
  const Result<std::string> text = read_file(path, kMostBytes);
  if (!text.has_value()) {
    warnings.push_back(text.error().message());
    return;
  }
  std::vector<int> wrong;
  for (DotenvLine& line : parse_dotenv(*text, wrong)) {
    const std::string name = upper(line.name);
    if (name.starts_with("MAIE_") || name.starts_with("APP_")) names.emplace(name, line.value);
  }
  for (const int number : wrong) {
    warnings.push_back(path + ":" + std::to_string(number) + ": is no NAME=value, and is left out");
  }
}

}  // namespace

std::vector<DotenvLine> parse_dotenv(std::string_view text, std::vector<int>& wrong) {
  std::vector<DotenvLine> lines;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (is_only_comment(line)) continue;
    DotenvLine read;
    if (read_line(line, read)) {
      // The last of several counts.
      const auto same = std::find_if(lines.begin(), lines.end(), [&](const DotenvLine& before) {
        return before.name == read.name;
      });
      if (same != lines.end()) lines.erase(same);
      lines.push_back(std::move(read));
    } else {
      wrong.push_back(number);
    }
  }
  return lines;
}

SettingsSource dotenv_source(const std::string& folder, std::string_view profile,
                             std::vector<std::string>& warnings) {
  SettingsSource source;
  if (folder.empty()) return source;
  const auto names = std::make_shared<Names>();
  add_file(folder + "/.env." + profile_word(profile), *names, warnings);
  add_file(folder + "/.env", *names, warnings);
  for (const auto& [name, value] : *names) source.variables.push_back(name);
  source.environment = [names](const char* name) -> const char* {
    const auto found = names->find(name);
    return found == names->end() ? nullptr : found->second.c_str();
  };
  return source;
}

}  // namespace maie::config
