#include <array>
#include <string_view>
#include <utility>

#include "jobs/stored_result.h"

namespace maie::jobs {
namespace {

using Names = std::pair<std::string_view, std::string_view>;  // English, Vietnamese

// docs/spec/service.md, 1.7. A member that has no row keeps its name.
constexpr Names kMembers[] = {
    {"pipeline_version", "phiên_bản_pipeline"},
    {"asr_backend", "backend_asr"},
    {"llm", "mô_hình_ngôn_ngữ"},
    {"input_duration_seconds", "thời_lượng_đầu_vào_giây"},
    {"processing_time_seconds", "thời_gian_xử_lý_giây"},
    {"rtf", "hệ_số_thời_gian_thực"},
    {"vad_coverage", "độ_phủ_vad"},
    {"asr_confidence_avg", "độ_tin_cậy_asr_trung_bình"},
    {"vad_segments", "số_đoạn_vad"},
    {"edit_rate_cleaning", "tỷ_lệ_chỉnh_sửa_làm_sạch"},
    {"summary", "tóm_tắt"},
    {"clean_transcript", "bản_ghi_sạch"},
    {"raw_transcript", "bản_ghi_thô"},
};

// Members every block has, whatever the task was.
constexpr std::string_view kOfVersions[] = {"pipeline_version", "asr_backend", "llm"};
constexpr std::string_view kOfMetrics[] = {
    "input_duration_seconds", "processing_time_seconds", "rtf",
    "vad_coverage",           "asr_confidence_avg",      "vad_segments",
    "edit_rate_cleaning"};
constexpr std::string_view kOfResults[] = {"summary", "clean_transcript", "raw_transcript",
                                           "segments"};

std::string vietnamese(std::string_view english) {
  for (const auto& [from, to] : kMembers) {
    if (from == english) return std::string(to);
  }
  return std::string(english);
}

template <size_t N>
Json completed(const Json& block, const std::string_view (&names)[N]) {
  Json out = Json::object();
  for (const std::string_view name : names) out[std::string(name)] = nullptr;
  if (block.is_object()) {
    for (const auto& [name, value] : block.items()) out[name] = value;
  }
  return out;
}

Json renamed(const Json& block) {
  Json out = Json::object();
  for (const auto& [name, value] : block.items()) out[vietnamese(name)] = value;
  return out;
}

}  // namespace

Json result_blocks(const StoredResult& result, ResultKeys keys) {
  const std::array<std::pair<Names, Json>, 3> blocks = {{
      {{"versions", "phiên_bản"}, completed(result.versions, kOfVersions)},
      {{"metrics", "chỉ_số"}, completed(result.metrics, kOfMetrics)},
      {{"results", "kết_quả"}, completed(result.results, kOfResults)},
  }};
  Json out = Json::object();
  if (keys != ResultKeys::kEnglish) {
    for (const auto& [names, block] : blocks) out[std::string(names.second)] = renamed(block);
  }
  if (keys != ResultKeys::kVietnamese) {
    for (const auto& [names, block] : blocks) out[std::string(names.first)] = block;
  }
  return out;
}

}  // namespace maie::jobs
