#include "cli/models_job.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/human_size.h"
#include "base/version.h"
#include "cli/exit_code.h"
#include "cli/json_result.h"
#include "cli/machine.h"
#include "cli/models_report.h"
#include "cli/printable.h"
#include "cli/transfer_progress.h"
#include "net/http_client.h"
#include "store/find_model.h"
#include "store/hub_cache.h"
#include "store/remove.h"
#include "store/survey.h"
#include "store/verify.h"

namespace maie::cli {
namespace {

int failed(const Status& status, Console& console) {
  console.error(to_string(status.code()), status.message());
  return exit_code_of_service(status.code());
}

int written(const Status& status, const Console& console) {
  return status.ok() || console.output_closed() ? kExitOk : kExitIo;
}

bool ask_on_terminal(const std::string& question) {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) return false;
  const std::string text = printable(question) + " [y/N] ";
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return false;
  char answer[16] = {};
  const ssize_t count = ::read(STDIN_FILENO, answer, sizeof answer);
  return count > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

std::string short_name(const store::HubCache& cache, const std::string& commit) {
  return cache.repo() + "@" + commit.substr(0, 12);
}

std::string count_of(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// The memory a model needs is known before its weights come: say it, and refuse what cannot work.
Status admit(const store::PullPlan& plan, const ModelsArguments& arguments, uint64_t free_bytes,
             TransferLine& line) {
  const store::MemoryNeed need = store::memory_need(plan.facts, arguments.context);
  const std::string name = arguments.id;
  if (plan.missing_bytes == 0) return {};
  line.info(name + ": " + count_of(plan.files.size(), "file") + ", " +
            human_size(plan.total_bytes) + ", " + human_size(plan.missing_bytes) + " to fetch");
  if (plan.facts.size_bytes == 0) return {};
  const std::string& kind = plan.facts.architecture;
  if (!kind.empty() && !plan.facts.is_supported())
    line.warning(name + ": MAIE has no network of the kind " + kind);
  const std::string why = why_too_large(need, free_bytes);
  if (why.empty()) {
    line.info(name + ": " + store::to_text(need));
  } else if (arguments.force) {
    line.warning(name + ": " + why);
  } else {
    return resource_exhausted(name + ": " + why + "; --force fetches it all the same");
  }
  return {};
}

// One line a snapshot, and one for each bad file below it.
struct Verdicts {
  std::string text;
  bool is_bad = false;
};

void add_verdict(const store::HubCache& cache, const std::string& commit,
                 const store::Verification& found, Verdicts& verdicts) {
  verdicts.text += short_name(cache, commit) + ": " + count_of(size_t(found.files), "file") + ", " +
                   human_size(found.size_bytes) + ", " + (found.bad.empty() ? "good" : "BAD") +
                   "\n";
  if (found.unhashed > 0)
    verdicts.text += "  " + count_of(size_t(found.unhashed), "file") + " without a known hash\n";
  for (const store::Verification::Bad& bad : found.bad)
    verdicts.text += printable("  " + bad.path + ": " + bad.problem) + "\n";
  if (found.bad.empty()) return;
  verdicts.is_bad = true;
  const bool as_pulled = std::all_of(found.bad.begin(), found.bad.end(),
                                     [](const auto& bad) { return bad.is_as_pulled; });
  verdicts.text +=
      as_pulled ? "  the hub has it so: choose another revision or model\n"
                : "  repair it: maie models pull --recheck " + cache.repo() + "@" + commit + "\n";
}

void add_local(const std::vector<store::ModelFacts>& models, Verdicts& verdicts) {
  for (const store::ModelFacts& facts : models) {
    verdicts.text += printable(facts.path) + ": " + human_size(facts.size_bytes) + ", " +
                     (facts.problem.empty() ? "heads are good, hashes are not known" : "BAD") +
                     "\n";
    if (facts.problem.empty()) continue;
    verdicts.is_bad = true;
    verdicts.text += printable("  " + facts.problem) + "\n";
  }
}

Status verify_repo(const store::HubCache& cache, const std::string& revision, TransferLine& line,
                   const CancelToken& cancel, Verdicts& verdicts) {
  std::string only;
  if (!revision.empty()) {
    MAIE_ASSIGN(only, cache.commit_of(revision));
  }
  for (const store::Snapshot& snapshot : cache.snapshots()) {
    if (!only.empty() && snapshot.commit != only) continue;
    const auto progress = [&line](const std::string& path, uint64_t done, uint64_t total) {
      line.update(path, done, total, true);
    };
    MAIE_ASSIGN(const store::Verification found,
                store::verify(cache, snapshot.commit, &cancel, progress));
    add_verdict(cache, snapshot.commit, found, verdicts);
  }
  return {};
}

// The cache that has the model of an id.
Result<store::HubCache> cache_of(const store::ModelId& id, const store::Settings& settings) {
  for (const std::string& folder : settings.caches) {
    store::HubCache cache(folder, id.repo);
    if (cache.exists()) return cache;
  }
  return not_found(id.repo + ": is not on this machine; maie models list shows what is");
}

Status verify_one(const ModelsArguments& arguments, const store::Settings& settings,
                  TransferLine& line, const CancelToken& cancel, Verdicts& verdicts) {
  namespace fs = std::filesystem;
  std::error_code error;
  const Result<store::ModelId> id = store::parse_model_id(arguments.id);
  if (id.has_value() && !fs::exists(arguments.id, error)) {
    const Result<store::HubCache> cache = cache_of(*id, settings);
    if (cache.has_value()) return verify_repo(*cache, id->revision, line, cancel, verdicts);
  }
  MAIE_ASSIGN(const std::string path, store::find_model(arguments.id, settings));
  std::vector<store::ModelFacts> models = fs::is_directory(path, error)
                                              ? store::local_models({path})
                                              : std::vector{store::model_of_file(path)};
  if (models.empty() || models.front().layout.empty())
    return not_found(path + ": there is no model in it");
  add_local(models, verdicts);
  return {};
}

Status verify_all(const store::Settings& settings, TransferLine& line, const CancelToken& cancel,
                  Verdicts& verdicts) {
  add_local(store::local_models(settings.folders), verdicts);
  for (const std::string& folder : settings.caches) {
    for (const std::string& repo : store::repos_in(folder))
      MAIE_TRY(verify_repo(store::HubCache(folder, repo), "", line, cancel, verdicts));
  }
  return {};
}

}  // namespace

Result<ModelsPlace> place_of_process() {
  MAIE_ASSIGN(store::Settings settings, store::settings_of_process());
  return ModelsPlace{std::move(settings), free_memory(this_memory()), ask_on_terminal};
}

int list_models(const ModelsArguments& arguments, const ModelsPlace& place, Console& console) {
  const std::vector<ListedModel> models =
      judge_models(store::survey(place.settings), place.free_bytes, arguments.context);
  return written(
      console.write(arguments.as_json ? to_text(to_json(models, place.free_bytes))
                                      : to_table(models, place.free_bytes, arguments.context)),
      console);
}

int pull_model(const ModelsArguments& arguments, ModelsPlace place, Console& console,
               const CancelToken& cancel) {
  const Result<store::ModelId> id = store::parse_model_id(arguments.id);
  if (!id.has_value()) return failed(id.error(), console);
  store::Settings& settings = place.settings;
  settings.offline = settings.offline || arguments.offline;
  if (!arguments.mirror.empty()) {
    const Result<std::string> endpoint = store::parse_endpoint(arguments.mirror);
    if (!endpoint.has_value()) return failed(endpoint.error(), console);
    settings.endpoint = *endpoint;
  }
  net::HttpClient client(
      {.offline = settings.offline, .user_agent = "maie/" + std::string(kVersion)});
  store::PullOptions options = arguments.pull;
  options.cancel = &cancel;
  Result<store::PullResult> result = internal_error("not run");
  {
    TransferLine line(console);
    options.admit = [&](const store::PullPlan& plan) {
      return admit(plan, arguments, place.free_bytes, line);
    };
    options.progress = [&](const store::PullProgress& now) {
      line.update(now.file, now.done_bytes, now.total_bytes, now.checking);
    };
    options.say = [&](const std::string& sentence) { line.info(sentence); };
    options.retry.on_wait = [&](const std::string& why, double wait_s) {
      line.warning(why + "; trying again in " + std::to_string(int(wait_s + 0.99)) + " s");
    };
    result = store::pull(*id, settings, client, options);
  }
  if (!result.has_value()) return failed(result.error(), console);
  console.info("done", id->repo + ": " +
                           (result->fetched_files == 0
                                ? std::string("everything was here")
                                : count_of(size_t(result->fetched_files), "file") + ", " +
                                      human_size(result->fetched_bytes) + " fetched"));
  return written(console.write(result->path + "\n"), console);
}

int verify_models(const ModelsArguments& arguments, const ModelsPlace& place, Console& console,
                  const CancelToken& cancel) {
  Verdicts verdicts;
  Status status;
  {
    TransferLine line(console);
    status = arguments.id.empty() ? verify_all(place.settings, line, cancel, verdicts)
                                  : verify_one(arguments, place.settings, line, cancel, verdicts);
  }
  if (!status.ok()) return failed(status, console);
  if (verdicts.text.empty()) verdicts.text = "No models are here.\n";
  const int code = written(console.write(verdicts.text), console);
  return verdicts.is_bad ? int(kExitBadData) : code;
}

int remove_model(const ModelsArguments& arguments, const ModelsPlace& place, Console& console) {
  const Result<store::ModelId> id = store::parse_model_id(arguments.id);
  if (!id.has_value()) return failed(id.error(), console);
  if (!id->file.empty()) {
    console.error("usage", "whole models and revisions can be removed, not single files: write " +
                               id->repo + " or " + id->repo + "@revision");
    return kExitUsageLater;
  }
  const Result<store::HubCache> cache = cache_of(*id, place.settings);
  if (!cache.has_value()) return failed(cache.error(), console);
  const Result<store::Removal> plan = store::plan_removal(*cache, id->revision);
  if (!plan.has_value()) return failed(plan.error(), console);
  const std::string what = id->repo + ": " + count_of(plan->commits.size(), "revision") + ", " +
                           human_size(plan->freed_bytes) + " in " + cache->folder();
  if (!arguments.yes && !(place.ask && place.ask("Remove " + what + "?"))) {
    console.error("usage", what + " would be removed; nothing is without --yes or your answer");
    return kExitUsageLater;
  }
  const Result<store::Removal> removed = store::remove(*cache, id->revision);
  if (!removed.has_value()) return failed(removed.error(), console);
  console.info("done", id->repo + ": " + human_size(removed->freed_bytes) + " freed");
  return kExitOk;
}

int print_model_path(const ModelsArguments& arguments, const ModelsPlace& place, Console& console) {
  const Result<std::string> path = store::find_model(arguments.id, place.settings);
  if (!path.has_value()) return failed(path.error(), console);
  return written(console.write(*path + "\n"), console);
}

}  // namespace maie::cli
