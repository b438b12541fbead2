#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "relay/server/raw_client_testing.hpp"

/// Certificates that tests sign themselves, and a client that says which one it was shown.
namespace kith::relay::server {

/// A key and a certificate for a name, in files that go with it.
class TestCertificate {
 public:
  explicit TestCertificate(std::string const& name) {
    std::string folder = (std::filesystem::temp_directory_path() / "kith-certificate-XXXXXX").native();
    folder_ = ::mkdtemp(folder.data());
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    std::unique_ptr<X509, decltype(&X509_free)> const made(X509_new(), &X509_free);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    auto* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(made.get(), subject);
    X509_sign(made.get(), key.get(), EVP_sha256());
    write(certificate(), [&](FILE* file) { PEM_write_X509(file, made.get()); });
    write(this->key(),
          [&](FILE* file) { PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  TestCertificate(TestCertificate const&) = delete;
  TestCertificate& operator=(TestCertificate const&) = delete;
  ~TestCertificate() { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path certificate() const { return folder_ / "certificate.pem"; }
  [[nodiscard]] std::filesystem::path key() const { return folder_ / "key.pem"; }

 private:
  template <class Write>
  static void write(std::filesystem::path const& path, Write with) {
    std::unique_ptr<FILE, decltype(&std::fclose)> const file(std::fopen(path.c_str(), "w"), &std::fclose);
    with(file.get());
  }
  std::filesystem::path folder_;
};

/// Asks over TLS. @return the name in the certificate that the server showed; empty where there was no handshake
inline std::string tls_get(std::uint16_t port, std::string const& path, std::string& answer) {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> const context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  RawClient const raw(port);
  std::unique_ptr<SSL, decltype(&SSL_free)> const tls(SSL_new(context.get()), &SSL_free);
  SSL_set_fd(tls.get(), raw.descriptor());
  if (SSL_connect(tls.get()) != 1) return {};
  std::unique_ptr<X509, decltype(&X509_free)> const shown(SSL_get1_peer_certificate(tls.get()), &X509_free);
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name.data(), name.size());
  std::string const request = "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  SSL_write(tls.get(), request.data(), static_cast<int>(request.size()));
  answer.clear();
  std::array<char, 4096> buffer{};
  for (int got = 0; (got = SSL_read(tls.get(), buffer.data(), buffer.size())) > 0;)
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  return name.data();
}

}  // namespace kith::relay::server
