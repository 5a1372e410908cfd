// The one file that knows oneDNN, generations 2.5 to 3.x.
//
// oneDNN would like to own the threads; we run it inside the members of our own team, one thread
// each, so that a piece of a product and what follows it (scales, bias, GELU) stay in that member's
// cache. Products are planned once per size and kept; A and D are attached to the plan of each
// thread.

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>
#include <unordered_map>

#include "base/check.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/isa.h"

namespace maie::cpu {
namespace {

using dnnl::memory;

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

// oneDNN asks its OpenMP run-time how many threads to use, and that answer is per thread. The
// run-time is whichever one oneDNN was built with, so it is found by name.
void use_one_thread() {
  using SetThreads = void (*)(int);
  static const auto set_threads =
      reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  thread_local bool done = false;
  if (done) return;
  if (set_threads != nullptr) set_threads(1);
  done = true;
}

memory::data_type a_type(GemmType type) {
  switch (type) {
    case GemmType::kF32: return memory::data_type::f32;
    case GemmType::kBF16: return memory::data_type::bf16;
    case GemmType::kI8: return memory::data_type::u8;
  }
  return memory::data_type::undef;
}
memory::data_type b_type(GemmType type) {
  return type == GemmType::kI8 ? memory::data_type::s8 : a_type(type);
}
memory::data_type d_type(GemmType type) {
  return type == GemmType::kI8 ? memory::data_type::s32 : memory::data_type::f32;
}

dnnl::matmul::primitive_desc describe(GemmType type, int64_t K, int64_t N, int64_t rows,
                                      int64_t lda, int64_t ldd, const memory::desc& weights) {
  const memory::desc a({rows, K}, a_type(type), memory::dims{lda, 1});
  const memory::desc d({rows, N}, d_type(type), memory::dims{ldd, 1});
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), a, weights, d, attributes};
#else
  return {dnnl::matmul::desc(a, weights, d), attributes, engine()};
#endif
}

struct Key {
  GemmType type;
  int64_t K, N, rows, lda, ldd;
  bool operator==(const Key&) const = default;
};
struct KeyHash {
  size_t operator()(const Key& key) const {
    size_t hash = size_t(key.type);
    for (const int64_t part : {key.K, key.N, key.rows, key.lda, key.ldd}) {
      hash = (hash ^ size_t(part)) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 29;
    }
    return hash;
  }
};

// oneDNN 2.6 multiplies bfloat16 with AMX for some numbers of rows and without for others (33 x 17:
// from 16 rows on), and cuts K in two for some (1536 x 8960: 65, but not 66), so a row would depend
// on its company. There every pass has this many rows, the last one with whatever is left from
// before: a pass of one row still waits for the weights alone (16 weights a cycle), and one of many
// for the tiles. Integers are exact in any order.
constexpr int64_t kRowsOfAmxPass = 32;

bool passes_have_one_size(GemmType type) {
  static const bool has_amx = [] {
    constexpr auto amx = int(dnnl::cpu_isa::avx512_core_amx);  // a set of bits
    return (int(dnnl::get_effective_cpu_isa()) & amx) == amx;
  }();
  return type == GemmType::kBF16 && has_amx;
}

// The layout of packed weights must serve every number of rows, so it is asked for once, for a
// middling one.
memory::desc weights_layout(GemmType type, int64_t K, int64_t N) {
  static std::mutex mutex;
  static std::unordered_map<Key, memory::desc, KeyHash> layouts;
  const std::lock_guard lock(mutex);
  const Key key{type, K, N, 0, 0, 0};
  if (const auto known = layouts.find(key); known != layouts.end()) return known->second;
  use_one_thread();
  const memory::desc any({K, N}, b_type(type), memory::format_tag::any);
  const int64_t rows = passes_have_one_size(type) ? kRowsOfAmxPass : 64;
  const memory::desc chosen = describe(type, K, N, rows, K, N, any).weights_desc();
  layouts.emplace(key, chosen);
  return chosen;
}

struct Plan {
  dnnl::matmul primitive;
  memory::desc a, d, scratchpad;
};

std::shared_ptr<const Plan> shared_plan(const Key& key) {
  static std::mutex mutex;
  static std::unordered_map<Key, std::shared_ptr<const Plan>, KeyHash> plans;
  const memory::desc weights = weights_layout(key.type, key.K, key.N);
  const std::lock_guard lock(mutex);
  std::shared_ptr<const Plan>& plan = plans[key];
  if (!plan) {
    use_one_thread();
    const auto described = describe(key.type, key.K, key.N, key.rows, key.lda, key.ldd, weights);
    plan = std::make_shared<Plan>(Plan{dnnl::matmul(described), described.src_desc(),
                                       described.dst_desc(), described.scratchpad_desc()});
  }
  return plan;
}

// A plan with this thread's handles on A, D and scratch memory.
struct ThreadPlan {
  std::shared_ptr<const Plan> plan;
  memory a, d, scratchpad;

  explicit ThreadPlan(const Key& key)
      : plan(shared_plan(key)),
        a(plan->a, engine(), nullptr),
        d(plan->d, engine(), nullptr),
        scratchpad(plan->scratchpad, engine()) {}
};

template <class Body>
auto translated(Body&& body) {
  try {
    return body();
  } catch (const dnnl::error& error) {
    throw DeviceError(std::string("oneDNN: ") + error.what());
  }
}

// D = A B in one pass of the library.
void multiply(const GemmMatrix& b, const void* a, int64_t lda, int64_t rows, void* d, int64_t ldd) {
  use_one_thread();
  thread_local std::unordered_map<Key, ThreadPlan, KeyHash> plans;
  thread_local dnnl::stream stream(engine());
  const Key key{b.type(), b.K(), b.N(), rows, lda, ldd};
  auto found = plans.find(key);
  if (found == plans.end()) found = plans.emplace(key, ThreadPlan(key)).first;
  ThreadPlan& mine = found->second;
  mine.a.set_data_handle(const_cast<void*>(a));
  mine.d.set_data_handle(d);
  mine.plan->primitive.execute(stream,
                               {{DNNL_ARG_SRC, mine.a},
                                {DNNL_ARG_WEIGHTS, *static_cast<memory*>(b.library_handle())},
                                {DNNL_ARG_DST, mine.d},
                                {DNNL_ARG_SCRATCHPAD, mine.scratchpad}});
  stream.wait();
}

// The same in passes of kRowsOfAmxPass rows. All of them have the strides K and N, as the plan has.
void multiply_in_passes(const GemmMatrix& b, const uint16_t* a, int64_t lda, int64_t rows, float* d,
                        int64_t ldd) {
  const int64_t K = b.K(), N = b.N();
  thread_local std::vector<uint16_t> padded_a;
  thread_local std::vector<float> padded_d;
  if (padded_a.size() < size_t(kRowsOfAmxPass * K)) padded_a.resize(size_t(kRowsOfAmxPass * K));
  if (padded_d.size() < size_t(kRowsOfAmxPass * N)) padded_d.resize(size_t(kRowsOfAmxPass * N));
  for (int64_t row = 0; row < rows; row += kRowsOfAmxPass) {
    const int64_t here = std::min(kRowsOfAmxPass, rows - row);
    if (here == kRowsOfAmxPass && lda == K && ldd == N) {
      multiply(b, a + row * lda, lda, here, d + row * ldd, ldd);
      continue;
    }
    for (int64_t i = 0; i < here; ++i) std::copy_n(a + (row + i) * lda, K, padded_a.data() + i * K);
    multiply(b, padded_a.data(), K, kRowsOfAmxPass, padded_d.data(), N);
    for (int64_t i = 0; i < here; ++i) std::copy_n(padded_d.data() + i * N, N, d + (row + i) * ldd);
  }
}

}  // namespace

bool gemm_is_native(GemmType type) {
  switch (type) {
    // With AVX2 the library sums a pass of up to three rows in another order than a larger one, so
    // a row would depend on its company; and our loops keep up with it there (105 GFLOP/s of one
    // core against 72 at 4 rows, 108 against 101 at 64, for 384 x 1536).
    case GemmType::kF32: return isa().avx512;
    case GemmType::kBF16: return isa().bf16;
    case GemmType::kI8: return isa().vnni;
  }
  return false;
}

void limit_gemm_library(const Isa& isa) {
  if (isa.limit == "plain") dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
  if (isa.limit == "avx2") dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
}

size_t GemmMatrix::packed_bytes(GemmType type, int64_t K, int64_t N) {
  if (!gemm_is_native(type)) return portable::packed_bytes(type, K, N);
  return translated([&] { return weights_layout(type, K, N).get_size(); });
}

GemmMatrix GemmMatrix::pack(GemmType type, int64_t K, int64_t N, const GemmSource& source,
                            std::byte* storage) {
  GemmMatrix packed;
  packed.type_ = type;
  packed.K_ = K;
  packed.N_ = N;
  packed.data_ = storage;
  if (!gemm_is_native(type)) {
    portable::pack(type, K, N, source, storage);
    return packed;
  }
  translated([&] {
    use_one_thread();
    const memory::desc layout = weights_layout(type, K, N);
    const auto handle = std::make_shared<memory>(layout, engine(), storage);
    const memory::desc from({K, N}, source.is_f32 ? memory::data_type::f32 : b_type(type),
                            memory::dims{source.stride_k, source.stride_n});
    memory input(from, engine(), const_cast<void*>(source.data));
    thread_local dnnl::stream stream(engine());
    dnnl::reorder(input, *handle).execute(stream, input, *handle);
    stream.wait();
    packed.handle_ = handle;
  });
  return packed;
}

void gemm(const GemmMatrix& b, const void* a, int64_t lda, int64_t rows, void* d, int64_t ldd) {
  if (rows == 0) return;
  if (b.library_handle() == nullptr) {
    portable::gemm(b.type(), b.K(), b.N(), b.data(), a, lda, rows, d, ldd);
    return;
  }
  translated([&] {
    if (passes_have_one_size(b.type())) {
      multiply_in_passes(b, static_cast<const uint16_t*>(a), lda, rows, static_cast<float*>(d),
                         ldd);
    } else {
      multiply(b, a, lda, rows, d, ldd);
    }
  });
}

std::vector<std::pair<std::string, std::string>> library_versions() {
  const dnnl::version_t* version = dnnl::version();
  return {{"oneDNN", std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                         std::to_string(version->patch)}};
}

}  // namespace maie::cpu
