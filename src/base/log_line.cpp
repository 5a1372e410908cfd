#include "base/log_line.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "base/json.h"

namespace maie {
namespace {

// Text on one line: control characters as JSON writes them, what is not UTF-8 replaced.
std::string on_one_line(std::string_view text) {
  const std::string quoted = to_line(Json(text));
  std::string out;
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    const bool escapes_a_letter =
        quoted[i] == '\\' && (quoted[i + 1] == '"' || quoted[i + 1] == '\\');
    if (escapes_a_letter) ++i;
    if (quoted[i] == '\x7f') {
      out += "\\u007f";
    } else {
      out += quoted[i];
    }
  }
  return out;
}

// As it is where that is clear, else quoted.
std::string field_text(std::string_view text) {
  const auto plain = [](char c) { return uint8_t(c) > 0x20 && c != '"' && c != '=' && c != 0x7f; };
  const bool clear = !text.empty() && std::all_of(text.begin(), text.end(), plain);
  return clear ? on_one_line(text) : to_line(Json(text));
}

Json json_of(const LogField& field) {
  return std::visit([](const auto& value) { return Json(value); }, field.value);
}

template <class Use>
void each_id(const LogIds& ids, const Use& use) {
  if (!ids.request_id.empty()) use("request_id", ids.request_id);
  if (!ids.task_id.empty()) use("task_id", ids.task_id);
  if (!ids.trace_id.empty()) use("trace_id", ids.trace_id);
  if (!ids.span_id.empty()) use("span_id", ids.span_id);
}

// What stands on a line for people after time and level.
std::string body_of(const LogRecord& record) {
  std::string line = on_one_line(record.message);
  each_id(record.ids, [&line](const char* name, const std::string& id) {
    line += std::string(" ") + name + "=" + field_text(id);
  });
  for (const LogField& field : record.fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    line += " " + std::string(field.name) + "=" +
            (text != nullptr ? field_text(*text) : to_line(json_of(field)));
  }
  return line;
}

std::string json_line(const LogRecord& record, bool with_time) {
  Json line = Json::object();
  if (with_time) line["ts"] = rfc3339(record.time);
  line["level"] = to_string(record.level);
  line["msg"] = record.message;
  each_id(record.ids, [&line](const char* name, const std::string& id) { line[name] = id; });
  for (const LogField& field : record.fields) {
    const std::string name(field.name);
    if (!line.contains(name)) line[name] = json_of(field);
  }
  return to_line(line);
}

// "<3>": what a journal takes for the priority (syslog's numbers).
std::string priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "<7>";
    case LogLevel::kInfo: return "<6>";
    case LogLevel::kWarning: return "<4>";
    case LogLevel::kError:
    case LogLevel::kOff: return "<3>";
  }
  return "<3>";
}

std::string padded_level(LogLevel level) {
  std::string name(to_string(level));
  for (char& c : name) c = char(c - 'a' + 'A');
  name.resize(8, ' ');
  return name;
}

}  // namespace

std::string rfc3339(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const auto whole = floor<seconds>(time);
  const std::time_t seconds = system_clock::to_time_t(whole);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                int(duration_cast<milliseconds>(time - whole).count()));
  return text;
}

std::string line_of(const LogRecord& record, LineForm form) {
  switch (form) {
    case LineForm::kPlain: return "maie: " + std::string(record.message);
    case LineForm::kPlainJson:
      return to_line({{"level", to_string(record.level)}, {"message", record.message}});
    case LineForm::kText:
      return rfc3339(record.time) + " " + padded_level(record.level) + body_of(record);
    case LineForm::kJson: return json_line(record, true);
    case LineForm::kJournalText: return priority_of(record.level) + body_of(record);
    case LineForm::kJournalJson: return priority_of(record.level) + json_line(record, false);
  }
  return std::string(record.message);
}

}  // namespace maie
