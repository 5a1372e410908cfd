#include "cli/parse.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace maie::cli {
namespace {

constexpr double kLongestRecordingS = 1e9;  // 30 years; keeps times far from losing milliseconds

// Digits with at most one point: no sign, exponent, infinity or space, in any locale.
std::optional<double> plain_number(std::string_view text) {
  const bool shaped = !text.empty() && text.find_first_not_of("0123456789.") == text.npos &&
                      text.find_first_of("0123456789") != text.npos;
  double value = 0;
  if (!shaped) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  return out.append(text.substr(0, 60)).append("\"");
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

Result<double> parse_clock(std::string_view text) {
  const Status malformed = invalid_input(
      in_quotes(text) + " is not a time; write seconds (90.5) or [HH:]MM:SS[.mmm] (1:30.500)");
  double total = 0;
  int fields = 0;
  for (std::string_view rest = text;; ++fields) {
    const size_t colon = rest.find(':');
    const bool last = colon == rest.npos;
    const std::string_view field = rest.substr(0, colon);
    const std::optional<double> value = plain_number(field);
    if (!value || fields == 3 || (!last && field.find('.') != field.npos)) return malformed;
    if (fields > 0 && *value >= 60) return malformed;
    total = total * 60 + *value;
    if (last) break;
    rest.remove_prefix(colon + 1);
  }
  if (!(total <= kLongestRecordingS)) return malformed;
  return total;
}

Result<pipeline::ClipRange> parse_clip(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == text.npos) {
    return invalid_input(in_quotes(text) +
                         " is not a clip; write START-END, either side may be empty (1:00-2:30)");
  }
  const std::string_view start = trimmed(text.substr(0, dash));
  const std::string_view end = trimmed(text.substr(dash + 1));
  pipeline::ClipRange clip;
  if (!start.empty()) {
    MAIE_ASSIGN(clip.start_s, parse_clock(start));
  }
  if (!end.empty()) {
    MAIE_ASSIGN(clip.end_s, parse_clock(end));
    if (clip.end_s <= clip.start_s) {
      return invalid_input("the clip " + in_quotes(text) +
                           " ends before it starts; write START-END");
    }
  }
  return clip;
}

Result<std::vector<double>> parse_temperatures(std::string_view text) {
  std::vector<double> values;
  for (const std::string& part : split_commas(text)) {
    const std::optional<double> value = plain_number(part);
    if (!value || *value > 2) {
      return invalid_input(in_quotes(part) +
                           " is not a temperature; write numbers from 0 to 2 (0,0.2,0.4)");
    }
    values.push_back(*value);
  }
  if (values.empty())
    return invalid_input("no temperature given; write numbers from 0 to 2 (0,0.2,0.4)");
  return values;
}

Result<std::vector<int>> parse_token_list(std::string_view text) {
  std::vector<int> tokens;
  for (const std::string& part : split_commas(text)) {
    int value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value < -1) {
      return invalid_input(
          in_quotes(part) +
          " is not a token number; write numbers from 0, or -1 for the non-speech symbols");
    }
    tokens.push_back(value);
  }
  return tokens;
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = trimmed(text.substr(0, comma));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

}  // namespace maie::cli
