#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "llm/network.h"

namespace maie::llm::testing {

/// A network that keeps, for each position, a hash of everything that led to it: all tokens before
/// it, and, for rows read more than ops::kExactRows at a time, how they were cut. Logits are made
/// from that hash, so whoever mixes up pages, positions or cuts gets another text.
class FakeNetwork : public Network {
 public:
  /// @param pages of 64 tokens.
  FakeNetwork(int64_t vocabulary, int64_t pages, int max_rows = 512)
      : vocabulary_(vocabulary), max_rows_(max_rows), cells_(size_t(pages * ops::kKvPage)) {}

  int64_t vocabulary() const override { return vocabulary_; }
  int64_t pages() const override { return int64_t(cells_.size()) / ops::kKvPage; }
  int max_rows() const override { return max_rows_; }

  Status forward(std::span<const int> tokens, std::span<const ops::SequenceRows> sequences,
                 std::span<const int> wanted, Tensor logits) override {
    if (before_pass) MAIE_TRY(before_pass(tokens));
    check(int64_t(tokens.size()) <= max_rows_, "rows of a pass");
    most_rows = std::max(most_rows.load(), int(tokens.size()));
    rows += tokens.size();
    size_t row = 0, next = 0;
    for (const ops::SequenceRows& sequence : sequences) {
      for (int64_t i = 0; i < sequence.rows; ++i, ++row) {
        const int64_t position = sequence.past + i;
        Cell& cell = at(sequence, position);
        uint64_t hash = position == 0 ? 1 : at(sequence, position - 1).hash;
        hash = mix(hash ^ uint64_t(tokens[row]));
        if (sequence.rows > ops::kExactRows) {
          hash = mix(hash + uint64_t(sequence.past * 1000 + sequence.rows));
        }
        cell = {hash, int32_t(tokens[row]), int32_t(position)};
        if (next < wanted.size() && size_t(wanted[next]) == row) {
          write_logits(sequence, cell, logits.rows(int64_t(next), 1).span<float>());
          ++next;
        }
      }
    }
    check(row == tokens.size() && next == wanted.size(), "a row for every token");
    return {};
  }

  size_t page_bytes() const override { return sizeof(Cell) * size_t(ops::kKvPage); }
  void read_page(int32_t page, std::span<std::byte> out) const override {
    std::memcpy(out.data(), &cells_[size_t(page) * size_t(ops::kKvPage)], out.size());
  }
  void write_page(int32_t page, std::span<const std::byte> bytes) override {
    std::memcpy(&cells_[size_t(page) * size_t(ops::kKvPage)], bytes.data(), bytes.size());
    ++pages_written;
  }

  /// Called first in every pass, on the engine's thread.
  std::function<Status(std::span<const int> tokens)> before_pass;
  /// So much is added to the token that followed the last one where it first stood in the text.
  float copies = 0;
  /// Added to one token's logits from that position on: ends a text.
  int end_token = -1;
  int64_t ends_at = 1 << 30;
  std::atomic<int> most_rows{0};
  std::atomic<size_t> rows{0}, pages_written{0};

 private:
  struct Cell {
    uint64_t hash = 0;
    int32_t token = -1, position = -1;
  };
  static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }
  Cell& at(const ops::SequenceRows& sequence, int64_t position) {
    Cell& cell = cells_[size_t(sequence.pages[size_t(position / ops::kKvPage)] * ops::kKvPage +
                               position % ops::kKvPage)];
    check(position >= sequence.past || cell.position == position, "a position that was read");
    return cell;
  }
  void write_logits(const ops::SequenceRows& sequence, const Cell& cell, std::span<float> logits) {
    for (size_t id = 0; id < logits.size(); ++id) {
      logits[id] = float(mix(cell.hash + 77 * id) % 8000) / 1000;
    }
    if (copies > 0) {
      for (int64_t i = 0; i < cell.position; ++i) {
        if (at(sequence, i).token != cell.token) continue;
        logits[size_t(at(sequence, i + 1).token)] += copies;
        break;
      }
    }
    if (end_token >= 0 && cell.position >= ends_at) logits[size_t(end_token)] += 100;
  }

  const int64_t vocabulary_;
  const int max_rows_;
  std::vector<Cell> cells_;
};

}  // namespace maie::llm::testing
