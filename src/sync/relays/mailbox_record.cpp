#include <algorithm>

#include "core/escrow.hpp"
#include "sync/relays/mailbox.hpp"

/// Who made a mailbox's recovery record sees to it that the relay has it: it may have lost it, and any member can put
/// another one in its place.
namespace kith::sync {

/// Once in a connection, and again while the relay has no room for it.
Result<> Mailbox::look_after_record() {
  KITH_TRY(record, recovery_record(store_, relay_.relay, relay_.channel));
  if (record.empty()) return {};
  record_request_ = ++last_request_;
  auto const& locator = replica_.state().genesis().locator_secret;
  channel_->send(wire::RecGet{record_request_, core::recovery_locator(locator, relay_.relay)});
  return {};
}

Result<> Mailbox::on_records(wire::RecRecords const& answer) {
  record_request_ = 0;
  KITH_TRY(record, recovery_record(store_, relay_.relay, relay_.channel));
  bool const there = std::ranges::any_of(answer.records, [&](auto const& each) { return each.bytes == record; });
  if (there || record.empty()) return {};
  record_request_ = ++last_request_;
  auto const& locator = replica_.state().genesis().locator_secret;
  channel_->send(wire::RecPut{record_request_, core::recovery_locator(locator, relay_.relay), std::move(record)});
  return {};
}

}  // namespace kith::sync
