#include "sync/relays/acl_chain.hpp"

#include <set>

#include "core/records.hpp"

namespace kith::sync {
namespace {

using store::Table;

Bytes key_of(wire::ChannelId const& channel, std::uint64_t version) {
  return core::key_of(channel.view(), core::key_of(version));
}

Result<wire::AclRecord> decode_row(ByteView row) {
  auto record = wire::decode<wire::AclRecord>(row);
  if (!record) return fail(core::CoreError::corrupt_record);
  return std::move(*record);
}

}  // namespace

Result<> AclChain::load(store::Store& store) {
  last_.reset();
  std::optional<Bytes> row;
  KITH_CHECK(store.scan_back(Table::acl_chain, channel_.view(), {}, [&](ByteView, ByteView value) {
    row.emplace(value.begin(), value.end());
    return store::Store::Next::stop;
  }));
  if (!row) return {};
  KITH_TRY(record, decode_row(*row));
  last_ = std::move(record);
  return {};
}

Result<bool> AclChain::extend(store::Store& store, wire::AclRecord const& record) {
  if (record.channel != channel_) return false;
  if (last_ && record.version <= last_->version) return holds(store, record.version, wire::acl_record_hash(record));
  if (!(last_ ? wire::follows_acl(*last_, record) : wire::begins_acl(record))) return false;
  auto const put = [&] { return store.put(Table::acl_chain, key_of(channel_, record.version), wire::encode(record)); };
  if (store.in_transaction()) {
    KITH_CHECK(put());
  } else {
    KITH_TRY(transaction, store::Transaction::begin(store));
    KITH_CHECK(put());
    KITH_CHECK(transaction.commit());
  }
  last_ = record;
  return true;
}

Result<bool> AclChain::branch(store::Store& store, wire::AclRecord const& record) {
  KITH_TRY(fits, extend(store, record));
  if (fits || record.channel != channel_ || record.version < 2) return fits;
  std::optional<Bytes> row;
  KITH_CHECK(store.scan_back(Table::acl_chain, channel_.view(), key_of(channel_, record.version - 1),
                             [&](ByteView, ByteView value) {
                               row.emplace(value.begin(), value.end());
                               return store::Store::Next::stop;
                             }));
  if (!row) return false;
  KITH_TRY(before, decode_row(*row));
  if (!wire::follows_acl(before, record)) return false;
  std::vector<Bytes> forgotten;
  KITH_CHECK(
      store.scan(Table::acl_chain, channel_.view(), key_of(channel_, record.version), [&](ByteView key, ByteView) {
        forgotten.emplace_back(key.begin(), key.end());
        return store::Store::Next::go_on;
      }));
  KITH_TRY(transaction, store::Transaction::begin(store));
  for (auto const& key : forgotten) KITH_CHECK(store.erase(Table::acl_chain, key));
  KITH_CHECK(store.put(Table::acl_chain, key_of(channel_, record.version), wire::encode(record)));
  KITH_CHECK(transaction.commit());
  last_ = record;
  return true;
}

Result<std::optional<wire::AclRecord>> AclChain::from(store::Store& store, std::uint64_t version) const {
  std::optional<Bytes> row;
  KITH_CHECK(store.scan(Table::acl_chain, channel_.view(), key_of(channel_, version), [&](ByteView, ByteView value) {
    row.emplace(value.begin(), value.end());
    return store::Store::Next::stop;
  }));
  if (!row) return std::nullopt;
  KITH_TRY(record, decode_row(*row));
  return std::optional(std::move(record));
}

Result<bool> AclChain::holds(store::Store& store, std::uint64_t version, crypto::Hash256 const& hash) const {
  KITH_TRY(row, store.get(Table::acl_chain, key_of(channel_, version)));
  if (!row) return false;
  KITH_TRY(record, decode_row(*row));
  return wire::acl_record_hash(record) == hash;
}

std::vector<wire::Pseudonym> wanted_pseudonyms(core::Roster const& roster, wire::RelayKey const& relay) {
  std::set<wire::Pseudonym> names;
  // Where there are too many, the most senior: whoever brings devices in shuts no older one out.
  for (auto const& device : roster.active_by_rank()) {
    auto const& member = *roster.find(device);
    auto const name = member.pseudonyms.find(relay);
    if (!member.paused && name != member.pseudonyms.end()) names.insert(name->second);
    if (names.size() == wire::kRelayLimits.max_members) break;
  }
  return {names.begin(), names.end()};
}

}  // namespace kith::sync
