#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// What decoding does to a row of logits, with the widest vectors this processor has (chosen at run
/// time). A row is the V scores of one hypothesis; -inf means "forbidden". Rows hold no NaN.
/// Any thread; nothing is allocated except where a vector is the result.
namespace maie::search {

/// One entry of a row.
struct Candidate {
  int id = 0;
  float value = 0;
};

/// The largest value; -inf for an empty row.
float row_max(std::span<const float> row);

/// log(sum_i exp(row[i])); -inf for an empty row or one that is all -inf.
float log_sum_exp(std::span<const float> row);

/// log(exp(a) + exp(b)), exact for -inf on either side.
float log_add_exp(float a, float b);

/// row[i] -= log_sum_exp(row). Where only one token's probability is wanted, subtracting
/// log_sum_exp from its logit saves the write.
void log_softmax_in_place(std::span<float> row);

/// The `k` largest entries above -inf, largest first; of equal values the lower id comes first.
/// Fewer when the row has fewer such entries. `out` is cleared first (and can be reused).
void top_k(std::span<const float> row, int k, std::vector<Candidate>& out);

/// Draws an id from softmax(row * inverse_temperature) by inverting the cumulative distribution in
/// id order at `uniform` in [0, 1). `scratch` keeps its memory between calls. -1 when all is
/// forbidden.
int sample_row(std::span<const float> row, float inverse_temperature, double uniform,
               std::vector<float>& scratch);

}  // namespace maie::search
