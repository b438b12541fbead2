#include "link/ws/test_authority_testing.hpp"

#include <cstdlib>
#include <fstream>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/assert.hpp"

namespace kith::link::testing {
namespace {

constexpr long kDay = 24 * 60 * 60;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio make_bio() { return {BIO_new(BIO_s_mem()), &BIO_free}; }

std::string text_in(Bio const& bio) {
  char* data = nullptr;
  auto const size = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  auto const bio = make_bio();
  KITH_ASSERT(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_in(bio);
}

void extend(X509* certificate, X509* issuer, int what, std::string const& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> const extension(
      X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()), &X509_EXTENSION_free);
  KITH_ASSERT(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

/// A certificate without signature, good from two days ago.
X509* blank(EVP_PKEY* key, std::string const& name, long serial, long until) {
  auto* const certificate = X509_new();
  KITH_ASSERT(certificate != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), until);
  X509_set_pubkey(certificate, key);
  auto const bytes = std::basic_string<unsigned char>(name.begin(), name.end());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, bytes.c_str(), -1, -1, 0);
  return certificate;
}

std::filesystem::path new_directory() {
  auto name = (std::filesystem::temp_directory_path() / "kith-authority-XXXXXX").string();
  KITH_ASSERT(::mkdtemp(name.data()) != nullptr);
  return name;
}

}  // namespace

TestAuthority::TestAuthority()
    : directory_(new_directory()),
      key_(EVP_EC_gen("P-256"), &EVP_PKEY_free),
      certificate_(blank(key_.get(), directory_.filename(), 1, kDay), &X509_free) {
  auto* const own = certificate_.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
  extend(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  KITH_ASSERT(X509_sign(own, key_.get(), EVP_sha256()) > 0);
  std::ofstream(directory_ / "authority.pem") << pem_of(own);
}

TestAuthority::~TestAuthority() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

TestCertificate TestAuthority::certificate(std::string const& names, int days) const {
  Key const key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  Certificate const made(blank(key.get(), "kith test relay", 2, days * kDay), &X509_free);
  X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get()));
  extend(made.get(), certificate_.get(), NID_subject_alt_name, names);
  KITH_ASSERT(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
  auto const bio = make_bio();
  KITH_ASSERT(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {pem_of(made.get()), text_in(bio)};
}

void TestAuthority::trust() const {
  ::setenv("SSL_CERT_FILE", (directory_ / "authority.pem").c_str(), 1);
  ::setenv("SSL_CERT_DIR", directory_.c_str(), 1);  // no names by hash in it
}

}  // namespace kith::link::testing
