// Every row of the table, tested from the table itself.
#include "config/settings_table.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "config/toml_file.h"
#include "config/values.h"
#include "tests/config/testing.h"

namespace maie::config {
namespace {

bool is_number(const Setting& setting) { return setting.least != 0 || setting.most != 0; }

bool takes(const Setting& setting, Json value, bool is_text) {
  Settings settings;
  return assign(setting, {std::move(value), is_text, "test"}, settings);
}

// As a value of a file and as a text.
void expect_taken(const Setting& setting, const Json& value, bool taken) {
  EXPECT_EQ(takes(setting, value, false), taken) << setting.key << " = " << value;
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  EXPECT_EQ(takes(setting, text, true), taken) << setting.key << " = " << text;
}

template <class Use>
void each_setting(const Use& use) {
  Settings settings;
  for (const Setting& setting : settings_table()) {
    SCOPED_TRACE(std::string(setting.key));
    use(setting, setting.field(settings));
  }
}

TEST(SettingsTable, HasARowForEveryFieldOfSettings) {
  Settings settings;
  struct Part {
    size_t begin, end, align;
  };
  std::vector<Part> parts;
  for (const Setting& setting : settings_table()) {
    std::visit(
        [&]<class T>(T* field) {
          const auto begin = size_t(reinterpret_cast<const char*>(field) -
                                    reinterpret_cast<const char*>(&settings));
          parts.push_back({begin, begin + sizeof(T), alignof(T)});
        },
        setting.field(settings));
  }
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.begin < b.begin; });
  size_t end = 0;
  for (const Part& part : parts) {
    EXPECT_GE(part.begin, end) << "two rows for one field";
    const size_t align = part.begin % 8 == 0 ? 8 : part.align;  // a section may begin here
    EXPECT_LE(part.begin, (end + align - 1) / align * align)
        << "a field without a row before byte " << part.begin;
    end = part.end;
  }
  EXPECT_LE(sizeof(Settings), (end + 7) / 8 * 8);
}

TEST(SettingsTable, HasUniqueNamesAndAWordOnEach) {
  std::set<std::string> names;
  each_setting([&](const Setting& setting, const Field&) {
    EXPECT_TRUE(names.insert(variable_of(setting.key)).second);
    EXPECT_GT(setting.what.size(), 10u);
    EXPECT_LT(setting.what.size(), 90u);
    EXPECT_EQ(find_setting(setting.key), &setting);
    EXPECT_EQ(setting.fits != nullptr, !setting.form.empty());
  });
  EXPECT_EQ(variable_of("rate_limit.count"), "MAIE_RATE_LIMIT__COUNT");
  EXPECT_EQ(find_setting("api"), nullptr);
  EXPECT_GT(names.size(), 80u);
}

TEST(SettingsTable, TakesNumbersUpToTheirBoundsAndNoFurther) {
  each_setting([](const Setting& setting, const Field& field) {
    if (!is_number(setting)) return;
    ASSERT_LT(setting.least, setting.most);
    const bool whole = !std::holds_alternative<double*>(field) &&
                       !std::holds_alternative<std::optional<double>*>(field);
    const auto number = [whole](double value) {
      return whole ? Json(int64_t(value)) : Json(value);
    };
    expect_taken(setting, number(setting.least), true);
    expect_taken(setting, number(setting.most), true);
    expect_taken(setting, number(std::nextafter(setting.least, -1e300) - whole), false);
    expect_taken(setting, number(std::nextafter(setting.most, 1e300) + whole), false);
    if (whole) expect_taken(setting, setting.least + 0.5, false);
    EXPECT_FALSE(takes(setting, std::nan(""), false));
    EXPECT_FALSE(takes(setting, INFINITY, false));
    EXPECT_FALSE(takes(setting, -INFINITY, false));
    EXPECT_FALSE(takes(setting, INT64_MAX, false));
    EXPECT_FALSE(takes(setting, INT64_MIN, false));
    for (const char* text : {"nan", "inf", "-inf", "1e999", "99999999999999999999", "0x10", "1 2",
                             "--1", "+", "ten", "1,5", "[1]"})
      EXPECT_FALSE(takes(setting, text, true)) << text;
    for (const Json& other :
         {Json("1"), Json(true), Json(nullptr), Json::array({1}), Json::object()})
      EXPECT_FALSE(takes(setting, other, false)) << other;
  });
}

TEST(SettingsTable, TakesOnlyTheWordsOfAChoice) {
  each_setting([](const Setting& setting, const Field&) {
    if (setting.choices.empty()) return;
    for (const std::string_view word : setting.choices) {
      expect_taken(setting, word, true);
      std::string loud(word);
      for (char& c : loud) c = char(std::toupper(c));
      expect_taken(setting, loud, true);
      expect_taken(setting, std::string(word) + "x", false);
    }
    EXPECT_FALSE(takes(setting, 1, false));
  });
}

TEST(SettingsTable, TakesSwitchesInManyWords) {
  each_setting([](const Setting& setting, const Field& field) {
    if (!std::holds_alternative<bool*>(field)) return;
    for (const char* word :
         {"true", "FALSE", "1", "0", "yes", "No", "on", "off", "t", "f", "y", "n"})
      EXPECT_TRUE(takes(setting, word, true)) << word;
    for (const char* word : {"2", "maybe", "truee", "-1"})
      EXPECT_FALSE(takes(setting, word, true)) << word;
    EXPECT_TRUE(takes(setting, true, false));
    for (const Json& other : {Json(1), Json("true"), Json(nullptr), Json::array()})
      EXPECT_FALSE(takes(setting, other, false)) << other;
  });
}

TEST(SettingsTable, TakesNoTextThatCouldBreakALine) {
  each_setting([](const Setting& setting, const Field& field) {
    const bool list = std::holds_alternative<std::vector<std::string>*>(field);
    if (!list && !std::holds_alternative<std::string*>(field)) return;
    const std::string base = "x" + kGoodKey;
    for (const std::string& text :
         {base + "\n" + base, base + '\0' + base, base + "\x1b[2J" + base, base + "\x7f" + base,
          base + "\xff" + base, base + "\xc0\xaf" + base, base + "\xed\xa0\x80" + base,
          std::string(5000, 'a')}) {
      EXPECT_FALSE(takes(setting, list ? Json::array({text}) : Json(text), false))
          << in_quotes(text);
    }
    for (const Json& other : {Json(1), Json(true), Json(nullptr), Json::object()})
      EXPECT_FALSE(takes(setting, list ? Json::array({other}) : other, false)) << other;
    EXPECT_FALSE(takes(setting, Json::array({Json::array()}), false));
  });
}

TEST(SettingsTable, TakesTheValuesOfItsProfilesAndItsOwnDefaults) {
  each_setting([](const Setting& setting, const Field&) {
    for (const std::string_view text : setting.by_profile)
      EXPECT_TRUE(text.empty() || takes(setting, text, true)) << text;
    const Settings defaults;
    const Json value = value_of(setting, defaults);
    const bool empty = value.is_null() || value == "" || value == Json::array();
    EXPECT_TRUE(empty || takes(setting, value, false)) << value;
    EXPECT_TRUE(!empty || !setting.unset.empty() || value == Json::array() || setting.secret)
        << "nothing says what an empty value means";
  });
}

TEST(SettingsTable, SaysWhatItTakes) {
  EXPECT_EQ(allowed(*find_setting("api.port")), "a whole number from 0 to 65535");
  EXPECT_EQ(allowed(*find_setting("vad.threshold")), "a number from 0 to 1");
  EXPECT_EQ(allowed(*find_setting("vad.enabled")), "true or false");
  EXPECT_EQ(allowed(*find_setting("rate_limit.unit")), "one of second, minute, hour, day");
  EXPECT_EQ(allowed(*find_setting("api.cors_origins")), "a list, each * or scheme://host[:port]");
  EXPECT_EQ(allowed(*find_setting("api.host")), "text");
}

TEST(SettingsTable, ChecksTheFormsOfTexts) {
  const auto one = [](const char* key, const Json& value) {
    return takes(*find_setting(key), value, false);
  };
  for (const char* good : {"auto", "1073741824", "6GiB", "1.5 gb", "512m"})
    EXPECT_TRUE(one("memory.budget", good)) << good;
  for (const char* bad : {"6 parsecs", "-1", "GiB", "nan", "1e30", "6GiB6"})
    EXPECT_FALSE(one("memory.budget", bad)) << bad;
  EXPECT_TRUE(one("api.unix_socket", "/run/maie.sock"));
  EXPECT_FALSE(one("api.unix_socket", "maie.sock"));
  EXPECT_FALSE(one("api.unix_socket", "/" + std::string(107, 'a')));
  EXPECT_TRUE(one("llm.model", "https://host:8001/v1"));
  EXPECT_TRUE(one("llm.model", "models/mini lm"));
  EXPECT_FALSE(one("llm.model", "http://user:word@host/v1"));
  EXPECT_FALSE(one("llm.model", "http://"));
  EXPECT_FALSE(one("tracing.endpoint", "collector:4318"));
  EXPECT_TRUE(one("tracing.headers", "a=b,c=d=e"));
  EXPECT_FALSE(one("tracing.headers", "a"));
  EXPECT_TRUE(one("asr.language", "en-US"));
  EXPECT_FALSE(one("asr.language", "en;rm"));
  EXPECT_TRUE(one("api.cors_origins", Json::array({"*", "https://a.example"})));
  EXPECT_FALSE(one("api.cors_origins", Json::array({"https://a.example/path"})));
  EXPECT_FALSE(one("api.secret_key", kGoodKey.substr(0, 31)));
  EXPECT_FALSE(one("api.secret_key", kGoodKey + " " + kGoodKey));
}

}  // namespace
}  // namespace maie::config
