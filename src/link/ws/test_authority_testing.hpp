#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace kith::link::testing {

/// A certificate and its key, in PEM.
struct TestCertificate {
  std::string certificate, key;
};

/// An authority of its own, made anew each time, that a test may tell OpenSSL to trust.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(TestAuthority const&) = delete;
  TestAuthority& operator=(TestAuthority const&) = delete;

  /// @param names  as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"
  /// @param days   until it expires; negative: it has
  [[nodiscard]] TestCertificate certificate(std::string const& names, int days = 1) const;

  /// From now on this authority, and no other, is trusted.
  void trust() const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  std::filesystem::path directory_;  ///< its name is the authority's
  Key key_;
  Certificate certificate_;
};

}  // namespace kith::link::testing
