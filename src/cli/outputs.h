#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace maie::cli {

/// Forms a result can be written in; each is also the extension of its file.
enum class Format { kTxt, kSrt, kVtt, kTsv, kJson, kMd };

/// Those of a transcript, of one with its summary, of a summary alone, and of a cleaned text.
inline constexpr Format kTranscriptFormats[] = {Format::kTxt, Format::kSrt, Format::kVtt,
                                                Format::kTsv, Format::kJson};
inline constexpr Format kDocumentFormats[] = {Format::kTxt, Format::kSrt,  Format::kVtt,
                                              Format::kTsv, Format::kJson, Format::kMd};
inline constexpr Format kSummaryFormats[] = {Format::kJson, Format::kMd};
inline constexpr Format kEnhanceFormats[] = {Format::kTxt, Format::kJson};

std::string_view to_string(Format format);

/// Decides the files of one run before any work is done, so that nothing is overwritten by accident
/// and a run that could not save its result does not start.
class OutputPlan {
 public:
  struct Options {
    std::string folder = ".";
    std::vector<Format> formats{};
    bool overwrite = false;
  };
  struct File {
    Format format;
    std::string path;
  };

  /// @param inputs  every input of the run; none of them may become an output.
  OutputPlan(Options options, const std::vector<std::string>& inputs);

  /// Makes the folder if it is not there. kPermissionDenied, kInvalidInput (a file in the way), ...
  Status prepare_folder() const;

  /// The files for one input: <folder>/<base name>.<format>. The base name is that of the input
  /// without extension ("stdin" for standard input); where another input of this run has it already
  /// the extension stays in it ("talk.mp3.srt"), then a number is added ("talk-2.srt").
  /// kInvalidInput when a file exists and may not be overwritten, or is an input itself.
  Result<std::vector<File>> files_of(const std::string& input);

 private:
  Status check_free(const std::string& path) const;

  Options options_;
  std::set<std::string> input_files_;  // canonical
  std::set<std::string> taken_;        // base names of this run
};

}  // namespace maie::cli
