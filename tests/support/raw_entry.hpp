#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "core/replica.hpp"
#include "crypto/hash.hpp"
#include "crypto/kdf.hpp"
#include "crypto/padding.hpp"

namespace kith::testing {

/// Seals an entry from its parts, step by step as docs/spec/entries.md has it, with every step open to a liar: what
/// core::seal() would never write, but a member who cheats can.
struct RawEntry {
  GroupId group;
  core::EpochSecret const* epoch = nullptr;
  crypto::SigningKey const* signer = nullptr;
  Bytes body;
  Bytes padding_tail;  ///< in place of the last zeros
  std::size_t extra_padding = 0;
  std::uint32_t body_length_lie = 0;  ///< added to the length before the body
  bool announce_other_commitment = false;
  std::optional<EntryId> id;  ///< in place of a random one: the same entry in another seal

  [[nodiscard]] Bytes sealed(RandomSource& random) const { return sealed_with_hash(random).bytes; }
  [[nodiscard]] core::SealedEntry sealed_with_hash(RandomSource& random) const {
    wire::EntryHeader header;
    header.epoch = core::epoch_id(group, *epoch);
    header.entry = id ? *id : random.id<EntryId>();
    header.nonce = random.id<crypto::XNonce>();
    Bytes aad{'K', '1', 1};
    append(aad, header.epoch.view());
    append(aad, group.view());
    append(aad, header.entry.view());
    auto const okm =
        crypto::hkdf<Secret<64>>(header.nonce.view(), core::epoch_subkey(group, *epoch, "entry").view(), aad);
    std::copy_n(okm.data() + 32, 32, header.commitment.bytes.begin());
    if (announce_other_commitment) header.commitment.bytes[0] ^= 1;

    auto const hash = crypto::as_id<EntryHash>(
        crypto::hash256("kith/entry/1", {group.view(), header.epoch.view(), header.entry.view(), body}));
    Bytes plaintext;
    append_be(plaintext, static_cast<std::uint32_t>(body.size()) + body_length_lie);
    append(plaintext, body);
    append(plaintext, signer->sign("kith/entry-sig/1", hash.view()).view());
    plaintext.resize(crypto::padding_bucket(plaintext.size()) + extra_padding);
    std::copy(padding_tail.begin(), padding_tail.end(),
              plaintext.end() - static_cast<std::ptrdiff_t>(padding_tail.size()));

    Bytes out = wire::encode_header(header);
    crypto::xchacha_seal(*crypto::AeadKey::from(okm.view().first<32>()), header.nonce, aad, plaintext, out);
    return {std::move(out), hash};
  }
};

/// The body of an entry as a member's own program can make it: the first of a log, or the one behind `before`.
[[nodiscard]] inline wire::EntryBody raw_body(core::Identity const& author, Incarnation incarnation,
                                              std::vector<Tip> tips, std::vector<wire::Op> const& ops,
                                              Tip const* before = nullptr) {
  wire::EntryBody body;
  body.author = author.device();
  body.incarnation = incarnation;
  body.seq = {before == nullptr ? 1 : before->seq.value + 1};
  if (before != nullptr) body.prev = before->hash;
  body.tips = std::move(tips);
  std::ranges::sort(body.tips);
  body.ops = wire::encode_ops(ops);
  return body;
}

/// Such an entry, sealed, and how others name it.
struct RawMade {
  Tip tip;
  Bytes sealed;
};

[[nodiscard]] inline RawMade raw_entry(wire::EntryBody const& body, core::Identity const& author, GroupId const& group,
                                       core::EpochSecret const& epoch, RandomSource& random) {
  RawEntry entry;
  entry.group = group;
  entry.epoch = &epoch;
  entry.signer = &author.sign;
  entry.body = wire::encode(body);
  auto sealed = entry.sealed_with_hash(random);
  return {body.tip(sealed.hash), std::move(sealed.bytes)};
}

/// Under the epoch that `replica` seals under.
[[nodiscard]] inline RawMade raw_entry(wire::EntryBody const& body, core::Identity const& author,
                                       core::Replica const& replica, RandomSource& random) {
  auto const& state = replica.state();
  return raw_entry(body, author, state.group(), *state.secret(*replica.sealing_epoch()), random);
}

}  // namespace kith::testing
