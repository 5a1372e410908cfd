#include <algorithm>

#include "prompt/builtins.h"
#include "prompt/parser_core.h"

namespace maie::prompt {

Expr& Parser::make(ExprKind kind, int line, std::vector<const Expr*> children) {
  Expr& expression = unit_.expressions.emplace_back();
  expression.kind = kind;
  expression.line = line;
  expression.children = std::move(children);
  return expression;
}

bool Parser::tuple_ends(std::string_view end_word) const {
  return current().kind == TokenKind::kVariableEnd || current().kind == TokenKind::kBlockEnd ||
         is_operator(")") || (!end_word.empty() && is_name(end_word));
}

const Expr* Parser::parse_tuple(const TupleRules& rules) {
  const Nest nest(*this);
  const int line = current().line;
  std::vector<const Expr*> items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) expect_operator(",");
    if (tuple_ends(rules.end_word)) break;
    items.push_back(rules.only_primaries ? parse_primary(rules.namespaces)
                    : rules.conditional  ? parse_expression()
                                         : parse_or());
    if (!is_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!items.empty()) return items[0];
    if (!rules.parenthesised) unexpected("an expression");
  }
  return &make(ExprKind::kTuple, line, std::move(items));
}

const Expr* Parser::parse_expression() {
  const Nest nest(*this);
  int line = current().line;
  const Expr* value = parse_or();
  while (skip_name("if")) {
    ++conditional_;
    const Expr* condition = parse_or();
    const Expr* otherwise = skip_name("else") ? parse_expression() : nullptr;
    --conditional_;
    value = &make(ExprKind::kConditional, line, {value, condition, otherwise});
    line = current().line;
  }
  return value;
}

const Expr* Parser::parse_or() {
  const int line = current().line;
  std::vector<const Expr*> parts = {parse_and()};
  while (skip_name("or")) parts.push_back(parse_and());
  return parts.size() == 1 ? parts[0] : &make(ExprKind::kOr, line, std::move(parts));
}

const Expr* Parser::parse_and() {
  const int line = current().line;
  std::vector<const Expr*> parts = {parse_not()};
  while (skip_name("and")) parts.push_back(parse_not());
  return parts.size() == 1 ? parts[0] : &make(ExprKind::kAnd, line, std::move(parts));
}

const Expr* Parser::parse_not() {
  if (!is_name("not")) return parse_compare();
  const Nest nest(*this);
  const int line = take().line;
  return &make(ExprKind::kNot, line, {parse_not()});
}

const Expr* Parser::parse_compare() {
  const int line = current().line;
  std::vector<const Expr*> parts = {parse_sum()};
  std::vector<Comparison> comparisons;
  static constexpr std::pair<std::string_view, Comparison> kSigns[] = {
      {"==", Comparison::kEqual},     {"!=", Comparison::kNotEqual},
      {"<=", Comparison::kLessEqual}, {">=", Comparison::kGreaterEqual},
      {"<", Comparison::kLess},       {">", Comparison::kGreater}};
  while (true) {
    const auto* sign = std::find_if(std::begin(kSigns), std::end(kSigns),
                                    [&](const auto& s) { return is_operator(s.first); });
    if (sign != std::end(kSigns)) {
      take();
      comparisons.push_back(sign->second);
    } else if (skip_name("in")) {
      comparisons.push_back(Comparison::kIn);
    } else if (is_name("not") && ahead().kind == TokenKind::kName && ahead().text == "in") {
      take();
      take();
      comparisons.push_back(Comparison::kNotIn);
    } else {
      break;
    }
    parts.push_back(parse_sum());
  }
  if (parts.size() == 1) return parts[0];
  Expr& compare = make(ExprKind::kCompare, line, std::move(parts));
  compare.comparisons = std::move(comparisons);
  return &compare;
}

const Expr* Parser::parse_sum() {
  const Expr* left = parse_concatenation();
  while (is_operator("+") || is_operator("-")) {
    const Token sign = take();
    const Expr* right = parse_concatenation();
    Expr& sum = make(ExprKind::kArithmetic, sign.line, {left, right});
    sum.op = sign.text == "+" ? Operator::kAdd : Operator::kSubtract;
    left = &sum;
  }
  return left;
}

const Expr* Parser::parse_concatenation() {
  const int line = current().line;
  std::vector<const Expr*> parts = {parse_product()};
  while (skip_operator("~")) parts.push_back(parse_product());
  return parts.size() == 1 ? parts[0] : &make(ExprKind::kConcatenate, line, std::move(parts));
}

const Expr* Parser::parse_product() {
  const Expr* left = parse_power();
  while (is_operator("*") || is_operator("/") || is_operator("//") || is_operator("%")) {
    const Token sign = take();
    const Expr* right = parse_power();
    Expr& product = make(ExprKind::kArithmetic, sign.line, {left, right});
    product.op = sign.text == "*"   ? Operator::kMultiply
                 : sign.text == "/" ? Operator::kDivide
                 : sign.text == "%" ? Operator::kModulo
                                    : Operator::kFloorDivide;
    left = &product;
  }
  return left;
}

const Expr* Parser::parse_power() {
  const Expr* left = parse_unary();
  while (is_operator("**")) {
    const int line = take().line;
    const Expr* right = parse_unary();
    Expr& power = make(ExprKind::kArithmetic, line, {left, right});
    power.op = Operator::kPower;
    left = &power;
  }
  return left;
}

const Expr* Parser::parse_unary(bool with_filter) {
  const Expr* expression = nullptr;
  if (is_operator("-") || is_operator("+")) {
    const Nest nest(*this);
    const Token sign = take();
    const Expr* operand = parse_unary(false);
    expression =
        &make(sign.text == "-" ? ExprKind::kNegative : ExprKind::kPositive, sign.line, {operand});
  } else {
    expression = parse_primary();
  }
  expression = parse_postfix(expression);
  return with_filter ? parse_filters(expression) : expression;
}

const Expr* Parser::parse_name(bool namespaces) {
  const Token token = take();
  const std::string_view name = token.text;
  const auto constant = [&](Value value) {
    Expr& expression = make(ExprKind::kConstant, token.line);
    expression.value = value;
    return &expression;
  };
  if (name == "true" || name == "True") return constant(Value::boolean(true));
  if (name == "false" || name == "False") return constant(Value::boolean(false));
  if (name == "none" || name == "None") return constant(Value::none());
  for (Stmt* function : functions_) {
    function->uses_caller = function->uses_caller || name == "caller";
    function->uses_varargs = function->uses_varargs || name == "varargs";
    function->uses_kwargs = function->uses_kwargs || name == "kwargs";
  }
  if (name == "loop") mark_loops();
  Expr& expression = make(ExprKind::kName, token.line);
  expression.name = name;
  if (!namespaces || !is_operator(".")) return &expression;
  take();
  Expr& attribute = make(ExprKind::kAttribute, token.line, {&expression});
  attribute.name = expect_any_name("an attribute");
  return &attribute;
}

const Expr* Parser::parse_primary(bool namespaces) {
  const Nest nest(*this);
  const Token& token = current();
  switch (token.kind) {
    case TokenKind::kName: return parse_name(namespaces);
    case TokenKind::kString: {
      const Token first = take();
      std::string_view text = first.text;
      if (current().kind == TokenKind::kString) {
        std::string joined(text);
        while (current().kind == TokenKind::kString) joined += take().text;
        text = unit_.keep(std::move(joined));
      }
      Expr& constant = make(ExprKind::kConstant, first.line);
      constant.value = Value::string(text);
      return &constant;
    }
    case TokenKind::kInteger:
    case TokenKind::kFloat: {
      const Token number = take();
      Expr& constant = make(ExprKind::kConstant, number.line);
      constant.value = number.number;
      return &constant;
    }
    default: break;
  }
  if (is_operator("[")) return parse_list();
  if (is_operator("{")) return parse_dict();
  if (!skip_operator("(")) unexpected("an expression");
  const Expr* inner = parse_tuple({.parenthesised = true});
  expect_operator(")");
  return inner;
}

const Expr* Parser::parse_list() {
  const int line = take().line;
  std::vector<const Expr*> items;
  while (!is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    if (is_operator("]")) break;
    items.push_back(parse_expression());
  }
  expect_operator("]");
  return &make(ExprKind::kList, line, std::move(items));
}

const Expr* Parser::parse_dict() {
  const int line = take().line;
  std::vector<const Expr*> items;
  while (!is_operator("}")) {
    if (!items.empty()) expect_operator(",");
    if (is_operator("}")) break;
    items.push_back(parse_expression());
    expect_operator(":");
    items.push_back(parse_expression());
  }
  expect_operator("}");
  return &make(ExprKind::kDict, line, std::move(items));
}

const Expr* Parser::parse_postfix(const Expr* expression) {
  while (true) {
    if (is_operator(".") || is_operator("[")) {
      expression = parse_subscript(expression);
    } else if (is_operator("(")) {
      expression = parse_call(expression);
    } else {
      return expression;
    }
  }
}

const Expr* Parser::parse_filters(const Expr* expression) {
  while (true) {
    if (is_operator("|")) {
      expression = parse_filter_chain(expression, false);
    } else if (is_name("is")) {
      expression = parse_test(expression);
    } else if (is_operator("(")) {
      expression = parse_call(expression);
    } else {
      return expression;
    }
  }
}

const Expr* Parser::parse_filter_chain(const Expr* expression, bool begin_inline) {
  while (begin_inline || is_operator("|")) {
    if (!begin_inline) take();
    begin_inline = false;
    const int line = current().line;
    Expr& filter = make(ExprKind::kFilter, line);
    filter.name = expect_any_name("the name of a filter");
    if (expression != nullptr) filter.children.push_back(expression);
    filter.builtin = find_filter(filter.name);
    if (filter.builtin == nullptr && conditional_ == 0) {
      fail_at(line, "there is no filter \"" + std::string(filter.name) + "\"");
    }
    if (is_operator("(")) filter.arguments = parse_arguments();
    expression = &filter;
  }
  return expression;
}

const Expr* Parser::parse_test(const Expr* expression) {
  const int line = take().line;
  const bool negated = skip_name("not");
  Expr& test = make(ExprKind::kTest, line, {expression});
  test.name = expect_any_name("the name of a test");
  test.builtin = find_test(test.name);
  if (test.builtin == nullptr && conditional_ == 0) {
    fail_at(line, "there is no test \"" + std::string(test.name) + "\"");
  }
  const bool literal = current().kind == TokenKind::kName || current().kind == TokenKind::kString ||
                       current().kind == TokenKind::kInteger ||
                       current().kind == TokenKind::kFloat || is_operator("[") || is_operator("{");
  if (is_operator("(")) {
    test.arguments = parse_arguments();
  } else if (literal && !is_name("else") && !is_name("or") && !is_name("and")) {
    if (is_name("is"))
      fail_at(line, "one \"is\" cannot follow another; put the first in parentheses");
    test.arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  return negated ? &make(ExprKind::kNot, line, {&test}) : &test;
}

const Expr* Parser::parse_subscript(const Expr* expression) {
  const Token sign = take();
  if (sign.text == ".") {
    if (current().kind == TokenKind::kInteger) {
      Expr& index = make(ExprKind::kConstant, sign.line);
      index.value = take().number;
      return &make(ExprKind::kItem, sign.line, {expression, &index});
    }
    Expr& attribute = make(ExprKind::kAttribute, sign.line, {expression});
    attribute.name = expect_any_name("an attribute's name or a number");
    return &attribute;
  }
  if (is_operator("]")) {  // jinja2 takes x[] for x[()]
    take();
    return &make(ExprKind::kItem, sign.line, {expression, &make(ExprKind::kTuple, sign.line)});
  }
  const Expr* index = is_operator(":") ? nullptr : parse_expression();
  const Expr* result = nullptr;
  if (is_operator(":")) {
    std::vector<const Expr*> parts = {expression, index, nullptr, nullptr};
    for (size_t i = 2; i < 4 && skip_operator(":"); ++i) {
      if (!is_operator(":") && !is_operator("]")) parts[i] = parse_expression();
    }
    result = &make(ExprKind::kSlice, sign.line, std::move(parts));
  } else if (is_operator(",")) {
    std::vector<const Expr*> keys = {index};
    while (skip_operator(",")) keys.push_back(parse_expression());
    const Expr* tuple = &make(ExprKind::kTuple, sign.line, std::move(keys));
    result = &make(ExprKind::kItem, sign.line, {expression, tuple});
  } else {
    result = &make(ExprKind::kItem, sign.line, {expression, index});
  }
  expect_operator("]");
  return result;
}

const Expr* Parser::parse_call(const Expr* callee) {
  Expr& call = make(ExprKind::kCall, current().line, {callee});
  call.arguments = parse_arguments();
  return &call;
}

CallArguments Parser::parse_arguments() {
  const int line = current().line;
  expect_operator("(");
  CallArguments arguments;
  const auto ensure = [&](bool good) {
    if (!good)
      fail_at(line,
              "the arguments of this call are in the wrong order; plain ones come "
              "first, then named ones");
  };
  for (bool first = true; !is_operator(")"); first = false) {
    if (!first) {
      expect_operator(",");
      if (is_operator(")")) break;
    }
    if (skip_operator("*")) {
      ensure(arguments.star == nullptr && arguments.star_star == nullptr);
      arguments.star = parse_expression();
    } else if (skip_operator("**")) {
      ensure(arguments.star_star == nullptr);
      arguments.star_star = parse_expression();
    } else if (current().kind == TokenKind::kName && ahead().kind == TokenKind::kOperator &&
               ahead().text == "=") {
      ensure(arguments.star_star == nullptr);
      const std::string_view name = take().text;
      take();
      arguments.named.emplace_back(name, parse_expression());
    } else {
      ensure(arguments.star == nullptr && arguments.star_star == nullptr &&
             arguments.named.empty());
      arguments.positional.push_back(parse_expression());
    }
  }
  expect_operator(")");
  return arguments;
}

}  // namespace maie::prompt
