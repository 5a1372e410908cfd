#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"

namespace maie::grammar {

namespace schema_parts {

inline Json text(int most) { return {{"type", "string"}, {"maxLength", most}}; }
inline Json texts(int least, int most, int length) {
  return {{"type", "array"}, {"items", text(length)}, {"minItems", least}, {"maxItems", most}};
}
inline Json object(Json members, std::vector<std::string> optional = {}, bool closed = true) {
  Json required = Json::array();
  for (const auto& [name, member] : members.items()) {
    if (std::find(optional.begin(), optional.end(), name) == optional.end())
      required.push_back(name);
  }
  Json out{{"type", "object"}, {"properties", members}, {"required", required}};
  if (closed) out["additionalProperties"] = false;
  return out;
}
inline const Json kMaybe{{"type", {"string", "null"}}};

}  // namespace schema_parts

/// The schemas of the shipped templates (docs/spec/service.md, section 6.3), in short.
inline std::vector<Json> template_schemas() {
  using namespace schema_parts;
  const Json date{{"type", {"string", "null"}}, {"pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}};
  const Json task =
      object({{"mô_tả", text(500)}, {"người_được_giao", text(100)}, {"hạn_hoàn_thành", kMaybe}});
  const Json level{{"type", "string"}, {"enum", {"cao", "trung bình", "thấp", "không xác định"}}};
  const Json due{{"type", {"string", "null"}}, {"maxLength", 100}};
  return {
      object({{"tiêu_đề", text(200)},
              {"ngày_họp", kMaybe},
              {"người_tham_gia", texts(0, 100, 100)},
              {"tóm_tắt", text(2000)},
              {"chương_trình_nghị_sự", texts(1, 20, 300)},
              {"quyết_định", texts(0, 100, 300)},
              {"công_việc_cần_làm", {{"type", "array"}, {"items", task}, {"maxItems", 200}}},
              {"thẻ", texts(1, 7, 50)}}),
      object({{"tiêu_đề", text(200)},
              {"tóm_tắt", text(2000)},
              {"chủ_đề_chính", texts(1, 15, 300)},
              {"thẻ", texts(1, 10, 50)}}),
      object({{"title", text(200)},
              {"summary", text(2000)},
              {"key_topics", texts(1, 10, 200)},
              {"tags", texts(1, 10, 50)}}),
      object({{"ngày_phỏng_vấn", date},
              {"tóm_tắt_phỏng_vấn", text(2000)},
              {"nhận_định_chính", texts(1, 10, 500)},
              {"cảm_xúc_người_tham_gia", {{"enum", {"positive", "neutral", "negative", "mixed"}}}},
              {"thẻ", texts(1, 7, 50)}},
             {"ngày_phỏng_vấn"}),
      object({{"title", text(200)},
              {"mở_đầu", object({{"tóm_tắt", text(1000)},
                                 {"người_tham_gia", texts(0, 50, 100)},
                                 {"bối_cảnh", text(500)}},
                                {"người_tham_gia", "bối_cảnh"}, false)},
              {"giao_việc",
               object({{"tóm_tắt", text(1000)},
                       {"công_việc",
                        {{"type", "array"},
                         {"items",
                          object({{"mô_tả", text(500)},
                                  {"người_được_giao", text(100)},
                                  {"hạn_hoàn_thành", due},
                                  {"mức_độ_ưu_tiên", level}},
                                 {"người_được_giao", "hạn_hoàn_thành", "mức_độ_ưu_tiên"}, false)},
                         {"maxItems", 50}}}},
                      {"tóm_tắt"}, false)},
              {"thẻ", texts(1, 10, 50)}}),
      object({{"văn_bản_gốc", text(50000)},
              {"văn_bản_cải_thiện", text(50000)},
              {"điểm_chất_lượng", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}},
              {"ngôn_ngữ", {{"type", "string"}, {"pattern", "^[a-z]{2}$"}}},
              {"thẻ", texts(1, 10, 50)}})};
}

}  // namespace maie::grammar
