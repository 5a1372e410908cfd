#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "server/http/refusal.h"

namespace maie::http {

/// The headers of one part of a form.
struct PartHead {
  std::string name;
  std::optional<std::string> file_name;  ///< nullopt: a plain field
  std::string content_type;              ///< empty without
};

/// Takes the parts of a form: for each `begin`, `data` any number of times, `end`. A refusal ends
/// the form.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual std::optional<Refusal> begin(PartHead head) = 0;
  virtual std::optional<Refusal> data(std::string_view bytes) = 0;
  virtual std::optional<Refusal> end() = 0;
};

/// The boundary that a Content-Type names; kInvalidInput, with a sentence for the client, when it
/// is not multipart/form-data with a boundary of 1 to 70 permitted characters (RFC 2046, 5.1.1).
Result<std::string> boundary_of(std::string_view content_type);

/// multipart/form-data (RFC 7578) from pieces of any size. Keeps no more than the head of one part
/// (kMostPartHeadBytes). After a refusal it takes nothing more. One thread at a time.
class MultipartParser {
 public:
  static constexpr size_t kMostPartHeadBytes = 8 << 10;

  /// @param sink  outlives the parser
  MultipartParser(std::string_view boundary, int max_parts, PartSink& sink);

  std::optional<Refusal> feed(std::string_view bytes);
  /// The body has ended: refuses a form that has not.
  std::optional<Refusal> finish() const;

 private:
  enum class State { kPreamble, kDelimiterEnd, kPartHead, kPartStart, kPartData, kEpilogue };

  /// Reads from the front of `bytes` what it can; false: more is needed, or refused_ is set.
  bool step(std::string_view& bytes);
  bool step_data(std::string_view& bytes, bool keep);
  bool step_delimiter_end(std::string_view& bytes);
  bool step_part_head(std::string_view& bytes);
  bool step_part_start(std::string_view& bytes);
  bool refuse(Refusal refusal);
  bool pass(const std::optional<Refusal>& verdict);

  const std::string delimiter_;  ///< CR LF, two hyphens, the boundary
  const int max_parts_;
  PartSink& sink_;
  State state_ = State::kPreamble;
  int parts_ = 0;
  std::string held_;  ///< seen, but not yet understood
  size_t known_ = 0;  ///< of held_, in which a part's head does not end
  std::optional<Refusal> refused_;
};

}  // namespace maie::http
