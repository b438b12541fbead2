#include "crypto/blake2s.hpp"

#include <new>

#include "base/assert.hpp"
#include "crypto/openssl.hpp"

namespace kith::crypto {

std::array<std::uint8_t, kBlake2sBytes> blake2s(std::initializer_list<ByteView> parts) {
  std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* c) { EVP_MD_CTX_free(c); })> const context(EVP_MD_CTX_new());
  if (context == nullptr) throw std::bad_alloc();
  KITH_ASSERT(EVP_DigestInit_ex2(context.get(), openssl::blake2s256(), nullptr) == 1);
  for (auto const part : parts) {
    KITH_ASSERT(EVP_DigestUpdate(context.get(), openssl::start_of(part), part.size()) == 1);
  }
  std::array<std::uint8_t, kBlake2sBytes> digest;
  unsigned written = 0;
  KITH_ASSERT(EVP_DigestFinal_ex(context.get(), digest.data(), &written) == 1 && written == digest.size());
  return digest;
}

void hmac_blake2s(ByteView key, std::initializer_list<ByteView> parts, std::span<std::uint8_t, kBlake2sBytes> out) {
  openssl::hmac(openssl::hmac_blake2s_context(), key, parts, out);
}

}  // namespace kith::crypto
