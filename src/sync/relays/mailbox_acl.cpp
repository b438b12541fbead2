#include <algorithm>

#include "sync/relays/mailbox.hpp"

/// Whom the relay serves: the group's word, brought to the relay by whoever sees that it is not the relay's.
namespace kith::sync {
namespace {

/// Tries for a stamp between two looks at everything else: a few milliseconds.
constexpr unsigned kStampTries = 8192;

}  // namespace

void Mailbox::ask_acl() {
  acl_request_ = ++last_request_;
  acl_step_ = AclStep::reading;
  channel_->send(wire::AclGet{acl_request_, chain_.version() + 1});
}

Result<> Mailbox::on_acl(wire::AclRecords const& answer, Now now) {
  acl_request_ = 0;
  acl_step_ = AclStep::none;
  for (auto const& record : answer.records) {
    KITH_TRY(fits, chain_.extend(store_, record));
    if (fits) continue;
    off_chain(now);
    return {};
  }
  if (answer.has_more && !answer.records.empty()) {
    ask_acl();
    return {};
  }
  if (state_ == State::hello) {  // only read to see that this device is not among them
    not_served(now);
    return {};
  }
  if (state_ != State::live) return {};
  KITH_CHECK(settle_acl());
  return push(now);
}

/// Puts the next record where the relay serves others than the group wants.
Result<> Mailbox::settle_acl() {
  if (acl_request_ != 0 || state_ != State::live || !chain_.last()) return {};
  KITH_CHECK(replica_.refresh());
  auto const& roster = replica_.state().roster();
  auto wanted = wanted_pseudonyms(roster, relay_.relay);
  if (wanted == chain_.last()->pseudonyms) return {};
  // One that is not served itself any more leaves it to the others: its word would not count.
  if (!std::ranges::binary_search(wanted, face_.pseudonym())) return {};
  wire::AclRecord record;
  record.channel = relay_.channel;
  record.version = chain_.version() + 1;
  record.prev = wire::acl_record_hash(*chain_.last());
  record.pseudonyms = std::move(wanted);
  wire::sign_acl(record, face_.sign);
  acl_request_ = ++last_request_;
  acl_step_ = AclStep::putting;
  put_ = record;
  channel_->send(wire::AclPut{acl_request_, std::move(record), {}});
  return {};
}

/// Brings the next record of the chain, from a version on, to a relay that does not know it.
Result<> Mailbox::show_chain(std::uint64_t from) {
  KITH_TRY(record, chain_.from(store_, from));
  if (!record) return {};
  shown_version_ = record->version;
  acl_request_ = ++last_request_;
  acl_step_ = AclStep::showing;
  put_ = *record;
  stamp_.reset();
  Bytes const stamp = record->version == 1 && found_stamp_ ? *found_stamp_ : Bytes{};
  channel_->send(wire::AclPut{acl_request_, std::move(*record), stamp});
  return {};
}

Result<> Mailbox::on_acl_put(Now now) {
  auto const step = std::exchange(acl_step_, AclStep::none);
  acl_request_ = 0;
  if (step == AclStep::putting && put_) {
    KITH_TRY(fits, chain_.extend(store_, *put_));
    static_cast<void>(fits);  // made here, for the end of the chain
    put_.reset();
    events_.emplace_back(RelayMoved{});
    KITH_CHECK(settle_acl());
    return push(now);
  }
  put_.reset();
  stamp_.reset();
  if (step != AclStep::showing) return {};
  if (shown_version_ < chain_.version()) return show_chain(shown_version_ + 1);
  if (state_ == State::hello) say_hello();
  return state_ == State::live ? push(now) : Result<>{};
}

/// Tells the group this device's name at the relay, once: the others let it in by that.
Result<> Mailbox::name_ourselves(Now now) {
  KITH_CHECK(replica_.refresh());
  auto const* self = replica_.state().roster().find(replica_.self());
  if (self == nullptr || self->state != core::MemberState::active) return {};
  auto const known = self->pseudonyms.find(relay_.relay);
  if (known != self->pseudonyms.end() && known->second == face_.pseudonym()) return {};
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DeviceRelay{replica_.self(), relay_.relay, face_.pseudonym()});
  KITH_TRY(written, replica_.write(std::move(ops), now));
  static_cast<void>(written);
  events_.emplace_back(RelayApplied{1, true});
  return {};
}

/// A relay that takes in groups it does not know wants some work done for it (hashcash).
void Mailbox::stamp_more() {
  auto counter = load_be<std::uint64_t>(stamp_->data());
  for (unsigned tries = 0; tries < kStampTries; ++tries) {
    if (wire::stamp_bits(relay_.relay, relay_.channel, *stamp_) >= stamp_bits_) {
      acl_request_ = ++last_request_;
      auto record = *put_;
      put_.reset();  // so that a second demand for a stamp is the last
      found_stamp_ = *stamp_;
      channel_->send(wire::AclPut{acl_request_, record, *stamp_});
      return;
    }
    store_be(stamp_->data(), ++counter);
  }
}

}  // namespace kith::sync
