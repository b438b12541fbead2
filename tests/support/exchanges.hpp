#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "support/exchange_net.hpp"

namespace kith::testing {

/// Two devices of one group and a third beside them, none connected.
struct Exchanges : ::testing::Test, ExchangeNet {
  Exchanges() {
    must(a.replica.create_group("home", "laptop", test_recovery(7), a.now()));
    pair(a, b);
    start(a);
    start(b);
  }
  void expect_equal(ExchangeDevice& one, ExchangeDevice& other) {
    EXPECT_EQ(must(one.replica.heads()), must(other.replica.heads()));
    EXPECT_TRUE(must(one.exchange->equal_with(other.identity.device())));
    EXPECT_TRUE(must(other.exchange->equal_with(one.identity.device())));
    EXPECT_EQ(must(one.exchange->digest(1)), must(other.exchange->digest(1)));
  }
  /// Lets a third device in, which a and b then know.
  void add_third() {
    pair(a, c);
    changed(a);
    start(c);
    pump();
  }
  /// All three hear each other: b and c by way of a.
  void all_meet() {
    add_third();
    dial(b, a);
    dial(c, a);
    pump();
  }
  /// A device goes offline.
  void leave(ExchangeDevice& device) {
    device.exchange->close_all(wire::CloseCode::done);
    pump();
  }
  static std::vector<DeviceId> ids(ExchangeDevice const& device) { return {device.identity.device()}; }

  ExchangeDevice a{1, "laptop"};
  ExchangeDevice b{2, "desktop"};
  ExchangeDevice c{3, "phone"};
};

/// A session with a device whose exchange does not run: the test says what it says.
struct Puppet {
  Puppet(ExchangeDevice& self, ExchangeDevice& dialled, Now now)
      : session(core::Session::initiate(self.replica.identity(), *self.exchange, dialled.identity.device(), {},
                                        self.random, now)),
        other(*dialled.exchange) {}

  /// Carries bytes both ways until both are silent.
  void pump(Now now) {
    for (bool moved = true; moved;) {
      Bytes there, back;
      while (session.poll_transmit(there, now)) {
      }
      ByteView rest = there;
      if (!link && !there.empty()) {
        link = other.accepted(must(wire::decode_opening(rest.first(wire::Opening::kBytes))), "puppet", now);
        rest = rest.subspan(wire::Opening::kBytes);
      }
      if (!rest.empty()) must(other.on_bytes(*link, rest, now));
      while (link && must(other.poll_transmit(*link, back, now))) {
      }
      if (!back.empty()) session.on_bytes(back, now);
      moved = !there.empty() || !back.empty();
    }
  }

  core::Session session;
  sync::Exchange& other;
  std::optional<sync::LinkId> link;
};

}  // namespace kith::testing
