#include <algorithm>

#include "prompt/builtins.h"
#include "prompt/operations.h"
#include "prompt/python_text.h"
#include "prompt/render.h"

namespace maie::prompt {

std::string loop_text(const LoopState& loop) {
  const size_t rest = loop.ready.size() + loop.source.size() - loop.next;
  return "<LoopContext " + std::to_string(loop.index0 + 1) + "/" +
         std::to_string(loop.index0 + 1 + int64_t(rest)) + ">";
}

std::string Render::place(const Failure& failure) const {
  std::string place = "template \"" + (unit_ != nullptr ? unit_->name : std::string()) + "\"";
  const int line = failure.line != 0 ? failure.line : line_;
  return line == 0 ? place : place + ", line " + std::to_string(line);
}

std::string Render::run(std::string_view name, const Json& data) {
  const Unit& unit = *units_.find(name)->second;
  unit_ = &unit;
  if (!data.is_null() && !data.is_object()) fail("the variables of a template must be an object");
  data_ = data.is_null() ? heap_.dict() : from_json(heap_, data);
  Scope& base = new_scope(nullptr);
  base.data = &data_.as_dict();
  Instance& instance = instances_.emplace_back();
  instance.root = &new_scope(&base);
  Sink out(heap_, true);
  run_instance(unit, instance, options_.escape, out);
  return std::move(out.text());
}

void Render::add_blocks(const Unit& unit, Instance& instance) {
  for (const auto& [name, statement] : unit.blocks) {
    heap_.charge_bytes(100);
    instance.blocks[name].push_back({&unit, statement});
  }
}

void Render::run_instance(const Unit& unit, Instance& instance, bool escape, Sink& out) {
  const Unit* current = &unit;
  for (size_t files = 0; current != nullptr; ++files) {
    if (files > heap_.limits().files) {
      over_limit("a template extends more than " + std::to_string(heap_.limits().files) +
                 " others, one after the other; look for one that extends itself");
    }
    add_blocks(*current, instance);
    if (!instance.blocks.empty()) {
      const Value self = heap_.dict();
      for (const auto& [name, blocks] : instance.blocks) {
        heap_.set(self.as_dict(), Value::string(name),
                  block_function({&instance, name, 0, escape, instance.root}));
      }
      instance.root->set(heap_, "self", Value::name_space(&self.as_dict()));
    }
    Frame frame{current, &instance, escape, false, nullptr};
    exec(current->body, frame, *instance.root, out);
    current = frame.parent;
  }
}

void Render::exec_block(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  if (frame.extended) return;
  run_block({frame.instance, s.name, 0, frame.escape, s.scoped ? &scope : frame.instance->root},
            out);
  stand(frame, s.line);
}

void Render::run_block(const BlockCall& call, Sink& out) {
  const auto& levels = call.instance->blocks.find(call.name)->second;
  const Instance::Block& block = levels[call.level];
  Frame frame{block.unit, call.instance, call.escape, false, nullptr};
  stand(frame, block.statement->line);
  if (block.statement->required) {
    fail("the block \"" + std::string(call.name) +
         "\" is required; define it in the template that "
         "extends this one");
  }
  const Level level(*this);
  Scope& scope = new_scope(call.scope);
  BlockCall parent = call;
  ++parent.level;
  scope.set(heap_, "super",
            parent.level < levels.size() ? block_function(parent)
                                         : heap_.undefined("there is no parent block called \"" +
                                                           std::string(call.name) + "\""));
  exec(block.statement->body, frame, scope, out);
}

Value Render::block_function(const BlockCall& block) {
  heap_.charge_bytes(sizeof(BlockCall));
  Function function;
  function.name = block.name;
  function.block = &block_calls_.emplace_back(block);
  return heap_.function(function);
}

void Render::exec_include(const Stmt& s, Frame& frame, Scope& scope, Sink& out) {
  const auto found = std::find_if(s.names.begin(), s.names.end(), [&](std::string_view name) {
    return units_.find(name) != units_.end();
  });
  if (found == s.names.end()) {
    if (s.ignore_missing) return;
    fail("none of the templates to include exists, the first is \"" + std::string(s.names[0]) +
         "\"");
  }
  heap_.charge_bytes(sizeof(Instance));
  Instance& instance = instances_.emplace_back();
  instance.root = &new_scope(s.with_context ? &scope : nullptr);
  run_instance(*units_.find(*found)->second, instance, frame.escape, out);
  stand(frame, s.line);
}

Value Render::make_macro(const Stmt& statement, const Frame& frame, Scope& scope) {
  heap_.charge_bytes(sizeof(MacroData));
  MacroData& data = macros_.emplace_back(MacroData{&statement, &scope, frame});
  data.frame.extended = false;
  Function function;
  function.name = statement.name;
  function.macro = &data;
  return heap_.function(function);
}

Value Render::call_macro(const MacroData& macro, const Arguments& arguments) {
  const Stmt& s = *macro.statement;
  const Frame came_from{unit_, nullptr, escaping_, false, nullptr};
  const int came_from_line = line_;
  const std::string name = "macro \"" + std::string(s.name) + "\"";
  Frame frame = macro.frame;
  Scope& scope = new_scope(macro.closure);
  auto named = arguments.named;
  const auto take_named = [&](std::string_view key) {
    const auto at =
        std::find_if(named.begin(), named.end(), [&](auto& n) { return n.first == key; });
    if (at == named.end()) return Value();
    const Value value = at->second;
    named.erase(at);
    return value;
  };
  const auto is_given = [&](std::string_view key) {
    return std::any_of(named.begin(), named.end(), [&](auto& n) { return n.first == key; });
  };
  for (size_t i = 0; i < s.parameters.size(); ++i) {
    const Parameter& parameter = s.parameters[i];
    if (i < arguments.positional.size()) {
      scope.set(heap_, parameter.name, arguments.positional[i]);
    } else if (is_given(parameter.name)) {
      scope.set(heap_, parameter.name, take_named(parameter.name));
    } else if (parameter.fallback != nullptr) {
      scope.set(heap_, parameter.name, eval(*parameter.fallback, frame, scope));
    } else {
      scope.set(
          heap_, parameter.name,
          heap_.undefined("parameter \"" + std::string(parameter.name) + "\" was not provided"));
    }
  }
  if (s.uses_caller) {
    const bool block = arguments.caller.is(Kind::kFunction);
    Value caller = block ? arguments.caller : take_named("caller");
    if (caller.is(Kind::kUndefined)) caller = heap_.undefined("there is no caller");
    scope.set(heap_, "caller", caller);
  } else if (arguments.caller.is(Kind::kFunction) && s.uses_kwargs) {
    named.emplace_back("caller", arguments.caller);
  } else if (arguments.caller.is(Kind::kFunction)) {
    fail(name + " does not use caller(), so a call block is no use");
  }
  if (s.uses_kwargs) {
    const Value rest = heap_.dict();
    for (const auto& [key, value] : named) heap_.set(rest.as_dict(), Value::string(key), value);
    scope.set(heap_, "kwargs", rest);
  } else if (!named.empty()) {
    fail(name + " has no parameter \"" + std::string(named[0].first) + "\"");
  }
  if (s.uses_varargs) {
    std::vector<Value> rest;
    for (size_t i = s.parameters.size(); i < arguments.positional.size(); ++i) {
      heap_.push(rest, arguments.positional[i]);
    }
    scope.set(heap_, "varargs", heap_.list(std::move(rest), Sequence::kTuple));
  } else if (arguments.positional.size() > s.parameters.size()) {
    fail(name + " takes at most " + std::to_string(s.parameters.size()) + " arguments, not " +
         std::to_string(arguments.positional.size()));
  }
  Sink out(heap_, false);
  exec(s.body, frame, scope, out);
  stand(came_from, came_from_line);
  return captured(out, frame.escape);
}

Value Render::call(const Value& callee, const Arguments& arguments) {
  need_defined(callee);
  if (!callee.is(Kind::kFunction)) {
    fail("a " + std::string(type_name(callee)) + " cannot be called");
  }
  const Level level(*this);
  const Function& function = callee.as_function();
  if (function.macro != nullptr) return call_macro(*function.macro, arguments);
  if (arguments.caller.is(Kind::kFunction)) {
    fail(std::string(function.name) + "() takes no call block");
  }
  if (function.block != nullptr) {
    const Frame came_from{unit_, nullptr, escaping_, false, nullptr};
    const int line = line_;
    (void)arguments.bind(function.name, {});
    Sink out(heap_, false);
    run_block(*function.block, out);
    stand(came_from, line);
    return captured(out, function.block->escape);
  }
  charge_texts(function.self, arguments);
  return function.builtin(*this, function.self, arguments);
}

Value Render::loop_attribute(LoopState& loop, std::string_view name) {
  const auto all_ready = [&] {
    while (look_ahead(loop)) heap_.step();
    return int64_t(loop.ready.size());
  };
  const auto has_next = [&] { return !loop.ready.empty() || look_ahead(loop); };
  if (name == "index") return Value::integer(loop.index0 + 1);
  if (name == "index0") return Value::integer(loop.index0);
  if (name == "first") return Value::boolean(loop.index0 == 0);
  if (name == "last") return Value::boolean(!has_next());
  if (name == "length") return Value::integer(all_ready() + loop.index0 + 1);
  if (name == "revindex") return Value::integer(all_ready() + 1);
  if (name == "revindex0") return Value::integer(all_ready());
  if (name == "depth") return Value::integer(1);  // it counts recursive loops only
  if (name == "depth0") return Value::integer(0);
  if (name == "previtem") {
    return loop.index0 > 0 ? loop.previous : heap_.undefined("there is no previous item");
  }
  if (name == "nextitem") {
    return has_next() ? loop.ready.front() : heap_.undefined("there is no next item");
  }
  Function method;
  method.self = Value::loop(&loop);
  if (name == "cycle") {
    method.name = "loop.cycle";
    method.builtin = [](Render&, const Value& self, const Arguments& arguments) {
      if (arguments.positional.empty()) fail("loop.cycle() needs values to choose from");
      const size_t count = arguments.positional.size();
      return arguments.positional[size_t(self.as_loop().index0) % count];
    };
    return heap_.function(method);
  }
  if (name == "changed") {
    method.name = "loop.changed";
    method.builtin = [](Render& render, const Value& self, const Arguments& arguments) {
      LoopState& state = self.as_loop();
      bool same = state.asked_changed && state.changed.size() == arguments.positional.size();
      for (size_t i = 0; same && i < state.changed.size(); ++i) {
        same = equals(render.heap(), state.changed[i], arguments.positional[i]);
      }
      state.asked_changed = true;
      state.changed = arguments.positional;
      return Value::boolean(!same);
    };
    return heap_.function(method);
  }
  return heap_.undefined("a loop has no attribute \"" + std::string(name) + "\"");
}

}  // namespace maie::prompt
