#include "kernels/cpu/isa.h"

#include <hwy/base.h>
#include <hwy/detect_targets.h>
#include <hwy/targets.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "kernels/cpu/gemm.h"

namespace maie::cpu {
namespace {

Isa detect() {
  Isa isa;
  const char* limit = std::getenv("MAIE_CPU_ISA");
  isa.limit = limit != nullptr && *limit != 0 ? limit : "native";
#if defined(__x86_64__)
  __builtin_cpu_init();
  isa.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  isa.avx512 = isa.avx2 && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq");
  if (isa.limit == "plain") isa.avx2 = isa.avx512 = false;
  if (isa.limit == "avx2") isa.avx512 = false;
  isa.vnni = isa.avx512 && __builtin_cpu_supports("avx512vnni");
  isa.bf16 = isa.vnni && __builtin_cpu_supports("avx512bf16");
  int64_t disabled = 0;
  if (!isa.avx512) disabled |= HWY_AVX3 | HWY_AVX3_DL;
#ifdef HWY_AVX3_ZEN4  // targets that later versions of Highway tell apart
  if (!isa.avx512) disabled |= HWY_AVX3_ZEN4;
#endif
#ifdef HWY_AVX3_SPR
  if (!isa.avx512) disabled |= HWY_AVX3_SPR;
#endif
  if (!isa.avx2) disabled |= HWY_AVX2 | HWY_SSE4 | HWY_SSSE3;
  if (disabled != 0) hwy::DisableTargets(disabled);
  limit_gemm_library(isa);
#endif
  return isa;
}

// Made before main, so that no kernel is dispatched before the limit holds.
const Isa g_isa = detect();

}  // namespace

const Isa& isa() { return g_isa; }

}  // namespace maie::cpu
