#include "relay/sqlite/sqlite_relay_store.hpp"

#include <filesystem>

#include "relay/rules/store_contract_test.hpp"
#include "relay/sqlite/sqlite_relay_testing.hpp"

namespace kith::relay {
namespace {

struct SqliteHarness {
  RelayStore& store() { return *store_; }
  RelayStore& reader() {
    if (!reader_) reader_ = testing::must(store_->open_reader());
    return *reader_;
  }
  void reopen() {
    reader_.reset();
    store_.reset();
    store_ = testing::must(SqliteRelayStore::open(directory_ / "relay.db", limits_, random_));
  }
  void change(StoreLimits const& limits) {
    limits_ = limits;
    store_->change(limits);
  }

  RelayDirectory directory_;
  testing::SeededRandom random_{5};
  StoreLimits limits_;
  std::unique_ptr<SqliteRelayStore> store_ =
      testing::must(SqliteRelayStore::open(directory_ / "relay.db", limits_, random_));
  std::unique_ptr<RelayStore> reader_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, RelayStoreContract, SqliteHarness);

}  // namespace
}  // namespace kith::relay
