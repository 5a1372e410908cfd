#pragma once

#include <string>
#include <vector>

namespace maie::cpu {

/// What the kernels may use on this machine. Read once, before main, from the processor and from
/// MAIE_CPU_ISA (`plain`, `avx2` or `native`), which tests set to exercise the slower paths.
struct Isa {
  bool avx2 = false;
  bool avx512 = false;
  bool vnni = false;  ///< 8-bit dot products of 512 bits, through oneDNN
  bool bf16 = false;  ///< bfloat16 dot products, through oneDNN
  std::string limit;  ///< value of MAIE_CPU_ISA, "native" when unset
};

const Isa& isa();

/// Name and version of the libraries the kernels call, as loaded ("oneDNN", "2.6.3").
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace maie::cpu
