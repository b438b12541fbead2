#include "core/pairing_code.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::core {
namespace {

using testing::must;

TEST(PairingCode, IsSixteenSymbolsInFours) {
  testing::SeededRandom random(1);
  for (int i = 0; i < 200; ++i) {
    auto const code = PairingCode::generate(random);
    auto const text = to_text(code);
    ASSERT_EQ(text.size(), 19U);
    EXPECT_EQ(text[4], '-');
    EXPECT_EQ(text[9], '-');
    EXPECT_EQ(text[14], '-');
    auto const read = parse_code(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->lookup, code.lookup);
    EXPECT_EQ(read->password.text(), code.password.text());
    EXPECT_EQ(read->lookup.symbols.size() + read->password.text().size(), 16U);
  }
}

TEST(PairingCode, DrawsAllItsBits) {
  testing::SeededRandom random(2);
  std::array<std::set<char>, 16> seen;
  for (int i = 0; i < 2000; ++i) {
    auto const code = PairingCode::generate(random);
    auto const symbols = code.lookup.symbols + std::string(code.password.text());
    for (std::size_t at = 0; at < symbols.size(); ++at) seen[at].insert(symbols[at]);
  }
  for (auto const& symbols : seen) EXPECT_EQ(symbols.size(), 32U);
}

TEST(PairingCode, ReadsWhatPeopleType) {
  auto const code = parse_code("7F3K-9QDM-2XHB-T6W0");
  ASSERT_TRUE(code);
  for (auto const* typed :
       {"7f3k9qdm2xhbt6w0", " 7F3K 9QDM 2XHB T6WO ", "7f3k-9qdm-2xhb-t6wo", "7-F-3-K9QDM2XHBT6W0"}) {
    auto const read = parse_code(typed);
    ASSERT_TRUE(read) << typed;
    EXPECT_EQ(to_text(*read), to_text(*code)) << typed;
  }
  auto const ones = parse_code("iIlL-0000-0000-0000");
  ASSERT_TRUE(ones);
  EXPECT_EQ(ones->lookup.symbols, "11110000");
}

TEST(PairingCode, RefusesWhatIsNone) {
  for (auto const* typed : {"", "7F3K-9QDM-2XHB-T6W", "7F3K-9QDM-2XHB-T6WPP", "7F3K-9QDM-2XHB-T6WU",
                            "7F3K.9QDM.2XHB.T6WP", "kith://join#AAAA", "7F3K-9QDM-2XHB-T6W\xC3"}) {
    EXPECT_FALSE(parse_code(typed)) << typed;
  }
}

TEST(PairingCode, ClonesAreEqualAndApart) {
  testing::SeededRandom random(3);
  auto code = PairingCode::generate(random);
  auto const copy = code.clone();
  auto const text = to_text(code);
  { auto const gone = std::move(code); }
  EXPECT_EQ(to_text(copy), text);
}

struct Links : ::testing::Test {
  Links() {
    auto const bytes = random.bytes<32>();
    link.secret = PairPassword(Bytes(bytes.begin(), bytes.end()));
  }
  testing::SeededRandom random{4};
  PairingLink link{{"7F3K9QDM"}, {}, {"192.168.1.4:4711", "[fe80::1]:4711"}};
};

TEST_F(Links, ComeBackAsTheyWere) {
  auto const text = to_text(link);
  EXPECT_TRUE(text.starts_with("kith://join#"));
  auto const read = must(parse_link(text));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->lookup, link.lookup);
  EXPECT_TRUE(equal(read->secret.view(), link.secret.view()));
  EXPECT_EQ(read->addresses, link.addresses);
}

TEST_F(Links, ATextThatIsNoneIsNoError) {
  EXPECT_FALSE(must(parse_link("7F3K-9QDM-2XHB-T6WP")));
  EXPECT_FALSE(must(parse_link("https://example.org/#x")));
  EXPECT_FALSE(must(parse_link("")));
}

TEST_F(Links, DamageIsAnError) {
  auto const text = to_text(link);
  for (std::size_t cut = 5; cut < text.size(); ++cut) EXPECT_FALSE(parse_link(text.substr(0, cut))) << cut;
  EXPECT_FALSE(parse_link(text + "A"));
  EXPECT_FALSE(parse_link("kith:whatever"));
  auto const wrong = parse_link("kith://join#=");
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().is(wire::WireError::bad_value));
}

TEST_F(Links, ALaterFormatIsRefusedWithBothVersions) {
  auto bytes = *from_base64url(to_text(link).substr(12));
  ASSERT_EQ(bytes[1], 1);
  bytes[1] = 2;
  auto const refused = parse_link("kith://join#" + to_base64url(bytes));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(wire::WireError::unknown_version));
  EXPECT_EQ(refused.error().detail(), ErrorDetail(VersionsDetail{1, 1, 2, 2}));
}

struct RelayLinks : Links {
  RelayLinks() { link.relays = {"wss://sync.example.org:8443/kith/#key=AA", "ws://127.0.0.1:8080/#key=BB"}; }
};

TEST_F(RelayLinks, ComeBackAsTheyWere) {
  auto const text = to_text(link);
  EXPECT_TRUE(text.starts_with("kith://sync.example.org:8443/kith/join#")) << text;
  for (std::string const scheme : {"kith", "https", "http"}) {
    auto const read = must(parse_link(scheme + text.substr(4)));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->lookup, link.lookup);
    EXPECT_TRUE(equal(read->secret.view(), link.secret.view()));
    EXPECT_EQ(read->addresses, link.addresses);
    EXPECT_EQ(read->relays, link.relays);
  }
}

TEST_F(RelayLinks, LeadWhereTheySeemToLead) {
  auto const fragment = to_text(link).substr(to_text(link).find('#'));
  for (std::string const place : {"kith://other.example.org:8443/kith/join", "kith://sync.example.org:8443/join",
                                  "https://sync.example.org/kith/join", "kith:///join"}) {
    auto const refused = parse_link(place + fragment);
    ASSERT_FALSE(refused) << place;
    EXPECT_TRUE(refused.error().is(wire::WireError::bad_value));
  }
}

TEST_F(RelayLinks, DamageIsAnError) {
  auto const text = to_text(link);
  for (std::size_t cut = 5; cut < text.size(); ++cut) EXPECT_FALSE(parse_link(text.substr(0, cut))) << cut;
  EXPECT_FALSE(parse_link(text + "A"));
  auto const fragment = text.substr(text.find('#') + 1);
  EXPECT_FALSE(parse_link("kith://join#" + fragment)) << "that form names no relays";
}

TEST_F(RelayLinks, OneWithoutARelayIsNone) {
  auto const plain = to_text(PairingLink{link.lookup, PairPassword(Bytes(32)), link.addresses, {}});
  EXPECT_FALSE(parse_link("kith://sync.example.org/join#" + plain.substr(plain.find('#') + 1)));
}

}  // namespace
}  // namespace kith::core
