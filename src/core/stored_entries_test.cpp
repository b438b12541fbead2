#include "support/recovery_pair.hpp"

/// What a device holds, read a little at a time.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct Stored : testing::RecoveryPair {
  static std::vector<Bytes> rest(StoredEntries& source, std::size_t most_bytes) {
    std::vector<Bytes> all;
    for (;;) {
      auto const some = must(source.next(most_bytes));
      if (some.empty()) return all;
      all.insert(all.end(), some.begin(), some.end());
    }
  }
};

TEST_F(Stored, IsReadInTheOrderOfItsApplicationInSlicesOfAnySize) {
  for (std::size_t const most : {1, 700, 2'000, 1'000'000}) {
    StoredEntries source(a.replica, a.store);
    std::size_t slices = 0;
    std::vector<Bytes> all;
    for (;; ++slices) {
      auto const some = must(source.next(most));
      if (some.empty()) break;
      std::size_t bytes = 0;
      for (auto const& each : some) bytes += each.size();
      EXPECT_TRUE(bytes <= most || some.size() == 1) << bytes;
      all.insert(all.end(), some.begin(), some.end());
    }
    EXPECT_EQ(all, a.all_entries()) << most;
    EXPECT_EQ(slices > 1, most < 1'000'000) << most;
    EXPECT_EQ(must(source.tips()), must(a.replica.tips()));
    EXPECT_TRUE(must(source.next(most)).empty()) << "the end stays the end";
  }
}

/// The words open what this device cannot, and others may have what these entries wait for.
TEST_F(Stored, HasWhatWaitsAndWhatDoesNotOpenHere) {
  b.push("between");
  b.push("behind");
  auto const by_b = b.sealed_entries();
  ASSERT_EQ(a.receive({by_b.back()}).pending, 1U);
  must(b.replica.remove_device(a.replica.self(), wire::RemoveReason::lost, nullptr, b.now()));
  b.push("without a");
  auto const sealed_out = b.sealed_entries().back();
  ASSERT_EQ(a.receive({sealed_out}).unopened, 1U);
  StoredEntries source(a.replica, a.store);
  auto expected = a.all_entries();
  expected.push_back(by_b.back());
  expected.push_back(sealed_out);
  EXPECT_EQ(rest(source, 500), expected);
}

/// What comes while it is read is read as well, as far as the tips tell of it.
TEST_F(Stored, EndsWithWhatCameMeanwhile) {
  StoredEntries source(a.replica, a.store);
  auto all = must(source.next(1));
  a.push("meanwhile");
  b.pull_from(a);
  b.push("on another device");
  for (int i = 0; i < 3; ++i) all.push_back(must(source.next(1)).at(0));
  a.pull_from(b);
  for (auto& each : rest(source, 1)) all.push_back(each);
  EXPECT_EQ(all, a.all_entries());
  EXPECT_EQ(must(source.tips()), must(a.replica.tips()));
}

/// Everything applied has been read when it turns to what waits: what is applied then comes at the end.
TEST_F(Stored, ComesBackToWhatIsApplied) {
  b.push("between");
  b.push("behind");
  auto const by_b = b.sealed_entries();
  ASSERT_EQ(a.receive({by_b.back()}).pending, 1U);
  StoredEntries source(a.replica, a.store);
  std::size_t const applied = a.all_entries().size();
  for (std::size_t i = 0; i < applied + 1; ++i) ASSERT_EQ(must(source.next(1)).size(), 1U);
  a.pull_from(b);
  EXPECT_EQ(rest(source, 1).size(), 2U);
  EXPECT_EQ(must(source.tips()), must(a.replica.tips()));
}

}  // namespace
}  // namespace kith::core
