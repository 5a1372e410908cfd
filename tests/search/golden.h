#pragma once

#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "search/whisper_rules.h"

namespace maie::search {

inline nlohmann::json golden(const std::string& name) {
  std::ifstream file(std::string(MAIE_SOURCE_DIR) + "/tests/golden/search/" + name);
  return nlohmann::json::parse(file);
}

inline uint64_t splitmix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// The same numbers in [-1, 1) as `numbers` of tests/golden/search/table_model.py.
inline std::vector<float> golden_numbers(uint64_t seed, uint64_t stream, size_t count) {
  const uint64_t base = splitmix(seed * 16 + stream);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(static_cast<double>(splitmix(base ^ i) >> 40) * 0x1p-23 - 1.0);
  }
  return values;
}

/// The twin of tests/golden/search/table_model.py: a "Whisper" whose logits are a known function of
/// (token, position).
class TableModel {
 public:
  static constexpr int kWidth = 16, kText = 80, kTimes = 60, kV = kText + 10 + kTimes;

  static TokenIds ids() {
    TokenIds ids;
    ids.vocabulary = kV;
    ids.eot = 80;
    ids.sot = 81;
    ids.start_of_prev = 87;
    ids.no_speech = 88;
    ids.no_timestamps = 89;
    ids.timestamp_begin = 90;
    return ids;
  }
  static RuleOptions rules() {
    RuleOptions rules;
    rules.suppress = {7, 11, 29, 81, 84, 85, 86, 87, 88};
    rules.suppress_begin = {3, 80};
    return rules;
  }

  TableModel(uint64_t seed, float eot_bias, float time_bias)
      : tokens_(golden_numbers(seed, 0, size_t{kV} * kWidth)),
        positions_(golden_numbers(seed, 1, size_t{448} * kWidth)),
        output_(golden_numbers(seed, 2, size_t{kV} * kWidth)),
        bias_(kV, 0.0f) {
    bias_[80] = eot_bias;
    for (int i = 90; i < kV; ++i) bias_[i] = time_bias;
  }

  void logits(int token, int position, float* row) const {
    float x[kWidth];
    float mean = 0, square = 0;
    for (int i = 0; i < kWidth; ++i) {
      x[i] = tokens_.at(token * kWidth + i) + positions_.at(position * kWidth + i);
      mean += x[i] / kWidth;
    }
    for (float& v : x) v -= mean;
    for (const float v : x) square += v * v / kWidth;
    const float scale = 1.0f / std::sqrt(square + 1e-5f);
    for (int id = 0; id < kV; ++id) {
      float sum = 0;
      for (int i = 0; i < kWidth; ++i) sum += output_[id * kWidth + i] * x[i] * scale;
      row[id] = sum + bias_[id];
    }
  }

 private:
  std::vector<float> tokens_, positions_, output_, bias_;
};

}  // namespace maie::search
