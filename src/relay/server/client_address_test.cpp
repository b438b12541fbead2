#include "relay/server/client_address.hpp"

#include <gtest/gtest.h>

namespace kith::relay::server {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
std::vector<IpRange> ranges(std::initializer_list<std::string_view> texts) {
  std::vector<IpRange> all;
  for (auto const text : texts) all.push_back(IpRange::parse(text).value());
  return all;
}

TEST(IpAddress, HasOneFormHoweverItIsWritten) {
  EXPECT_EQ(ip("203.0.113.7"), ip("::ffff:203.0.113.7"));
  EXPECT_EQ(ip("203.0.113.7:443"), ip("203.0.113.7"));
  EXPECT_EQ(ip("[2001:DB8::1]:443"), ip("2001:db8:0:0::1"));
  EXPECT_EQ(ip(" 203.0.113.7\t").text(), "203.0.113.7");
  EXPECT_EQ(ip("[2001:db8::1]").text(), "2001:db8::1");
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (auto const* text : {"", "unknown", "1.2.3", "1.2.3.4.5", "1.2.3.256", "[]", "host:80", "::g", "_secret"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  using namespace std::string_view_literals;
  EXPECT_FALSE(IpAddress::parse("203.0.113.7\0.example.org"sv)) << "a zero byte ends nothing";
}

TEST(IpAddress, CountsIpv6ByItsNetworkOf56Bits) {
  EXPECT_EQ(ip("203.0.113.7").limit_key(), "203.0.113.7");
  EXPECT_EQ(ip("2001:db8:1:2ff::1").limit_key(), "2001:db8:1:200::/56");
  EXPECT_EQ(ip("2001:db8:1:2ff::1").limit_key(), ip("2001:db8:1:2aa:9::4").limit_key());
  EXPECT_NE(ip("2001:db8:1:2ff::1").limit_key(), ip("2001:db8:1:3ff::1").limit_key());
}

TEST(IpAddress, KnowsLoopback) {
  EXPECT_TRUE(ip("127.0.0.1").is_loopback());
  EXPECT_TRUE(ip("127.255.0.1").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("128.0.0.1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
}

TEST(IpRange, CountsItsBits) {
  auto const ten = IpRange::parse("10.1.0.0/15").value();
  EXPECT_TRUE(ten.contains(ip("10.0.255.1")));
  EXPECT_TRUE(ten.contains(ip("10.1.2.3")));
  EXPECT_FALSE(ten.contains(ip("10.2.0.0")));
  EXPECT_FALSE(ten.contains(ip("a01::")));
  EXPECT_TRUE(IpRange::parse("0.0.0.0/0").value().contains(ip("255.255.255.255")));
  EXPECT_FALSE(IpRange::parse("0.0.0.0/0").value().contains(ip("2001:db8::1")));
  EXPECT_TRUE(IpRange::parse("::/0").value().contains(ip("1.2.3.4")));
  EXPECT_TRUE(IpRange::parse("fd00::/8").value().contains(ip("fdff::1")));
  EXPECT_TRUE(IpRange::parse("192.0.2.1").value().contains(ip("192.0.2.1")));
  EXPECT_FALSE(IpRange::parse("192.0.2.1").value().contains(ip("192.0.2.2")));
  for (auto const* text : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "/8", "10.0.0.0/-1"})
    EXPECT_FALSE(IpRange::parse(text)) << text;
}

TEST(ClientAddress, BelievesNobodyWhoIsNotTrusted) {
  EXPECT_EQ(client_address(ip("198.51.100.1"), "203.0.113.7", {}), ip("198.51.100.1"));
  EXPECT_EQ(client_address(ip("198.51.100.1"), "203.0.113.7", ranges({"127.0.0.1"})), ip("198.51.100.1"));
}

TEST(ClientAddress, IsTheLastHopThatNoTrustedProxyMade) {
  auto const trusted = ranges({"127.0.0.0/8", "10.0.0.0/8"});
  EXPECT_EQ(client_address(ip("127.0.0.1"), "203.0.113.7", trusted), ip("203.0.113.7"));
  EXPECT_EQ(client_address(ip("127.0.0.1"), "203.0.113.7, 10.0.0.2", trusted), ip("203.0.113.7"));
  // A client may send the header itself: what it claims stands before what the proxy adds.
  EXPECT_EQ(client_address(ip("127.0.0.1"), "192.0.2.99,203.0.113.7", trusted), ip("203.0.113.7"));
  EXPECT_EQ(client_address(ip("127.0.0.1"), "10.0.0.9, 203.0.113.7, 10.0.0.2", trusted), ip("203.0.113.7"));
  EXPECT_EQ(client_address(ip("127.0.0.1"), "", trusted), ip("127.0.0.1"));
  EXPECT_EQ(client_address(ip("127.0.0.1"), "10.0.0.2", trusted), ip("10.0.0.2"));
}

TEST(ClientAddress, StopsAtWhatIsNoAddress) {
  auto const trusted = ranges({"127.0.0.1", "10.0.0.0/8"});
  EXPECT_EQ(client_address(ip("127.0.0.1"), "203.0.113.7, unknown", trusted), ip("127.0.0.1"));
  EXPECT_EQ(client_address(ip("127.0.0.1"), "203.0.113.7, , 10.0.0.2", trusted), ip("10.0.0.2"));
}

}  // namespace
}  // namespace kith::relay::server
