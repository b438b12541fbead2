#include "relay/rules/memory_store.hpp"

#include "relay/rules/store_contract_test.hpp"

namespace kith::relay {
namespace {

struct MemoryHarness {
  RelayStore& store() { return store_; }
  RelayStore& reader() { return store_; }
  void reopen() {}
  void change(StoreLimits const& limits) { store_.change(limits); }

  testing::SeededRandom random_{5};
  MemoryRelayStore store_{StoreLimits{}, random_};
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, RelayStoreContract, MemoryHarness);

TEST(MemoryRelayStore, ACopyIsABackup) {
  testing::SeededRandom random(1);
  MemoryRelayStore store(StoreLimits{}, random);
  TestGroup const group(random, 1);
  auto const work = [&](StoreTask task) {
    StoreRequest const request{{1}, {}, std::move(task)};
    return store.work({&request, 1}).at(0).answer;
  };
  auto const no = std::get<AclStored>(work(PutAcl{group.record({0})})).mailbox.group;
  auto const backup = store;
  static_cast<void>(work(PushItems{no, group.pseudonym(0), {1}, {{0, {1}}}}));
  EXPECT_EQ(store.items(group.channel()).size(), 1u);
  store = backup;
  EXPECT_TRUE(store.items(group.channel()).empty());
}

}  // namespace
}  // namespace kith::relay
