#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"

namespace maie::worker {

/// A loaded model as the pool sees it.
class PooledModel {
 public:
  virtual ~PooledModel() = default;
  virtual uint64_t memory_bytes() const = 0;  ///< held while it is loaded
};

/// How one model gets into the pool.
struct ModelSource {
  std::string name;     ///< of metrics and GET /v1/models
  std::string task;     ///< "transcription", "chat"
  bool listed = true;   ///< among the offers; false: another copy of a model that is
  bool shared = false;  ///< many borrowers at once (it serves threads together), else one
  std::function<Result<uint64_t>()> need_bytes;  ///< before loading, from above
  std::function<Result<std::unique_ptr<PooledModel>>()> load;
};

/// A model that could be loaded.
struct OfferedModel {
  std::string name, task;
  uint64_t need_bytes = 0;
  std::string problem;  ///< why not: "needs 5.1 GiB, the budget is 2 GiB"
};

struct ResidentModel {
  std::string name, task;
  uint64_t bytes = 0;
  int borrowers = 0;
  double idle_s = 0;
  double load_s = 0;
};

/// The one owner of loaded models, within one byte budget (docs/design.md, 3). Any thread.
class ModelPool {
 public:
  explicit ModelPool(uint64_t budget_bytes);
  ~ModelPool();

  void add(ModelSource source);

  /// A borrowed model; it goes back when this is destroyed. Outlived by the pool.
  class Loan {
   public:
    Loan(ModelPool* pool, PooledModel* model, size_t entry);
    Loan(Loan&& other) noexcept;
    Loan& operator=(Loan&&) = delete;
    ~Loan();
    template <class Model>
    Model& as() const {
      return static_cast<Model&>(*model_);
    }

   private:
    ModelPool* pool_;
    PooledModel* model_;
    size_t entry_;
  };

  /// Waits until the model is free and there is room, evicting idle models, the least recently used
  /// first. kNotFound for a name it does not know; kResourceExhausted with the numbers where it can
  /// never fit; what loading failed with; kCancelled.
  Result<Loan> borrow(const std::string& name, const CancelToken& cancel);

  /// kResourceExhausted with the numbers when the model can never fit this budget.
  Status can_fit(const std::string& name);

  /// Drops models that were idle so long. @returns how many.
  int drop_idle(double idle_s);
  std::vector<ResidentModel> resident() const;
  /// All that were added, with what they need; opens files the first time.
  std::vector<OfferedModel> offers();
  uint64_t budget_bytes() const;
  uint64_t reserved_bytes() const;

 private:
  friend class Loan;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maie::worker
