#include "text/normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "text/utf8.h"

namespace maie::text {
namespace {

bool is_apostrophe(char32_t c) { return c == '\'' || c == 0x2019 || c == 0x02BC; }

// Letters, marks and numbers stay; everything else separates words.
bool is_spoken(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return true;
    default: return false;
  }
}

std::vector<int32_t> word_ids(std::string_view normalized,
                              std::unordered_map<std::string, int32_t>& ids) {
  std::vector<int32_t> out;
  for (size_t at = 0; at < normalized.size();) {
    const size_t end = std::min(normalized.find(' ', at), normalized.size());
    const auto next = static_cast<int32_t>(ids.size());
    out.push_back(ids.emplace(normalized.substr(at, end - at), next).first->second);
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string normalize_for_scoring(std::string_view text) {
  const std::string valid = repair_utf8(text);
  utf8proc_uint8_t* mapped = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                   static_cast<utf8proc_ssize_t>(valid.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  check(size >= 0, "utf8proc composes valid UTF-8");
  const std::u32string points =
      decode_utf8({reinterpret_cast<const char*>(mapped), static_cast<size_t>(size)});
  std::free(mapped);
  std::string out;
  bool pending_space = false;
  for (const char32_t c : points) {
    if (is_apostrophe(c)) continue;
    if (!is_spoken(c)) {
      pending_space = true;
      continue;
    }
    if (pending_space && !out.empty()) out.push_back(' ');
    pending_space = false;
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
  return out;
}

double WordErrors::rate() const {
  if (reference_words == 0) return static_cast<double>(errors);
  return static_cast<double>(errors) / static_cast<double>(reference_words);
}

WordErrors word_error_rate(std::string_view reference, std::string_view hypothesis) {
  std::unordered_map<std::string, int32_t> ids;
  const std::vector<int32_t> wanted = word_ids(normalize_for_scoring(reference), ids);
  const std::vector<int32_t> got = word_ids(normalize_for_scoring(hypothesis), ids);
  // row[j]: edits from the first i wanted words to the first j got ones.
  std::vector<int64_t> row(got.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = static_cast<int64_t>(j);
  for (size_t i = 0; i < wanted.size(); ++i) {
    int64_t diagonal = row[0]++;
    for (size_t j = 0; j < got.size(); ++j) {
      const int64_t substituted = diagonal + (wanted[i] == got[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return {row.back(), static_cast<int64_t>(wanted.size())};
}

}  // namespace maie::text
