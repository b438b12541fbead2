#include "link/ws/relay_address.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace kith::link {
namespace {

std::array<std::uint8_t, 32> some_key() {
  std::array<std::uint8_t, 32> key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(7 * i + 1);
  return key;
}

struct Row {
  std::string text;
  RelayAddress means;
  std::string again;  ///< the text of what was read
};

TEST(RelayAddresses, ReadsWhatPeopleTypeAndLinksCarry) {
  auto const key = "#key=" + to_base64url(some_key());
  for (auto const& row : std::vector<Row>{
           {"wss://sync.example.org/" + key, {true, "sync.example.org", 443, "/", some_key()}, {}},
           {"ws://10.0.0.5:8080/" + key, {false, "10.0.0.5", 8080, "/", some_key()}, {}},
           {"wss://[fd00::1]/a/b/" + key, {true, "fd00::1", 443, "/a/b", some_key()}, {}},
           {"wss://[fd00::1]:1/a/b/" + key, {true, "fd00::1", 1, "/a/b", some_key()}, {}},
           {"ws://example.org", {false, "example.org", 80, "/", {}}, {}},
           {"ws://example.org:443", {false, "example.org", 443, "/", {}}, {}},
           {"wss://example.org:80/x", {true, "example.org", 80, "/x", {}}, {}},
           {"ws://example.org:1", {false, "example.org", 1, "/", {}}, {}},

           {"sync.example.org", {true, "sync.example.org", 443, "/", {}}, "wss://sync.example.org"},
           {"sync.example.org" + key,
            {true, "sync.example.org", 443, "/", some_key()},
            "wss://sync.example.org/" + key},
           {"sync.example.org:8443", {true, "sync.example.org", 8443, "/", {}}, "wss://sync.example.org:8443"},
           {"sync.example.org/x/", {true, "sync.example.org", 443, "/x", {}}, "wss://sync.example.org/x"},
           {"WSS://Sync.Example.ORG:443//", {true, "sync.example.org", 443, "/", {}}, "wss://sync.example.org"},
           {"http://example.org", {true, "example.org", 443, "/", {}}, "wss://example.org"},
           {"https://example.org:8443/r", {true, "example.org", 8443, "/r", {}}, "wss://example.org:8443/r"},
           {"https://localhost:8443", {true, "localhost", 8443, "/", {}}, "wss://localhost:8443"},
           {"wss://localhost", {true, "localhost", 443, "/", {}}, {}},
           {"ws://example.org/", {false, "example.org", 80, "/", {}}, "ws://example.org"},
           {"localhost", {false, "localhost", 80, "/", {}}, "ws://localhost"},
           {"LOCALHOST:8080", {false, "localhost", 8080, "/", {}}, "ws://localhost:8080"},
           {"http://127.0.0.1:8080", {false, "127.0.0.1", 8080, "/", {}}, "ws://127.0.0.1:8080"},
           {"127.3.2.1", {false, "127.3.2.1", 80, "/", {}}, "ws://127.3.2.1"},
           {"128.0.0.1", {true, "128.0.0.1", 443, "/", {}}, "wss://128.0.0.1"},
           {"[::1]", {false, "::1", 80, "/", {}}, "ws://[::1]"},
           {"[::2]:9", {true, "::2", 9, "/", {}}, "wss://[::2]:9"},
           {"localhost.example.org", {true, "localhost.example.org", 443, "/", {}}, "wss://localhost.example.org"},
       }) {
    auto const parsed = parse_relay_address(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(*parsed, row.means) << row.text;
    auto const text = to_text(*parsed);
    EXPECT_EQ(text, row.again.empty() ? row.text : row.again);
    EXPECT_EQ(parse_relay_address(text).value(), row.means) << text;
  }
}

TEST(RelayAddresses, AreReadOnlyWhereTheyCanBeToldWithTheirScheme) {
  std::string const host = "example.org/";
  auto const text = [&](std::size_t bytes) { return host + std::string(bytes - host.size(), 'x'); };
  constexpr std::size_t kScheme = 6;  // "wss://"
  auto const longest = parse_relay_address(text(kMaxRelayAddressBytes - kScheme));
  ASSERT_TRUE(longest);
  EXPECT_EQ(to_text(*longest).size(), kMaxRelayAddressBytes);
  EXPECT_EQ(parse_relay_address(to_text(*longest)).value(), *longest);
  EXPECT_FALSE(parse_relay_address(text(kMaxRelayAddressBytes - kScheme + 1)));
}

TEST(RelayAddresses, RefusesTheRest) {
  auto const key = to_base64url(some_key());
  auto const expect = [](std::string const& text, LinkError error, std::string const& subject) {
    auto const parsed = parse_relay_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().is(error)) << text << ": " << parsed.error().name();
    EXPECT_EQ(parsed.error().subject(), subject) << text;
  };
  for (std::string const text : {"",
                                 "/",
                                 "ws://",
                                 "wss:///path",
                                 "wss://:80",
                                 "wss://host:0",
                                 "wss://host:65536",
                                 "wss://host:80x",
                                 "host:",
                                 "wss://ho st",
                                 "wss://user@host",
                                 "wss://user:word@host",
                                 "wss://[::1",
                                 "wss://::1",
                                 "wss://[host]",
                                 "wss://host/a?b=c",
                                 "wss://host/a b",
                                 "wss://host/\n",
                                 "wss://host/\xc3\xa9",
                                 "wss://host\\path",
                                 "host:80:90",
                                 "wss:/host",
                                 "wss:host",
                                 "wss//host"}) {
    expect(text, LinkError::bad_relay_address, text);
  }
  auto const long_one = "wss://host/" + std::string(kMaxRelayAddressBytes, 'x');
  expect(long_one, LinkError::bad_relay_address, long_one);
  for (std::string const scheme : {"ftp", "kith", "wsss", "w s"}) {
    expect(scheme + "://host/#key=" + key, LinkError::unknown_scheme, scheme);
  }
  for (std::string const& fragment : {std::string(), std::string("key"), std::string("key="), "kee=" + key,
                                      "key=" + key.substr(1), "key=" + key + "=", "key=" + key + "A",
                                      "key=" + key.substr(2) + "+/", "key=" + key + "#", "key=" + key + "/", key}) {
    expect("wss://host/#" + fragment, LinkError::bad_relay_key, fragment);
  }
}

}  // namespace
}  // namespace kith::link
