#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "prompt/operations.h"
#include "prompt/value.h"

/// The parsed form of a template. Nodes belong to their Unit and never change after parsing.
namespace maie::prompt {

struct Expr;

/// The arguments of a call, filter or test as written.
struct CallArguments {
  std::vector<const Expr*> positional;
  std::vector<std::pair<std::string_view, const Expr*>> named;
  const Expr* star = nullptr;       ///< *list
  const Expr* star_star = nullptr;  ///< **dictionary
};

enum class ExprKind : uint8_t {
  kConstant,     ///< value
  kName,         ///< name
  kList,         ///< children
  kTuple,        ///< children
  kDict,         ///< children: key, value, key, value
  kNot,          ///< children[0]
  kNegative,     ///< children[0]
  kPositive,     ///< children[0]
  kArithmetic,   ///< children[0] op children[1]
  kConcatenate,  ///< children
  kAnd,          ///< children
  kOr,           ///< children
  kCompare,      ///< children[0] comparisons[0] children[1] comparisons[1] ...
  kConditional,  ///< children: value, condition, otherwise (may be nullptr)
  kAttribute,    ///< children[0].name
  kItem,         ///< children[0][children[1]]
  kSlice,        ///< children[0][children[1]:children[2]:children[3]], absent ones nullptr
  kCall,         ///< children[0](arguments)
  kFilter,       ///< children[0] | name(arguments); no child in a filter block
  kTest,         ///< children[0] is name(arguments)
};

enum class Comparison : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn
};

struct Expr {
  ExprKind kind;
  int line;
  Operator op = Operator::kAdd;
  std::string_view name;
  Value value;
  std::vector<const Expr*> children;
  std::vector<Comparison> comparisons;
  CallArguments arguments;
  Builtin builtin = nullptr;  ///< of a filter or test; nullptr when its name is unknown
};

struct Stmt;
using Body = std::vector<const Stmt*>;

/// A parameter of a macro or call block.
struct Parameter {
  std::string_view name;
  const Expr* fallback = nullptr;
};

enum class StmtKind : uint8_t {
  kText,    ///< text
  kOutput,  ///< expression
  kIf,      ///< branches; the last may have no condition
  kFor,     ///< target in expression [if condition]: body, else otherwise
  kBreak,
  kContinue,
  kSet,         ///< target = expression
  kSetBlock,    ///< target = body [| expression]
  kWith,        ///< assignments: body
  kMacro,       ///< name(parameters): body
  kCall,        ///< expression called with (parameters): body as caller
  kFilter,      ///< body | expression
  kBlock,       ///< name: body
  kExtends,     ///< names[0]
  kInclude,     ///< the first of names that exists
  kAutoescape,  ///< expression: body
  kScope,       ///< body in a scope of its own (generation)
};

struct Branch {
  const Expr* condition = nullptr;
  Body body;
};

struct Stmt {
  StmtKind kind;
  int line;
  std::string_view text;
  std::string_view name;
  const Expr* target = nullptr;
  const Expr* expression = nullptr;
  const Expr* condition = nullptr;
  Body body;
  Body otherwise;
  std::vector<Branch> branches;
  std::vector<std::pair<const Expr*, const Expr*>> assignments;
  std::vector<Parameter> parameters;
  std::vector<std::string_view> names;
  bool ignore_missing = false;
  bool with_context = true;
  bool required = false;
  bool scoped = false;
  bool keeps_scope = false;  ///< a loop whose body defines macros: each round's names outlive it
  bool uses_loop = false;    ///< a loop whose body mentions "loop"
  // What the body of a macro or call block mentions.
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

/// One template file.
struct Unit {
  std::string name;
  std::string source;
  std::deque<std::string> strings;  ///< what the views and constants of the nodes point to
  std::deque<Expr> expressions;
  std::deque<Stmt> statements;
  Body body;
  std::vector<std::pair<std::string_view, const Stmt*>> blocks;  ///< in order of appearance
  std::vector<std::pair<std::string_view, int>> references;      ///< files it needs, with the line
  std::vector<std::string_view> optional_references;             ///< files that may be missing

  std::string_view keep(std::string text) { return strings.emplace_back(std::move(text)); }
};

}  // namespace maie::prompt
