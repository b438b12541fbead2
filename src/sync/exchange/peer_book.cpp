#include "sync/exchange/peer_book.hpp"

#include <algorithm>

namespace kith::sync {

void PeerRecord::write(wire::Writer& writer) const {
  std::vector<wire::Address> texts;
  for (auto const& address : addresses) texts.push_back({address});
  core::write_row(writer, wire::list(texts, kLimits.max_addresses), wire::list(acked, kLimits.max_tips),
                  wire::list(seen, kLimits.max_tips), wire::list(content, kLimits.max_tips), held,
                  wire::list(folders, kLimits.max_folders), last_seen_ms, wire::text(endpoint, kLimits.max_name_bytes),
                  clock_ahead_s);
}

void PeerRecord::read(wire::Reader& reader) {
  std::vector<wire::Address> texts;
  core::read_row(reader, wire::list(texts, kLimits.max_addresses), wire::list(acked, kLimits.max_tips),
                 wire::list(seen, kLimits.max_tips), wire::list(content, kLimits.max_tips), held,
                 wire::list(folders, kLimits.max_folders), last_seen_ms, wire::text(endpoint, kLimits.max_name_bytes),
                 clock_ahead_s);
  addresses.clear();
  for (auto& text : texts) addresses.push_back(std::move(text.text));
}

Result<> PeerBook::load() {
  peers_.clear();
  bool damaged = false;
  KITH_CHECK(store_.scan(store::Table::peers, {}, {}, [&](ByteView key, ByteView value) {
    auto const device = DeviceId::from(key);
    auto record = core::decode_record<PeerRecord>(value);
    damaged = !device || !record;
    if (damaged) return store::Store::Next::stop;
    peers_.emplace(*device, std::move(*record));
    return store::Store::Next::go_on;
  }));
  if (damaged) return fail(core::CoreError::corrupt_record);
  return {};
}

PeerRecord const* PeerBook::find(DeviceId const& device) const {
  auto const found = peers_.find(device);
  return found == peers_.end() ? nullptr : &found->second;
}

PeerRecord& PeerBook::change(DeviceId const& device, Instant now) {
  if (std::ranges::find(changed_, device) == changed_.end()) changed_.push_back(device);
  if (!flush_due_) flush_due_ = now + kFlushAfter;
  return peers_[device];
}

Result<> PeerBook::flush() {
  flush_due_.reset();
  if (changed_.empty()) return {};
  KITH_TRY(transaction, store::Transaction::begin(store_));
  for (auto const& device : changed_) {
    KITH_CHECK(store_.put(store::Table::peers, device.view(), core::encode_record(peers_[device])));
  }
  KITH_CHECK(transaction.commit());
  changed_.clear();
  return {};
}

}  // namespace kith::sync
