#pragma once

#include <gtest/gtest.h>

#include "support/session_pair.hpp"

namespace kith::testing {

/// Two devices of one group about to open a session.
struct Handshakes : ::testing::Test, SessionPair {
  /// The three messages, each as it goes over the link.
  Bytes first_message(std::optional<DeviceId> dialled = std::nullopt) {
    dial(dialled);
    return a.transmit(now());
  }
  Bytes second_message() { return b.transmit(now()); }
  /// Why a session ended.
  static std::string reason(SessionEnd& end) {
    auto const closed = only<core::SessionClosed>(end.events());
    return closed ? closed->reason.name() : "still there";
  }
};

}  // namespace kith::testing
