#include <algorithm>

#include "prompt/parser.h"
#include "prompt/parser_core.h"
#include "prompt/python_text.h"

namespace maie::prompt {
namespace {

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kVariableEnd: return "\"}}\"";
    case TokenKind::kBlockEnd: return "\"%}\"";
    case TokenKind::kEnd: return "the end of the template";
    case TokenKind::kString: return "the string " + repr_text(token.text);
    case TokenKind::kData: return "text";
    default: return "\"" + std::string(token.text) + "\"";
  }
}

}  // namespace

Token Parser::take() {
  const Token token = current();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::is_name(std::string_view word) const {
  return current().kind == TokenKind::kName && current().text == word;
}

bool Parser::is_operator(std::string_view op) const {
  return current().kind == TokenKind::kOperator && current().text == op;
}

bool Parser::skip_name(std::string_view word) {
  if (!is_name(word)) return false;
  take();
  return true;
}

bool Parser::skip_operator(std::string_view op) {
  if (!is_operator(op)) return false;
  take();
  return true;
}

void Parser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) unexpected("\"" + std::string(op) + "\"");
}

void Parser::expect_name(std::string_view word) {
  if (!skip_name(word)) unexpected("\"" + std::string(word) + "\"");
}

std::string_view Parser::expect_any_name(std::string_view what) {
  if (current().kind != TokenKind::kName) unexpected(what);
  return take().text;
}

void Parser::expect_block_end() {
  if (current().kind != TokenKind::kBlockEnd) unexpected("\"%}\"");
  take();
}

void Parser::unexpected(std::string_view wanted) const {
  fail_at(current().line,
          "found " + describe(current()) + " where " + std::string(wanted) + " should stand");
}

void Parser::too_deep() const {
  over_limit("the template nests more than " + std::to_string(limits_.nesting) +
                 " levels deep; make it flatter, or raise the limit",
             current().line);
}

Stmt& Parser::make(StmtKind kind, int line) {
  Stmt& statement = unit_.statements.emplace_back();
  statement.kind = kind;
  statement.line = line;
  return statement;
}

Body Parser::parse_template() { return parse_until({}); }

Body Parser::parse_body(Words end_words) {
  const size_t conditional = std::exchange(conditional_, 0);
  Body body = parse_branch(end_words);
  conditional_ = conditional;
  return body;
}

/// The body of an if: unknown filters in it are errors only when it runs.
Body Parser::parse_branch(Words end_words) {
  skip_operator(":");  // as jinja2 allows
  expect_block_end();
  return parse_until(end_words);
}

/// Up to a tag that begins with one of the words; the parser then stands at that word.
Body Parser::parse_until(Words end_words) {
  const Nest nest(*this);
  Body body;
  while (current().kind != TokenKind::kEnd) {
    const Token token = take();
    if (token.kind == TokenKind::kData) {
      Stmt& text = make(StmtKind::kText, token.line);
      text.text = token.text;
      body.push_back(&text);
    } else if (token.kind == TokenKind::kVariableBegin) {
      Stmt& output = make(StmtKind::kOutput, token.line);
      output.expression = parse_tuple({});
      if (current().kind != TokenKind::kVariableEnd) unexpected("\"}}\"");
      take();
      body.push_back(&output);
    } else {
      const auto is_current = [&](std::string_view word) { return is_name(word); };
      if (std::any_of(end_words.begin(), end_words.end(), is_current)) return body;
      body.push_back(parse_statement());
      expect_block_end();
    }
  }
  if (end_words.size() > 0) {
    unexpected("\"{% " + std::string(end_words.begin()[end_words.size() - 1]) + " %}\"");
  }
  return body;
}

const Stmt* Parser::parse_statement() {
  const int line = current().line;
  const std::string_view word = expect_any_name("the name of a tag");
  if (word == "if") return parse_if(line);
  if (word == "for") return parse_for(line);
  if (word == "set") return parse_set(line);
  if (word == "with") return parse_with(line);
  if (word == "macro") return parse_macro(line);
  if (word == "call") return parse_call_block(line);
  if (word == "block") return parse_block(line);
  if (word == "extends") return parse_extends(line);
  if (word == "include") return parse_include(line);
  if (word == "break") return parse_jump(line, StmtKind::kBreak);
  if (word == "continue") return parse_jump(line, StmtKind::kContinue);
  if (word == "print") {
    Stmt& output = make(StmtKind::kOutput, line);
    output.expression = parse_tuple({});
    return &output;
  }
  if (word == "filter") {
    Stmt& filter = make(StmtKind::kFilter, line);
    filter.expression = parse_filter_chain(nullptr, true);
    filter.body = parse_body({"endfilter"});
    take();
    return &filter;
  }
  if (word == "generation") {  // marks what an assistant wrote; transformers prints it as it is
    Stmt& scope = make(StmtKind::kScope, line);
    parse_function_body(scope, "endgeneration");
    return &scope;
  }
  if (word == "autoescape") {
    Stmt& escape = make(StmtKind::kAutoescape, line);
    escape.expression = parse_expression();
    escape.body = parse_body({"endautoescape"});
    take();
    return &escape;
  }
  if (word == "import" || word == "from") {
    fail_at(line, "\"" + std::string(word) +
                      "\" is not supported; define the macro in this file or "
                      "in the one it extends");
  }
  fail_at(line, "there is no tag \"" + std::string(word) + "\"");
}

void Parser::check_target(const Expr& target) const {
  switch (target.kind) {
    case ExprKind::kName:
    case ExprKind::kAttribute: return;
    case ExprKind::kTuple:
      for (const Expr* item : target.children) check_target(*item);
      return;
    default: fail_at(target.line, "this cannot be assigned to; use a name or names with commas");
  }
}

const Expr* Parser::parse_target(bool namespaces, std::string_view end_word) {
  const Expr* target =
      parse_tuple({.only_primaries = true, .namespaces = namespaces, .end_word = end_word});
  check_target(*target);
  return target;
}

const Stmt* Parser::parse_if(int line) {
  Stmt& statement = make(StmtKind::kIf, line);
  ++conditional_;
  while (true) {
    const Expr* condition = parse_tuple({.conditional = false});
    statement.branches.push_back({condition, parse_branch({"elif", "else", "endif"})});
    if (skip_name("elif")) continue;
    if (skip_name("else")) statement.branches.push_back({nullptr, parse_branch({"endif"})});
    break;
  }
  expect_name("endif");
  --conditional_;
  return &statement;
}

/// Only a loop that mentions "loop" has one: what is included from another sees that of the loop
/// around.
void Parser::mark_loops() {
  for (Stmt* loop : loop_bodies_) loop->uses_loop = true;
}

const Stmt* Parser::parse_for(int line) {
  Stmt& loop = make(StmtKind::kFor, line);
  loop.target = parse_target(false, "in");
  if (loop.target->kind == ExprKind::kName && loop.target->name == "loop") {
    fail_at(line, "a loop cannot assign to \"loop\"; choose another name");
  }
  expect_name("in");
  loop.expression = parse_tuple({.conditional = false, .end_word = "recursive"});
  if (skip_name("if")) loop.condition = parse_expression();
  if (is_name("recursive")) {
    fail_at(line, "recursive loops are not supported; call a macro from within itself");
  }
  const size_t closures = closures_;
  ++loops_;
  loop_bodies_.push_back(&loop);
  loop.body = parse_body({"else", "endfor"});
  loop_bodies_.pop_back();
  --loops_;
  loop.keeps_scope = closures_ != closures;
  if (skip_name("else")) loop.otherwise = parse_body({"endfor"});
  expect_name("endfor");
  return &loop;
}

const Stmt* Parser::parse_set(int line) {
  const Expr* target = parse_target(true);
  Stmt& set = make(StmtKind::kSet, line);
  set.target = target;
  if (skip_operator("=")) {
    set.expression = parse_tuple({});
    return &set;
  }
  set.kind = StmtKind::kSetBlock;
  if (is_operator("|")) set.expression = parse_filter_chain(nullptr, false);
  set.body = parse_body({"endset"});
  take();
  return &set;
}

const Stmt* Parser::parse_with(int line) {
  Stmt& with = make(StmtKind::kWith, line);
  while (current().kind != TokenKind::kBlockEnd) {
    if (!with.assignments.empty()) expect_operator(",");
    const Expr* target = parse_primary();
    check_target(*target);
    expect_operator("=");
    with.assignments.emplace_back(target, parse_expression());
  }
  with.body = parse_body({"endwith"});
  take();
  return &with;
}

void Parser::parse_signature(Stmt& statement) {
  expect_operator("(");
  while (!is_operator(")")) {
    if (!statement.parameters.empty()) expect_operator(",");
    Parameter parameter;
    parameter.name = expect_any_name("a parameter's name");
    if (skip_operator("=")) {
      parameter.fallback = parse_expression();
    } else if (!statement.parameters.empty() && statement.parameters.back().fallback != nullptr) {
      fail_at(statement.line, "the parameter \"" + std::string(parameter.name) +
                                  "\" needs a default value, because one before it has");
    }
    statement.parameters.push_back(parameter);
  }
  expect_operator(")");
}

/// The body of something that runs as a function of its own: no break reaches a loop around it.
void Parser::parse_function_body(Stmt& statement, std::string_view end_word) {
  const size_t loops = std::exchange(loops_, 0);
  functions_.push_back(&statement);
  statement.body = parse_body({end_word});
  functions_.pop_back();
  loops_ = loops;
  ++closures_;
  take();
}

const Stmt* Parser::parse_macro(int line) {
  Stmt& macro = make(StmtKind::kMacro, line);
  macro.name = expect_any_name("the name of the macro");
  parse_signature(macro);
  parse_function_body(macro, "endmacro");
  return &macro;
}

const Stmt* Parser::parse_call_block(int line) {
  Stmt& call = make(StmtKind::kCall, line);
  call.name = "caller";
  if (is_operator("(")) parse_signature(call);
  call.expression = parse_expression();
  if (call.expression->kind != ExprKind::kCall) {
    fail_at(line, "a call block needs a call, for example {% call name() %}");
  }
  parse_function_body(call, "endcall");
  return &call;
}

const Stmt* Parser::parse_block(int line) {
  Stmt& block = make(StmtKind::kBlock, line);
  block.name = expect_any_name("the name of the block");
  while (current().kind == TokenKind::kName) {
    const std::string_view modifier = take().text;
    if (modifier != "scoped" && modifier != "required") {
      fail_at(line, "a block is \"scoped\" or \"required\", not \"" + std::string(modifier) + "\"");
    }
    (modifier == "scoped" ? block.scoped : block.required) = true;
  }
  const auto same = [&](const auto& other) { return other.first == block.name; };
  if (std::any_of(unit_.blocks.begin(), unit_.blocks.end(), same)) {
    fail_at(line, "the block \"" + std::string(block.name) + "\" is defined twice; rename one");
  }
  unit_.blocks.emplace_back(block.name, &block);
  if (block.scoped) mark_loops();
  parse_function_body(block, "endblock");
  if (is_name(block.name)) take();
  return &block;
}

std::string_view Parser::constant_name(const Expr& expression, std::string_view what) const {
  if (expression.kind != ExprKind::kConstant || !expression.value.is(Kind::kString)) {
    fail_at(expression.line, "the name of a template to " + std::string(what) +
                                 " must be written as a string, so that data cannot choose files");
  }
  return expression.value.text();
}

const Stmt* Parser::parse_extends(int line) {
  Stmt& extends = make(StmtKind::kExtends, line);
  extends.names.push_back(constant_name(*parse_expression(), "extend"));
  unit_.references.emplace_back(extends.names[0], line);
  return &extends;
}

const Stmt* Parser::parse_include(int line) {
  Stmt& include = make(StmtKind::kInclude, line);
  const Expr* names = parse_expression();
  if (names->kind == ExprKind::kList || names->kind == ExprKind::kTuple) {
    for (const Expr* name : names->children)
      include.names.push_back(constant_name(*name, "include"));
  } else {
    include.names.push_back(constant_name(*names, "include"));
  }
  if (is_name("ignore") && ahead().text == "missing") {
    take();
    take();
    include.ignore_missing = true;
  }
  if ((is_name("with") || is_name("without")) && ahead().text == "context") {
    include.with_context = take().text == "with";
    take();
  }
  const bool optional = include.ignore_missing || include.names.size() > 1;
  for (const std::string_view name : include.names) {
    unit_.references.emplace_back(name, line);
    if (optional) unit_.optional_references.push_back(name);
  }
  return &include;
}

const Stmt* Parser::parse_jump(int line, StmtKind kind) {
  if (loops_ == 0) {
    fail_at(line, std::string(kind == StmtKind::kBreak ? "\"break\"" : "\"continue\"") +
                      " stands outside of a loop");
  }
  return &make(kind, line);
}

std::shared_ptr<const Unit> parse_unit(std::string name, std::string source,
                                       const Whitespace& whitespace, const Limits& limits) {
  auto unit = std::make_shared<Unit>();
  unit->name = std::move(name);
  if (source.size() > limits.source_bytes) {
    over_limit("the template is longer than " + std::to_string(limits.source_bytes) +
                   " bytes; split it, or raise the limit",
               1);
  }
  unit->source = std::move(source);
  std::vector<Token> tokens = tokenize(*unit, whitespace);
  unit->body = Parser(*unit, std::move(tokens), limits).parse_template();
  return unit;
}

}  // namespace maie::prompt
