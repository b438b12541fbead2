#include "core/sealed_box.hpp"

#include <algorithm>

#include "crypto/aead.hpp"
#include "crypto/kdf.hpp"

namespace kith::core {
namespace {

constexpr std::uint8_t kSuite = 1;
constexpr std::size_t kEpochAt = 3, kNonceAt = 19, kCommitmentAt = 43;
using Commitment = ByteId<struct BoxCommitmentTag, 32>;

struct BoxKeys {
  crypto::AeadKey key;
  Commitment commitment;
};

/// "KB" | suite | epoch_id | group_id | context
Bytes box_aad(EpochId const& epoch, GroupId const& group, ByteView context) {
  Bytes aad{'K', 'B', kSuite};
  append(aad, epoch.view());
  append(aad, group.view());
  append(aad, context);
  return aad;
}

/// key || commitment = HKDF(epoch subkey, salt = nonce, info = aad), as for entries.
BoxKeys box_keys(GroupId const& group, EpochSecret const& epoch, std::string_view subkey, crypto::XNonce const& nonce,
                 ByteView aad) {
  auto const okm = crypto::hkdf<Secret<64>>(nonce.view(), epoch_subkey(group, epoch, subkey).view(), aad);
  BoxKeys keys;
  keys.key = *crypto::AeadKey::from(okm.view().first<32>());
  std::copy_n(okm.data() + 32, 32, keys.commitment.bytes.begin());
  return keys;
}

}  // namespace

Bytes seal_box(GroupId const& group, EpochSecret const& epoch, std::string_view subkey, ByteView context,
               ByteView plain, RandomSource& random) {
  auto const id = epoch_id(group, epoch);
  auto const nonce = random.id<crypto::XNonce>();
  auto const aad = box_aad(id, group, context);
  auto const keys = box_keys(group, epoch, subkey, nonce, aad);
  Bytes sealed{'K', 'B', kSuite};
  sealed.reserve(plain.size() + kBoxOverheadBytes);
  append(sealed, id.view());
  append(sealed, nonce.view());
  append(sealed, keys.commitment.view());
  Bytes ciphertext;
  crypto::xchacha_seal(keys.key, nonce, aad, plain, ciphertext);
  append(sealed, ciphertext);
  return sealed;
}

Result<Bytes> open_box(GroupState const& state, std::string_view subkey, ByteView context, ByteView sealed) {
  if (sealed.size() < kBoxOverheadBytes) return fail(wire::WireError::truncated);
  if (sealed[0] != 'K' || sealed[1] != 'B') return fail(wire::WireError::unknown_magic);
  if (sealed[2] != kSuite)
    return fail(wire::WireError::unknown_suite, VersionsDetail{kSuite, kSuite, sealed[2], sealed[2]});
  auto const id = *EpochId::from(sealed.subspan(kEpochAt, EpochId::kBytes));
  auto const* secret = state.secret(id);
  if (secret == nullptr) return fail(CoreError::unknown_epoch);
  auto const nonce = *crypto::XNonce::from(sealed.subspan(kNonceAt, crypto::XNonce::kBytes));
  auto const aad = box_aad(id, state.group(), context);
  auto const keys = box_keys(state.group(), *secret, subkey, nonce, aad);
  if (!crypto::same_mac(keys.commitment.view(), sealed.subspan(kCommitmentAt, Commitment::kBytes)))
    return fail(CoreError::bad_seal);
  Bytes plain;
  if (!crypto::xchacha_open(keys.key, nonce, aad, sealed.subspan(kBoxHeadBytes), plain))
    return fail(CoreError::bad_seal);
  return plain;
}

}  // namespace kith::core
