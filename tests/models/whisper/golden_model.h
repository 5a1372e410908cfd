#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "models/whisper/model.h"

namespace maie::whisper::testing {

/// One of the tiny models of tests/golden/whisper ("even", "odd") and what PyTorch makes of it.
class GoldenModel {
 public:
  explicit GoldenModel(const std::string& name) {
    const std::string folder = std::string(MAIE_SOURCE_DIR) + "/tests/golden/whisper/" + name;
    auto weights = Weights::open(folder);
    if (!weights.has_value()) throw std::runtime_error(weights.error().message());
    weights_ = *weights;
    auto expected = formats::Safetensors::open(folder + "/expected.safetensors");
    if (!expected.has_value()) throw std::runtime_error(expected.error().message());
    expected_ = *expected;
  }

  const std::shared_ptr<const Weights>& weights() const { return weights_; }
  const Config& config() const { return weights_->config(); }
  ConstTensor expected(const std::string& name) const {
    const ConstTensor* tensor = expected_->find(name);
    if (tensor == nullptr) throw std::runtime_error("no " + name + " in the golden file");
    return *tensor;
  }
  std::vector<int> tokens(const std::string& name) const {
    const auto ids = expected(name).span<int32_t>();
    return {ids.begin(), ids.end()};
  }
  std::unique_ptr<Model> load(Stream& s, ComputeType type, int max_rows = 12) const {
    auto model = Model::load(s, weights_, {.compute_type = type, .max_rows = max_rows});
    if (!model.has_value()) throw std::runtime_error(model.error().message());
    return std::move(*model);
  }

 private:
  std::shared_ptr<const Weights> weights_;
  std::shared_ptr<const formats::Safetensors> expected_;
};

}  // namespace maie::whisper::testing
