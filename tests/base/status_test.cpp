#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/guarded.h"

namespace maie {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return invalid_input("odd");
  return value / 2;
}

Result<int> quarter(int value) {
  MAIE_ASSIGN(const int first, half(value));
  MAIE_ASSIGN(const int second, half(first));
  return second;
}

TEST(Result, AssignPassesValuesOnAndReturnsTheFirstFailure) {
  EXPECT_EQ(quarter(12).value(), 3);
  const Result<int> failed = quarter(6);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), Code::kInvalidInput);
  EXPECT_EQ(failed.error().message(), "odd");
}

TEST(Result, ValueOfAFailureIsAContractError) {
  EXPECT_THROW(half(1).value(), ContractError);
  EXPECT_THROW((void)Result<int>(Status()), ContractError);
}

TEST(Status, WithinPutsThePlaceInFront) {
  EXPECT_EQ(corrupt("too short").within("a.bin").message(), "a.bin: too short");
  EXPECT_TRUE(Status().within("a.bin").ok());
}

TEST(Status, ErrnoChoosesTheCode) {
  EXPECT_EQ(errno_status("x", ENOENT).code(), Code::kNotFound);
  EXPECT_EQ(errno_status("x", EACCES).code(), Code::kPermissionDenied);
  EXPECT_EQ(errno_status("x", ENOSPC).code(), Code::kResourceExhausted);
  EXPECT_EQ(errno_status("x", EIO).code(), Code::kUnavailable);
}

TEST(Guarded, TurnsExceptionsIntoCodes) {
  EXPECT_TRUE(guarded([] {}).ok());
  EXPECT_EQ(guarded([] { check(false, "shape"); }).code(), Code::kInternal);
  EXPECT_EQ(guarded([] { throw DeviceError("lost"); }).code(), Code::kUnavailable);
  EXPECT_EQ(guarded([] { throw std::bad_alloc(); }).code(), Code::kResourceExhausted);
  EXPECT_EQ(guarded([]() -> Result<int> { return 4; }).value(), 4);
  EXPECT_THROW((void)guarded([] { throw 1; }), int);
}

}  // namespace
}  // namespace maie
