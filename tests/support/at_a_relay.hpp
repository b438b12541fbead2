#pragma once

#include <gtest/gtest.h>

#include "support/relay_net.hpp"
#include "sync/files/chunk_id.hpp"

namespace kith::testing {

/// Devices that meet only at a relay, where the first has made the group's mailbox.
struct AtARelay : ::testing::Test {
  AtARelay() {
    net.add(relay);
    for (auto* device : {&a, &b, &c}) net.add(*device);
    must(a.replica.create_group("home", "a", testing::test_recovery(9), net.now()));
    registered = net.enlist(a, relay);
    net.wait(std::chrono::seconds{1});
  }
  /// One device is there at a time.
  void only(RelayDevice& device, std::chrono::milliseconds time = std::chrono::seconds{3}) {
    for (auto* other : {&a, &b, &c}) {
      if (other != &device) net.go_offline(*other);
    }
    device.online = true;
    for (auto& [key, mailbox] : device.mailboxes) mailbox->hurry(net.now());
    net.wait(time);
  }
  void expect_level(RelayDevice& one, RelayDevice& other) {
    EXPECT_EQ(must(one.replica.heads()), must(other.replica.heads()));
    EXPECT_EQ(one.texts(), other.texts());
  }
  /// A chunk that the device can read, and its name.
  ChunkId contents_of(RelayDevice& device, std::uint8_t fill = 7) {
    device.at(relay).set_chunk_reader(
        [fill](ChunkId const&) -> Result<std::optional<Bytes>> { return Bytes(100, fill); });
    return files::chunk_id(files::chunk_key(device.replica.state().genesis().content_secret), Bytes(100, fill));
  }
  bool has(RelayDevice& device, ChunkId const& chunk) {
    return must(device.at(relay).has_chunk(chunk, net.now_at(device).wall));
  }
  std::size_t stored() { return relay.store.items(registered.channel).size(); }

  RelayNet net;
  TestRelay relay{100};
  RelayDevice a{1, "a"}, b{2, "b"}, c{3, "c"};
  sync::Registered registered;
};

}  // namespace kith::testing
