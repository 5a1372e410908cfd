#include "text/regex_splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <optional>

namespace maie::text {
namespace {

// PCRE2's own \s also takes U+180E, which left White_Space with Unicode 6.3.
constexpr std::string_view kSpaceRanges =
    R"(\x09-\x0d\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr size_t kMaxPatternBytes = 64 * 1024;

Result<std::string> translate(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      if (c == '[') {
        // A class in a class is a union for the engine of these files and a literal for ours.
        const std::string_view rest = pattern.substr(i + 1);
        if (in_class || rest.starts_with("]") || rest.starts_with("^]")) {
          return unsupported("[ or ] unescaped inside a character class");
        }
        in_class = true;
      }
      if (c == ']') in_class = false;
      out.push_back(c);
      continue;
    }
    const char escaped = pattern[++i];
    switch (escaped) {
      case 's':
        if (in_class) {
          out.append(kSpaceRanges);
        } else {
          out.append("[").append(kSpaceRanges).append("]");
        }
        break;
      case 'S':
        if (in_class) return unsupported("\\S inside a character class");
        out.append("[^").append(kSpaceRanges).append("]");
        break;
      case 'w':
      case 'W':
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'C':
      case 'K':
      case 'X':
      case 'Q':
      case 'E': return unsupported(std::string("the escape \\") + escaped);
      default: out.append({'\\', escaped});
    }
  }
  return out;
}

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* p) const { Free(p); }
};
using MatchData =
    std::unique_ptr<pcre2_match_data, Deleter<pcre2_match_data, pcre2_match_data_free>>;
using MatchContext =
    std::unique_ptr<pcre2_match_context, Deleter<pcre2_match_context, pcre2_match_context_free>>;

}  // namespace

struct RegexSplitter::Code {
  explicit Code(pcre2_code* c) : code(c) {}
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* code;
};

Result<RegexSplitter> RegexSplitter::compile(std::string_view pattern) {
  const std::string shown(pattern.substr(0, 120));
  if (pattern.size() > kMaxPatternBytes) return unsupported("split pattern longer than 64 KiB");
  auto translated = translate(pattern);
  if (!translated) return translated.error().within("split pattern \"" + shown + "\"");
  int error = 0;
  PCRE2_SIZE where = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &where, nullptr);
  if (code == nullptr) {
    PCRE2_UCHAR message[160];
    pcre2_get_error_message(error, message, sizeof message);
    return unsupported("split pattern \"" + shown +
                       "\" does not compile: " + reinterpret_cast<const char*>(message));
  }
  auto owner = std::make_shared<const Code>(code);
  // Without a JIT (unusual CPU, or memory that may not be executable) the interpreter serves.
  (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return RegexSplitter(std::move(owner));
}

Status RegexSplitter::split(std::string_view text, std::vector<std::string_view>& pieces) const {
  const MatchData match(pcre2_match_data_create_from_pattern(code_->code, nullptr));
  const MatchContext limits(pcre2_match_context_create(nullptr));
  if (!match || !limits) return resource_exhausted("no memory for splitting text");
  // A run of n spaces may honestly cost about n steps in one match (`\s*[\r\n]+`), so the limit
  // grows with the text; what is beyond it is a pattern that explodes.
  const size_t step_limit = std::min<size_t>(1'000'000 + 16 * text.size(), 0xFFFFFFFF);
  pcre2_set_match_limit(limits.get(), static_cast<uint32_t>(step_limit));
  pcre2_set_heap_limit(limits.get(), 256 * 1024);  // KiB

  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t taken = 0;   // pieces cover [0, taken)
  size_t search = 0;  // where the next match may begin
  // NO_UTF_CHECK: checking the whole rest of the text before every match would be quadratic.
  constexpr uint32_t kFlags = PCRE2_NO_UTF_CHECK;
  while (search < text.size()) {
    int found =
        pcre2_match(code_->code, subject, text.size(), search, kFlags, match.get(), limits.get());
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
      found = pcre2_match(code_->code, subject, text.size(), search, kFlags | PCRE2_NO_JIT,
                          match.get(), limits.get());
    }
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0) {
      return resource_exhausted("the split pattern backtracks beyond its limit on this text");
    }
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.get());
    const size_t begin = range[0], end = range[1];
    if (end <= begin) {  // an empty match cuts nothing; go on behind the next character
      search = begin + 1;
      while (search < text.size() && (text[search] & 0xC0) == 0x80) ++search;
      continue;
    }
    if (begin > taken) pieces.push_back(text.substr(taken, begin - taken));
    pieces.push_back(text.substr(begin, end - begin));
    taken = search = end;
  }
  if (taken < text.size()) pieces.push_back(text.substr(taken));
  return {};
}

}  // namespace maie::text
