#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "tensor/arena.h"

namespace maie {
namespace {

TEST(Shape, ComparesAndCounts) {
  EXPECT_EQ((Shape{2, 3, 4}).size(), 24);
  EXPECT_EQ(Shape{}.size(), 1);
  EXPECT_EQ((Shape{0, 3}).size(), 0);
  EXPECT_EQ((Shape{2, 3}).dim(-1), 3);
  EXPECT_FALSE((Shape{2, 3} == Shape{2, 3, 1}));
  EXPECT_EQ((Shape{1500, 768}).to_string(), "[1500, 768]");
  EXPECT_THROW((void)(Shape{2}).dim(1), ContractError);
}

TEST(Tensor, RowsAndReshapeLookAtTheSameBytes) {
  OwnedTensor owner({}, DType::kF32, {4, 3});
  const Tensor t = owner.view();
  for (int i = 0; i < 12; ++i) t.data<float>()[i] = float(i);
  EXPECT_EQ(t.rows(2, 2).data<float>()[0], 6.0f);
  EXPECT_EQ(t.rows(1, 2).shape(), (Shape{2, 3}));
  EXPECT_EQ(t.reshaped({2, 6}).rows(1, 1).data<float>()[0], 6.0f);
  EXPECT_THROW((void)t.rows(3, 2), ContractError);
  EXPECT_THROW((void)t.reshaped({5}), ContractError);
  EXPECT_THROW((void)t.data<int32_t>(), ContractError);
  EXPECT_THROW((void)t.dims<3>(), ContractError);
}

TEST(Arena, DryRunFindsTheSizeAndScopesGiveBack) {
  const auto forward = [](Arena& arena) {
    const Arena::Scope outer(arena);
    (void)arena.tensor(DType::kF32, {10});
    {
      const Arena::Scope inner(arena);
      (void)arena.tensor(DType::kI8, {1000});
    }
    return arena.tensor(DType::kF32, {16});
  };
  Arena measuring = Arena::measuring({});
  EXPECT_FALSE(forward(measuring));
  EXPECT_EQ(measuring.peak_bytes(), 64u + 1024u);

  Arena arena({}, measuring.peak_bytes());
  for (int repeat = 0; repeat < 3; ++repeat) {
    const Tensor t = forward(arena);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(t.raw()) % 64, 0u);
  }
  Arena small({}, measuring.peak_bytes() - 64);
  EXPECT_THROW((void)forward(small), ContractError);
}

}  // namespace
}  // namespace maie
