// docs/configuration.md lists what the table has. MAIE_WRITE_DOCS=1 config_test brings it up to
// date.
#include <cstdlib>
#include <iterator>

#include "config/settings_table.h"
#include "config/toml_file.h"
#include "config/values.h"
#include "tests/config/testing.h"

namespace maie::config {
namespace {

const std::string kPage = MAIE_SOURCE_DIR "/docs/configuration.md";

std::string cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, "\\");
  for (size_t at = 0; (at = text.find('<', at)) != text.npos;) text.replace(at, 1, "&lt;");
  return text;
}

std::string default_of(const Setting& setting) {
  const Json value = value_of(setting, Settings());
  const bool empty = value.is_null() || value == "" || value == Json::array();
  if (empty && !setting.unset.empty()) return std::string(setting.unset);
  return empty ? "none" : "`" + to_toml(value) + "`";
}

std::string settings_tables() {
  std::string text, section = "none yet";
  for (const Setting& setting : settings_table()) {
    const size_t dot = setting.key.find('.');
    const std::string own(setting.key.substr(0, dot == setting.key.npos ? 0 : dot));
    if (own != section) {
      section = own;
      text += own.empty() ? "\nBefore the first section:\n" : "\n`[" + own + "]`\n";
      text += "\n| setting | default | takes | what |\n|---|---|---|---|\n";
    }
    const std::string key(setting.key.substr(own.empty() ? 0 : dot + 1));
    text += "| `" + key + "` | " + cell(default_of(setting)) + " | " +
            cell(allowed(setting) + (setting.secret ? " (secret)" : "")) + " | " +
            cell(std::string(setting.what)) + " |\n";
  }
  return text + "\n";
}

std::string profile_table() {
  std::string text = "\n| setting | development | production | edge |\n|---|---|---|---|\n";
  for (const Setting& setting : settings_table()) {
    std::string row;
    for (const std::string_view value : setting.by_profile)
      row += value.empty() ? " default |" : " `" + std::string(value) + "` |";
    if (contains(row, "`")) text += "| `" + std::string(setting.key) + "` |" + row + "\n";
  }
  return text + "\n";
}

std::string names_table() {
  std::string honoured, older;
  for (const Setting& setting : settings_table()) {
    const std::string now = "` | `" + std::string(setting.key) + "` |\n";
    for (const OtherName& other : setting.also) honoured += "| `" + std::string(other.name) + now;
    for (const OtherName& other : setting.older) older += "| `" + std::string(other.name) + now;
  }
  std::string ignored;
  for (const IgnoredName& name : ignored_names())
    ignored += "| `" + std::string(name.name) + "` | " + std::string(name.reason) + " |\n";
  return "\nRead as well, without a warning:\n\n| variable | setting |\n|---|---|\n" + honoured +
         "\nOlder names that are not simply `APP_` and the key:\n\n| variable | setting |\n"
         "|---|---|\n" +
         older + "\nAccepted and without effect:\n\n| variable | why |\n|---|---|\n" + ignored +
         "\n";
}

// The page with what stands between <!-- NAME --> and <!-- end NAME --> replaced.
std::string with_part(std::string page, const std::string& name, const std::string& part) {
  const std::string begin = "<!-- " + name + " -->\n", end = "<!-- end " + name + " -->";
  const size_t from = page.find(begin), to = page.find(end);
  if (from == page.npos || to == page.npos || to < from) {
    ADD_FAILURE() << "the page has no part " << name;
    return page;
  }
  return page.replace(from + begin.size(), to - from - begin.size(), part);
}

TEST(SettingsPage, ListsWhatTheTableHas) {
  std::ifstream file(kPage, std::ios::binary);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  std::string fresh = with_part(page, "settings", settings_tables());
  fresh = with_part(fresh, "profiles", profile_table());
  fresh = with_part(fresh, "names", names_table());
  if (std::getenv("MAIE_WRITE_DOCS") != nullptr) std::ofstream(kPage, std::ios::binary) << fresh;
  EXPECT_TRUE(page == fresh) << kPage
                             << " is behind the table of settings; MAIE_WRITE_DOCS=1 config_test "
                                "--gtest_filter=SettingsPage.* brings it up to date";
}

TEST(SettingsPage, HasAnExampleThatLoads) {
  std::ifstream file(kPage, std::ios::binary);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  const size_t begin = page.find("```toml\n"), end = page.find("```", begin + 8);
  ASSERT_NE(begin, page.npos);
  Surroundings around;
  const Loaded loaded = around.toml(page.substr(begin + 8, end - begin - 8))
                            .set("MAIE_API__SECRET_KEY", kGoodKey)
                            .loaded();
  EXPECT_TRUE(loaded.warnings.empty()) << joined(loaded.warnings);
  EXPECT_EQ(loaded.settings.profile, Profile::kProduction);
}

}  // namespace
}  // namespace maie::config
