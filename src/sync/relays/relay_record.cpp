#include "sync/relays/relay_record.hpp"

namespace kith::sync {
namespace {

/// Those of devices that were removed are left out.
constexpr std::size_t kMostHeard = kLimits.max_chains;

Bytes recovery_key(wire::RelayKey const& relay, wire::ChannelId const& channel) {
  return core::key_of(bytes_of("recovery_record/"), RelayRecord::key(relay, channel));
}

Bytes unresolved_key(wire::RelayKey const& relay, wire::ChannelId const& channel) {
  return core::key_of(bytes_of("unresolved_items/"), RelayRecord::key(relay, channel));
}

}  // namespace

void RelayRecord::write(wire::Writer& writer) const {
  Bytes const past = there.encode(), left_past = left.encode();
  core::write_row(writer, log_epoch, position, last_item, acked, wire::list(outbox, kLimits.max_chains),
                  wire::blob(past, past.size()), wire::blob(left_past, left_past.size()), left_until_ms,
                  presence_counter, wire::list(heard, kMostHeard));
}

void RelayRecord::read(wire::Reader& reader) {
  Bytes past, left_past;
  constexpr std::size_t kMostPastBytes = kLimits.max_chains * 16;
  core::read_row(reader, log_epoch, position, last_item, acked, wire::list(outbox, kLimits.max_chains),
                 wire::blob(past, kMostPastBytes), wire::blob(left_past, kMostPastBytes), left_until_ms,
                 presence_counter, wire::list(heard, kMostHeard));
  auto decoded = core::Past::decode(past), decoded_left = core::Past::decode(left_past);
  if (!decoded || !decoded_left) return reader.fail(wire::WireError::bad_value);
  there = std::move(*decoded);
  left = std::move(*decoded_left);
}

Bytes RelayRecord::key(wire::RelayKey const& relay, wire::ChannelId const& channel) {
  return core::key_of(relay.view(), channel.view());
}

Result<RelayRecord> RelayRecord::load(store::Store& store, wire::RelayKey const& relay,
                                      wire::ChannelId const& channel) {
  KITH_TRY(known, core::get_record<RelayRecord>(store, core::Table::relays, key(relay, channel)));
  return known ? std::move(*known) : RelayRecord{};
}

void UnresolvedItems::write(wire::Writer& writer) const {
  core::write_row(writer, overflowed, wire::list(items, kMost));
}

void UnresolvedItems::read(wire::Reader& reader) { core::read_row(reader, overflowed, wire::list(items, kMost)); }

Result<UnresolvedItems> UnresolvedItems::load(store::Store& store, wire::RelayKey const& relay,
                                              wire::ChannelId const& channel) {
  KITH_TRY(known, core::get_record<UnresolvedItems>(store, core::Table::meta, unresolved_key(relay, channel)));
  return known ? std::move(*known) : UnresolvedItems{};
}

Result<> UnresolvedItems::put(store::Store& store, wire::RelayKey const& relay, wire::ChannelId const& channel) const {
  auto const key = unresolved_key(relay, channel);
  if (items.empty() && !overflowed) return store.erase(core::Table::meta, key);
  return store.put(core::Table::meta, key, core::encode_record(*this));
}

Result<Bytes> recovery_record(store::Store& store, wire::RelayKey const& relay, wire::ChannelId const& channel) {
  KITH_TRY(row, store.get(core::Table::meta, recovery_key(relay, channel)));
  return row ? std::move(*row) : Bytes{};
}

Result<> put_recovery_record(store::Store& store, wire::RelayKey const& relay, wire::ChannelId const& channel,
                             ByteView sealed) {
  return store.put(core::Table::meta, recovery_key(relay, channel), sealed);
}

Result<> RelayRecord::put(store::Store& store, wire::RelayKey const& relay, wire::ChannelId const& channel) const {
  return store.put(core::Table::relays, key(relay, channel), core::encode_record(*this));
}

}  // namespace kith::sync
