#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/ast.h"
#include "prompt/failure.h"
#include "prompt/lexer.h"
#include "prompt/limits.h"

namespace maie::prompt {

/// Recursive descent over the tokens of one unit; expressions in parse_expression.cpp, statements
/// in parse_statement.cpp. The grammar is jinja2's, down to its odd corners.
class Parser {
 public:
  Parser(Unit& unit, std::vector<Token> tokens, const Limits& limits)
      : unit_(unit), tokens_(std::move(tokens)), limits_(limits) {}

  /// Statements up to the end of the template.
  Body parse_template();

 private:
  using Words = std::initializer_list<std::string_view>;
  /// Counts how deep the descent stands.
  class Nest {
   public:
    explicit Nest(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > parser_.limits_.nesting) parser_.too_deep();
    }
    ~Nest() { --parser_.nesting_; }
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;

   private:
    Parser& parser_;
  };

  // Tokens.
  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take();
  bool is_name(std::string_view word) const;
  bool is_operator(std::string_view op) const;
  bool skip_name(std::string_view word);
  bool skip_operator(std::string_view op);
  void expect_operator(std::string_view op);
  void expect_name(std::string_view word);
  std::string_view expect_any_name(std::string_view what);
  void expect_block_end();
  [[noreturn]] void unexpected(std::string_view wanted) const;
  [[noreturn]] void too_deep() const;

  // Expressions.
  struct TupleRules {
    bool only_primaries = false;  ///< names and literals: targets of assignments
    bool conditional = true;      ///< a if b else c is allowed
    bool parenthesised = false;
    bool namespaces = false;  ///< name.attribute is allowed in a target
    std::string_view end_word = {};
  };
  Expr& make(ExprKind kind, int line, std::vector<const Expr*> children = {});
  const Expr* parse_tuple(const TupleRules& rules);
  const Expr* parse_expression();
  const Expr* parse_or();
  const Expr* parse_and();
  const Expr* parse_not();
  const Expr* parse_compare();
  const Expr* parse_sum();
  const Expr* parse_concatenation();
  const Expr* parse_product();
  const Expr* parse_power();
  const Expr* parse_unary(bool with_filter = true);
  const Expr* parse_primary(bool namespaces = false);
  const Expr* parse_name(bool namespaces);
  const Expr* parse_list();
  const Expr* parse_dict();
  const Expr* parse_postfix(const Expr* expression);
  const Expr* parse_filters(const Expr* expression);
  const Expr* parse_filter_chain(const Expr* expression, bool begin_inline);
  const Expr* parse_test(const Expr* expression);
  const Expr* parse_subscript(const Expr* expression);
  const Expr* parse_call(const Expr* callee);
  CallArguments parse_arguments();
  bool tuple_ends(std::string_view end_word) const;

  // Statements.
  Stmt& make(StmtKind kind, int line);
  Body parse_body(Words end_words);
  Body parse_branch(Words end_words);
  Body parse_until(Words end_words);
  const Stmt* parse_statement();
  const Expr* parse_target(bool namespaces, std::string_view end_word = {});
  void check_target(const Expr& target) const;
  const Stmt* parse_if(int line);
  const Stmt* parse_for(int line);
  const Stmt* parse_set(int line);
  const Stmt* parse_with(int line);
  const Stmt* parse_macro(int line);
  const Stmt* parse_call_block(int line);
  const Stmt* parse_block(int line);
  const Stmt* parse_extends(int line);
  const Stmt* parse_include(int line);
  const Stmt* parse_jump(int line, StmtKind kind);
  void mark_loops();
  void parse_signature(Stmt& statement);
  void parse_function_body(Stmt& statement, std::string_view end_word);
  std::string_view constant_name(const Expr& expression, std::string_view what) const;

  Unit& unit_;
  std::vector<Token> tokens_;
  const Limits& limits_;
  size_t at_ = 0;
  size_t nesting_ = 0;
  size_t conditional_ = 0;          ///< how many if bodies stand around
  size_t loops_ = 0;                ///< and how many loops a break could end
  std::vector<Stmt*> loop_bodies_;  ///< the loops in whose bodies the parser stands
  std::vector<Stmt*> functions_;    ///< macros and call blocks around
  size_t closures_ = 0;             ///< macros and call blocks seen so far
};

}  // namespace maie::prompt
