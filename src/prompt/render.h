#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/ast.h"
#include "prompt/failure.h"
#include "prompt/value.h"

namespace maie::prompt {

/// The files a template consists of, by name.
using Units = std::map<std::string, std::shared_ptr<const Unit>, std::less<>>;

struct Scope;
struct Instance;

/// Where execution stands: the file, and what blocks and escaping mean there.
struct Frame {
  const Unit* unit = nullptr;
  Instance* instance = nullptr;
  bool escape = false;  ///< values are escaped for HTML where they are printed
  bool extended =
      false;  ///< the file extends another: what stands outside of its blocks is dropped
  const Unit* parent = nullptr;  ///< the file it extends
};

/// A block of an instance at some level: 0 is the most derived one.
struct BlockCall {
  Instance* instance;
  std::string_view name;
  size_t level;
  bool escape;
  Scope* scope;  ///< the names it sees
};

/// What a macro (or the body of a call block) needs to run.
struct MacroData {
  const Stmt* statement;
  Scope* closure;
  Frame frame;
};

/// Names of one level; small, so looked through from the front.
struct Scope {
  Scope* parent = nullptr;
  std::vector<std::pair<std::string_view, Value>> names;
  const Dict* data = nullptr;  ///< of the outermost: what the caller gave

  const Value* find(Heap& heap, std::string_view name) const;
  void set(Heap& heap, std::string_view name, const Value& value);
};

/// One template with everything it extends, or an included one, while it runs.
struct Instance {
  Scope* root = nullptr;
  struct Block {
    const Unit* unit;
    const Stmt* statement;
  };
  std::map<std::string_view, std::vector<Block>> blocks;  ///< the most derived first
};

/// What `loop` stands for. Items that fail the loop's condition are passed over, and the condition
/// is asked no earlier than needed: one item ahead for loop.last, all of them for loop.length.
struct LoopState {
  const Stmt* statement = nullptr;
  Scope* outer = nullptr;
  Frame frame;
  std::vector<Value> source;
  size_t next = 0;          ///< in source
  std::deque<Value> ready;  ///< looked at already, not yet reached
  Value current, previous;
  int64_t index0 = -1;
  std::vector<Value> changed;  ///< arguments of the last loop.changed()
  bool asked_changed = false;
};

/// repr() of a loop.
std::string loop_text(const LoopState& loop);

/// Collects output, counted against a limit.
class Sink {
 public:
  Sink(Heap& heap, bool result) : heap_(heap), result_(result) {}
  void append(std::string_view text);
  std::string& text() { return text_; }

 private:
  Heap& heap_;
  bool result_;  ///< the output of the whole render, not a part that becomes a value
  std::string text_;
};

/// One run of a template. Used once, by one thread.
class Render {
 public:
  struct Options {
    bool escape = false;
    std::function<std::chrono::system_clock::time_point()> now;
  };

  Render(const Units& units, const Limits& limits, Options options)
      : units_(units), options_(std::move(options)), heap_(limits) {}

  /// Runs the file `name` with the members of `data` as its variables; throws Failure.
  std::string run(std::string_view name, const Json& data);
  /// Where a Failure without a line happened.
  std::string place(const Failure& failure) const;

  Heap& heap() { return heap_; }
  std::chrono::system_clock::time_point now() const { return options_.now(); }
  /// Whether what is printed at this moment is escaped.
  bool escaping() const { return escaping_; }

  /// Calls a function, macro or method.
  Value call(const Value& callee, const Arguments& arguments);
  /// value.name as jinja2 finds it: attributes first, then elements.
  Value attribute(const Value& value, std::string_view name);
  /// Applies a filter or test; counts as a level, because map() can apply map().
  Value apply(Builtin builtin, const Value& value, const Arguments& arguments);

 private:
  enum class Flow : uint8_t { kNext, kBreak, kContinue };
  /// Counts how deep the run stands.
  class Level {
   public:
    explicit Level(Render& render) : render_(render) {
      if (++render_.depth_ > render_.heap_.limits().depth) render_.too_deep();
    }
    ~Level() { --render_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Render& render_;
  };
  [[noreturn]] void too_deep() const;

  // render_statements.cpp
  Flow exec(const Body& body, Frame& frame, Scope& scope, Sink& out);
  Flow exec(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  Flow exec_if(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  Flow exec_for(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  Flow exec_set_block(const Stmt& statement, Frame& frame, Scope& scope);
  Flow exec_filter_block(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  Flow exec_with(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  Flow exec_autoescape(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  void exec_call_block(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  void output(const Value& value, const Frame& frame, Sink& out);
  void assign(const Expr& target, const Value& value, Frame& frame, Scope& scope);
  bool next_item(LoopState& loop);
  bool look_ahead(LoopState& loop);

  // render_calls.cpp
  void run_instance(const Unit& unit, Instance& instance, bool escape, Sink& out);
  void exec_block(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  void exec_include(const Stmt& statement, Frame& frame, Scope& scope, Sink& out);
  void run_block(const BlockCall& block, Sink& out);
  Value call_macro(const MacroData& macro, const Arguments& arguments);
  Value block_function(const BlockCall& block);
  void add_blocks(const Unit& unit, Instance& instance);
  Value loop_attribute(LoopState& loop, std::string_view name);
  Value make_macro(const Stmt& statement, const Frame& frame, Scope& scope);
  Value captured(Sink& sink, bool escape);

  // render_expressions.cpp
  void charge_texts(const Value& self, const Arguments& arguments);
  Value eval(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_name(const Expr& expression, Scope& scope);
  Value eval_list(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_dict(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_sign(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_arithmetic(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_concatenate(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_logic(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_compare(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_conditional(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_item(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_slice(const Expr& expression, Frame& frame, Scope& scope);
  Value eval_call(const Expr& expression, Frame& frame, Scope& scope, const Value* caller);
  Value eval_filter(const Expr& expression, const Value* piped, Frame& frame, Scope& scope);
  Value eval_test(const Expr& expression, Frame& frame, Scope& scope);
  Arguments eval_arguments(const CallArguments& written, Frame& frame, Scope& scope);
  bool holds(Comparison comparison, const Value& a, const Value& b);

  Scope& new_scope(Scope* parent);
  void stand(const Frame& frame, int line) {
    unit_ = frame.unit;
    line_ = line;
    escaping_ = frame.escape;
  }

  const Units& units_;
  Options options_;
  Heap heap_;
  std::deque<Scope> scopes_;
  std::deque<MacroData> macros_;
  std::deque<BlockCall> block_calls_;
  std::deque<LoopState> loops_;
  std::deque<Instance> instances_;
  std::map<std::string_view, Value> globals_;
  Value data_;
  size_t depth_ = 0;
  const Unit* unit_ = nullptr;
  int line_ = 0;
  bool escaping_ = false;
};

}  // namespace maie::prompt
