#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/file.h"
#include "base/json.h"

namespace maie::text {

/// A golden file of this folder; a failing test when it is not there.
inline std::string golden_text(const std::string& name) {
  auto text = read_file(std::string(MAIE_SOURCE_DIR) + "/tests/golden/text/" + name, 64 << 20);
  EXPECT_TRUE(text.has_value()) << name;
  return text ? *text : std::string("{}");
}

inline Json golden(const std::string& name) {
  auto document = parse_json(golden_text(name));
  EXPECT_TRUE(document.has_value()) << name;
  return document ? *document : Json();
}

/// A file of the data that is not part of the project; empty where it is absent.
inline std::string outside_data(const std::string& name) {
  const char* root = std::getenv("MAIE_TEST_DATA");
  if (root == nullptr) return {};
  auto text = read_file(std::string(root) + "/" + name, 64 << 20);
  return text ? *text : std::string();
}

}  // namespace maie::text

/// Binds the content of an outside file, or skips the test with a message.
#define MAIE_OUTSIDE_DATA(variable, name)                        \
  const std::string variable = ::maie::text::outside_data(name); \
  if (variable.empty()) GTEST_SKIP() << "no " << name << " below MAIE_TEST_DATA"
