#include "sync/relays/sealed_presence.hpp"

#include <algorithm>

#include "crypto/padding.hpp"

namespace kith::sync {
namespace {

constexpr std::string_view kSubkey = "presence";
constexpr std::string_view kLabel = "kith/presence/1";
constexpr std::string_view kTakenLabel = "kith/taken/1";
constexpr std::string_view kShownLabel = "kith/shown/1";
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kMostPlainBytes = wire::kRelayLimits.max_presence_bytes - core::kBoxOverheadBytes;

/// Left free for what was taken, some spans of it at least: a transfer may wait for it.
constexpr std::size_t kTakenReserveBytes = 320 + 9 * Taken::kMostLacked;
/// Left free for what other relays have shown, some tips of one at least.
constexpr std::size_t kShownReserveBytes = 512;

struct SignedPresence {
  DeviceId device;
  wire::Presence presence;
  crypto::Signature signature;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, s.presence, s.signature);
  }
};

/// What is told beside a presence, and its author's signature.
template <class Extra>
struct SignedExtra {
  Extra extra;
  crypto::Signature signature;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.extra, s.signature);
  }
};

/// What other relays have shown of their mailboxes.
struct Shown {
  std::vector<wire::RelayWitness> relays;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(wire::list(s.relays, wire::RelayWitness::kMost));
  }
};

Bytes context_of(wire::RelayKey const& relay, wire::Pseudonym const& pseudonym) {
  Bytes context(relay.bytes.begin(), relay.bytes.end());
  append(context, pseudonym.view());
  return context;
}

/// [group, relay, pseudonym, device, presence]
Bytes signed_part(GroupId const& group, wire::RelayKey const& relay, wire::Pseudonym const& pseudonym,
                  SignedPresence const& record) {
  Bytes out;
  wire::Encoder{out}(group, relay, pseudonym, record.device, record.presence);
  return out;
}

/// [group, relay, pseudonym, device, counter, extra]: the counter ties it to its slot
template <class Extra>
Bytes signed_part(GroupId const& group, wire::RelayKey const& relay, wire::Pseudonym const& pseudonym,
                  SignedPresence const& record, Extra const& extra) {
  Bytes out;
  wire::Encoder{out}(group, relay, pseudonym, record.device, record.presence.counter, extra);
  return out;
}

/// The next part of a slot behind the presence, in its own length: a reader that does not know it sees zeros that are
/// none, and passes them over. @return nullopt where there is nothing, or nothing that counts
template <class Extra>
std::optional<Extra> open_extra(core::GroupState const& state, wire::RelayKey const& relay,
                                wire::Pseudonym const& pseudonym, SignedPresence const& record, std::string_view label,
                                ByteView& rest) {
  if (rest.size() < kLengthBytes) return std::nullopt;
  std::size_t const length = load_be<std::uint32_t>(rest.data());
  if (length > rest.size() - kLengthBytes) return std::nullopt;
  auto const part = rest.subspan(kLengthBytes, length);
  rest = rest.subspan(kLengthBytes + length);
  auto told = wire::decode<SignedExtra<Extra>>(part);
  bool const sound =
      told && crypto::verify({record.device.bytes}, label,
                             signed_part(state.group(), relay, pseudonym, record, told->extra), told->signature);
  return sound ? std::optional(std::move(told->extra)) : std::nullopt;
}

void append_part(Bytes& plain, ByteView part) {
  append_be(plain, static_cast<std::uint32_t>(part.size()));
  append(plain, part);
}

/// Makes what was shown smaller: fewer tips say less, and nothing that is not so. @return false where there is nothing
bool shorten(std::vector<wire::RelayWitness>& shown) {
  auto const most = std::ranges::max_element(shown, {}, [](auto const& witness) { return witness.tips.size(); });
  if (most == shown.end()) return false;
  if (!most->tips.empty()) most->tips.pop_back();
  if (most->tips.empty()) shown.erase(most);
  return true;
}

/// Which tips are left out changes from one slot to the next.
void turn(std::vector<wire::RelayWitness>& shown, std::uint64_t counter) {
  for (auto& witness : shown) {
    auto& tips = witness.tips;
    if (tips.empty()) continue;
    std::rotate(tips.begin(), tips.begin() + static_cast<std::ptrdiff_t>(counter % tips.size()), tips.end());
  }
}

/// Makes room. @return false where there is nothing more to leave out
bool leave_something_out(wire::Presence& presence) {
  if (!presence.contacts.empty()) {
    presence.contacts.clear();
  } else if (presence.content_tips.size() > presence.tips.size() ||
             (presence.tips.empty() && !presence.content_tips.empty())) {
    presence.content_tips.clear();  // half of them would say that the rest is lacking
  } else if (!presence.tips.empty()) {
    presence.content_tips.clear();
    presence.tips.pop_back();
  } else if (!presence.folders.empty()) {
    presence.folders.pop_back();
  } else if (!presence.addresses.empty()) {
    presence.addresses.pop_back();
  } else {
    return false;
  }
  return true;
}

}  // namespace

Bytes seal_presence(core::GroupState const& state, core::Identity const& identity, EpochId const& epoch,
                    wire::RelayKey const& relay, wire::Pseudonym const& pseudonym, wire::Presence presence,
                    PresenceExtras extras, RandomSource& random) {
  SignedPresence record{identity.device(), std::move(presence), {}};
  std::size_t const of_shown = extras.shown.empty() ? 0 : kShownReserveBytes;
  std::size_t const most = kMostPlainBytes - (extras.taken ? kTakenReserveBytes : 0) - of_shown;
  while (wire::encode(record).size() + kLengthBytes > most && leave_something_out(record.presence)) {
  }
  record.signature = identity.sign.sign(kLabel, signed_part(state.group(), relay, pseudonym, record));
  Bytes plain;
  append_part(plain, wire::encode(record));
  auto const fits = [&](auto const& extra, std::size_t reserve) {
    return plain.size() + kLengthBytes + wire::encode(extra).size() + reserve <= kMostPlainBytes;
  };
  auto const sign = [&](std::string_view label, auto& told) {
    told.signature = identity.sign.sign(label, signed_part(state.group(), relay, pseudonym, record, told.extra));
    append_part(plain, wire::encode(told));
  };
  if (extras.taken) {
    SignedExtra<Taken> told{std::move(*extras.taken), {}};
    while (!fits(told, of_shown) && told.extra.shorten()) {
    }
    sign(kTakenLabel, told);
  }
  if (!extras.taken && !extras.shown.empty() && plain.size() + kLengthBytes <= kMostPlainBytes) append_part(plain, {});
  SignedExtra<Shown> told{{std::move(extras.shown)}, {}};
  if (!fits(told, 0)) turn(told.extra.relays, record.presence.counter);
  while (!fits(told, 0) && shorten(told.extra.relays)) {
  }
  if (!told.extra.relays.empty()) sign(kShownLabel, told);
  plain.resize(std::min(crypto::padding_bucket(plain.size()), kMostPlainBytes));
  return core::seal_box(state.group(), *state.secret(epoch), kSubkey, context_of(relay, pseudonym), plain, random);
}

Result<OpenedPresence> open_presence(core::GroupState const& state, wire::RelayKey const& relay,
                                     wire::RelayPresence::Slot const& slot) {
  KITH_TRY(plain, core::open_box(state, kSubkey, context_of(relay, slot.pseudonym), slot.sealed));
  if (plain.size() < kLengthBytes) return fail(wire::WireError::truncated);
  std::size_t const length = load_be<std::uint32_t>(plain.data());
  if (length > plain.size() - kLengthBytes) return fail(wire::WireError::truncated);
  KITH_TRY(record, wire::decode<SignedPresence>(ByteView{plain}.subspan(kLengthBytes, length)));
  auto const* member = state.roster().find(record.device);
  if (member == nullptr || member->state != core::MemberState::active) return fail(core::CoreError::removed_peer);
  auto const name = member->pseudonyms.find(relay);
  bool const fits = name != member->pseudonyms.end() && name->second == slot.pseudonym &&
                    record.presence.counter == slot.counter &&
                    crypto::verify({record.device.bytes}, kLabel,
                                   signed_part(state.group(), relay, slot.pseudonym, record), record.signature);
  if (!fits) return fail(core::CoreError::bad_signature);
  auto rest = ByteView{plain}.subspan(kLengthBytes + length);
  PresenceExtras extras;
  extras.taken = open_extra<Taken>(state, relay, slot.pseudonym, record, kTakenLabel, rest);
  if (extras.taken && !extras.taken->valid()) extras.taken.reset();
  if (auto shown = open_extra<Shown>(state, relay, slot.pseudonym, record, kShownLabel, rest))
    extras.shown = std::move(shown->relays);
  return OpenedPresence{record.device, std::move(record.presence), std::move(extras)};
}

}  // namespace kith::sync
