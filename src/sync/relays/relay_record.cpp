#include "sync/relays/relay_record.hpp"

namespace kith::sync {

void RelayRecord::write(wire::Writer& writer) const {
  Bytes const past = there.encode();
  core::write_row(writer, log_epoch, position, last_item, acked, wire::list(outbox, kLimits.max_chains),
                  wire::blob(past, past.size()), presence_counter);
}

void RelayRecord::read(wire::Reader& reader) {
  Bytes past;
  constexpr std::size_t kMostPastBytes = kLimits.max_chains * 16;
  core::read_row(reader, log_epoch, position, last_item, acked, wire::list(outbox, kLimits.max_chains),
                 wire::blob(past, kMostPastBytes), presence_counter);
  if (auto decoded = core::Past::decode(past)) {
    there = std::move(*decoded);
  } else {
    reader.fail(wire::WireError::bad_value);
  }
}

Bytes RelayRecord::key(wire::RelayKey const& relay, wire::ChannelId const& channel) {
  return core::key_of(relay.view(), channel.view());
}

Result<RelayRecord> RelayRecord::load(store::Store& store, wire::RelayKey const& relay,
                                      wire::ChannelId const& channel) {
  KITH_TRY(known, core::get_record<RelayRecord>(store, core::Table::relays, key(relay, channel)));
  return known ? std::move(*known) : RelayRecord{};
}

Result<> RelayRecord::put(store::Store& store, wire::RelayKey const& relay, wire::ChannelId const& channel) const {
  return store.put(core::Table::relays, key(relay, channel), core::encode_record(*this));
}

}  // namespace kith::sync
