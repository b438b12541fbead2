#pragma once

#include <string>
#include <vector>

#include "core/identity.hpp"
#include "wire/entry.hpp"
#include "wire/frame.hpp"
#include "wire/handshake.hpp"
#include "wire/opening.hpp"
#include "wire/ops.hpp"
#include "wire/pairing.hpp"
#include "wire/relay.hpp"

/// The values that the golden vectors and the fuzzers' corpora are made of: two devices, their group, and at least one
/// of everything that goes over the wire.
namespace kith::samples {

/// N bytes that count up from `first`: what every key, id and nonce here is made of.
template <class Id>
[[nodiscard]] Id counted(std::uint8_t first) {
  Bytes bytes(Id::kBytes);
  for (auto& byte : bytes) byte = first++;
  return *Id::from(bytes);
}

template <class T>
struct Sample {
  std::string name;
  T value;
};
template <class T>
using Samples = std::vector<Sample<T>>;

[[nodiscard]] core::Identity laptop();        ///< keys count up from 10, 30, 50 and 70 (hexadecimal)
[[nodiscard]] core::Identity phone();         ///< from 11, 31, 51 and 71
[[nodiscard]] core::RecoveryKeys recovery();  ///< entropy counts up from 00
[[nodiscard]] wire::Genesis genesis();        ///< of the laptop, "home"
[[nodiscard]] GroupId group();
[[nodiscard]] wire::EpochSecret first_epoch();   ///< counts up from a0
[[nodiscard]] wire::EpochSecret second_epoch();  ///< counts up from c0
[[nodiscard]] Tip tip(std::uint8_t device, std::uint64_t incarnation, std::uint64_t seq);

[[nodiscard]] Samples<wire::Devcert> devcerts();
[[nodiscard]] Samples<wire::Content> contents();
[[nodiscard]] Samples<wire::ManifestNode> nodes();
[[nodiscard]] Samples<wire::Opening> openings();
[[nodiscard]] Samples<wire::EntryHeader> headers();
[[nodiscard]] Samples<wire::EpochPrefix> prefixes();
[[nodiscard]] Samples<wire::EntryBody> bodies();
[[nodiscard]] Samples<wire::HandshakePayload> handshakes();
[[nodiscard]] Samples<wire::Op> ops();
[[nodiscard]] Samples<wire::Frame> frames();
[[nodiscard]] Samples<wire::PairMessage> pair_messages();
[[nodiscard]] wire::PairIdentityBox identity_box();
[[nodiscard]] wire::PairOfferBox offer_box();
[[nodiscard]] wire::PairPseudonymsBox pseudonyms_box();
[[nodiscard]] wire::PairWelcomeBox welcome_box();

[[nodiscard]] crypto::DhKeyPair relay();                              ///< secret key counts up from 91
[[nodiscard]] wire::RelayKey relay_key();                             ///< its public key
[[nodiscard]] crypto::SigningKey channel_key();                       ///< seed counts up from b1
[[nodiscard]] wire::ChannelId channel();                              ///< its public key
[[nodiscard]] core::RelayFace face_of(core::Identity const& device);  ///< its keys at that relay, in that group
/// Three records: the channel's own, then the laptop lets the phone in, then the phone shuts the laptop out.
[[nodiscard]] Samples<wire::AclRecord> acl_records();
[[nodiscard]] Samples<wire::HelloProof> hello_proofs();
[[nodiscard]] Samples<wire::RelayMessage> relay_messages();

/// One op as the array that an entry carries.
[[nodiscard]] Bytes as_ops(wire::Op const& op);

}  // namespace kith::samples
