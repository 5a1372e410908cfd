#include "prompt/chat_template.h"

#include <map>

#include "tests/prompt/testing.h"

namespace maie::prompt {
namespace {

Chat chat_of(const Json& given) {
  Chat chat;
  chat.messages = given.at("messages");
  chat.tools = given.value("tools", Json());
  chat.variables = given.value("variables", Json());
  chat.add_generation_prompt = json_bool(given, "add_generation_prompt", false);
  if (given.contains("enable_thinking"))
    chat.enable_thinking = given.at("enable_thinking").get<bool>();
  return chat;
}

TEST(ChatTemplate, RendersWhatTransformersRenders) {
  const Json file = golden("chats.json");
  std::map<std::string, int> texts, refusals;
  for (const Json& c : file.at("chats")) {
    const std::string name = c.at("template");
    const auto parsed =
        ChatTemplate::parse(golden_text("templates/" + name), file.at("tokens"), fixed_options());
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    const auto text = parsed->render(chat_of(c.at("chat")));
    if (c.contains("text")) {
      ASSERT_TRUE(text.has_value())
          << name << ", " << c.at("name") << ": " << text.error().message();
      EXPECT_EQ(*text, c.at("text").get<std::string>()) << name << ", " << c.at("name");
      ++texts[name];
    } else {
      EXPECT_FALSE(text.has_value()) << name << ", " << c.at("name") << ": " << c.at("error");
      ++refusals[name];
    }
  }
  EXPECT_EQ(texts.size(), 7u);
  for (const auto& [name, count] : texts) EXPECT_GE(count, 16) << name << " is hardly rendered";
  EXPECT_GE(refusals.size(), 2u);
}

TEST(ChatTemplate, HonoursTheThinkingSwitch) {
  const auto parsed = ChatTemplate::parse(golden_text("templates/thinking_switch.jinja"));
  ASSERT_TRUE(parsed.has_value());
  Chat chat;
  chat.messages = Json::parse(R"([{"role": "user", "content": "hi"}])");
  const std::string open = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(*parsed->render(chat), open);
  chat.enable_thinking = true;
  EXPECT_EQ(*parsed->render(chat), open);
  chat.enable_thinking = false;
  EXPECT_EQ(*parsed->render(chat), open + "<think>\n\n</think>\n\n");
}

TEST(ChatTemplate, ReadsTokenizerConfigurations) {
  const std::string config = R"({
    "bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null,
    "chat_template": [{"name": "default", "template": "{{ bos_token }}{{ pad_token is defined }}"},
                      {"name": "tool_use", "template": "{{ tools | length }}{{ eos_token }}"}]})";
  const auto parsed = ChatTemplate::from_tokenizer_config(config);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
  Chat chat;
  chat.messages = Json::parse(R"([{"role": "user", "content": "hi"}])");
  EXPECT_EQ(*parsed->render(chat), "<s>False");
  chat.tools = Json::parse("[{}]");
  EXPECT_EQ(*parsed->render(chat), "1</s>");
  const auto from_file = ChatTemplate::from_tokenizer_config(config, "file {{ eos_token }}\n");
  ASSERT_TRUE(from_file.has_value());
  EXPECT_EQ(*from_file->render(chat), "file </s>");
}

TEST(ChatTemplate, RefusesWhatIsNoConversation) {
  EXPECT_EQ(ChatTemplate::from_tokenizer_config("{}").error().code(), Code::kNotFound);
  EXPECT_EQ(ChatTemplate::from_tokenizer_config("[").error().code(), Code::kCorrupt);
  EXPECT_EQ(ChatTemplate::from_tokenizer_config(R"({"chat_template": 1})").error().code(),
            Code::kCorrupt);
  const auto parsed = ChatTemplate::parse("{{ raise_exception('no ' ~ messages[0].role) }}");
  ASSERT_TRUE(parsed.has_value());
  Chat chat;
  for (const char* messages : {"null", "[]", "{}", "[1]", "\"x\""}) {
    chat.messages = Json::parse(messages);
    EXPECT_EQ(parsed->render(chat).error().code(), Code::kInvalidInput) << messages;
  }
  chat.messages = Json::parse(R"([{"role": "robot"}])");
  EXPECT_EQ(parsed->render(chat).error().message(),
            "template \"chat template\", line 1: the template refuses its input: no robot");
}

// Real templates, where the data that is not part of the project has them:
// MAIE_TEST_DATA/chat-templates holds tokenizer_config.json files as <model>.json, and what
// tests/golden/prompt/make_golden.py wrote beside them.
TEST(ChatTemplate, RendersRealTemplates) {
  const char* root = std::getenv("MAIE_TEST_DATA");
  const std::string folder = std::string(root == nullptr ? "" : root) + "/chat-templates/";
  const auto list = read_file(folder + "models.txt", 1 << 16);
  if (!list) GTEST_SKIP() << "no chat-templates/models.txt below MAIE_TEST_DATA";
  size_t begin = 0;
  for (size_t end; (end = list->find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string model = list->substr(begin, end - begin);
    const auto config = read_file(folder + model + ".json", 16 << 20);
    const auto expected = read_file(folder + model + ".expected.json", 16 << 20);
    ASSERT_TRUE(config.has_value() && expected.has_value()) << model;
    const auto parsed = ChatTemplate::from_tokenizer_config(*config, {}, fixed_options());
    ASSERT_TRUE(parsed.has_value()) << model << ": " << parsed.error().message();
    const auto cases = parse_json(*expected);
    ASSERT_TRUE(cases.has_value()) << model;
    for (const Json& c : *cases) {
      const auto text = parsed->render(chat_of(c.at("chat")));
      ASSERT_EQ(text.has_value(), c.contains("text")) << model;
      if (text) {
        EXPECT_EQ(*text, c.at("text").get<std::string>()) << model;
      }
    }
  }
}

}  // namespace
}  // namespace maie::prompt
