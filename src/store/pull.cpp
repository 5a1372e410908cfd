#include "store/pull.h"

#include <filesystem>
#include <mutex>

#include "base/human_size.h"
#include "base/json.h"
#include "base/log.h"
#include "net/http_client.h"
#include "store/file_lock.h"
#include "store/find_model.h"
#include "store/hub.h"
#include "store/transfer.h"

namespace maie::store {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestConfig = 1 << 20;

uint64_t size_of_file(const std::string& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  return error ? UINT64_MAX : size;
}

class Pull {
 public:
  Pull(const ModelId& id, const Settings& settings, net::HttpClient& client,
       const PullOptions& options)
      : id_(id),
        settings_(settings),
        options_(options),
        hub_(client, settings, options.retry),
        cache_(settings.caches.front(), id.repo) {}

  Result<PullResult> run() {
    MAIE_TRY(plan());
    if (options_.admit) MAIE_TRY(options_.admit(plan_));
    MAIE_TRY(check_disk());
    MAIE_TRY(cache_.create(plan_.commit));
    // Held by every pull together: `remove` takes it alone.
    MAIE_ASSIGN(const FileLock in_use,
                FileLock::wait(cache_.lock_of("maie"), FileLock::Mode::kShared, options_.cancel,
                               [this] { say(id_.repo + ": waiting while it is being removed"); }));
    Manifest manifest;
    for (const HubFile& file : plan_.files) manifest.files[file.path] = {file.size_bytes, file.tag};
    MAIE_TRY(cache_.note(plan_.commit, manifest));
    for (const HubFile& file : plan_.files) {
      MAIE_TRY(obtain(file));
      finished_bytes_ += file.size_bytes;
    }
    MAIE_TRY(cache_.write_ref(id_.revision_or_main(), plan_.commit));
    result_.commit = plan_.commit;
    result_.path = cache_.snapshot(plan_.commit);
    if (plan_.files.size() == 1) result_.path += "/" + plan_.files.front().path;
    return result_;
  }

 private:
  Status plan() {
    MAIE_ASSIGN(HubListing listing, hub_.list(id_.repo, id_.revision_or_main(), options_.cancel));
    FileChoice choice = options_.choice;
    if (choice.file.empty()) choice.file = id_.file;
    Result<std::vector<HubFile>> chosen = choose_files(listing.files, choice);
    if (!chosen.has_value()) return chosen.error().within(id_.repo);
    plan_.commit = listing.commit;
    plan_.files = std::move(*chosen);
    for (const HubFile& file : plan_.files) {
      plan_.total_bytes += file.size_bytes;
      if (!is_here(file)) plan_.missing_bytes += file.size_bytes;
      if (is_weight_file(file.path)) plan_.facts.size_bytes += file.size_bytes;
    }
    return look_at_config();
  }

  // config.json is read before anything is written, so that a model this machine cannot hold is
  // refused before its gigabytes come.
  Status look_at_config() {
    for (const HubFile& file : plan_.files) {
      if (file.path != "config.json" || file.size_bytes > kLargestConfig) continue;
      MAIE_ASSIGN(const std::string text,
                  hub_.read(id_.repo, plan_.commit, file.path, kLargestConfig, options_.cancel));
      const Result<Json> config = parse_json(text);
      if (config.has_value()) add_config(*config, plan_.facts);
    }
    return {};
  }

  // Free space of the file system must exceed what is to come by 5 %.
  Status check_disk() const {
    if (plan_.missing_bytes == 0) return {};
    fs::path folder = cache_.folder();
    std::error_code error;
    while (!fs::exists(folder, error) && folder.has_parent_path() && folder != folder.parent_path())
      folder = folder.parent_path();
    if (folder.empty()) folder = ".";
    MAIE_ASSIGN(const uint64_t free, options_.disk.free_bytes(folder.string()));
    const uint64_t wanted = plan_.missing_bytes + plan_.missing_bytes / 20;
    if (free >= wanted) return {};
    return resource_exhausted(
        id_.repo + ": " + human_size(wanted) + " of disk space are needed in " + folder.string() +
        ", " + human_size(free) + " are free; make room or set HF_HUB_CACHE to another disk");
  }

  std::string placed(const HubFile& file) const {
    return cache_.snapshot(plan_.commit) + "/" + file.path;
  }

  bool is_here(const HubFile& file) const {
    if (size_of_file(cache_.blob(file.tag)) == file.size_bytes) return true;
    // Where there are no symlinks the file itself lies in the snapshot.
    std::error_code error;
    return fs::is_regular_file(fs::symlink_status(placed(file), error)) &&
           size_of_file(placed(file)) == file.size_bytes;
  }

  Status obtain(const HubFile& file) {
    const auto waits = [&] { say(file.path + ": another pull is fetching it; waiting"); };
    MAIE_ASSIGN(const FileLock lock,
                FileLock::wait(cache_.lock_of(file.tag), FileLock::Mode::kExclusive,
                               options_.cancel, waits));
    MAIE_TRY(recheck(file));
    if (!is_here(file)) {
      MAIE_TRY(download(file));
      ++result_.fetched_files;
      result_.fetched_bytes += file.size_bytes;
    }
    report(file, file.size_bytes, false);
    if (size_of_file(cache_.blob(file.tag)) != file.size_bytes) return {};  // placed already
    return cache_.place(plan_.commit, file.path, file.tag, settings_.symlinks);
  }

  Status recheck(const HubFile& file) {
    if (!options_.recheck || !is_here(file)) return {};
    const std::string blob = cache_.blob(file.tag);
    const std::string path = size_of_file(blob) == file.size_bytes ? blob : placed(file);
    const auto progress = [&](uint64_t bytes) { report(file, bytes, true); };
    MAIE_ASSIGN(const std::string hash, hash_like(file.tag, path, options_.cancel, progress));
    if (hash == file.tag) return {};
    say(file.path + ": is damaged and is fetched again");
    std::error_code error;
    fs::remove(path, error);
    return error ? errno_status(path, error.value()) : Status();
  }

  Status download(const HubFile& file) {
    MAIE_ASSIGN(
        const std::unique_ptr<PartFile> part,
        PartFile::open(cache_.blobs(), file.tag, file.size_bytes, plan_.commit, options_.disk));
    const bool resumed = part->was_resumed();
    if (resumed)
      say(file.path + ": going on from " + human_size(part->done_bytes()) + " of " +
          human_size(file.size_bytes));
    Status status = fetch_and_finish(file, *part);
    if (status.code() == Code::kCorrupt && resumed) {
      // What an earlier run left may be what is wrong: once more from the start.
      say(status.message() + "; fetching it again from the start");
      MAIE_TRY(part->restart());
      status = fetch_and_finish(file, *part);
    }
    if (status.code() == Code::kCorrupt) part->discard();
    return status;
  }

  Status fetch_and_finish(const HubFile& file, PartFile& part) {
    TransferOptions transfer;
    transfer.connections = options_.connections;
    transfer.piece_bytes = options_.piece_bytes;
    transfer.stall_limit_s = settings_.stall_limit_s;
    transfer.cancel = options_.cancel;
    transfer.progress = [&](uint64_t done) { report(file, done, false); };
    if (part.done_bytes() < part.size_bytes())
      MAIE_TRY(fetch_bytes(hub_, id_.repo, plan_.commit, file.path, part, transfer));
    const auto checking = [&](uint64_t) { report(file, file.size_bytes, true); };
    return part.finish(options_.cancel, checking).within(id_.repo + ", " + file.path);
  }

  void report(const HubFile& file, uint64_t done, bool checking) const {
    if (options_.progress)
      options_.progress({file.path, finished_bytes_ + done, plan_.total_bytes, checking});
  }

  void say(const std::string& sentence) const {
    if (options_.say) options_.say(sentence);
  }

  const ModelId& id_;
  const Settings& settings_;
  const PullOptions& options_;
  Hub hub_;
  HubCache cache_;
  PullPlan plan_;
  PullResult result_;
  uint64_t finished_bytes_ = 0;
};

}  // namespace

Result<PullResult> pull(const ModelId& id, const Settings& settings, net::HttpClient& client,
                        const PullOptions& options) {
  if (settings.offline) {
    MAIE_ASSIGN(const std::string path, find_in_caches(id, settings.caches));
    return PullResult{path, "", 0, 0};
  }
  if (settings.caches.empty())
    return not_found("there is no folder for models: set HOME, HF_HOME or HF_HUB_CACHE");
  return Pull(id, settings, client, options).run();
}

}  // namespace maie::store
