#include "prompt/lexer.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>

#include "prompt/failure.h"
#include "prompt/python_text.h"
#include "text/utf8.h"

namespace maie::prompt {
namespace {

// Longest first: the first that fits is the operator.
constexpr std::string_view kOperators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                           "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                           ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_character(char c) {
  return std::isalnum(uint8_t(c)) || c == '_' || uint8_t(c) >= 0x80;
}

/// How a tag ends: where the end sign begins, and where the text behind it goes on.
struct End {
  size_t begin = std::string_view::npos;
  size_t after = 0;
};

class Lexer {
 public:
  Lexer(Unit& unit, const Whitespace& whitespace)
      : unit_(unit), source_(unit.source), whitespace_(whitespace) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) root();
    add(TokenKind::kEnd, at_, {});
    return std::move(tokens_);
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  bool looking_at(std::string_view text, size_t at) const {
    return source_.compare(at, text.size(), text) == 0;
  }

  int line_of(size_t at) {
    line_ += int(std::count(source_.begin() + std::ptrdiff_t(counted_),
                            source_.begin() + std::ptrdiff_t(std::max(at, counted_)), '\n'));
    counted_ = std::max(at, counted_);
    return line_;
  }

  void add(TokenKind kind, size_t at, std::string_view text, Value number = {}) {
    tokens_.push_back({kind, line_of(at), text, number});
  }

  size_t skip_space(size_t at) const {
    while (at < source_.size()) {
      size_t next = at;
      if (!is_space(next_code_point(source_, next))) break;
      at = next;
    }
    return at;
  }

  /// Text up to the next tag, and the tag.
  void root() {
    size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string_view::npos) break;
      const char next = tag + 1 < source_.size() ? source_[tag + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') break;
    }
    if (tag == std::string_view::npos) {
      add(TokenKind::kData, at_, source_.substr(at_));
      at_ = source_.size();
      return;
    }
    const char kind = source_[tag + 1];
    const std::string_view text = source_.substr(at_, tag - at_);
    const size_t begin = at_;
    at_ = tag + 2;
    const char sign = peek() == '-' || peek() == '+' ? peek() : '\0';
    if (sign != '\0') ++at_;
    data(begin, text, sign, kind != '{');
    if (kind == '#') {
      comment(tag);
    } else if (const size_t body = kind == '%' ? raw_begin() : 0; body != 0) {
      raw(tag, body);
    } else {
      tag_tokens(tag, kind == '%');
    }
    line_starting_ = source_[at_ - 1] == '\n';
  }

  /// Text before a tag that begins with `sign`.
  void data(size_t begin, std::string_view text, char sign, bool block) {
    if (sign == '-') {
      text = strip_text(text, Side::kRight);
    } else if (sign != '+' && block && whitespace_.lstrip_blocks) {
      const size_t line = text.rfind('\n') + 1;  // npos + 1 is 0
      if ((line > 0 || line_starting_) && strip_text(text.substr(line), Side::kBoth).empty()) {
        text = text.substr(0, line);
      }
    }
    if (!text.empty()) add(TokenKind::kData, begin, text);
  }

  /// The end sign at `at`, with what it swallows; npos when there is none.
  End end_at(size_t at, std::string_view sign, bool block) const {
    if (looking_at(sign, at)) {
      const size_t after = at + sign.size();
      const bool newline = block && whitespace_.trim_blocks && looking_at("\n", after);
      return {at, after + (newline ? 1 : 0)};
    }
    if (at + 1 > source_.size() || !looking_at(sign, at + 1)) return {};
    if (source_[at] == '-') return {at, skip_space(at + 1 + sign.size())};
    if (source_[at] == '+' && block) return {at, at + 1 + sign.size()};
    return {};
  }

  void comment(size_t tag) {
    const size_t close = source_.find("#}", at_);
    if (close == std::string_view::npos) {
      fail_at(line_of(tag), "a comment is not closed; add \"#}\"");
    }
    const bool signed_end = close > at_ && (source_[close - 1] == '-' || source_[close - 1] == '+');
    at_ = end_at(signed_end ? close - 1 : close, "#}", true).after;
  }

  /// Where the text of a raw block begins; 0 when the tag at hand is another.
  size_t raw_begin() const {
    const size_t word = skip_space(at_);
    if (!looking_at("raw", word)) return 0;
    const size_t close = skip_space(word + 3);
    if (looking_at("%}", close)) return close + 2;
    if (looking_at("-%}", close)) return skip_space(close + 3);
    return 0;
  }

  void raw(size_t tag, size_t body) {
    line_starting_ = source_[body - 1] == '\n';
    for (size_t open = body; (open = source_.find("{%", open)) != std::string_view::npos; ++open) {
      size_t word = open + 2;
      const char sign = word < source_.size() ? source_[word] : '\0';
      const bool is_sign = sign == '-' || sign == '+';
      word = skip_space(word + (is_sign ? 1 : 0));
      if (!looking_at("endraw", word)) continue;
      const End end = end_at(skip_space(word + 6), "%}", true);
      if (end.begin == std::string_view::npos) continue;
      data(body, source_.substr(body, open - body), is_sign ? sign : '\0', true);
      at_ = end.after;
      return;
    }
    fail_at(line_of(tag), "a raw block is not closed; add \"{% endraw %}\"");
  }

  void tag_tokens(size_t tag, bool block) {
    add(block ? TokenKind::kBlockBegin : TokenKind::kVariableBegin, tag, {});
    brackets_.clear();
    while (true) {
      at_ = skip_space(at_);
      if (at_ >= source_.size()) {
        fail_at(line_of(tag), block ? "a tag is not closed; add \"%}\""
                                    : "an expression is not closed; add \"}}\"");
      }
      if (brackets_.empty()) {
        const End end = end_at(at_, block ? "%}" : "}}", block);
        if (end.begin != std::string_view::npos) {
          add(block ? TokenKind::kBlockEnd : TokenKind::kVariableEnd, at_, {});
          at_ = end.after;
          return;
        }
      }
      token();
    }
  }

  void token() {
    const size_t begin = at_;
    const char c = peek();
    if (is_digit(c)) return number();
    if (is_name_character(c)) {
      while (is_name_character(peek())) ++at_;
      return add(TokenKind::kName, begin, source_.substr(begin, at_ - begin));
    }
    if (c == '"' || c == '\'') return string(c);
    for (const std::string_view op : kOperators) {
      if (!looking_at(op, at_)) continue;
      at_ += op.size();
      balance(op[0]);
      return add(TokenKind::kOperator, begin, op);
    }
    size_t next = at_;
    next_code_point(source_, next);
    fail_at(line_of(begin),
            "unexpected character " + repr_text(source_.substr(begin, next - begin)));
  }

  void balance(char c) {
    if (c == '(' || c == '[' || c == '{') brackets_ += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c != ')' && c != ']' && c != '}') return;
    if (brackets_.empty() || brackets_.back() != c) {
      fail_at(
          line_of(at_),
          std::string("unexpected \"") + c + "\"" +
              (brackets_.empty() ? "" : std::string(", expected \"") + brackets_.back() + "\""));
    }
    brackets_.pop_back();
  }

  void string(char quote) {
    const size_t begin = at_++;
    bool plain = true;
    while (at_ < source_.size() && peek() != quote) {
      if (peek() == '\\') {
        plain = false;
        ++at_;
      }
      ++at_;
    }
    if (at_ >= source_.size()) {
      fail_at(line_of(begin), std::string("a string is not closed; add ") + quote);
    }
    const std::string_view literal = source_.substr(begin + 1, at_ - begin - 1);
    ++at_;
    add(TokenKind::kString, begin, plain ? literal : unit_.keep(unescape(literal, line_of(begin))));
  }

  /// Digits with single underscores between them, from `at` on; where they end.
  template <class IsDigit>
  size_t digits(size_t at, IsDigit is) const {
    while (at < source_.size() &&
           (is(source_[at]) || (source_[at] == '_' && at + 1 < source_.size() &&
                                is(source_[at + 1]) && is(source_[at - 1])))) {
      ++at;
    }
    return at;
  }

  void number() {
    const size_t begin = at_;
    const bool after_dot = begin > 0 && source_[begin - 1] == '.';
    const size_t whole = digits(begin, is_digit);
    size_t end = whole;
    if (looking_at(".", end) && end + 1 < source_.size() && is_digit(source_[end + 1])) {
      end = digits(end + 1, is_digit);
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) {
        ++exponent;
      }
      if (exponent < source_.size() && is_digit(source_[exponent]))
        end = digits(exponent, is_digit);
    }
    if (end > whole && !after_dot) {
      const std::string text = without_underscores(begin, end);
      double value = 0;
      const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
      if (read.ec != std::errc()) fail_at(line_of(begin), "the number " + text + " is too large");
      at_ = end;
      return add(TokenKind::kFloat, begin, source_.substr(begin, end - begin),
                 Value::number(value));
    }
    integer(begin, whole);
  }

  void integer(size_t begin, size_t end) {
    int base = 10;
    size_t first = begin;
    if (source_[begin] == '0') {
      const char mark = begin + 1 < source_.size() ? char(std::tolower(source_[begin + 1])) : '\0';
      const int other = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
      const auto in_base = [other](char c) {
        const int v = is_digit(c) ? c - '0' : std::isxdigit(uint8_t(c)) ? (c | 32) - 'a' + 10 : 99;
        return v < other;
      };
      const size_t skip = begin + 2 < source_.size() && source_[begin + 2] == '_' ? 3 : 2;
      if (other != 0 && begin + skip < source_.size() && in_base(source_[begin + skip])) {
        base = other;
        first = begin + skip;
        end = digits(first, in_base);
      } else {  // a decimal number does not begin with zero, as in jinja2
        end = digits(begin, [](char c) { return c == '0'; });
      }
    }
    const std::string text = without_underscores(first, end);
    int64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (read.ec != std::errc()) {
      fail_at(line_of(begin), "the number " + text + " does not fit 64 bits");
    }
    at_ = end;
    add(TokenKind::kInteger, begin, source_.substr(begin, end - begin), Value::integer(value));
  }

  std::string without_underscores(size_t begin, size_t end) const {
    std::string text(source_.substr(begin, end - begin));
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    return text;
  }

  Unit& unit_;
  std::string_view source_;
  const Whitespace& whitespace_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  size_t counted_ = 0;  // bytes whose newlines are in line_
  int line_ = 1;
  bool line_starting_ = true;
  std::string brackets_;  // the closing ones still expected
};

}  // namespace

std::vector<Token> tokenize(Unit& unit, const Whitespace& whitespace) {
  std::string source;
  for (size_t i = 0; i < unit.source.size(); ++i) {
    if (unit.source[i] == '\r') {
      if (i + 1 < unit.source.size() && unit.source[i + 1] == '\n') continue;
      source += '\n';
    } else {
      source += unit.source[i];
    }
  }
  if (!source.empty() && source.back() == '\n') source.pop_back();
  unit.source = std::move(source);
  if (text::repair_utf8(unit.source) != unit.source) {
    fail_at(1, "the template is not UTF-8; convert the file");
  }
  return Lexer(unit, whitespace).run();
}

std::string unescape(std::string_view literal, int line) {
  std::string out;
  for (size_t at = 0; at < literal.size();) {
    if (literal[at] != '\\') {
      out += literal[at++];
      continue;
    }
    const char c = literal[at + 1];  // the lexer ends no literal behind a single backslash
    at += 2;
    const std::string_view simple = "\\'\"abfnrtv", meaning = "\\'\"\a\b\f\n\r\t\v";
    const size_t known = simple.find(c);
    const int width = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (known != std::string_view::npos) {
      out += meaning[known];
    } else if (c >= '0' && c <= '7') {
      char32_t code = 0;
      size_t end = at - 1;
      for (; end < literal.size() && end < at + 2 && literal[end] >= '0' && literal[end] <= '7';) {
        code = code * 8 + char32_t(literal[end++] - '0');
      }
      at = end;
      text::append_utf8(out, code);
    } else if (width > 0) {
      uint32_t code = 0;
      const char* first = literal.data() + at;
      const char* last = first + std::min(size_t(width), literal.size() - at);
      const auto read = std::from_chars(first, last, code, 16);
      if (read.ptr != first + width || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        fail_at(line, std::string("the escape \\") + c + " in a string is no character; it takes " +
                          std::to_string(width) + " hexadecimal digits");
      }
      at += size_t(width);
      text::append_utf8(out, code);
    } else if (c == 'N') {
      fail_at(line, "the escape \\N in a string is not supported; write the character itself");
    } else if (uint8_t(c) >= 0x80) {
      // jinja2 has written the letter as an escape by now, and the backslash before it protects
      // that.
      size_t next = --at;
      const char32_t code = next_code_point(literal, next);
      char text[16];
      const char* format = code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x";
      std::snprintf(text, sizeof(text), format, unsigned(code));
      out += text;
      at = next;
    } else if (c != '\n') {  // a backslash at the end of a line joins it with the next
      out += '\\';
      out += c;
    }
  }
  return out;
}

}  // namespace maie::prompt
