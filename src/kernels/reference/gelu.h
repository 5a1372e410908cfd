#pragma once

namespace maie::reference {

/// x Φ(x) = x (1 + erf(x / √2)) / 2.
double gelu(double x);

}  // namespace maie::reference
