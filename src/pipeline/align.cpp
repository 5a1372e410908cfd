#include "pipeline/align.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "search/alignment.h"
#include "search/row_math.h"

namespace maie::pipeline {

Result<std::vector<search::TimedWord>> align_words(whisper::Model& model,
                                                   const text::WhisperTokenizer& tokenizer,
                                                   const whisper::Window& window,
                                                   std::span<const int> sot_sequence,
                                                   std::span<const int> text, int frames,
                                                   std::string_view language) {
  const int columns = std::min(frames / 2, model.config().audio_context);
  if (text.empty() || columns < 2) return std::vector<search::TimedWord>();

  std::vector<int> tokens(sot_sequence.begin(), sot_sequence.end());
  if (tokenizer.no_timestamps()) tokens.push_back(*tokenizer.no_timestamps());
  const size_t first_row = tokens.size() - 1;  // its row predicts the first text token
  tokens.insert(tokens.end(), text.begin(), text.end());
  tokens.push_back(tokenizer.eot());
  if (tokens.size() > size_t(model.config().text_context)) {
    return std::vector<search::TimedWord>();  // no such positions; segment times stand
  }

  // Other windows may be in the middle of their text: this pass writes to cells no hypothesis gets.
  std::vector<int32_t> cells(tokens.size());
  std::iota(cells.begin(), cells.end(), int32_t(model.cells()));

  const size_t heads = model.config().alignment_heads.size();
  const size_t V = size_t(model.config().vocabulary);
  std::vector<float> scores(heads * tokens.size() * size_t(columns));
  std::vector<float> probabilities(text.size());
  const size_t limit = size_t(model.pass_rows());
  const OwnedTensor logits({}, DType::kF32, {int64_t(std::min(limit, tokens.size())), int64_t(V)});
  whisper::AlignmentScores piece;
  for (size_t first = 0; first < tokens.size(); first += limit) {
    const size_t count = std::min(limit, tokens.size() - first);
    std::vector<whisper::DecoderRow> rows;
    std::vector<int> wanted;
    for (size_t r = first; r < first + count; ++r) {
      rows.push_back({tokens[r], int(r), {cells.data(), int32_t(r) + 1}, &window});
      if (r >= first_row && r - first_row < text.size()) wanted.push_back(int(r - first));
    }
    MAIE_TRY(model.decode(rows, wanted, logits.view().rows(0, int64_t(wanted.size())), &piece));
    for (size_t head = 0; head < heads; ++head) {
      for (size_t r = 0; r < count; ++r) {
        std::copy_n(piece.values.data() + (head * count + r) * size_t(piece.T), columns,
                    scores.data() + (head * tokens.size() + first + r) * size_t(columns));
      }
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      const size_t t = first + size_t(wanted[i]) - first_row;
      const std::span<const float> row(logits.view().data<float>() + i * V,
                                       size_t(tokenizer.eot()));
      probabilities[t] = std::exp(row[size_t(text[t])] - search::log_sum_exp(row));
    }
  }

  std::vector<search::WordTokens> words;
  size_t covered = 0;  // tokens at the end that complete no character belong to no word
  for (text::WordTokens& word : tokenizer.split_to_words(text, language)) {
    covered += word.tokens.size();
    words.push_back({std::move(word.text), std::move(word.tokens)});
  }
  probabilities.resize(covered);
  const int row_count = int(covered) + 1;
  const std::vector<float> matrix = search::alignment_matrix(
      {scores, int(heads), int(tokens.size()), columns}, int(first_row), row_count);
  const auto path = search::best_path(matrix, row_count, columns);
  return search::time_words(path, words, probabilities);
}

}  // namespace maie::pipeline
