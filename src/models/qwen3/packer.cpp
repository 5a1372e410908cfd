// The functions that `ops` calls for rows run on several threads and have no way to fail: they
// leave zeros, and the failure is kept and returned when the layer is packed.
#include "models/qwen3/packer.h"

#include <algorithm>

#include "ops/compute_types.h"

namespace maie::qwen3 {
namespace {

using formats::StoredLayout;
using formats::StoredMatrix;

// Room of one thread, kept between calls.
template <class Element>
std::span<Element> scratch(size_t count) {
  thread_local std::vector<Element> room;
  if (room.size() < count) room.resize(count);
  return {room.data(), count};
}

// Scales or zeros of each group, for the `times` smaller groups it becomes.
void spread(std::span<const float> from, int64_t times, float* to) {
  for (const float value : from) to = std::fill_n(to, times, value);
}

// Reads rows of codes of 4 to 6 bits; groups are those that `ops` takes, and zeros become offsets.
Status read_codes(const StoredMatrix& matrix, int64_t group, int64_t first, int64_t count,
                  const ops::QuantisedRows& out) {
  const formats::QuantisedMatrix& form = matrix.form();
  const int64_t times = form.group / group;
  const auto groups = size_t(count * form.groups());
  const auto room = scratch<float>(2 * groups);
  const auto scales = times == 1 ? std::span(out.scales, groups) : room.first(groups);
  const auto zeros =
      times == 1 && out.offsets != nullptr ? std::span(out.offsets, groups) : room.subspan(groups);
  MAIE_TRY(matrix.read_codes(first, count, {out.codes, scales.data(), zeros.data()}));
  if (form.zero == formats::QuantisedMatrix::Zero::kCode && out.offsets != nullptr) {
    for (size_t g = 0; g < groups; ++g) zeros[g] *= -scales[g];
  }
  if (times > 1) {
    spread(scales, times, out.scales);
    if (out.offsets != nullptr) spread(zeros, times, out.offsets);
  }
  return {};
}

// Gives pages of a long matrix back while it is still read: those a whole stretch behind the rows
// just read. A thread that is even further behind reads them again, from the system's cache.
void release_behind(const StoredMatrix& matrix, int64_t first, int64_t count) {
  constexpr int64_t kStretch = 4096;
  const int64_t stretch = first / kStretch;
  if ((first + count) / kStretch == stretch || stretch == 0) return;
  matrix.release((stretch - 1) * kStretch, kStretch);
}

bool has_codes8(const StoredMatrix& matrix) {
  return matrix.layout() == StoredLayout::kW8 && matrix.form().bits == 8 &&
         matrix.form().groups() == 1 && matrix.symmetric();
}

}  // namespace

void Packer::keep(const Status& status) {
  const std::lock_guard lock(mutex_);
  if (status_.ok()) status_ = status;
}

ComputeType Packer::type_of(Device device, ComputeType wanted, const StoredMatrix& matrix) {
  const ComputeType type = ops::resolve(device, wanted);
  if (wanted == ComputeType::kAuto) {
    return matrix.layout() == StoredLayout::kW4      ? ComputeType::kInt4
           : matrix.layout() != StoredLayout::kDense ? ComputeType::kInt8
                                                     : type;
  }
  // What was stored with more bits than four keeps them, or what 8 bits hold of them.
  const bool more = matrix.layout() == StoredLayout::kW6 || matrix.layout() == StoredLayout::kW8;
  return type == ComputeType::kInt4 && more ? ComputeType::kInt8 : type;
}

ops::QuantisedSource Packer::codes(const StoredMatrix& matrix) {
  const int64_t group = formats::w4_group(matrix.form());
  return {
      .bits = matrix.form().bits,
      .rows = matrix.rows(),
      .columns = matrix.columns(),
      .group = group,
      .symmetric = matrix.symmetric(),
      .read = [this, &matrix, group](int64_t first, int64_t count, const ops::QuantisedRows& out) {
        const Status read = read_codes(matrix, group, first, count, out);
        release_behind(matrix, first, count);
        if (read.ok()) return;
        keep(read);
        const auto groups = size_t(count * (matrix.columns() / group));
        std::fill_n(out.codes, size_t(count * matrix.form().row_bytes()), uint8_t{0});
        std::fill_n(out.scales, groups, 0.0f);
        if (out.offsets != nullptr) std::fill_n(out.offsets, groups, 0.0f);
      }};
}

// Codes of 8 bits with one scale an output stay what they are, but for -128, which `ops` has no
// place for.
ops::QuantisedSource Packer::codes8(const StoredMatrix& matrix) {
  return {
      .bits = 8,
      .rows = matrix.rows(),
      .columns = matrix.columns(),
      .group = matrix.columns(),
      .read = [this, &matrix](int64_t first, int64_t count, const ops::QuantisedRows& out) {
        const auto columns = size_t(matrix.columns());
        const auto zeros = scratch<float>(size_t(count));
        const Status read = matrix.read_codes(first, count, {out.codes, out.scales, zeros.data()});
        if (!read.ok()) keep(read);
        if (!read.ok()) std::fill_n(out.scales, count, 0.0f);
        for (uint8_t& code : std::span(out.codes, size_t(count) * columns)) {
          code = uint8_t(std::max(int(code) - 128, -127));
        }
      }};
}

// Rounded here, for the layers that hold 8 bits beside 4.
ops::QuantisedSource Packer::rounded(const StoredMatrix& matrix) {
  return {.bits = 8,
          .rows = matrix.rows(),
          .columns = matrix.columns(),
          .group = matrix.columns(),
          .read = [this, &matrix](int64_t first, int64_t count, const ops::QuantisedRows& out) {
            const auto row = scratch<float>(size_t(matrix.columns()));
            for (int64_t r = 0; r < count; ++r) {
              read_floats(matrix, first + r, row);
              auto* to = reinterpret_cast<int8_t*>(out.codes) + r * matrix.columns();
              out.scales[r] = formats::round_row(row, to);
            }
          }};
}

ops::FloatSource Packer::floats(const StoredMatrix& matrix) {
  return {matrix.rows(), matrix.columns(), [this, &matrix](int64_t row, float* out) {
            read_floats(matrix, row, {out, size_t(matrix.columns())});
          }};
}

void Packer::read_floats(const StoredMatrix& matrix, int64_t row, std::span<float> out) {
  const Status read = matrix.read_floats(row, 1, out);
  release_behind(matrix, row, 1);
  if (read.ok()) return;
  keep(read);
  std::fill(out.begin(), out.end(), 0.0f);
}

// @param stack  the type of the layer that the matrix becomes a part of.
ops::LinearSource Packer::source(const StoredMatrix& matrix, ComputeType stack) {
  const ComputeType own = type_of(matrix);
  ops::LinearSource source;
  if ((own == ComputeType::kInt4 && matrix.layout() == StoredLayout::kW4) ||
      (own == ComputeType::kInt8 && matrix.layout() == StoredLayout::kW6)) {
    source.quantised = codes(matrix);
  } else if (own == ComputeType::kInt8 && has_codes8(matrix)) {
    source.quantised = codes8(matrix);
  } else if (own != stack) {
    source.quantised = rounded(matrix);
  } else if (matrix.in_place()) {
    source.values = matrix.in_place();
  } else {
    source.floats = floats(matrix);
  }
  return source;
}

ops::LinearWeights Packer::linear(const std::vector<std::string>& names) {
  if (!status_.ok()) return {};
  ComputeType stack = type_of(weights_.matrix(names.front()));
  for (const std::string& name : names) {
    const StoredMatrix& matrix = weights_.matrix(name);
    const ComputeType type = type_of(matrix);
    if (type != stack) stack = ComputeType::kInt4;  // which holds 8 bits beside 4
    values_[size_t(type)] += matrix.rows() * matrix.columns();
  }
  std::vector<ops::LinearSource> sources;
  for (const std::string& name : names) sources.push_back(source(weights_.matrix(name), stack));
  ops::LinearWeights packed = ops::LinearWeights::pack(stream_, stack, sources);
  for (const std::string& name : names) weights_.matrix(name).release();
  packed_bytes_ += packed.size_bytes();
  return packed;
}

ComputeType Packer::type() const {
  return ComputeType(std::max_element(values_.begin(), values_.end()) - values_.begin());
}

}  // namespace maie::qwen3
