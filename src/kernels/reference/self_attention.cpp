#include "kernels/reference/self_attention.h"

#include <algorithm>
#include <cmath>

namespace maie::reference {

std::vector<double> attend(const float* q, const std::vector<const float*>& keys,
                           const std::vector<const float*>& values, int64_t D, float* y) {
  std::vector<double> scores;
  for (const float* key : keys) {
    double dot = 0;
    for (int64_t i = 0; i < D; ++i) dot += double(q[i]) * double(key[i]);
    scores.push_back(dot / std::sqrt(double(D)));
  }
  if (scores.empty()) return scores;
  const double most = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (const double score : scores) total += std::exp(score - most);
  for (int64_t i = 0; i < D; ++i) {
    double sum = 0;
    for (size_t t = 0; t < values.size(); ++t) {
      sum += std::exp(scores[t] - most) / total * double(values[t][i]);
    }
    y[i] = float(sum);
  }
  return scores;
}

void self_attention(ConstTensor qkv, int heads, Tensor y) {
  const auto [B, T, width] = qkv.dims<3>();
  const int64_t C = width / 3;
  const int64_t D = C / heads;
  for (int64_t b = 0; b < B; ++b) {
    for (int head = 0; head < heads; ++head) {
      const float* first = qkv.data<float>() + b * T * width + head * D;
      std::vector<const float*> keys, values;
      for (int64_t t = 0; t < T; ++t) {
        keys.push_back(first + t * width + C);
        values.push_back(first + t * width + 2 * C);
      }
      for (int64_t t = 0; t < T; ++t) {
        attend(first + t * width, keys, values, D, y.data<float>() + (b * T + t) * C + head * D);
      }
    }
  }
}

}  // namespace maie::reference
