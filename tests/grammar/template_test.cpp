// The schemas of the shipped templates (docs/spec/service.md, section 6.3), in short.
#include <chrono>

#include "tests/grammar/testing.h"

namespace maie::grammar {
namespace {

Json text(int most) { return {{"type", "string"}, {"maxLength", most}}; }
Json texts(int least, int most, int length) {
  return {{"type", "array"}, {"items", text(length)}, {"minItems", least}, {"maxItems", most}};
}
Json object(Json members, std::vector<std::string> optional = {}, bool closed = true) {
  Json required = Json::array();
  for (const auto& [name, member] : members.items()) {
    if (std::find(optional.begin(), optional.end(), name) == optional.end())
      required.push_back(name);
  }
  Json out{{"type", "object"}, {"properties", members}, {"required", required}};
  if (closed) out["additionalProperties"] = false;
  return out;
}
const Json kMaybe{{"type", {"string", "null"}}};

std::vector<Json> templates() {
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

TEST(Templates, RandomDocumentsAreValidWithinTheBudget) {
  std::mt19937 random(11);
  const auto trie = make_trie(random_vocabulary(random, 3000));
  for (const Json& schema : templates()) {
    auto constraint = std::make_shared<Constraint>(must_compile(schema.dump()), trie);
    for (int i = 0; i < 10; ++i) {
      const uint64_t budget = constraint->needs().document() + random() % 400;
      const std::string text = random_document(constraint, random, budget);
      ASSERT_TRUE(valid(schema.dump(), text)) << text;
    }
  }
}

// A vocabulary as large as real ones. The figure is printed, not judged: tests are not timed.
TEST(Templates, CostOfAMaskIsPrinted) {
  std::mt19937 random(5);
  std::vector<std::string> tokens = random_vocabulary(random, 10000);
  tokens.resize(tokens.size() - 2);
  std::set<std::string> seen(tokens.begin(), tokens.end());
  const std::vector<std::string> parts{"th", "ng", "a", "e", "ư", "ời", "ch", "tr", "i",  "o", "n",
                                       "đ",  "ế",  "m", "s", "u", "h",  "k",  "ạ",  "中", "р", "и"};
  while (tokens.size() < 150000) {
    std::string token = random() % 2 ? " " : "";
    for (size_t n = 1 + random() % 5; n > 0; --n) token += parts[random() % parts.size()];
    if (seen.insert(token).second) tokens.push_back(token);
  }
  tokens.push_back("</s>");
  const auto trie = make_trie(tokens);
  const Json schema = templates()[0];
  auto constraint = std::make_shared<Constraint>(must_compile(schema.dump()), trie);
  for (const char* round : {"first document", "second", "third"}) {
    Matcher matcher(constraint);
    const size_t misses = constraint->misses();
    double spent_s = 0, worst_s = 0;
    size_t steps = 0;
    std::string written;
    for (uint64_t left = 1500; !matcher.ended(); --left, ++steps) {
      const auto begin = std::chrono::steady_clock::now();
      const auto mask = matcher.mask(left);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      spent_s += took.count();
      worst_s = std::max(worst_s, took.count());
      // Plain text mostly, an end of the string now and then, as models write.
      int32_t token = int32_t(random() % tokens.size());
      if (random() % 12 == 0) token = '"';
      while (!bit(mask, token)) token = int32_t(random() % tokens.size());
      ASSERT_TRUE(matcher.accept(token));
      if (!matcher.ended()) written += tokens[size_t(token)];
    }
    EXPECT_TRUE(valid(schema.dump(), written));
    std::cout << round << ": " << steps << " tokens, " << 1e6 * spent_s / double(steps)
              << " us a mask, worst " << 1e3 * worst_s << " ms, " << constraint->misses() - misses
              << " not cached\n";
  }
}

}  // namespace
}  // namespace maie::grammar
