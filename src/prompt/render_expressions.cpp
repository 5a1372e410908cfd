#include <algorithm>

#include "prompt/builtins.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"
#include "prompt/render.h"

namespace maie::prompt {

// One function for each sort of expression, so that the stack frame of the one that recurses is
// small.
Value Render::eval(const Expr& e, Frame& frame, Scope& scope) {
  const Level level(*this);
  heap_.step();
  stand(frame, e.line);
  switch (e.kind) {
    case ExprKind::kConstant: return e.value;
    case ExprKind::kName: return eval_name(e, scope);
    case ExprKind::kList:
    case ExprKind::kTuple: return eval_list(e, frame, scope);
    case ExprKind::kDict: return eval_dict(e, frame, scope);
    case ExprKind::kNot: return Value::boolean(!truth(eval(*e.children[0], frame, scope)));
    case ExprKind::kNegative:
    case ExprKind::kPositive: return eval_sign(e, frame, scope);
    case ExprKind::kArithmetic: return eval_arithmetic(e, frame, scope);
    case ExprKind::kConcatenate: return eval_concatenate(e, frame, scope);
    case ExprKind::kAnd:
    case ExprKind::kOr: return eval_logic(e, frame, scope);
    case ExprKind::kCompare: return eval_compare(e, frame, scope);
    case ExprKind::kConditional: return eval_conditional(e, frame, scope);
    case ExprKind::kAttribute: {
      const Value object = eval(*e.children[0], frame, scope);
      stand(frame, e.line);
      return attribute(object, e.name);
    }
    case ExprKind::kItem: return eval_item(e, frame, scope);
    case ExprKind::kSlice: return eval_slice(e, frame, scope);
    case ExprKind::kCall: return eval_call(e, frame, scope, nullptr);
    case ExprKind::kFilter: return eval_filter(e, nullptr, frame, scope);
    case ExprKind::kTest: return eval_test(e, frame, scope);
  }
  return Value();
}

Value Render::eval_name(const Expr& e, Scope& scope) {
  if (const Value* found = scope.find(heap_, e.name)) return *found;
  if (const auto known = globals_.find(e.name); known != globals_.end()) return known->second;
  if (const Builtin builtin = find_global(e.name)) {
    Function function;
    function.name = e.name;
    function.builtin = builtin;
    return globals_[e.name] = heap_.function(function);
  }
  return heap_.undefined("\"" + std::string(e.name) + "\" is undefined");
}

Value Render::eval_list(const Expr& e, Frame& frame, Scope& scope) {
  std::vector<Value> items;
  for (const Expr* item : e.children) heap_.push(items, eval(*item, frame, scope));
  return heap_.list(std::move(items),
                    e.kind == ExprKind::kTuple ? Sequence::kTuple : Sequence::kList);
}

Value Render::eval_dict(const Expr& e, Frame& frame, Scope& scope) {
  const Value dict = heap_.dict();
  for (size_t i = 0; i < e.children.size(); i += 2) {
    const Value key = eval(*e.children[i], frame, scope);
    heap_.set(dict.as_dict(), key, eval(*e.children[i + 1], frame, scope));
  }
  return dict;
}

Value Render::eval_sign(const Expr& e, Frame& frame, Scope& scope) {
  const Value operand = eval(*e.children[0], frame, scope);
  if (!operand.is_number()) {
    need_defined(operand);
    fail("a " + std::string(type_name(operand)) + " has no sign");
  }
  const bool negative = e.kind == ExprKind::kNegative;
  if (operand.is(Kind::kFloat)) {
    return Value::number(negative ? -operand.as_double() : operand.as_double());
  }
  return arithmetic(heap_, negative ? Operator::kSubtract : Operator::kAdd, Value::integer(0),
                    operand);
}

Value Render::eval_arithmetic(const Expr& e, Frame& frame, Scope& scope) {
  const Value left = eval(*e.children[0], frame, scope);
  const Value right = eval(*e.children[1], frame, scope);
  stand(frame, e.line);
  return arithmetic(heap_, e.op, left, right);
}

Value Render::eval_concatenate(const Expr& e, Frame& frame, Scope& scope) {
  std::vector<Value> parts;
  for (const Expr* part : e.children) parts.push_back(eval(*part, frame, scope));
  stand(frame, e.line);
  return concatenate(heap_, parts, frame.escape);
}

Value Render::eval_logic(const Expr& e, Frame& frame, Scope& scope) {
  const bool stops = e.kind == ExprKind::kOr;
  Value value;
  for (const Expr* part : e.children) {
    value = eval(*part, frame, scope);
    if (truth(value) == stops) return value;
  }
  return value;
}

bool Render::holds(Comparison comparison, const Value& a, const Value& b) {
  switch (comparison) {
    case Comparison::kEqual: return equals(heap_, a, b);
    case Comparison::kNotEqual: return !equals(heap_, a, b);
    case Comparison::kLess: return less(heap_, a, b);
    case Comparison::kGreater: return less(heap_, b, a);
    case Comparison::kLessEqual: return less(heap_, a, b) || equals(heap_, a, b);
    case Comparison::kGreaterEqual: return less(heap_, b, a) || equals(heap_, a, b);
    case Comparison::kIn: return contains(heap_, b, a);
    case Comparison::kNotIn: return !contains(heap_, b, a);
  }
  return false;
}

Value Render::eval_compare(const Expr& e, Frame& frame, Scope& scope) {
  Value left = eval(*e.children[0], frame, scope);
  for (size_t i = 0; i < e.comparisons.size(); ++i) {
    const Value right = eval(*e.children[i + 1], frame, scope);
    stand(frame, e.line);
    if (!holds(e.comparisons[i], left, right)) return Value::boolean(false);
    left = right;
  }
  return Value::boolean(true);
}

Value Render::eval_conditional(const Expr& e, Frame& frame, Scope& scope) {
  if (truth(eval(*e.children[1], frame, scope))) return eval(*e.children[0], frame, scope);
  if (e.children[2] != nullptr) return eval(*e.children[2], frame, scope);
  return Value::undefined("this \"if\" was false and has no \"else\"");
}

Value Render::attribute(const Value& object, std::string_view name) {
  need_defined(object);
  if (object.is(Kind::kLoop)) return loop_attribute(object.as_loop(), name);
  if (name.substr(0, 2) == "__") {
    return heap_.undefined("access to \"" + std::string(name) + "\" is not safe");
  }
  if (object.is(Kind::kNamespace) || object.is(Kind::kDict)) {
    const Value method = object.is(Kind::kDict) ? method_of(heap_, object, name) : Value::none();
    if (!method.is(Kind::kNone)) return method;
    heap_.charge_text(name.size());
    if (const Value* found = object.as_dict().find(name)) return *found;
  } else if (object.is(Kind::kFunction) && object.as_function().macro != nullptr) {
    const MacroData& macro = *object.as_function().macro;
    if (name == "name") return Value::string(macro.statement->name);
    if (name == "arguments") {
      std::vector<Value> names;
      for (const Parameter& p : macro.statement->parameters) {
        heap_.push(names, Value::string(p.name));
      }
      return heap_.list(std::move(names), Sequence::kTuple);
    }
  } else if (object.is(Kind::kFunction) && object.as_function().block != nullptr &&
             name == "super") {
    BlockCall parent = *object.as_function().block;
    if (++parent.level < parent.instance->blocks.find(parent.name)->second.size()) {
      return block_function(parent);
    }
  } else {
    const Value method = method_of(heap_, object, name);
    if (!method.is(Kind::kNone)) return method;
  }
  return heap_.undefined("a " + std::string(type_name(object)) + " has no attribute \"" +
                         std::string(name) + "\"");
}

Value Render::eval_item(const Expr& e, Frame& frame, Scope& scope) {
  const Value object = eval(*e.children[0], frame, scope);
  const Value key = eval(*e.children[1], frame, scope);
  stand(frame, e.line);
  const Value item = item_of(heap_, object, key);
  if (!item.is(Kind::kUndefined) || !key.is(Kind::kString)) return item;
  // Where there is no such element, jinja2 looks for an attribute.
  if (object.is(Kind::kDict)) {
    if (object.as_dict().find(key) != nullptr) return item;
    const Value method = method_of(heap_, object, key.text());
    return method.is(Kind::kNone) ? item : method;
  }
  return attribute(object, key.text());
}

Value Render::eval_slice(const Expr& e, Frame& frame, Scope& scope) {
  const Value object = eval(*e.children[0], frame, scope);
  Value bounds[3] = {Value::none(), Value::none(), Value::none()};
  for (size_t i = 0; i < 3; ++i) {
    if (e.children[i + 1] != nullptr) bounds[i] = eval(*e.children[i + 1], frame, scope);
    need_defined(bounds[i]);
  }
  stand(frame, e.line);
  return slice(heap_, object, bounds[0], bounds[1], bounds[2]);
}

Arguments Render::eval_arguments(const CallArguments& written, Frame& frame, Scope& scope) {
  Arguments arguments;
  for (const Expr* argument : written.positional) {
    heap_.push(arguments.positional, eval(*argument, frame, scope));
  }
  for (const auto& [name, argument] : written.named) {
    arguments.named.emplace_back(name, eval(*argument, frame, scope));
  }
  if (written.star != nullptr) {
    for (const Value& item : items_of(heap_, eval(*written.star, frame, scope))) {
      heap_.push(arguments.positional, item);
    }
  }
  if (written.star_star != nullptr) {
    const Value dict = eval(*written.star_star, frame, scope);
    if (!dict.is(Kind::kDict)) fail("what follows ** must be a dictionary");
    for (const auto& [key, value] : dict.as_dict().entries) {
      heap_.step();
      arguments.named.emplace_back(need_string(key, "a key of what follows **"), value);
    }
  }
  return arguments;
}

Value Render::eval_call(const Expr& e, Frame& frame, Scope& scope, const Value* caller) {
  const Value callee = eval(*e.children[0], frame, scope);
  Arguments arguments = eval_arguments(e.arguments, frame, scope);
  if (caller != nullptr) arguments.caller = *caller;
  stand(frame, e.line);
  return call(callee, arguments);
}

Value Render::eval_filter(const Expr& e, const Value* piped, Frame& frame, Scope& scope) {
  const Level level(*this);  // a filter block recurses here, not in eval
  const Value value = e.children.empty() ? *piped
                      : piped != nullptr && e.children[0]->kind == ExprKind::kFilter
                          ? eval_filter(*e.children[0], piped, frame, scope)
                          : eval(*e.children[0], frame, scope);
  const Arguments arguments = eval_arguments(e.arguments, frame, scope);
  stand(frame, e.line);
  if (e.builtin == nullptr) fail("there is no filter \"" + std::string(e.name) + "\"");
  return apply(e.builtin, value, arguments);
}

// Whatever a builtin does with texts, it reads them once; what it makes of them it counts itself.
void Render::charge_texts(const Value& self, const Arguments& arguments) {
  heap_.step();
  if (self.is(Kind::kString)) heap_.charge_text(self.text().size());
  for (const Value& argument : arguments.positional) {
    if (argument.is(Kind::kString)) heap_.charge_text(argument.text().size());
  }
}

Value Render::apply(Builtin builtin, const Value& value, const Arguments& arguments) {
  const Level level(*this);
  charge_texts(value, arguments);
  return builtin(*this, value, arguments);
}

Value Render::eval_test(const Expr& e, Frame& frame, Scope& scope) {
  const Value value = eval(*e.children[0], frame, scope);
  const Arguments arguments = eval_arguments(e.arguments, frame, scope);
  stand(frame, e.line);
  if (e.builtin == nullptr) fail("there is no test \"" + std::string(e.name) + "\"");
  return Value::boolean(truth(apply(e.builtin, value, arguments)));
}

}  // namespace maie::prompt
