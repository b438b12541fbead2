#pragma once

#include "samples.hpp"
#include "support/test_device.hpp"
#include "sync/relays/container.hpp"
#include "sync/relays/sealed_presence.hpp"

namespace kith::testing {

/// A group of one device with a mailbox at a relay. Nothing changes in it, so that one is enough for all inputs.
struct ObjectWorld {
  ObjectWorld() {
    must(device.replica.create_group("home", "founder", test_recovery(9), device.now()));
    face = core::relay_face(device.identity.root, relay, device.replica.state().group()).pseudonym();
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::RelaySet{"ws://relay", relay, samples::channel()});
    ops.emplace_back(wire::DeviceRelay{device.identity.device(), relay, face});
    must(device.replica.write(std::move(ops), device.now()));
    epoch = device.replica.sealing_epoch().value();
  }
  [[nodiscard]] core::GroupState const& state() const { return device.replica.state(); }
  [[nodiscard]] crypto::ChunkKey chunk_key() const { return files::chunk_key(state().genesis().content_secret); }
  [[nodiscard]] sync::AnnouncedAt here() const { return {relay, face}; }
  [[nodiscard]] Bytes presence_context() const {
    Bytes context(relay.bytes.begin(), relay.bytes.end());
    append(context, face.view());
    return context;
  }
  /// As the device would seal it.
  [[nodiscard]] Bytes sealed(std::string_view subkey, ByteView context, ByteView plain) const {
    SeededRandom random(5);
    return core::seal_box(state().group(), *state().secret(epoch), subkey, context, plain, random);
  }

  wire::RelayKey relay = samples::relay_key();
  TestDevice device{1, "founder"};
  wire::Pseudonym face;
  EpochId epoch;
};

}  // namespace kith::testing
