#include "kernels/reference/gelu.h"

#include <cmath>

namespace maie::reference {

// erfc keeps its digits where 1 + erf would lose them.
double gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace maie::reference
