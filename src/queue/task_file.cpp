#include "queue/task_file.h"

#include <thread>

#include "base/guarded.h"
#include "base/log.h"
#include "queue/adopt_boot.h"
#include "queue/repair.h"
#include "queue/schema.h"

namespace maie::queue {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// Between two attempts. Shorter than the patience, so that those of two processes meet.
constexpr double kPauseOfPatience = 0.3;

SteadyClock::duration duration(double seconds) {
  return std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

Result<std::unique_ptr<TaskFile>> TaskFile::open(const SqliteOptions& options, const Clock& clock) {
  MAIE_ASSIGN(FolderLock lock, FolderLock::take(options.folder, options.busy_timeout_s));
  std::unique_ptr<TaskFile> out(new TaskFile(options, clock, std::move(lock)));
  MAIE_TRY(out->open_or_repair(options.check_first));
  return out;
}

Status TaskFile::open_file() {
  bool machine_was_restarted = false;
  MAIE_ASSIGN(file_,
              DatabaseFile::open(
                  folder_ + "/queue.db", {.durable = true, .busy_timeout_s = busy_timeout_s_},
                  [&](Database& db) -> Status {
                    MAIE_TRY(prepare_queue_tables(db));
                    MAIE_ASSIGN(const std::optional<std::string> before,
                                db.text("SELECT value FROM meta WHERE name = 'boot_id'"));
                    machine_was_restarted = before != clock_.boot_id();
                    return adopt_boot(db, clock_.boot_id(), {clock_.wall_ms(), clock_.boot_ms()});
                  }));
  first_of_this_boot_ = machine_was_restarted && lock_.is_alone();
  return {};
}

Status TaskFile::open_or_repair(bool check_first) {
  const bool alone = lock_.is_alone();
  Status damage;
  if (alone) {
    MAIE_TRY(finish_repair(folder_));
    if (check_first) damage = look_for_damage(folder_);
  }
  if (damage.ok()) {
    damage = open_file();
    if (damage.code() != Code::kCorrupt) return damage;
  }
  if (damage.code() != Code::kCorrupt || !alone) return damage;
  log_error(damage.message());
  MAIE_TRY(repair(folder_));
  return open_file();
}

void TaskFile::note_damage(const Status& status) {
  if (is_marked_as_damaged(folder_)) return;
  log_error(status.message());
  mark_as_damaged(folder_);
}

bool TaskFile::needs_care() const { return is_closed_ || is_marked_as_damaged(folder_); }

void TaskFile::take_care() {
  const auto too_early = [&] { return SteadyClock::now() < next_care_.load(); };
  if (too_early() || !door_.close()) return;  // another thread takes care: it is waited for
  if (needs_care() && !too_early()) {
    why_closed_ = guarded([&] { return exchange(); });
    is_closed_ = file_ == nullptr;
    if (is_closed_) {
      log_error("queue.db could not be opened again: " + why_closed_.message());
      lock_.let_go();
    }
    next_care_ = SteadyClock::now() + duration(kPauseOfPatience * patience_s_);
  }
  door_.open();
}

// With the door closed.
Status TaskFile::exchange() {
  log_warning("queue.db is damaged: this process lets go of it, so that it can be repaired");
  file_.reset();
  lock_.let_go();
  auto until = SteadyClock::now() + duration(patience_s_);
  while (true) {
    MAIE_ASSIGN(const bool alone, lock_.try_alone());
    if (alone || !is_marked_as_damaged(folder_)) break;
    // Who repairs may take as long as it needs.
    if (lock_.is_another_alone()) until = SteadyClock::now() + duration(patience_s_);
    if (SteadyClock::now() >= until) {
      log_error("queue.db stays damaged: another process has it open and does not let go of it");
      break;
    }
    std::this_thread::sleep_for(10ms);
  }
  MAIE_TRY(lock_.join(busy_timeout_s_));
  MAIE_TRY(open_or_repair(/*check_first=*/true));
  MAIE_TRY(lock_.share());
  log_info("queue.db is open again");
  return {};
}

int64_t TaskFile::commits() {
  const Door::Inside inside(door_, 0s);
  return inside && file_ != nullptr ? file_->commits() : 0;
}

}  // namespace maie::queue
