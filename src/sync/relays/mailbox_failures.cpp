#include <algorithm>

#include "sync/relays/mailbox.hpp"

/// What a relay refuses, and what follows from it. @see docs/spec/relay.md, "Errors"
namespace kith::sync {
namespace {

/// The most work that a relay may ask for before it takes a group in: some ten seconds of it.
constexpr std::uint64_t kMostStampBits = 25;

std::chrono::seconds retry_after(wire::RelayFailure const& failure) {
  return std::chrono::seconds{std::min<std::uint32_t>(failure.retry_after_s, 3600)};
}

RelayTrouble no_room(wire::RelayErrorCode code) {
  return code == wire::RelayErrorCode::quota ? RelayTrouble::quota : RelayTrouble::storage_full;
}

bool of_room(wire::RelayErrorCode code) {
  return code == wire::RelayErrorCode::quota || code == wire::RelayErrorCode::storage_full;
}

}  // namespace

Result<> Mailbox::on_failure(wire::RelayFailure const& failure, Now now) {
  using enum wire::RelayErrorCode;
  if (download_ && failure.request == download_->request && (failure.code == not_found || failure.code == internal))
    return on_no_object(failure.code, now);
  if (object_ && failure.request == object_->request && (of_room(failure.code) || failure.code == rate_limited))
    return upload_later(failure, now);
  if (auto const drop = std::ranges::find(drop_requests_, failure.request);
      failure.request != 0 && of_room(failure.code) && drop != drop_requests_.end()) {
    *drop = 0;  // with what is to go next, they are tried again
    return {};
  }
  if (record_request_ != 0 && failure.request == record_request_) {
    record_request_ = 0;
    record_due_ = now.mono + std::max<std::chrono::milliseconds>(kRecordAgain, retry_after(failure));
    return {};
  }
  bool const of_acl = acl_request_ != 0 && failure.request == acl_request_;
  bool const of_push = push_request_ != 0 && failure.request == push_request_;
  switch (failure.code) {
    case log_reset:
      if (state_ != State::hello || reset_once_) break;
      reset_once_ = true;
      set_trouble(RelayTrouble::lost_data);
      KITH_CHECK(forget());
      say_hello();
      return {};
    case not_allowed: return on_not_allowed(failure, now);
    case stamp_needed:
      if (!of_acl) break;
      begin_stamp(failure, now);
      return {};
    case stale_acl:
      if (!of_acl) break;
      return on_stale_acl(failure, now);
    case seq_gap:
      if (!of_push) break;
      // Somebody else pushed under this name, or the relay lost some: the next WELCOME says which.
      end(core::CoreError::closed, now);
      dial_at_ = now.mono + kFirstWait;
      return {};
    case quota:
    case storage_full:
      if (!of_push && !of_acl) break;
      set_trouble(no_room(failure.code), failure.number);
      if (of_acl) return put_acl_later(std::max<std::chrono::milliseconds>(kFullWait, retry_after(failure)), now);
      push_later(kFullWait, failure, now);
      return {};
    case rate_limited:
      if (of_push) {
        push_later(std::chrono::seconds{1}, failure, now);
        return {};
      }
      [[fallthrough]];
    case draining:
    case internal:
      end(core::CoreError::closed, now);
      dial_at_ = std::max(dial_at_, now.mono + retry_after(failure));
      return {};
    case replaced:
      set_trouble(RelayTrouble::replaced);
      end(core::CoreError::closed, now);
      return {};
    case unsupported_version:
      end(Error(core::CoreError::version_mismatch,
                VersionsDetail{1, 1, static_cast<std::uint32_t>(failure.number >> 8 & 0xFF),
                               static_cast<std::uint32_t>(failure.number & 0xFF)}),
          now);
      dial_at_ = now.mono + kLongestWait;
      return {};
    case bad_frame:
      if (state_ != State::hello) break;
      // It waits for a stranger's HELLO, or for what follows it, for some seconds: this line is too slow for that.
      end(core::CoreError::timed_out, now);
      return {};
    case too_large:
    case no_snapshot:
    case not_found: break;
  }
  misbehaved(relay::ChannelError::out_of_place, now);
  return {};
}

Result<> Mailbox::on_no_object(wire::RelayErrorCode code, Now now) {
  auto const object = download_->object;
  download_.reset();
  if (code == wire::RelayErrorCode::not_found) KITH_CHECK(forget_object(object, now));
  return next_download();
}

Result<> Mailbox::upload_later(wire::RelayFailure const& failure, Now now) {
  auto const& chunks = object_->announcement.chunks;
  uploads_.insert(uploads_.begin(), chunks.begin(), chunks.end());
  KITH_TRY(transaction, store::Transaction::begin(store_));
  KITH_CHECK(book_.forget(store_, object_->announcement.object));
  KITH_CHECK(transaction.commit());
  object_.reset();
  upload_not_before_ = now.mono + std::max<std::chrono::milliseconds>(kFullWait, retry_after(failure));
  if (of_room(failure.code)) set_trouble(no_room(failure.code), failure.number);
  return {};
}

void Mailbox::push_later(std::chrono::milliseconds least, wire::RelayFailure const& failure, Now now) {
  push_request_ = 0;
  push_not_before_ = now.mono + std::max<std::chrono::milliseconds>(least, retry_after(failure));
}

/// The relay serves others: this device was removed or paused, is not let in yet, or the relay has forgotten the group.
/// The record that comes along says which, and counts only as far as it continues the chain that is known here.
Result<> Mailbox::on_not_allowed(wire::RelayFailure const& failure, Now now) {
  auto const record = wire::decode<wire::AclRecord>(failure.detail);
  if (record) {
    KITH_TRY(fits, chain_.extend(store_, *record));
    // It may be the end of a chain that was just being read: the next connection reads it again.
    bool const cut_short = failure.request == 0 && acl_request_ != 0;
    if (!fits && (record->channel != relay_.channel || (branched_ && !cut_short))) {
      off_chain(now);
      return {};
    }
    if (!fits && state_ == State::hello) {
      // Records between are missing here, or it is another chain; at the next HELLO otherwise.
      record->version <= chain_.version() ? ask_branch() : ask_acl();
      return {};
    }
  } else if (state_ == State::hello && !showed_chain_ && chain_.version() > 0) {
    showed_chain_ = true;  // it may have forgotten the group
    return show_chain(1);
  }
  not_served(now);
  return {};
}

/// Ends a conversation with a relay that serves others than this device, by a list that is sound.
void Mailbox::not_served(Now now) {
  if (usurped()) return off_chain(now);
  set_trouble(RelayTrouble::not_allowed);
  end(core::CoreError::closed, now);
  // Who lets this device in is telling the relay just now.
  bool const newcomer = replica_.state().roster().find(replica_.self()) == nullptr;
  if (newcomer && failures_ <= kNewcomerTries) dial_at_ = std::min(dial_at_, now.mono + kNewcomerWait);
}

/// Somebody put the group's list aside who was on it: it names none of the devices that are active, and the channel's
/// own key has not signed it. Nobody who may can extend it any more. What that key has signed may be somebody who
/// brought the group back by its words, or the device that made the mailbox and kept the key: from here both look the
/// same.
bool Mailbox::usurped() const {
  auto const& last = chain_.last();
  auto const& roster = replica_.state().roster();
  if (!last || !roster.active(replica_.self()) || last->signer.bytes == relay_.channel.bytes) return false;
  return std::ranges::none_of(roster.members(), [&](auto const& each) {
    auto const& member = each.second;
    auto const name = member.pseudonyms.find(relay_.relay);
    return member.state == core::MemberState::active && name != member.pseudonyms.end() &&
           std::ranges::binary_search(last->pseudonyms, name->second);
  });
}

void Mailbox::begin_stamp(wire::RelayFailure const& failure, Now now) {
  if (failure.number == 0 || failure.number > kMostStampBits || stamp_ || !put_) {
    set_trouble(RelayTrouble::needs_token);
    end(core::CoreError::closed, now);
    dial_at_ = now.mono + kLongestWait;
    return;
  }
  stamp_bits_ = static_cast<unsigned>(failure.number);
  stamp_.emplace(wire::kStampBytes, std::uint8_t{0});
  store_be(stamp_->data(), random_.u64());
}

/// The list was changed meanwhile, or the relay is behind: whoever is behind reads on.
Result<> Mailbox::on_stale_acl(wire::RelayFailure const& failure, Now now) {
  auto const record = wire::decode<wire::AclRecord>(failure.detail);
  acl_request_ = 0;
  acl_step_ = AclStep::none;
  put_.reset();
  if (record && record->channel == relay_.channel) {
    KITH_TRY(ours, chain_.holds(store_, record->version, wire::acl_record_hash(*record)));
    if (!ours && record->version <= chain_.version()) {
      branched_ ? off_chain(now) : ask_branch();
      return {};
    }
    if (ours && record->version < chain_.version()) return show_chain(record->version + 1);
    ask_acl();
    return {};
  }
  if (state_ == State::hello) not_served(now);
  return {};
}

}  // namespace kith::sync
