#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace maie::cli {
namespace {

TEST(ExitCode, OfABatch) {
  EXPECT_EQ(exit_code_of_batch({}), 0);
  EXPECT_EQ(exit_code_of_batch({0, 0}), 0);
  EXPECT_EQ(exit_code_of_batch({65, 0}), 3);
  EXPECT_EQ(exit_code_of_batch({0, 66}), 3);
  EXPECT_EQ(exit_code_of_batch({66, 65}), 66);
}

TEST(ExitCode, OfAnOutputFile) {
  EXPECT_EQ(exit_code_of_output(Code::kOk), 0);
  EXPECT_EQ(exit_code_of_output(Code::kPermissionDenied), 73);
  EXPECT_EQ(exit_code_of_output(Code::kNotFound), 73);
  EXPECT_EQ(exit_code_of_output(Code::kResourceExhausted), 74);  // a full disk
  EXPECT_EQ(exit_code_of_output(Code::kUnavailable), 74);
}

}  // namespace
}  // namespace maie::cli
