#include "formats/stored_matrix.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "formats/byte_reader.h"
#include "formats/dense.h"

namespace maie::formats {
namespace {

QuantisedMatrix dense_form(int64_t rows, int64_t columns) {
  return {.rows = rows, .columns = columns, .bits = 0, .codes = {}, .scales = {}, .zeros = {}};
}

// An exponent of all ones carries into the highest bit; without a branch, the compiler can
// vectorise it.
bool all_finite(std::span<const float> values) {
  uint32_t carried = 0;
  for (const float value : values) {
    carried |= (std::bit_cast<uint32_t>(value) & 0x7f800000u) + 0x00800000u;
  }
  return carried >> 31 == 0;
}

std::string place(const std::string& path, const std::string& name) {
  return path + ": tensor \"" + printable(name) + "\"";
}

class DenseMatrix : public StoredMatrix {
 public:
  DenseMatrix(std::shared_ptr<const Safetensors> file, const std::string& name, ConstTensor view)
      : StoredMatrix(place(file->path(), name), std::string(to_string(view.dtype())),
                     StoredLayout::kDense, dense_form(view.dim(0), view.dim(1))),
        file_(std::move(file)),
        view_(view) {}

  Status load_floats(int64_t first, int64_t count, std::span<float> out) const override {
    to_float32(view_.rows(first, count), out);
    return {};
  }
  Status read_codes(int64_t, int64_t, const CodeRows&) const override {
    check(false, "a dense matrix has no codes");
    return {};
  }
  ConstTensor in_place() const override { return view_; }
  void release(int64_t first, int64_t count) const override {
    const ConstTensor part = view_.rows(first, count);
    file_->release({static_cast<const std::byte*>(part.raw()), part.size_bytes()});
  }

 private:
  std::shared_ptr<const Safetensors> file_;
  ConstTensor view_;
};

class BlockMatrix : public StoredMatrix {
 public:
  BlockMatrix(std::shared_ptr<const Gguf> file, const std::string& name, const GgufTensor& tensor,
              int64_t pair_width)
      : StoredMatrix(place(file->path(), name), std::string(to_string(tensor.type)),
                     best_layout(tensor.type),
                     best_layout(tensor.type) == StoredLayout::kDense
                         ? dense_form(tensor.shape.dim(0), tensor.shape.dim(1))
                         : form_of_blocks(tensor.type, tensor.shape.dim(0), tensor.shape.dim(1))),
        file_(std::move(file)),
        tensor_(tensor),
        pair_width_(pair_width),
        row_bytes_(rows() == 0 ? 0 : tensor.bytes.size() / size_t(rows())) {}

  Status load_floats(int64_t first, int64_t count, std::span<float> out) const override {
    std::vector<std::byte> gathered;
    dequantize(tensor_.type, blocks(first, count, gathered), out);
    return {};
  }
  Status read_codes(int64_t first, int64_t count, const CodeRows& to) const override {
    std::vector<std::byte> gathered;
    return within_tensor(read_blocks(tensor_.type, blocks(first, count, gathered), to));
  }
  bool symmetric() const override {
    return tensor_.type == BlockType::kQ4_0 || tensor_.type == BlockType::kQ5_0 ||
           tensor_.type == BlockType::kQ6_K;
  }
  ConstTensor in_place() const override {
    if (layout() != StoredLayout::kDense || pair_width_ != 0) return {};
    return {tensor_.bytes.data(), dense_type_of(tensor_.type), tensor_.shape};
  }
  void release(int64_t first, int64_t count) const override {
    file_->release(tensor_.bytes.subspan(size_t(first) * row_bytes_, size_t(count) * row_bytes_));
  }

 private:
  Status within_tensor(Status status) const { return status.ok() ? status : status.within(where_); }

  // The bytes of rows, in the order that is asked for.
  std::span<const std::byte> blocks(int64_t first, int64_t count,
                                    std::vector<std::byte>& gathered) const {
    check(first >= 0 && count >= 0 && first + count <= rows(), "rows of the matrix");
    if (pair_width_ == 0) {
      return tensor_.bytes.subspan(size_t(first) * row_bytes_, size_t(count) * row_bytes_);
    }
    gathered.resize(size_t(count) * row_bytes_);
    const int64_t half = pair_width_ / 2;
    for (int64_t r = 0; r < count; ++r) {
      const int64_t within = (first + r) % pair_width_;
      const int64_t head = first + r - within;
      const int64_t row = head + 2 * (within % half) + within / half;
      std::copy_n(tensor_.bytes.data() + size_t(row) * row_bytes_, row_bytes_,
                  gathered.data() + size_t(r) * row_bytes_);
    }
    return gathered;
  }

  std::shared_ptr<const Gguf> file_;
  GgufTensor tensor_;
  int64_t pair_width_;
  size_t row_bytes_;
};

std::string type_of(const QuantisationConfig& config) {
  const std::string bits = std::to_string(config.bits) + "bit";
  switch (config.method) {
    case QuantisationConfig::Method::kAwq: return "awq-" + bits;
    case QuantisationConfig::Method::kGptq: return "gptq-" + bits;
    case QuantisationConfig::Method::kPackQuantized: break;
  }
  return "pack-quantized-" + bits;
}

class LayerMatrix : public StoredMatrix {
 public:
  LayerMatrix(std::shared_ptr<const Safetensors> file, QuantisedLinear layer,
              const QuantisationConfig& config)
      : StoredMatrix(file->path(), type_of(config), best_layout(layer.form()), layer.form()),
        file_(std::move(file)),
        layer_(std::move(layer)) {}

  Status load_floats(int64_t first, int64_t count, std::span<float> out) const override {
    QuantisedMatrix some = with_room(form(), count);
    MAIE_TRY(read_codes(first, count, {some.codes.data(), some.scales.data(), some.zeros.data()}));
    dequantize(some, 0, count, out);
    return {};
  }
  Status read_codes(int64_t first, int64_t count, const CodeRows& to) const override {
    return layer_.read(first, count, to);
  }
  bool symmetric() const override { return layer_.symmetric(); }
  void release(int64_t first, int64_t count) const override {
    if (first != 0 || count != rows()) return;
    layer_.for_each_extent([&](std::span<const std::byte> bytes) { file_->release(bytes); });
  }

 private:
  std::shared_ptr<const Safetensors> file_;
  QuantisedLinear layer_;
};

}  // namespace

Status StoredMatrix::read_floats(int64_t first, int64_t count, std::span<float> out) const {
  check(first >= 0 && count >= 0 && first + count <= rows(), "rows of the matrix");
  check(int64_t(out.size()) == count * columns(), "room for each value");
  MAIE_TRY(load_floats(first, count, out));
  if (all_finite(out)) return {};
  return corrupt(where_ + " holds a value that is no finite number; fetch the file again");
}

std::unique_ptr<const StoredMatrix> stored_matrix(std::shared_ptr<const Safetensors> file,
                                                  const std::string& name, ConstTensor view) {
  return std::make_unique<DenseMatrix>(std::move(file), name, view);
}

std::unique_ptr<const StoredMatrix> stored_matrix(std::shared_ptr<const Gguf> file,
                                                  const std::string& name, const GgufTensor& tensor,
                                                  int64_t pair_width) {
  check(pair_width >= 0 && pair_width % 2 == 0 &&
            (pair_width == 0 || tensor.shape.dim(0) % pair_width == 0),
        "rows of whole heads");
  return std::make_unique<BlockMatrix>(std::move(file), name, tensor, pair_width);
}

Result<std::unique_ptr<const StoredMatrix>> stored_matrix(std::shared_ptr<const Safetensors> file,
                                                          const std::string& prefix,
                                                          const QuantisationConfig& config) {
  MAIE_ASSIGN(QuantisedLinear layer, QuantisedLinear::open(*file, prefix, config));
  return std::unique_ptr<const StoredMatrix>(
      std::make_unique<LayerMatrix>(std::move(file), std::move(layer), config));
}

}  // namespace maie::formats
