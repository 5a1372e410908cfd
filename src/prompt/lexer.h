#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "prompt/ast.h"

namespace maie::prompt {

enum class TokenKind : uint8_t {
  kData,           ///< text between tags
  kVariableBegin,  ///< {{
  kVariableEnd,
  kBlockBegin,  ///< {%
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind;
  int line;
  std::string_view text;  ///< what is meant: escapes undone, white space trimmed
  Value number;           ///< of kInteger and kFloat
};

struct Whitespace {
  bool trim_blocks = true;    ///< the newline behind a block or comment goes
  bool lstrip_blocks = true;  ///< so do spaces before one that begins its line
};

/// Cuts `unit.source` into tokens, the last of which is kEnd. Comments are gone, raw text is kData.
/// Newlines become \n and one at the very end goes, as in jinja2. Texts point into `unit`.
/// Throws Failure with the line of what cannot be read.
std::vector<Token> tokenize(Unit& unit, const Whitespace& whitespace);

/// The text of a string literal between its quotes.
std::string unescape(std::string_view literal, int line);

}  // namespace maie::prompt
