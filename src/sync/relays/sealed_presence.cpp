#include "sync/relays/sealed_presence.hpp"

#include "crypto/padding.hpp"

namespace kith::sync {
namespace {

constexpr std::string_view kSubkey = "presence";
constexpr std::string_view kLabel = "kith/presence/1";
constexpr std::string_view kTakenLabel = "kith/taken/1";
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kMostPlainBytes = wire::kRelayLimits.max_presence_bytes - core::kBoxOverheadBytes;

/// Left free for what was taken, some spans of it at least: a transfer may wait for it.
constexpr std::size_t kTakenReserveBytes = 320 + 9 * Taken::kMostLacked;

struct SignedPresence {
  DeviceId device;
  wire::Presence presence;
  crypto::Signature signature;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, s.presence, s.signature);
  }
};

struct SignedTaken {
  Taken taken;
  crypto::Signature signature;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.taken, s.signature);
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

/// [group, relay, pseudonym, device, counter, taken]: the counter ties it to its slot
Bytes signed_part(GroupId const& group, wire::RelayKey const& relay, wire::Pseudonym const& pseudonym,
                  SignedPresence const& record, Taken const& taken) {
  Bytes out;
  wire::Encoder{out}(group, relay, pseudonym, record.device, record.presence.counter, taken);
  return out;
}

/// Behind the presence, in its own length: a reader that does not know it sees zeros that are none, and passes them
/// over.
/// @return nullopt where there is nothing, or nothing that counts
std::optional<Taken> open_taken(core::GroupState const& state, wire::RelayKey const& relay,
                                wire::Pseudonym const& pseudonym, SignedPresence const& record, ByteView rest) {
  if (rest.size() < kLengthBytes) return std::nullopt;
  std::size_t const length = load_be<std::uint32_t>(rest.data());
  if (length == 0 || length > rest.size() - kLengthBytes) return std::nullopt;
  auto signed_taken = wire::decode<SignedTaken>(rest.subspan(kLengthBytes, length));
  if (!signed_taken || !signed_taken->taken.valid()) return std::nullopt;
  if (!crypto::verify({record.device.bytes}, kTakenLabel,
                      signed_part(state.group(), relay, pseudonym, record, signed_taken->taken),
                      signed_taken->signature))
    return std::nullopt;
  return std::move(signed_taken->taken);
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
                    std::optional<Taken> taken, RandomSource& random) {
  SignedPresence record{identity.device(), std::move(presence), {}};
  std::size_t const most = kMostPlainBytes - (taken ? kTakenReserveBytes : 0);
  while (wire::encode(record).size() + kLengthBytes > most && leave_something_out(record.presence)) {
  }
  record.signature = identity.sign.sign(kLabel, signed_part(state.group(), relay, pseudonym, record));
  Bytes const encoded = wire::encode(record);
  Bytes plain;
  append_be(plain, static_cast<std::uint32_t>(encoded.size()));
  append(plain, encoded);
  if (taken) {
    auto const size = [&] { return plain.size() + kLengthBytes + wire::encode(SignedTaken{*taken, {}}).size(); };
    while (size() > kMostPlainBytes && taken->shorten()) {
    }
    SignedTaken said{std::move(*taken), {}};
    said.signature = identity.sign.sign(kTakenLabel, signed_part(state.group(), relay, pseudonym, record, said.taken));
    Bytes const more = wire::encode(said);
    append_be(plain, static_cast<std::uint32_t>(more.size()));
    append(plain, more);
  }
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
  auto taken = open_taken(state, relay, slot.pseudonym, record, ByteView{plain}.subspan(kLengthBytes + length));
  return OpenedPresence{record.device, std::move(record.presence), std::move(taken)};
}

}  // namespace kith::sync
