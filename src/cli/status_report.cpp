#include "cli/status_report.h"

#include <cmath>

#include "base/human_size.h"
#include "cli/printable.h"

namespace maie::cli {
namespace {

constexpr size_t kWidth = 10;

void line(std::string& out, const std::string& name, const std::string& text) {
  if (text.empty()) return;
  out += name + std::string(name.size() < kWidth ? kWidth - name.size() : 1, ' ') +
         printable(text) + "\n";
}

std::string joined(const std::string& list, const std::string& item) {
  return list.empty() ? item : list + ", " + item;
}

std::string models_line(const std::vector<ServiceStatus::Model>& models) {
  std::string text;
  for (const ServiceStatus::Model& model : models) {
    text = joined(text, model.name + (model.loaded ? " (loaded, " + human_size(model.bytes) + ")"
                                                   : " (not loaded)"));
  }
  return text;
}

std::string share_line(const std::optional<uint64_t>& part, const std::optional<uint64_t>& whole,
                       const char* words) {
  if (!part.has_value() || !whole.has_value()) return "";
  return human_size(*part) + words + human_size(*whole);
}

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

template <class Number>
Json or_null(const std::optional<Number>& number) {
  return number.has_value() ? Json(*number) : Json();
}

template <class Value>
Json object_of(const std::vector<std::pair<std::string, Value>>& pairs) {
  Json object = Json::object();
  for (const auto& [name, value] : pairs) object[name] = value;
  return object;
}

std::optional<double> number_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

}  // namespace

TaskStatus task_status_from(const Json& view) {
  TaskStatus task;
  task.id = json_string(view, "task_id", "");
  task.state = json_string(view, "status", "");
  task.stage = json_string(view, "stage", "");
  task.error = json_string(view, "error", "");
  task.error_code = json_string(view, "error_code", "");
  task.submitted_at = json_string(view, "submitted_at", "");
  task.completed_at = json_string(view, "completed_at", "");
  const auto progress = view.find("progress");
  if (progress != view.end() && progress->is_object()) {
    task.fraction = number_of(*progress, "fraction");
    task.seconds_left = number_of(*progress, "seconds_left");
  }
  return task;
}

std::string to_table(const ServiceStatus& status) {
  std::string out, tasks, checks;
  for (const auto& [state, count] : status.tasks)
    tasks = joined(tasks, std::to_string(count) + " " + state);
  for (const auto& [what, state] : status.checks) checks = joined(checks, what + " " + state);
  line(out, "from", status.source + (status.version.empty() ? "" : ", version " + status.version));
  line(out, "state", status.state);
  line(out, "checks", checks);
  line(out, "tasks", tasks);
  if (status.workers.has_value()) line(out, "workers", std::to_string(*status.workers));
  line(out, "models", models_line(status.models));
  line(out, "memory",
       share_line(status.memory_reserved, status.memory_budget, " of models, of at most "));
  line(out, "disk", share_line(status.disk_free, status.disk_size, " free of "));
  return out;
}

std::string to_table(const TaskStatus& task) {
  std::string out, progress;
  if (task.fraction.has_value())
    progress = std::to_string(int(std::lround(*task.fraction * 100))) + " %";
  if (task.seconds_left.has_value())
    progress = joined(progress, std::to_string(std::lround(*task.seconds_left)) + " s left");
  line(out, "task", task.id);
  line(out, "state", task.state);
  line(out, "stage", task.stage);
  line(out, "progress", progress);
  line(out, "submitted", task.submitted_at);
  line(out, "completed", task.completed_at);
  line(out, "error", task.error_code + (task.error.empty() ? "" : ": " + task.error));
  return out;
}

Json to_json(const ServiceStatus& status) {
  Json models = Json::array();
  for (const ServiceStatus::Model& model : status.models) {
    models.push_back({{"name", model.name}, {"loaded", model.loaded}, {"bytes", model.bytes}});
  }
  return {{"source", status.source},
          {"version", or_null(status.version)},
          {"state", or_null(status.state)},
          {"checks", object_of(status.checks)},
          {"tasks", object_of(status.tasks)},
          {"workers", or_null(status.workers)},
          {"models", std::move(models)},
          {"memory_budget_bytes", or_null(status.memory_budget)},
          {"memory_reserved_bytes", or_null(status.memory_reserved)},
          {"disk_free_bytes", or_null(status.disk_free)},
          {"disk_size_bytes", or_null(status.disk_size)}};
}

Json to_json(const TaskStatus& task) {
  return {{"task_id", task.id},
          {"status", task.state},
          {"stage", or_null(task.stage)},
          {"fraction", or_null(task.fraction)},
          {"seconds_left", or_null(task.seconds_left)},
          {"submitted_at", or_null(task.submitted_at)},
          {"completed_at", or_null(task.completed_at)},
          {"error", or_null(task.error)},
          {"error_code", or_null(task.error_code)}};
}

}  // namespace maie::cli
