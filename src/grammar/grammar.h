#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/code_point_dfa.h"

namespace maie::grammar {

inline constexpr uint32_t kUnbounded = UINT32_MAX;

/// One kind of value (or one key) of a grammar. Nodes refer to each other by index, so schemas may
/// recurse.
struct Node {
  enum class Kind {
    kBytes,   ///< an automaton over bytes whose states may also call other nodes
    kString,  ///< a JSON string with its quotes
    kArray,   ///< [ items ]
    kUnion,   ///< any one of `parts`
  };
  struct Edge {
    uint8_t first, last;  ///< bytes, inclusive
    uint32_t next;
  };
  struct Call {
    uint32_t node;  ///< read first, then
    uint32_t next;  ///< go on here
  };
  struct State {
    std::vector<Edge> edges;  ///< ascending, disjoint
    std::vector<Call> calls;
    bool accept = false;
    uint32_t need = kUnbounded;  ///< fewest bytes to the end of the node
    uint32_t depth = 1;          ///< nesting on the way of those
  };

  Kind kind = Kind::kBytes;
  std::vector<State> states;    ///< kBytes
  CodePointDfa dfa;             ///< kString
  bool free = false;            ///< kString: `dfa` accepts everything
  uint32_t least = 0;           ///< kString (free only, code points), kArray (items)
  uint32_t most = kUnbounded;   ///< likewise
  std::vector<uint32_t> parts;  ///< kUnion: the choices; kArray: the first items
  int64_t rest = -1;            ///< kArray: the items after `parts`; -1: none allowed
  uint32_t need = kUnbounded;   ///< fewest bytes of a whole value; kUnbounded: there is none
  uint32_t depth = 1;           ///< nesting of the shortest value

  /// The node of item `index`, or -1.
  int64_t item(uint32_t index) const { return index < parts.size() ? int64_t(parts[index]) : rest; }
};

/// Bounds of what a schema may ask for; past them compiling stops with kResourceExhausted.
struct GrammarLimits {
  size_t schema_bytes = 1 << 20;
  size_t nodes = 20'000;
  size_t states = 400'000;       ///< over all automata
  size_t shortest = 20'000;      ///< bytes of the shortest document
  uint32_t depth = 48;           ///< nesting of a document
  bool refuse_unproven = false;  ///< refuse what only validation afterwards can check
};

/// A JSON Schema as an automaton with a stack over the bytes of compact JSON. Immutable, any
/// thread.
class Grammar {
 public:
  /// Compiles a schema. kUnsupported or kInvalidInput name the keyword by JSON pointer and say
  /// what to write instead; kResourceExhausted names the limit. What has no valid document is
  /// kInvalidInput. The keywords: docs/structured-output.md.
  static Result<std::shared_ptr<const Grammar>> compile(std::string_view schema_json,
                                                        const GrammarLimits& limits = {});

  const std::vector<Node>& nodes() const { return nodes_; }
  uint32_t root() const { return root_; }
  uint32_t max_depth() const { return max_depth_; }
  /// JSON pointers of keywords the automaton does not enforce; `validate` must be asked afterwards.
  const std::vector<std::string>& checked_after() const { return checked_after_; }
  /// Bytes of the shortest document.
  uint32_t shortest_bytes() const { return nodes_[root_].need; }

 private:
  friend class SchemaCompiler;
  std::vector<Node> nodes_;
  uint32_t root_ = 0;
  uint32_t max_depth_ = 0;
  std::vector<std::string> checked_after_;
};

/// Which way the shortest rest of a document takes out of `state`: edge `edge`, or call `call`, or
/// neither at the end of the node.
struct Shortest {
  int64_t edge = -1, call = -1;
};
Shortest shortest_way(const Node& node, const Node::State& state, const std::vector<Node>& nodes);

/// Fills in every `need` and `depth` and removes what can never be finished.
void find_shortest(std::vector<Node>& nodes);

}  // namespace maie::grammar
