#include "crypto/published_vectors.hpp"

#include <algorithm>
#include <map>

#include <sodium/crypto_pwhash.h>
#include <sodium/utils.h>

#include "crypto/cpace.hpp"
#include "crypto/kdf.hpp"
#include "crypto/mnemonic.hpp"
#include "crypto/noise_vectors.hpp"
#include "crypto/padding.hpp"
#include "crypto/sign.hpp"

/// Every published file that is not Wycheproof's.
namespace kith::crypto {
namespace {

using vectors::from_text;
using vectors::hex;
using vectors::Json;
using vectors::PublishedVectors;
using vectors::Tally;

/// The blocks of a file in the style of NIST: "name = value" lines, each block beginning with COUNT.
using Block = std::map<std::string, std::string>;
std::vector<Block> blocks_of(std::string const& text) {
  std::vector<Block> blocks;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto const equals = line.find('=');
    if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
    auto const trimmed = [](std::string part) {
      part.erase(0, part.find_first_not_of(' '));
      part.erase(part.find_last_not_of(" \r") + 1);
      return part;
    };
    auto const name = trimmed(line.substr(0, equals));
    if (name == "COUNT") blocks.emplace_back();
    if (!blocks.empty()) blocks.back()[name] = trimmed(line.substr(equals + 1));
  }
  return blocks;
}

TEST_F(PublishedVectors, HkdfOfRfc5869) {
  Tally tally("hkdf_rfc5869_sha256.txt", 3);
  for (auto const& block : blocks_of(text("hkdf_rfc5869_sha256.txt"))) {
    Bytes okm(std::stoul(block.at("L")));
    hkdf_sha256(hex(block.at("salt")), hex(block.at("IKM")), hex(block.at("info")), okm);
    EXPECT_EQ(okm, hex(block.at("OKM"))) << block.at("COUNT");
    tally.checked();
  }
}

std::string base64(Bytes const& bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  text.pop_back();  // the terminating zero
  return text;
}

/// argon2id() has one lane and these have more, so they go to the library that it calls as the encoded strings which
/// the reference implementation writes.
TEST_F(PublishedVectors, Argon2id) {
  Tally tally("argon2_rfc9106_and_cli.txt", 3);
  for (auto const& block : blocks_of(text("argon2_rfc9106_and_cli.txt"))) {
    if (block.contains("secret") || block.contains("ad")) {
      tally.out_of_scope("with a secret and associated data, which libsodium's Argon2id does not take");
      continue;
    }
    auto const encoded = "$argon2id$v=19$m=" + block.at("memcost") + ",t=" + block.at("iter") +
                         ",p=" + block.at("lanes") + "$" + base64(hex(block.at("salt"))) + "$" +
                         base64(hex(block.at("output")));
    std::vector<char> string(std::max<std::size_t>(encoded.size() + 1, crypto_pwhash_STRBYTES));
    std::copy(encoded.begin(), encoded.end(), string.begin());
    std::string const password(text_of(hex(block.at("pass"))));
    EXPECT_EQ(crypto_pwhash_str_verify(string.data(), password.data(), password.size()), 0) << encoded;
    tally.checked();
  }
}

/// One key and signature for each question on which implementations differ; github.com/novifinancial/ed25519-speccheck
/// lists who accepts what, and libsodium accepts the fourth alone.
TEST_F(PublishedVectors, Ed25519SpecCheck) {
  auto const cases = json("ed25519_speccheck_cases.json");
  Tally tally("ed25519_speccheck_cases.json", 12);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    auto const accepted = verify_plain(from_text<SignPublicKey>(cases[i]["pub_key"]), hex(cases[i]["message"]),
                                       from_text<Signature>(cases[i]["signature"]));
    EXPECT_EQ(accepted, i == 3) << "case " << i;
    i == 3 ? tally.checked() : tally.refused();
  }
}

TEST_F(PublishedVectors, Noise) {
  for (auto const* source : {"cacophony", "snow", "noise-c"}) {
    auto const file = std::string("noise_") + source + "_25519_ChaChaPoly_BLAKE2s.json";
    Tally tally(file, source == std::string_view("cacophony") ? 2 : 1);
    auto const content = json(file);  // named, because a range-for keeps no temporary alive
    for (auto const& vector : content.at("vectors")) {
      auto const name = vector.at(vector.contains("protocol_name") ? "protocol_name" : "name").get<std::string>();
      SCOPED_TRACE(file + " " + name);
      if (auto const pattern = noise::pattern_of(name)) {
        noise::check_vector(vector, *pattern);
        tally.checked();
      } else {
        tally.out_of_scope("patterns other than XX and XXpsk3");
      }
    }
  }
}

TEST_F(PublishedVectors, CPace) {
  auto const file = json("cpace_testvectors.json");
  Tally tally("cpace_testvectors.json", 10);
  auto const& vector = file.at("G_Coffee25519");
  auto const sid = hex(vector.at("sid"));
  auto const g = cpace::generator(hex(vector.at("PRS")), hex(vector.at("CI")), sid);
  auto const ya = from_text<cpace::Scalar>(vector.at("ya"));
  auto const yb = from_text<cpace::Scalar>(vector.at("yb"));
  auto const initiator_share = cpace::share_of(ya, g);
  auto const responder_share = cpace::share_of(yb, g);
  auto const ada = hex(vector.at("ADa"));
  auto const adb = hex(vector.at("ADb"));
  cpace::Transcript const transcript{initiator_share, ada, responder_share, adb};
  auto const product = [](cpace::Scalar const& scalar,
                          cpace::Share const& point) {  // K, which derive() keeps to itself
    return to_hex(cpace::share_of(scalar, *cpace::Generator::from(point.view())).view());
  };
  auto const agrees = [&](std::string const& name, Bytes const& ours) {
    EXPECT_EQ(ours, hex(vector.at(name))) << name;
    tally.checked();
  };
  auto const bytes = [](ByteView view) { return Bytes(view.begin(), view.end()); };
  agrees("g", bytes(g.view()));
  agrees("Ya", bytes(initiator_share.view()));
  agrees("Yb", bytes(responder_share.view()));
  agrees("K", hex(product(ya, responder_share)));
  agrees("K", hex(product(yb, initiator_share)));
  agrees("ISK_IR", bytes(cpace::derive(ya, responder_share, sid, transcript).value().view()));
  agrees("ISK_IR", bytes(cpace::derive(yb, initiator_share, sid, transcript).value().view()));

  auto const& points = file.at("G_Coffee25519_points");
  auto const scalar = from_text<cpace::Scalar>(points.at("Valid").at("s"));
  auto const valid = from_text<cpace::Share>(points.at("Valid").at("X"));
  EXPECT_EQ(hex(product(scalar, valid)), hex(points.at("Valid").at("G.scalar_mult_vfy(s,X)")));
  EXPECT_TRUE(cpace::derive(scalar, valid, sid, transcript));
  tally.checked();
  for (auto const* name : {"Invalid Y1", "Invalid Y2"}) {
    auto const key = cpace::derive(scalar, from_text<cpace::Share>(points.at(name)), sid, transcript);
    EXPECT_TRUE(!key && key.error().is(CryptoError::weak_point)) << name;
    tally.refused();
  }
  for (auto const* name : {"ISK_SY", "sid_output_ir", "sid_output_oc"}) {
    ASSERT_TRUE(vector.contains(name));
    tally.out_of_scope("the symmetric setting and session id outputs; other groups not counted");
  }
}

TEST_F(PublishedVectors, Bip39) {
  auto const content = json("bip39_vectors.json");
  Tally tally("bip39_vectors.json", 24);
  std::size_t of_24_words = 0;
  for (auto const& vector : content.at("english")) {
    auto const words = vector.at(1).get<std::string>();
    EXPECT_EQ(mnemonic_seed(words, "TREZOR"), from_text<MnemonicSeed>(vector.at(2))) << words;
    if (auto const entropy = MnemonicEntropy::from(hex(vector.at(0)))) {
      EXPECT_EQ(to_words(*entropy), words);
      auto const read = from_words(words);
      EXPECT_TRUE(read && *read == *entropy) << words;
      ++of_24_words;
    } else {
      EXPECT_TRUE(from_words(words).error().is(CryptoError::bad_word_count)) << words;
    }
    tally.checked();
  }
  EXPECT_EQ(of_24_words, 8U);
}

TEST_F(PublishedVectors, Padme) {
  auto const content = json("padme_vectors.json");
  Tally tally("padme_vectors.json", 64);
  for (auto const& vector : content.at("vectors")) {
    EXPECT_EQ(padme(vector.at("len").get<std::size_t>()), vector.at("padded").get<std::size_t>()) << vector;
    tally.checked();
  }
}

}  // namespace
}  // namespace kith::crypto
