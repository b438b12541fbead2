#include "engine/key_codec.hpp"

#include "base/assert.hpp"
#include "crypto/aead.hpp"

namespace kith::engine {
namespace {

constexpr std::string_view kMagic = "KITHKEYS";
constexpr std::string_view kCheckLabel = "kith/key-file-check/1";
constexpr std::string_view kWrapLabel = "kith/key-file/1";

constexpr std::size_t kHeadBytes = 10;                        // magic 8, version 1, protection 1
constexpr std::size_t kSecretsBytes = 4 * 32 + 8;             // sign seed, dx, root, storage key, created_s
constexpr std::size_t kCheckBytes = crypto::Hash128::kBytes;  // over everything before it
constexpr std::size_t kPlainBytes = kHeadBytes + kSecretsBytes + kCheckBytes;

constexpr std::size_t kCostAt = kHeadBytes;  // passes 4, memory_kib 4
constexpr std::size_t kSaltAt = kCostAt + 8;
constexpr std::size_t kNonceAt = kSaltAt + crypto::Argon2Salt::kBytes;
constexpr std::size_t kCommitmentAt = kNonceAt + crypto::XNonce::kBytes;
constexpr std::size_t kSealedAt = kCommitmentAt + 32;
constexpr std::size_t kSealedBytes = kSecretsBytes + crypto::kAeadTagBytes;
constexpr std::size_t kWrappedBytes = kSealedAt + kSealedBytes + kCheckBytes;

std::string_view describe(int value) {
  switch (static_cast<KeyError>(value)) {
    case KeyError::missing: return "missing";
    case KeyError::exists: return "exists";
    case KeyError::not_a_file: return "not_a_file";
    case KeyError::foreign_owner: return "foreign_owner";
    case KeyError::too_open: return "too_open";
    case KeyError::damaged: return "damaged";
    case KeyError::newer_version: return "newer_version";
    case KeyError::locked: return "locked";
    case KeyError::wrong_passphrase: return "wrong_passphrase";
    case KeyError::passphrase_empty: return "passphrase_empty";
    case KeyError::passphrase_too_long: return "passphrase_too_long";
    case KeyError::passphrase_mismatch: return "passphrase_mismatch";
    case KeyError::passphrase_unreadable: return "passphrase_unreadable";
    case KeyError::passphrase_too_open: return "passphrase_too_open";
    case KeyError::passphrase_command: return "passphrase_command";
  }
  KITH_UNREACHABLE();
}

void append_head(Bytes& out, KeyProtection protection) {
  append(out, bytes_of(kMagic));
  out.push_back(kKeyFileVersion);
  out.push_back(static_cast<std::uint8_t>(protection));
}

/// Buffers that hold secrets have their room from the start: one that grows leaves a copy behind.
void append_secrets(Bytes& out, core::Identity const& identity) {
  append(out, identity.sign.seed().view());
  append(out, identity.dx.secret_key.view());
  append(out, identity.root.view());
  append(out, identity.storage.view());
  append_be(out, identity.cert.created_s);
}

core::Identity read_secrets(ByteView secrets) {
  KITH_ASSERT(secrets.size() == kSecretsBytes);
  auto const part = [&](std::size_t number) { return secrets.subspan(number * 32, 32); };
  return core::Identity::restore(*crypto::SignSeed::from(part(0)), *crypto::DhSecretKey::from(part(1)),
                                 *core::DeviceRoot::from(part(2)), *core::StorageKey::from(part(3)),
                                 load_be<std::uint64_t>(secrets.data() + 128));
}

crypto::Hash128 check_of(ByteView bytes) { return crypto::hash128(kCheckLabel, {bytes}); }

/// The AEAD's key, and 32 bytes that commit to it: without them one file could open under two passphrases.
struct WrapKeys {
  crypto::AeadKey key;
  Secret<32> commitment;
};
Result<WrapKeys> wrap_keys(ByteView passphrase, crypto::Argon2Salt const& salt, crypto::Argon2Cost cost, ByteView aad,
                           ByteView nonce) {
  KITH_TRY(stretched, crypto::argon2id(passphrase, salt, cost));
  Bytes info;
  append(info, bytes_of(kWrapLabel));
  info.push_back(0);
  append(info, aad);
  auto const okm = crypto::hkdf<Secret<64>>(nonce, stretched.view(), info);
  return WrapKeys{*crypto::AeadKey::from(okm.view().first<32>()), *Secret<32>::from(okm.view().last<32>())};
}

}  // namespace

ErrorDomain const& error_domain(KeyError) {
  static constexpr ErrorDomain domain{"key", describe};
  return domain;
}

SecretBytes encode_key_file(core::Identity const& identity) {
  Bytes out;
  out.reserve(kPlainBytes);
  append_head(out, KeyProtection::plain);
  append_secrets(out, identity);
  append(out, check_of(out).view());
  KITH_ASSERT(out.size() == kPlainBytes);
  return SecretBytes(std::move(out));
}

Result<SecretBytes> encode_key_file(core::Identity const& identity, ByteView passphrase, RandomSource& random,
                                    crypto::Argon2Cost cost) {
  if (passphrase.empty()) return fail(KeyError::passphrase_empty);
  if (passphrase.size() > kMaxPassphraseBytes)
    return fail(KeyError::passphrase_too_long, CountDetail{passphrase.size(), kMaxPassphraseBytes});
  KITH_ASSERT(cost.passes <= kMostKeyCost.passes && cost.memory_kib <= kMostKeyCost.memory_kib);
  auto const salt = random.id<crypto::Argon2Salt>();
  auto const nonce = random.id<crypto::XNonce>();

  Bytes out;
  out.reserve(kWrappedBytes);
  append_head(out, KeyProtection::passphrase);
  append_be(out, cost.passes);
  append_be(out, cost.memory_kib);
  append(out, salt.view());
  Bytes const aad = out;
  KITH_TRY(keys, wrap_keys(passphrase, salt, cost, aad, nonce.view()));
  append(out, nonce.view());
  append(out, keys.commitment.view());

  Bytes secrets;
  secrets.reserve(kSecretsBytes);
  append_secrets(secrets, identity);
  crypto::xchacha_seal(keys.key, nonce, aad, secrets, out);
  wipe(secrets);
  append(out, check_of(out).view());
  KITH_ASSERT(out.size() == kWrappedBytes);
  return SecretBytes(std::move(out));
}

Result<KeyFile> KeyFile::parse(SecretBytes bytes) {
  auto const view = bytes.view();
  if (view.size() < kHeadBytes || text_of(view.first(kMagic.size())) != kMagic) return fail(KeyError::damaged);
  std::uint8_t const version = view[8];
  if (version > kKeyFileVersion)
    return fail(KeyError::newer_version, VersionsDetail{kKeyFileVersion, kKeyFileVersion, version, version});
  bool const wrapped = view[9] == static_cast<std::uint8_t>(KeyProtection::passphrase);
  if (version != kKeyFileVersion || view[9] > 1 || view.size() != (wrapped ? kWrappedBytes : kPlainBytes))
    return fail(KeyError::damaged);
  auto const checked = view.first(view.size() - kCheckBytes);
  if (!equal(check_of(checked).view(), view.last(kCheckBytes))) return fail(KeyError::damaged);
  if (!wrapped) return KeyFile(std::move(bytes), KeyProtection::plain, {});

  crypto::Argon2Cost const cost{load_be<std::uint32_t>(&view[kCostAt]), load_be<std::uint32_t>(&view[kCostAt + 4])};
  if (cost.passes < crypto::kArgon2LeastCost.passes || cost.passes > kMostKeyCost.passes ||
      cost.memory_kib < crypto::kArgon2LeastCost.memory_kib || cost.memory_kib > kMostKeyCost.memory_kib)
    return fail(KeyError::damaged);
  return KeyFile(std::move(bytes), KeyProtection::passphrase, cost);
}

Result<core::Identity> KeyFile::open(std::optional<ByteView> passphrase) const {
  auto const view = bytes_.view();
  if (protection_ == KeyProtection::plain) return read_secrets(view.subspan(kHeadBytes, kSecretsBytes));
  if (!passphrase) return fail(KeyError::locked);

  auto const aad = view.first(kNonceAt);
  auto const salt = *crypto::Argon2Salt::from(view.subspan(kSaltAt, crypto::Argon2Salt::kBytes));
  auto const nonce = *crypto::XNonce::from(view.subspan(kNonceAt, crypto::XNonce::kBytes));
  KITH_TRY(keys, wrap_keys(*passphrase, salt, cost_, aad, nonce.view()));
  if (!crypto::same_mac(keys.commitment.view(), view.subspan(kCommitmentAt, 32)))
    return fail(KeyError::wrong_passphrase);

  Bytes secrets;
  secrets.reserve(kSecretsBytes);
  auto const opened = crypto::xchacha_open(keys.key, nonce, aad, view.subspan(kSealedAt, kSealedBytes), secrets);
  if (!opened) return fail(KeyError::damaged);
  auto identity = read_secrets(secrets);
  wipe(secrets);
  return identity;
}

}  // namespace kith::engine
