#include "sync/relays/acl_chain.hpp"

#include <limits>
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
  KITH_TRY(record, upto(store, std::numeric_limits<std::uint64_t>::max()));
  last_ = std::move(record);
  return {};
}

Result<bool> AclChain::fits_behind(store::Store& store, wire::AclRecord const& last,
                                   wire::AclRecord const& record) const {
  if (wire::follows_acl(last, record)) return true;
  if (!wire::overrules_acl(last, record)) return false;
  KITH_TRY(of_first, holds(store, 1, record.prev));
  bool known = of_first;  // which record the channel's key most often names
  if (known) return true;
  // However long that takes: nobody else can make a record that leads here.
  KITH_CHECK(
      store.scan_back(Table::acl_chain, channel_.view(), key_of(channel_, last.version), [&](ByteView, ByteView value) {
        auto const before = wire::decode<wire::AclRecord>(value);
        known = before && wire::acl_record_hash(*before) == record.prev;
        return known ? store::Store::Next::stop : store::Store::Next::go_on;
      }));
  return known;
}

Result<bool> AclChain::extend(store::Store& store, wire::AclRecord const& record) {
  if (record.channel != channel_) return false;
  if (last_ && record.version <= last_->version) return holds(store, record.version, wire::acl_record_hash(record));
  if (last_) {
    KITH_TRY(fits, fits_behind(store, *last_, record));
    if (!fits) return false;
  } else if (!wire::begins_acl(record)) {
    return false;
  }
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
  KITH_TRY(known_before, upto(store, record.version - 1));
  if (!known_before) return false;
  auto const& before = *known_before;
  KITH_TRY(follows, fits_behind(store, before, record));
  if (!follows) return false;
  std::vector<Bytes> forgotten;
  std::optional<wire::AclRecord> overruling;
  Result<> looked;
  KITH_CHECK(store.scan(
      Table::acl_chain, channel_.view(), key_of(channel_, record.version), [&](ByteView key, ByteView value) {
        auto const known = wire::decode<wire::AclRecord>(value);
        // Behind it everything follows from it.
        auto const stays =
            known && wire::overrules_acl(record, *known) ? fits_behind(store, before, *known) : Result<bool>(false);
        if (!stays) looked = fail(stays.error());
        if (!stays || *stays) {
          overruling = known ? std::optional(*known) : std::nullopt;
          return store::Store::Next::stop;
        }
        forgotten.emplace_back(key.begin(), key.end());
        return store::Store::Next::go_on;
      }));
  KITH_CHECK(looked);
  KITH_TRY(transaction, store::Transaction::begin(store));
  for (auto const& key : forgotten) KITH_CHECK(store.erase(Table::acl_chain, key));
  KITH_CHECK(store.put(Table::acl_chain, key_of(channel_, record.version), wire::encode(record)));
  KITH_CHECK(transaction.commit());
  if (!overruling) last_ = record;
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

Result<std::optional<wire::AclRecord>> AclChain::upto(store::Store& store, std::uint64_t version) const {
  std::optional<Bytes> row;
  KITH_CHECK(
      store.scan_back(Table::acl_chain, channel_.view(), key_of(channel_, version), [&](ByteView, ByteView value) {
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
