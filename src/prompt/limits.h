#pragma once

#include <cstddef>

namespace maie::prompt {

/// What a template may use. Reaching one ends the render (or the parse) with kResourceExhausted;
/// the message names the template, the line and the limit.
struct Limits {
  size_t source_bytes = 1 << 20;    ///< of one template file
  size_t nesting = 100;             ///< of expressions and of statements within one another
  size_t files = 64;                ///< templates that one template extends and includes, in all
  size_t steps = 10'000'000;        ///< expressions, statements and list items, 32 bytes of text
  size_t value_bytes = 256u << 20;  ///< of all values made while rendering, freed at its end
  size_t output_bytes = 64u << 20;  ///< of the result
  size_t depth = 1500;              ///< of calls, includes and expressions while rendering
  size_t data_depth = 200;          ///< of lists and objects within one another
};

}  // namespace maie::prompt
