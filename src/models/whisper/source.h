#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/whisper/vocabulary.h"
#include "models/whisper/weights.h"

namespace maie::whisper {

/// Where the weights of one model come from; `Weights` asks by canonical name and does the rest.
/// Immutable; any thread may call.
class Source {
 public:
  virtual ~Source() = default;

  virtual std::string kind() const = 0;         ///< see Weights::source_kind
  virtual std::string stored_type() const = 0;  ///< see Weights::stored_type
  virtual std::string path() const = 0;         ///< what the user named, for messages
  virtual std::vector<formats::ModelFile> files() const = 0;

  /// The shape of a tensor as stored; nullopt when the source does not have it. Reads no weights.
  /// kUnsupported when it has it in a form that is not read.
  virtual Result<std::optional<Shape>> shape_of(std::string_view name) const = 0;
  /// A tensor `shape_of` knows, at any address: the view may not be aligned to its element.
  virtual Result<Stored> fetch(std::string_view name) const = 0;
  /// True when the source has one weight under both names.
  virtual bool is_same(std::string_view, std::string_view) const { return false; }
  virtual Result<Vocabulary> vocabulary() const = 0;
};

/// An opened source, and the configuration read with it.
struct OpenedSource {
  std::unique_ptr<const Source> source;
  Config config;
};
Result<OpenedSource> open_huggingface(const std::string& directory);
Result<OpenedSource> open_ctranslate2(const std::string& directory);
Result<OpenedSource> open_ggml(const std::string& path);

/// Room for one tensor with its owner.
struct Owned {
  Tensor view;
  std::shared_ptr<const void> owner;
};
Owned make_owned(DType type, const Shape& shape);

/// Sums up stored types by bytes: the one most bytes have.
class TypeCount {
 public:
  void add(std::string_view type, uint64_t bytes);
  /// The most frequent type; empty when nothing was added.
  std::string most() const;
  /// The most frequent one but `type`.
  std::string most_but(std::string_view type) const;

 private:
  std::vector<std::pair<std::string, uint64_t>> bytes_;
};

}  // namespace maie::whisper
