#include "cli/models_report.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/human_size.h"
#include "cli/printable.h"

namespace maie::cli {
namespace {

using Row = std::array<std::string, 6>;

constexpr size_t kWidestName = 60;

std::string or_null_text(const std::string& text) { return text.empty() ? "?" : text; }

Row row_of(const ListedModel& listed) {
  const store::ModelFacts& facts = listed.model.facts;
  const std::string weights =
      short_count(facts.parameters) + (facts.quantization.empty() ? "" : " " + facts.quantization);
  const bool known = !facts.architecture.empty();
  return {shorten(printable(listed.model.name), kWidestName),
          printable(or_null_text(facts.architecture)),
          printable(weights),
          human_size(facts.size_bytes),
          known ? human_size(listed.need.total()) : "?",
          listed.why_not.empty() ? "yes" : "no"};
}

std::string lines_of(const std::vector<Row>& rows) {
  std::array<size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], character_count(row[i]));
  }
  std::string out;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - character_count(row[i]) + 2, ' ');
    }
    out += "\n";
  }
  return out;
}

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json or_null(uint64_t number) { return number == 0 ? Json() : Json(number); }

Json object_of(const ListedModel& listed) {
  const store::SurveyedModel& model = listed.model;
  const store::ModelFacts& facts = model.facts;
  Json out;
  out["name"] = model.name;
  out["path"] = facts.path;
  out["repo"] = or_null(model.repo);
  out["commit"] = or_null(model.commit);
  out["refs"] = model.refs;
  out["layout"] = or_null(facts.layout);
  out["architecture"] = or_null(facts.architecture);
  out["supported"] = facts.is_supported();
  out["parameters"] = or_null(facts.parameters);
  out["quantization"] = or_null(facts.quantization);
  out["bytes"] = facts.size_bytes;
  out["needs"] = {{"total", listed.need.total()},
                  {"weights", listed.need.weights},
                  {"cache", listed.need.cache},
                  {"margin", listed.need.margin},
                  {"context", listed.need.context}};
  out["usable"] = listed.why_not.empty();
  out["why_not"] = or_null(listed.why_not);
  return out;
}

}  // namespace

std::string why_too_large(const store::MemoryNeed& need, uint64_t free_bytes) {
  if (free_bytes == 0 || need.total() <= free_bytes) return "";
  std::string why =
      store::to_text(need) + ", this machine has " + human_size(free_bytes) + " free: ";
  if (need.total() - need.cache <= free_bytes) return why + "a shorter --context would fit";
  return why + "choose a smaller model or one with fewer bits, or close other programs";
}

std::vector<ListedModel> judge_models(std::vector<store::SurveyedModel> models, uint64_t free_bytes,
                                      int64_t context) {
  std::vector<ListedModel> list;
  for (store::SurveyedModel& model : models) {
    ListedModel listed;
    listed.need = store::memory_need(model.facts, context);
    const std::string& architecture = model.facts.architecture;
    if (!model.facts.problem.empty()) {
      listed.why_not = model.facts.problem;
    } else if (architecture.empty()) {
      listed.why_not = "nothing in it is known to be a model";
    } else if (!model.facts.is_supported()) {
      listed.why_not = "MAIE has no network of the kind " + architecture;
    } else {
      listed.why_not = why_too_large(listed.need, free_bytes);
    }
    listed.model = std::move(model);
    list.push_back(std::move(listed));
  }
  return list;
}

std::string short_count(uint64_t count) {
  if (count == 0) return "?";
  const char* const units[] = {"", "K", "M", "B", "T"};
  double value = double(count);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, value < 9.95 && unit > 0 ? "%.1f%s" : "%.0f%s", value,
                units[unit]);
  return text;
}

std::string to_table(const std::vector<ListedModel>& models, uint64_t free_bytes, int64_t context) {
  if (models.empty())
    return "No models are here. maie models pull org/name fetches one from the hub.\n";
  std::vector<Row> rows = {{"NAME", "KIND", "WEIGHTS", "SIZE", "NEEDS", "USABLE"}};
  for (const ListedModel& listed : models) rows.push_back(row_of(listed));
  std::string out = lines_of(rows);
  for (const ListedModel& listed : models) {
    if (!listed.why_not.empty()) out += printable(listed.model.name + ": " + listed.why_not) + "\n";
  }
  if (free_bytes > 0) {
    out += human_size(free_bytes) + " of memory are free; NEEDS is an estimate with " +
           std::to_string(context > 0 ? context : store::kUsualContext) + " tokens of context.\n";
  }
  return out;
}

Json to_json(const std::vector<ListedModel>& models, uint64_t free_bytes) {
  Json list = Json::array();
  for (const ListedModel& listed : models) list.push_back(object_of(listed));
  return {{"memory_free", or_null(free_bytes)}, {"models", list}};
}

}  // namespace maie::cli
