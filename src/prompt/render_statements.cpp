#include <algorithm>

#include "prompt/operations.h"
#include "prompt/render.h"

namespace maie::prompt {

const Value* Scope::find(Heap& heap, std::string_view name) const {
  const Scope* scope = this;
  while (true) {
    heap.step(1 + scope->names.size() / 16);
    for (const auto& [known, value] : scope->names) {
      if (known == name) return &value;
    }
    if (scope->parent == nullptr) break;
    scope = scope->parent;
  }
  return scope->data != nullptr ? scope->data->find(name) : nullptr;
}

void Scope::set(Heap& heap, std::string_view name, const Value& value) {
  heap.step(1 + names.size() / 16);
  for (auto& [known, old] : names) {
    if (known == name) {
      old = value;
      return;
    }
  }
  heap.charge_bytes(sizeof(names[0]));
  names.emplace_back(name, value);
}

void Sink::append(std::string_view text) {
  heap_.charge_text(text.size());
  if (!result_) {
    heap_.charge_bytes(text.size());
  } else if (text.size() > heap_.limits().output_bytes - text_.size()) {
    over_limit("the output is longer than " + std::to_string(heap_.limits().output_bytes) +
               " bytes; shorten the template's loops or its input, or raise the limit");
  }
  text_ += text;
}

void Render::too_deep() const {
  over_limit("calls, includes and expressions stand more than " +
             std::to_string(heap_.limits().depth) +
             " levels within one another; end the recursion earlier");
}

Scope& Render::new_scope(Scope* parent) {
  heap_.charge_bytes(sizeof(Scope));
  Scope& scope = scopes_.emplace_back();
  scope.parent = parent;
  return scope;
}

void Render::output(const Value& value, const Frame& frame, Sink& out) {
  const Value text = value.is(Kind::kUndefined) ? Value() : as_string(heap_, value);
  if (text.is(Kind::kUndefined)) return;
  if (frame.escape && !text.is_safe()) return out.append(escape_html(text.text()));
  out.append(text.text());
}

Render::Flow Render::exec(const Body& body, Frame& frame, Scope& scope, Sink& out) {
  for (const Stmt* statement : body) {
    const Flow flow = exec(*statement, frame, scope, out);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Render::Flow Render::exec(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  const Level level(*this);
  heap_.step();
  stand(frame, s.line);
  switch (s.kind) {
    case StmtKind::kText:
      if (!frame.extended) out.append(s.text);
      break;
    case StmtKind::kOutput:
      if (!frame.extended) output(eval(*s.expression, frame, scope), frame, out);
      break;
    case StmtKind::kIf: return exec_if(s, frame, scope, out);
    case StmtKind::kFor: return exec_for(s, frame, scope, out);
    case StmtKind::kBreak: return Flow::kBreak;
    case StmtKind::kContinue: return Flow::kContinue;
    case StmtKind::kSet: assign(*s.target, eval(*s.expression, frame, scope), frame, scope); break;
    case StmtKind::kSetBlock: return exec_set_block(s, frame, scope);
    case StmtKind::kWith: return exec_with(s, frame, scope, out);
    case StmtKind::kMacro: scope.set(heap_, s.name, make_macro(s, frame, scope)); break;
    case StmtKind::kCall: exec_call_block(s, frame, scope, out); break;
    case StmtKind::kFilter: return exec_filter_block(s, frame, scope, out);
    case StmtKind::kBlock: exec_block(s, frame, scope, out); break;
    case StmtKind::kInclude: exec_include(s, frame, scope, out); break;
    case StmtKind::kAutoescape: return exec_autoescape(s, frame, scope, out);
    case StmtKind::kScope: {
      Frame inner = frame;
      inner.extended = false;
      return exec(s.body, inner, new_scope(&scope), out);
    }
    case StmtKind::kExtends:
      if (frame.extended) fail("a template can extend one other only");
      frame.extended = true;
      frame.parent = units_.find(s.names[0])->second.get();
      break;
  }
  return Flow::kNext;
}

Render::Flow Render::exec_if(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  for (const Branch& branch : s.branches) {
    if (branch.condition == nullptr || truth(eval(*branch.condition, frame, scope))) {
      return exec(branch.body, frame, scope, out);
    }
  }
  return Flow::kNext;
}

bool Render::look_ahead(LoopState& loop) {
  const Expr* condition = loop.statement->condition;
  if (condition == nullptr) {
    if (loop.next == loop.source.size()) return false;
    loop.ready.push_back(loop.source[loop.next++]);
    return true;
  }
  while (loop.next < loop.source.size()) {
    const Value item = loop.source[loop.next++];
    Scope scope;
    scope.parent = loop.outer;
    assign(*loop.statement->target, item, loop.frame, scope);
    if (truth(eval(*condition, loop.frame, scope))) {
      loop.ready.push_back(item);
      return true;
    }
  }
  return false;
}

bool Render::next_item(LoopState& loop) {
  if (loop.ready.empty() && !look_ahead(loop)) return false;
  loop.previous = loop.current;
  loop.current = loop.ready.front();
  loop.ready.pop_front();
  ++loop.index0;
  return true;
}

Render::Flow Render::exec_for(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  heap_.charge_bytes(sizeof(LoopState) + 600);  // a deque takes a page of its own
  LoopState& loop = loops_.emplace_back();
  loop.statement = &s;
  loop.outer = &scope;
  loop.frame = frame;
  loop.source = items_of(heap_, eval(*s.expression, frame, scope));
  Scope* names = &new_scope(&scope);
  bool completed = false;
  while (next_item(loop)) {
    heap_.step();
    if (s.keeps_scope) {
      names = &new_scope(&scope);
    } else {
      names->names.clear();
    }
    if (s.uses_loop) names->set(heap_, "loop", Value::loop(&loop));
    assign(*s.target, loop.current, frame, *names);
    const Flow flow = exec(s.body, frame, *names, out);
    if (flow == Flow::kBreak) break;
    completed = completed || flow == Flow::kNext;
  }
  // As in jinja2, "else" runs unless a round came to its end, without "break" or "continue".
  if (completed) return Flow::kNext;
  return exec(s.otherwise, frame, new_scope(&scope), out);
}

void Render::assign(const Expr& target, const Value& value, Frame& frame, Scope& scope) {
  if (target.kind == ExprKind::kName) return scope.set(heap_, target.name, value);
  if (target.kind == ExprKind::kAttribute) {
    const Value* object = scope.find(heap_, target.children[0]->name);
    if (object == nullptr || !object->is(Kind::kNamespace)) {
      fail("\"" + std::string(target.children[0]->name) + "." + std::string(target.name) +
           "\" can be set only where \"" + std::string(target.children[0]->name) +
           "\" is a namespace()");
    }
    if (target.name.substr(0, 1) == "_") {
      fail("the attributes of a namespace do not begin with \"_\"; rename \"" +
           std::string(target.name) + "\"");
    }
    return heap_.set(object->as_dict(), Value::string(target.name), value);
  }
  need_defined(value);
  const std::vector<Value> items = items_of(heap_, value);
  if (items.size() != target.children.size()) {
    fail(std::to_string(items.size()) + " values for " + std::to_string(target.children.size()) +
         " names");
  }
  for (size_t i = 0; i < items.size(); ++i) assign(*target.children[i], items[i], frame, scope);
}

Value Render::captured(Sink& sink, bool escape) {
  return heap_.text(std::move(sink.text()), escape);
}

Render::Flow Render::exec_set_block(const Stmt& s, Frame& frame, Scope& scope) {
  Sink body(heap_, false);
  Frame inner = frame;
  inner.extended = false;
  Scope& names = new_scope(&scope);
  const Flow flow = exec(s.body, inner, names, body);
  if (flow != Flow::kNext) return flow;
  Value value = captured(body, frame.escape);
  if (s.expression != nullptr) {
    value = eval_filter(*s.expression, &value, frame, names);
    if (frame.escape) value = Value::string(as_string(heap_, value).text(), true);
  }
  assign(*s.target, value, frame, scope);
  return Flow::kNext;
}

Render::Flow Render::exec_filter_block(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  Sink body(heap_, false);
  Scope& names = new_scope(&scope);
  const Flow flow = exec(s.body, frame, names, body);
  if (flow != Flow::kNext) return flow;
  const Value value = captured(body, frame.escape);
  const Value filtered = eval_filter(*s.expression, &value, frame, names);
  out.append(need_string(filtered, "what the filter of a filter block returns"));
  return Flow::kNext;
}

Render::Flow Render::exec_with(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  Scope& names = new_scope(&scope);
  for (const auto& [target, expression] : s.assignments) {
    assign(*target, eval(*expression, frame, scope), frame, names);
  }
  return exec(s.body, frame, names, out);
}

Render::Flow Render::exec_autoescape(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  const bool escape = frame.escape;
  frame.escape = truth(eval(*s.expression, frame, scope));
  const Flow flow = exec(s.body, frame, new_scope(&scope), out);
  frame.escape = escape;
  return flow;
}

void Render::exec_call_block(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  const Value caller = make_macro(s, frame, scope);
  output(eval_call(*s.expression, frame, scope, &caller), frame, out);
}

}  // namespace maie::prompt
