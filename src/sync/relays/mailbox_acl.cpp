#include <algorithm>
#include <set>

#include "sync/relays/mailbox.hpp"

/// Whom the relay serves: the group's word, brought to the relay by whoever sees that it is not the relay's.
namespace kith::sync {
namespace {

/// Tries for a stamp between two looks at everything else: a few milliseconds.
constexpr unsigned kStampTries = 8192;

}  // namespace

void Mailbox::ask_acl() {
  acl_step_ = AclStep::reading;
  ask_acl_from(chain_.version() + 1);
}

/// The relay has other records than are known here: it was put back to an older state, and brought others since, or it
/// lies. Once in a connection its chain is read from the beginning.
void Mailbox::ask_branch() {
  branched_ = true;
  acl_step_ = AclStep::branching;
  ask_acl_from(1);
}

void Mailbox::ask_acl_from(std::uint64_t version) {
  acl_request_ = ++last_request_;
  read_version_ = version;
  channel_->send(wire::AclGet{acl_request_, version});
}

Result<> Mailbox::on_acl(wire::AclRecords const& answer, Now now) {
  acl_request_ = 0;
  auto const step = std::exchange(acl_step_, AclStep::none);
  for (auto const& record : answer.records) {
    KITH_TRY(fits, step == AclStep::branching ? chain_.branch(store_, record) : chain_.extend(store_, record));
    if (fits) continue;
    if (branched_) {
      off_chain(now);
    } else {
      ask_branch();
    }
    return {};
  }
  if (answer.has_more && !answer.records.empty()) {
    if (answer.records.back().version < read_version_) {
      misbehaved(relay::ChannelError::out_of_place, now);
      return {};
    }
    acl_step_ = step;
    ask_acl_from(answer.records.back().version + 1);
    return {};
  }
  auto const read = answer.records.empty() ? read_version_ - 1 : answer.records.back().version;
  if (step == AclStep::branching && read < chain_.version()) return show_chain(read + 1);
  if (state_ == State::hello) {
    auto const& last = chain_.last();
    if (showed_chain_ && last && std::ranges::binary_search(last->pseudonyms, face_.pseudonym())) {
      showed_chain_ = false;
      say_hello();  // it was about to forget the group, and has been told by others meanwhile
      return {};
    }
    not_served(now);  // only read to see that this device is not among them
    return {};
  }
  if (state_ != State::live) return {};
  KITH_CHECK(settle_acl(now));
  return push(now);
}

/// Puts the next record where the relay serves others than the group wants.
Result<> Mailbox::settle_acl(Now now) {
  if (acl_request_ != 0 || state_ != State::live || !chain_.last()) return {};
  if (acl_not_before_ && *acl_not_before_ > now.mono) return {};
  acl_not_before_.reset();
  KITH_CHECK(replica_.refresh());
  auto const& roster = replica_.state().roster();
  auto wanted = wanted_pseudonyms(roster, relay_.relay);
  // One that is not to be served itself leaves it to those who are, if any of them can do it; else it is its last word.
  auto const& served = chain_.last()->pseudonyms;
  bool const others_can = std::ranges::any_of(
      wanted, [&](wire::Pseudonym const& pseudonym) { return std::ranges::binary_search(served, pseudonym); });
  bool const ours = std::ranges::binary_search(wanted, face_.pseudonym());
  bool const can = ours || !(others_can || wanted.empty() || !holds_all());
  KITH_CHECK(leave_to_the_words(wanted, now));
  if (wanted == chain_.last()->pseudonyms) return {};
  if (!can) return {};
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

/// Somebody who has the recovery words let in a device that nobody has heard of here: it is about to tell, and where
/// its connection broke meanwhile, it is not to be shut out before it can. Until it has told, it stays on the list, and
/// whom the words took off it stays off.
/// @param wanted  ascending, before and after
Result<> Mailbox::leave_to_the_words(std::vector<wire::Pseudonym>& wanted, Now now) {
  std::set<wire::Pseudonym> heard_of;
  for (auto const& [device, member] : replica_.state().roster().members()) {
    auto const name = member.pseudonyms.find(relay_.relay);
    if (name != member.pseudonyms.end()) heard_of.insert(name->second);
  }
  std::vector<wire::Pseudonym> guests;
  std::ranges::set_difference(chain_.last()->pseudonyms, heard_of, std::back_inserter(guests));
  for (auto record = *chain_.last(); !guests.empty() && record.version > 1;) {
    KITH_TRY(before, chain_.upto(store_, record.version - 1));
    if (!before) return fail(core::CoreError::corrupt_record);
    if (!std::ranges::equal(record.signer.bytes, relay_.channel.view())) {
      std::erase_if(guests, [&](auto const& name) { return !std::ranges::binary_search(before->pseudonyms, name); });
      record = std::move(*before);
      continue;
    }
    if (!words_list_ || words_list_->first != record.version) words_list_ = {record.version, now.mono + kWordsPatience};
    if (now.mono >= words_list_->second) return {};
    std::erase_if(wanted, [&](auto const& name) {
      return std::ranges::binary_search(before->pseudonyms, name) &&
             !std::ranges::binary_search(record.pseudonyms, name);
    });
    auto const room = wire::kRelayLimits.max_members - std::min(wire::kRelayLimits.max_members, wanted.size());
    guests.resize(std::min(guests.size(), room));
    wanted.insert(wanted.end(), guests.begin(), guests.end());
    std::ranges::sort(wanted);
    return {};
  }
  words_list_.reset();
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
  note_room();
  if (step == AclStep::putting && put_) {
    KITH_TRY(fits, chain_.extend(store_, *put_));
    static_cast<void>(fits);  // made here, for the end of the chain
    put_.reset();
    events_.emplace_back(RelayMoved{});
    KITH_CHECK(settle_acl(now));
    return push(now);
  }
  put_.reset();
  stamp_.reset();
  if (step != AclStep::showing) return {};
  if (shown_version_ < chain_.version()) return show_chain(shown_version_ + 1);
  if (state_ == State::hello) say_hello();
  return state_ == State::live ? push(now) : Result<>{};
}

/// The relay has no room for a record. What is pushed waits for that: it may be meant for fewer than the relay serves.
Result<> Mailbox::put_acl_later(std::chrono::milliseconds time, Now now) {
  acl_request_ = 0;
  auto const step = std::exchange(acl_step_, AclStep::none);
  put_.reset();
  stamp_.reset();
  if (state_ == State::live && step == AclStep::putting) {
    acl_not_before_ = now.mono + time;
    return {};
  }
  end(core::CoreError::closed, now);
  dial_at_ = now.mono + time;
  return {};
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
