#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "pipeline/transcribe.h"

/// Values of the command line that are more than one number or word. All fail with kInvalidInput
/// and a message that quotes the value and shows the form it should have.
namespace maie::cli {

/// Seconds of "12", "12.5", "1:02" (minutes), "1:02:03.250" (hours). Not negative; minutes and
/// seconds behind a colon stay below 60.
Result<double> parse_clock(std::string_view text);

/// "START-END" with parse_clock on either side; either may be empty: "10-20", "-1:30", "1:00:00-".
Result<pipeline::ClipRange> parse_clip(std::string_view text);

/// "0", "0,0.2,0.4": numbers in [0, 2], at least one.
Result<std::vector<double>> parse_temperatures(std::string_view text);

/// "-1,50257": token numbers, -1 meaning the non-speech symbols; empty suppresses nothing.
Result<std::vector<int>> parse_token_list(std::string_view text);

/// Parts of `text` between commas, spaces around them removed, empty ones left out.
std::vector<std::string> split_commas(std::string_view text);

}  // namespace maie::cli
