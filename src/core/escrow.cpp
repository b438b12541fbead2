#include "core/escrow.hpp"

#include "base/assert.hpp"
#include "crypto/kdf.hpp"

namespace kith::core {
namespace {

constexpr std::string_view kLocatorLabel = "kith/rec-locator/1";
constexpr std::string_view kEscrowLabel = "kith/escrow/1";
constexpr std::size_t kPaddedBytes = 512;  ///< a record with the longest name has 364 bytes
constexpr std::size_t kLengthBytes = 2;

/// Used once: the ephemeral key is fresh.
crypto::AeadKey key_for(crypto::SharedSecret const& shared, crypto::DhPublicKey const& ephemeral,
                        crypto::DhPublicKey const& recovery, wire::RelayKey const& relay) {
  Bytes info(kEscrowLabel.begin(), kEscrowLabel.end());
  info.push_back(0);
  append(info, ephemeral.view());
  append(info, recovery.view());
  return crypto::hkdf<crypto::AeadKey>(relay.view(), shared.view(), info);
}

}  // namespace

wire::RecoveryLocator recovery_locator(wire::LocatorSecret const& locator, wire::RelayKey const& relay) {
  wire::RecoveryLocator found;
  crypto::hkdf_sha256(relay.view(), locator.view(), bytes_of(kLocatorLabel), found.bytes);
  return found;
}

Bytes seal_escrow(Escrow const& escrow, crypto::DhPublicKey const& recovery, wire::RelayKey const& relay,
                  RandomSource& random) {
  auto const ephemeral = crypto::DhKeyPair::generate(random);
  auto const shared = crypto::dh(ephemeral.secret_key, recovery);
  KITH_ASSERT(shared.has_value());  // the genesis record's key was made here, or checked when the group was joined
  Bytes record = wire::encode(escrow);
  Bytes plain;
  append_be(plain, static_cast<std::uint16_t>(record.size()));
  append(plain, record);
  wipe(record);
  KITH_ASSERT(plain.size() <= kPaddedBytes);
  plain.resize(kPaddedBytes);
  Bytes sealed(ephemeral.public_key.bytes.begin(), ephemeral.public_key.bytes.end());
  Bytes ciphertext;
  crypto::xchacha_seal(key_for(*shared, ephemeral.public_key, recovery, relay), {}, {}, plain, ciphertext);
  append(sealed, ciphertext);
  wipe(plain);
  return sealed;
}

Result<Escrow> open_escrow(ByteView sealed, RecoveryKeys const& recovery, wire::RelayKey const& relay) {
  if (sealed.size() != crypto::DhPublicKey::kBytes + kPaddedBytes + crypto::kAeadTagBytes)
    return fail(crypto::CryptoError::not_authentic);
  auto const ephemeral = *crypto::DhPublicKey::from(sealed.first(crypto::DhPublicKey::kBytes));
  KITH_TRY(shared, crypto::dh(recovery.dx.secret_key, ephemeral));
  Bytes plain;
  auto const key = key_for(shared, ephemeral, recovery.dx.public_key, relay);
  KITH_CHECK(crypto::xchacha_open(key, {}, {}, sealed.subspan(crypto::DhPublicKey::kBytes), plain));
  std::size_t const length = load_be<std::uint16_t>(plain.data());
  if (length > plain.size() - kLengthBytes) return fail(crypto::CryptoError::not_authentic);
  auto escrow = wire::decode<Escrow>(ByteView{plain}.subspan(kLengthBytes, length));
  wipe(plain);
  return escrow;
}

}  // namespace kith::core
