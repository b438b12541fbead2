#include "sync/relays/sealed_presence.hpp"

#include "crypto/padding.hpp"

namespace kith::sync {
namespace {

constexpr std::string_view kSubkey = "presence";
constexpr std::string_view kLabel = "kith/presence/1";
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kMostPlainBytes = wire::kRelayLimits.max_presence_bytes - core::kBoxOverheadBytes;

struct SignedPresence {
  DeviceId device;
  wire::Presence presence;
  crypto::Signature signature;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.device, s.presence, s.signature);
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
                    RandomSource& random) {
  SignedPresence record{identity.device(), std::move(presence), {}};
  while (wire::encode(record).size() + kLengthBytes > kMostPlainBytes && leave_something_out(record.presence)) {
  }
  record.signature = identity.sign.sign(kLabel, signed_part(state.group(), relay, pseudonym, record));
  Bytes const encoded = wire::encode(record);
  Bytes plain;
  append_be(plain, static_cast<std::uint32_t>(encoded.size()));
  append(plain, encoded);
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
  return OpenedPresence{record.device, std::move(record.presence)};
}

}  // namespace kith::sync
