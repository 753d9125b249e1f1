#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

TEST(TestPackage, Passes) {
  EXPECT_THAT((std::vector<int>{3, 1, 2}), testing::UnorderedElementsAre(1, 2, 3));
}

TEST(TestPackage, Fails) { EXPECT_EQ(1 + 1, 3); }

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  const int result = RUN_ALL_TESTS();
  const testing::UnitTest& whole = *testing::UnitTest::GetInstance();
  std::printf("%d passed, %d failed\n", whole.successful_test_count(), whole.failed_test_count());
  return result != 0 && whole.successful_test_count() == 1 && whole.failed_test_count() == 1 ? 0
                                                                                             : 1;
}
