#pragma once

#include "base/random.hpp"
#include "core/entry.hpp"
#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "crypto/kdf.hpp"
#include "crypto/padding.hpp"
#include "crypto/sign.hpp"
#include "wire/entry.hpp"

namespace kith::testing {

/// Everything that sealing one entry computes.
struct RawSealed {
  wire::EntryHeader header;
  Bytes aad;
  crypto::AeadKey key;
  EntryHash hash;
  crypto::Signature signature;
  Bytes plaintext;
  Bytes bytes;  ///< without a prefix
};

/// Seals any bytes as an entry's body, as docs/spec/entries.md says and with nothing of core/entry.cpp: what a member
/// with a program of its own could write, and a second opinion on what ours writes.
[[nodiscard]] inline RawSealed raw_seal(ByteView body, GroupId const& group, wire::EpochSecret const& epoch,
                                        crypto::SigningKey const& author, EntryId const& entry,
                                        crypto::XNonce const& nonce) {
  auto const info_of = [](std::string_view label, ByteView rest) {
    Bytes info(label.begin(), label.end());
    info.push_back(0);
    append(info, rest);
    return info;
  };
  RawSealed out;
  out.header.epoch = crypto::as_id<EpochId>(crypto::hash128("kith/epoch/1", {group.view(), epoch.view()}));
  out.header.entry = entry;
  out.header.nonce = nonce;
  out.aad = {'K', '1', out.header.suite};
  append(out.aad, out.header.epoch.view());
  append(out.aad, group.view());
  append(out.aad, entry.view());
  auto const subkey = crypto::hkdf<Secret<32>>(group.view(), epoch.view(), info_of("kith/sub/1", bytes_of("entry")));
  auto const okm = crypto::hkdf<Secret<64>>(nonce.view(), subkey.view(), out.aad);
  out.key = *crypto::AeadKey::from(okm.view().first<32>());
  out.header.commitment = *decltype(out.header.commitment)::from(okm.view().last<32>());

  out.hash = crypto::as_id<EntryHash>(
      crypto::hash256("kith/entry/1", {group.view(), out.header.epoch.view(), entry.view(), body}));
  out.signature = author.sign("kith/entry-sig/1", out.hash.view());
  append_be(out.plaintext, static_cast<std::uint32_t>(body.size()));
  append(out.plaintext, body);
  append(out.plaintext, out.signature.view());
  out.plaintext.resize(crypto::padding_bucket(out.plaintext.size()));

  out.bytes = wire::encode_header(out.header);
  crypto::xchacha_seal(out.key, nonce, out.aad, out.plaintext, out.bytes);
  return out;
}

}  // namespace kith::testing
