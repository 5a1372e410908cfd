#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "store/memory_need.h"
#include "store/survey.h"

namespace maie::cli {

/// A model with what it takes here.
struct ListedModel {
  store::SurveyedModel model;
  store::MemoryNeed need;
  /// Why it cannot be used on this machine; empty when it can.
  std::string why_not;
};

/// @param free_bytes  memory a program can have now; 0: not known, then everything fits
/// @param context     tokens the estimate is for; 0: the usual number
std::vector<ListedModel> judge_models(std::vector<store::SurveyedModel> models, uint64_t free_bytes,
                                      int64_t context);

/// Why a model of that need cannot be used with so much memory free, and what to do; empty when it
/// can.
std::string why_too_large(const store::MemoryNeed& need, uint64_t free_bytes);

/// "1.5B", "270M": a count of parameters for people; "?" for 0.
std::string short_count(uint64_t count);

/// A table, the reasons below it. Names are printable. @param context as for judge_models
std::string to_table(const std::vector<ListedModel>& models, uint64_t free_bytes, int64_t context);
Json to_json(const std::vector<ListedModel>& models, uint64_t free_bytes);

}  // namespace maie::cli
