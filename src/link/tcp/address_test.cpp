#include "link/tcp/address.hpp"

#include <gtest/gtest.h>

namespace kith::link {
namespace {

TEST(HostPort, ReadsWhatPeopleType) {
  EXPECT_EQ(parse_host_port("192.168.1.20:7427").value(), (HostPort{"192.168.1.20", 7427}));
  EXPECT_EQ(parse_host_port("[::1]:80").value(), (HostPort{"::1", 80}));
  EXPECT_EQ(parse_host_port("laptop.local", 7427).value(), (HostPort{"laptop.local", 7427}));
  EXPECT_EQ(to_text(HostPort{"fd00::1", 7427}), "[fd00::1]:7427");
}

TEST(HostPort, RefusesTheRest) {
  for (auto const* bad : {"", ":", ":80", "host", "host:", "host:0", "host:65536", "host:-1", "host:80x", "ho st:80",
                          "[::1]", "[::1:80", "[host]:80", "::1:80", "host:80:90", "h\n:80", "host/..:80", "[]:80"}) {
    auto const parsed = parse_host_port(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_TRUE(parsed.error().is(LinkError::bad_address)) << bad;
  }
}

TEST(HostPort, LooksBehindAZeroByte) {
  using namespace std::string_view_literals;
  for (auto const bad : {"[::1\0]:80"sv, "[::1\0.example.org]:80"sv, "host\0:80"sv, "host:80\0"sv})
    EXPECT_FALSE(parse_host_port(bad)) << bad.size();
}

TEST(OwnAddresses, AreDiallable) {
  auto const addresses = own_addresses(7427);
  ASSERT_FALSE(addresses.empty());
  for (auto const& address : addresses) EXPECT_EQ(parse_host_port(address).value().port, 7427) << address;
}

}  // namespace
}  // namespace kith::link
