#include "tests/kernels/closeness.h"

#include <vector>

namespace maie::testing {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
using Row = std::vector<float>;

TEST(Closeness, AcceptsWhatLiesWithinTheTolerance) {
  EXPECT_TRUE(close(Row{1, 2, 3}, Row{1, 2.25f, 3}, 0.25));
  EXPECT_TRUE(close(Row{}, Row{}, 0));
  EXPECT_TRUE(close(Row{-0.0f}, Row{0.0f}, 0));
  EXPECT_TRUE(close(Row{1, 100}, Row{1, 110}, [](size_t i) { return i == 1 ? 10.0 : 0.0; }));
}

TEST(Closeness, RefusesWhatLiesOutside) {
  EXPECT_FALSE(close(Row{1, 2, 3}, Row{1, 2.25f, 3}, 0.2));
  EXPECT_FALSE(close(Row{1}, Row{-1}, 1.9));
  EXPECT_FALSE(close(Row{1, 110}, Row{2, 110}, [](size_t i) { return i == 1 ? 10.0 : 0.0; }));
}

TEST(Closeness, RefusesNanOnEitherSideAndInTheTolerance) {
  EXPECT_FALSE(close(Row{kNan}, Row{1}, 1e30));
  EXPECT_FALSE(close(Row{1}, Row{kNan}, 1e30));
  EXPECT_FALSE(close(Row{kNan}, Row{kNan}, 1e30));
  EXPECT_FALSE(close(Row{1}, Row{1}, std::numeric_limits<double>::quiet_NaN()));
}

TEST(Closeness, InfinitiesMustBeEqual) {
  EXPECT_TRUE(close(Row{kInf, -kInf}, Row{kInf, -kInf}, 0));
  EXPECT_FALSE(close(Row{kInf}, Row{-kInf}, 1e300));
  EXPECT_FALSE(close(Row{kInf}, Row{3e38f}, std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(close(Row{0}, Row{-kInf}, std::numeric_limits<double>::infinity()));
}

TEST(Closeness, RefusesOtherSizes) {
  EXPECT_FALSE(close(Row{1}, Row{1, 1}, 1));
  EXPECT_FALSE(same_bits(Row{1}, Row{1, 1}));
}

TEST(Closeness, SameBitsTellsZerosApartAndTakesNanForItself) {
  EXPECT_TRUE(same_bits(Row{1, kNan, -0.0f}, Row{1, kNan, -0.0f}));
  EXPECT_FALSE(same_bits(Row{0.0f}, Row{-0.0f}));
  EXPECT_FALSE(same_bits(Row{1}, Row{std::nextafter(1.0f, 2.0f)}));
}

TEST(Closeness, AnUnwrittenOutputIsCloseToNothing) {
  const OwnedTensor y = unwritten({3});
  EXPECT_FALSE(close(y.view(), random_tensor({3}, 1, 1).view(), 1e30));
}

}  // namespace
}  // namespace maie::testing
