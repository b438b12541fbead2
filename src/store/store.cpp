#include "store/store.hpp"

#include "base/assert.hpp"

namespace kith::store {
namespace {

std::string_view describe(int value) {
  switch (static_cast<StoreError>(value)) {
    case StoreError::busy: return "busy";
    case StoreError::disk_full: return "disk_full";
    case StoreError::io: return "io";
    case StoreError::corrupt: return "corrupt";
    case StoreError::newer_schema: return "newer_schema";
    case StoreError::read_only: return "read_only";
    case StoreError::not_found: return "not_found";
  }
  KITH_UNREACHABLE();
}

}  // namespace

ErrorDomain const& error_domain(StoreError) {
  static constexpr ErrorDomain domain{"store", describe};
  return domain;
}

std::string_view table_name(Table table) {
  switch (table) {
    case Table::meta: return "meta";
    case Table::entries: return "entries";
    case Table::sealed: return "sealed";
    case Table::items: return "items";
    case Table::chains: return "chains";
    case Table::chain_entries: return "chain_entries";
    case Table::applied: return "applied";
    case Table::roster_entries: return "roster_entries";
    case Table::pending: return "pending";
    case Table::waiting: return "waiting";
    case Table::unopened: return "unopened";
    case Table::epochs: return "epochs";
    case Table::alarms: return "alarms";
    case Table::peers: return "peers";
    case Table::numbers: return "numbers";
    case Table::blobs: return "blobs";
    case Table::folders: return "folders";
    case Table::local_files: return "local_files";
    case Table::folder_work: return "folder_work";
    case Table::chunk_places: return "chunk_places";
    case Table::relays: return "relays";
    case Table::relay_chunks: return "relay_chunks";
    case Table::acl_chain: return "acl_chain";
    case Table::control: return "control";
    case Table::messages: return "messages";
    case Table::versions: return "versions";
    case Table::folder_names: return "folder_names";
  }
  KITH_UNREACHABLE();
}

Result<Transaction> Transaction::begin(Store& store) {
  KITH_CHECK(store.begin());
  return Transaction{store};
}

Result<> Transaction::commit() {
  KITH_ASSERT(store_ != nullptr);
  return std::exchange(store_, nullptr)->commit();
}

}  // namespace kith::store
