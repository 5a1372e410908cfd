#include "worker/model_pool.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include "base/guarded.h"
#include "base/human_size.h"
#include "base/log.h"

namespace maie::worker {
namespace {

using Clock = std::chrono::steady_clock;

// How often a waiting borrower looks at its token; everything else wakes it.
constexpr std::chrono::milliseconds kLook{50};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

// Borrowers stand in one line. One of them steps out when its model is there and free, or when
// there is room to load it. Those behind pass it only where that takes nothing from it: not while
// it waits for room (else a model that is always in use would never go), and not for the same model
// where that serves one at a time. So nobody waits for ever, and nobody waits without reason.
struct ModelPool::State {
  struct Entry {
    ModelSource source;
    std::optional<uint64_t> need;
    std::unique_ptr<PooledModel> model;
    bool changing = false;  // being loaded or dropped, outside the lock
    int borrowers = 0;
    uint64_t reserved = 0;  // of the budget: while it is loaded and while it changes
    Clock::time_point used{};
    double load_s = 0;

    bool is_idle() const { return model && !changing && borrowers == 0; }
    bool needs_room() const { return !model && !changing; }
  };
  using Line = std::list<size_t>;

  explicit State(uint64_t bytes) : budget(bytes) {}

  std::optional<size_t> find(const std::string& name) const {
    const std::lock_guard lock(mutex);
    for (size_t i = 0; i < entries.size(); ++i)
      if (entries[i]->source.name == name) return i;
    return std::nullopt;
  }

  // What a model needs, found out once, without the lock: files may have to be opened.
  Result<uint64_t> need_of(size_t index) {
    Entry* entry = nullptr;
    {
      const std::lock_guard lock(mutex);
      entry = entries[index].get();
      if (entry->need) return *entry->need;
    }
    MAIE_ASSIGN(const uint64_t need, entry->source.need_bytes());
    const std::lock_guard lock(mutex);
    entry->need = need;
    return need;
  }

  uint64_t reserved() const {
    uint64_t sum = 0;
    for (const auto& entry : entries) sum += entry->reserved;
    return sum;
  }

  bool is_wanted_before(size_t index, Line::const_iterator ticket) const {
    return std::find(line.cbegin(), ticket, index) != ticket;
  }

  bool stands_behind(Line::const_iterator ticket) const {
    const bool shared = entries[*ticket]->source.shared;
    for (auto it = line.cbegin(); it != ticket; ++it) {
      if (entries[*it]->needs_room()) return true;
      if (*it == *ticket && !shared) return true;
    }
    return false;
  }

  // Takes one idle model out, the least recently used, where that helps to make `need` fit.
  // @returns whether there was something to do: look again.
  bool evict_for(uint64_t need, Line::const_iterator ticket, std::unique_lock<std::mutex>& lock) {
    uint64_t idle = 0;
    Entry* oldest = nullptr;
    for (size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = *entries[i];
      if (!entry.is_idle() || is_wanted_before(i, ticket)) continue;
      idle += entry.reserved;
      if (oldest == nullptr || entry.used < oldest->used) oldest = &entry;
    }
    if (oldest == nullptr || reserved() - idle + need > budget) return false;
    drop(*oldest, lock);
    return true;
  }

  // The memory counts until it is given back, which takes a moment for a large model.
  void drop(Entry& entry, std::unique_lock<std::mutex>& lock) {
    std::unique_ptr<PooledModel> model = std::move(entry.model);
    const uint64_t bytes = entry.reserved;
    entry.changing = true;
    lock.unlock();
    log_info(entry.source.name + ": dropped from memory, " + human_size(bytes));
    model.reset();
    lock.lock();
    entry.changing = false;
    entry.reserved = 0;
    changed.notify_all();
  }

  // Room is there and nobody else loads it: the lock is open meanwhile.
  Status load(Entry& entry, uint64_t need, std::unique_lock<std::mutex>& lock) {
    entry.changing = true;
    entry.borrowers = 1;
    entry.reserved = need;
    lock.unlock();
    const Clock::time_point start = Clock::now();
    Result<std::unique_ptr<PooledModel>> model = guarded([&] { return entry.source.load(); });
    const double load_s = seconds_since(start);
    lock.lock();
    entry.changing = false;
    entry.borrowers = model.has_value() ? 1 : 0;
    entry.reserved = model.has_value() ? (*model)->memory_bytes() : 0;
    entry.load_s = load_s;
    changed.notify_all();
    if (!model.has_value()) return model.error();
    entry.model = std::move(*model);
    log_info(entry.source.name + ": loaded in " + std::to_string(int64_t(load_s * 1000)) + " ms, " +
             human_size(entry.reserved));
    return {};
  }

  const uint64_t budget;
  mutable std::mutex mutex;  // guards what follows; sources do not change
  std::condition_variable changed;
  std::vector<std::unique_ptr<Entry>> entries;
  Line line;  // entries that are waited for, the first borrower first
};

ModelPool::ModelPool(uint64_t budget_bytes) : state_(std::make_unique<State>(budget_bytes)) {}
ModelPool::~ModelPool() = default;

void ModelPool::add(ModelSource source) {
  auto entry = std::make_unique<State::Entry>();
  entry->source = std::move(source);
  const std::lock_guard lock(state_->mutex);
  state_->entries.push_back(std::move(entry));
}

Status ModelPool::can_fit(const std::string& name) {
  const std::optional<size_t> index = state_->find(name);
  if (!index) return not_found("no model \"" + name + "\"");
  MAIE_ASSIGN(const uint64_t need, state_->need_of(*index));
  if (need <= state_->budget) return {};
  return resource_exhausted("the model " + name + " needs " + human_size(need) +
                            " of memory, the budget of all models is " +
                            human_size(state_->budget) +
                            " (memory.budget); allow more, or choose a smaller model");
}

Result<ModelPool::Loan> ModelPool::borrow(const std::string& name, const CancelToken& cancel) {
  MAIE_TRY(can_fit(name));
  State& s = *state_;
  const size_t index = *s.find(name);
  MAIE_ASSIGN(const uint64_t need, s.need_of(index));

  std::unique_lock lock(s.mutex);
  State::Entry& entry = *s.entries[index];
  const auto ticket = s.line.insert(s.line.end(), index);
  const auto step_out = [&] {
    s.line.erase(ticket);
    s.changed.notify_all();
  };
  while (true) {
    if (cancel.is_cancelled()) {
      step_out();
      return cancel.status();
    }
    const bool my_turn = !entry.changing && !s.stands_behind(ticket);
    if (my_turn && entry.model && (entry.source.shared || entry.borrowers == 0)) {
      ++entry.borrowers;
      step_out();
      return Loan(this, entry.model.get(), index);
    }
    if (my_turn && !entry.model) {
      if (s.reserved() + need <= s.budget) {
        step_out();
        MAIE_TRY(s.load(entry, need, lock));
        return Loan(this, entry.model.get(), index);
      }
      if (s.evict_for(need, ticket, lock)) continue;
    }
    s.changed.wait_for(lock, kLook);
  }
}

int ModelPool::drop_idle(double idle_s) {
  State& s = *state_;
  int dropped = 0;
  std::unique_lock lock(s.mutex);
  for (size_t i = 0; i < s.entries.size(); ++i) {  // by index: `add` may come in between
    State::Entry& entry = *s.entries[i];
    const bool wanted = std::find(s.line.begin(), s.line.end(), i) != s.line.end();
    if (!entry.is_idle() || wanted || seconds_since(entry.used) < idle_s) continue;
    s.drop(entry, lock);
    ++dropped;
  }
  return dropped;
}

std::vector<ResidentModel> ModelPool::resident() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<ResidentModel> models;
  for (const auto& entry : state_->entries) {
    if (!entry->model) continue;
    models.push_back({entry->source.name, entry->source.task, entry->reserved, entry->borrowers,
                      entry->borrowers > 0 ? 0.0 : seconds_since(entry->used), entry->load_s});
  }
  return models;
}

std::vector<OfferedModel> ModelPool::offers() {
  std::vector<OfferedModel> offers;
  size_t count = 0;
  {
    const std::lock_guard lock(state_->mutex);
    count = state_->entries.size();
  }
  for (size_t i = 0; i < count; ++i) {
    OfferedModel offer;
    {
      const std::lock_guard lock(state_->mutex);
      if (!state_->entries[i]->source.listed) continue;
      offer.name = state_->entries[i]->source.name;
      offer.task = state_->entries[i]->source.task;
    }
    const Result<uint64_t> need = state_->need_of(i);
    if (need.has_value()) offer.need_bytes = *need;
    offer.problem = can_fit(offer.name).message();
    offers.push_back(std::move(offer));
  }
  return offers;
}

uint64_t ModelPool::budget_bytes() const { return state_->budget; }

uint64_t ModelPool::reserved_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->reserved();
}

ModelPool::Loan::Loan(ModelPool* pool, PooledModel* model, size_t entry)
    : pool_(pool), model_(model), entry_(entry) {}

ModelPool::Loan::Loan(Loan&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), model_(other.model_), entry_(other.entry_) {}

ModelPool::Loan::~Loan() {
  if (pool_ == nullptr) return;
  State& s = *pool_->state_;
  const std::lock_guard lock(s.mutex);
  State::Entry& entry = *s.entries[entry_];
  --entry.borrowers;
  entry.used = Clock::now();
  s.changed.notify_all();
}

}  // namespace maie::worker
