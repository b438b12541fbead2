#include "core/vault.hpp"

#include "crypto/aead.hpp"
#include "crypto/kdf.hpp"

namespace kith::core {
namespace {

crypto::AeadKey vault_key(StorageKey const& key) {
  return crypto::hkdf<crypto::AeadKey>({}, key.view(), bytes_of("kith/at-rest/1"));
}

}  // namespace

Bytes seal_at_rest(StorageKey const& key, std::string_view name, ByteView secret, RandomSource& random) {
  auto const nonce = random.id<crypto::XNonce>();
  Bytes out(nonce.bytes.begin(), nonce.bytes.end());
  crypto::xchacha_seal(vault_key(key), nonce, bytes_of(name), secret, out);
  return out;
}

Result<SecretBytes> open_at_rest(StorageKey const& key, std::string_view name, ByteView sealed) {
  if (sealed.size() < crypto::XNonce::kBytes) return fail(CoreError::corrupt_record);
  auto const nonce = *crypto::XNonce::from(sealed.first(crypto::XNonce::kBytes));
  Bytes plain;
  if (!crypto::xchacha_open(vault_key(key), nonce, bytes_of(name), sealed.subspan(crypto::XNonce::kBytes), plain)) {
    return fail(CoreError::corrupt_record);
  }
  return SecretBytes(std::move(plain));
}

}  // namespace kith::core
