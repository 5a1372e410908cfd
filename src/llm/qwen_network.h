#pragma once

#include <memory>
#include <utility>

#include "llm/network.h"
#include "models/qwen3/model.h"

namespace maie::llm {

/// Qwen3 and the Llama family for the engine.
class QwenNetwork : public Network {
 public:
  explicit QwenNetwork(std::unique_ptr<qwen3::Model> model) : model_(std::move(model)) {}
  int64_t vocabulary() const override { return model_->config().vocabulary; }
  int64_t pages() const override { return model_->pages(); }
  int max_rows() const override { return model_->max_rows(); }
  Status forward(std::span<const int> tokens, std::span<const ops::SequenceRows> sequences,
                 std::span<const int> wanted, Tensor logits) override {
    return model_->forward(tokens, sequences, wanted, logits);
  }
  size_t page_bytes() const override { return model_->page_bytes(); }
  void read_page(int32_t page, std::span<std::byte> out) const override {
    model_->read_page(page, out);
  }
  void write_page(int32_t page, std::span<const std::byte> bytes) override {
    model_->write_page(page, bytes);
  }

 private:
  std::unique_ptr<qwen3::Model> model_;
};

}  // namespace maie::llm
