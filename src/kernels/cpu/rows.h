#pragma once

#include <cstdint>

// What happens to single rows of activations around the matrix products: each function works on the
// calling thread, in Highway, with the widest vectors the machine has.

namespace maie::cpu {

/// What a product's result becomes on its way to memory.
enum class Epilogue { kWrite, kGelu, kRelu, kAdd };

/// q[i] = round(x[i] * 127 / max|x|) + 128, round half to even; returns max|x| / 127, the factor
/// that turns a quantised value back (0 for a row of zeros). Non-finite x give an unspecified,
/// finite row.
float quantize_row(const float* x, int64_t size, uint8_t* q);

/// bfloat16 bits of x * factor, rounded to nearest even.
void round_to_bf16(const float* x, int64_t size, float factor, uint16_t* out);

/// Weights of one output to 8 bit, as CTranslate2 stores them: q[i] = round(w[i] * 127 / max|w|),
/// half to even. Returns the factor back to the weight.
float quantize_weights(const float* w, int64_t size, int8_t* q);

/// Stored halves (bits) as float, exactly; a float16 that is not finite may become 65536 and up.
void widen_f16(const uint16_t* x, int64_t size, float* y);
void widen_bf16(const uint16_t* x, int64_t size, float* y);

/// y = epilogue(acc + bias); `bias` may be null.
void finish_f32(const float* acc, const float* bias, int64_t size, Epilogue epilogue, float* y);

/// y = epilogue((acc - offset) * (row_scale * column_scale) + bias); `bias` may be null.
/// @param offset  128 times the column sum of the 8-bit weights: takes back the bias of the
/// activations.
void finish_i8(const int32_t* acc, const int32_t* offset, float row_scale,
               const float* column_scale, const float* bias, int64_t size, Epilogue epilogue,
               float* y);

/// y = (x - mean(x)) / sqrt(var(x) + eps) * gamma + beta, population variance. y may be x.
void layer_norm_row(const float* x, const float* gamma, const float* beta, int64_t size, float eps,
                    float* y);

/// y = x / sqrt(mean(x²) + eps) * weight. y may be x.
void rms_norm_row(const float* x, const float* weight, int64_t size, float eps, float* y);

/// Turns the pairs (x[i], x[i + half]) by an angle: a' = a cos - b sin, b' = b cos + a sin.
/// @param cos, sin of the angle of each pair, [half].
void rotate_row(const float* cos, const float* sin, int64_t half, float* x);

/// y = gate * sigmoid(gate) * up. y may be either.
void swiglu_row(const float* gate, const float* up, int64_t size, float* y);

/// p[i] = exp(x[i] - max(x)), not normalised; returns sum(p). p may be x.
float softmax_row(const float* x, int64_t size, float* p);
/// The same with p rounded to bfloat16 bits; the sum is of the rounded values.
float softmax_row_bf16(const float* x, int64_t size, uint16_t* p);

/// y += x.
void add_row(const float* x, int64_t size, float* y);
/// y = x * factor.
void scale_row(const float* x, float factor, int64_t size, float* y);

}  // namespace maie::cpu
