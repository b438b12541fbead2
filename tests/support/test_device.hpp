#pragma once

#include <memory>
#include <string>

#include "core/messages.hpp"
#include "core/replica.hpp"
#include "store/memory_store.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::testing {

/// One device in memory: keys, database, replica and the view of messages.
struct TestDevice {
  explicit TestDevice(std::uint64_t seed, std::string device_name = "device",
                      std::shared_ptr<store::MemoryDatabase> disk = std::make_shared<store::MemoryDatabase>())
      : made_from(seed),
        name(std::move(device_name)),
        random(seed),
        identity(core::Identity::generate(random, {1'800'000'000'000})),
        database(std::move(disk)),
        store(database),
        replica(store, identity, random),
        messages(store) {
    replica.add_view(messages);
  }
  TestDevice(TestDevice const&) = delete;

  /// Another home of the same device, with what this one holds: a copy or a restored backup. Its randomness is its own.
  [[nodiscard]] std::unique_ptr<TestDevice> copied(std::uint64_t seed) const {
    auto copy = std::make_unique<TestDevice>(made_from, name, database->clone());
    copy->random = SeededRandom(seed);
    copy->clock_ms = clock_ms;
    must(copy->replica.open());
    return copy;
  }

  [[nodiscard]] Now now() {
    return {Instant{} + std::chrono::milliseconds{clock_ms}, {1'800'000'000'000 + clock_ms++}};
  }

  /// Writes a message. @return its id
  core::OpId push(std::string_view text, std::string topic = "default") {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{std::move(topic), 0, {Bytes(text.begin(), text.end())}});
    return must(replica.write(std::move(ops), now())).front();
  }

  /// Adds a device the way an inviter does, and hands it what a welcome carries.
  void invite(TestDevice& joiner) {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::DeviceAdd{joiner.identity.cert, joiner.name, replica.sealing_epoch().value(), std::nullopt});
    auto const added = must(replica.write(std::move(ops), now())).front();
    wire::PairWelcomeBox welcome;
    welcome.genesis = wire::decode<wire::Genesis>(wire::encode(replica.state().genesis())).value();
    welcome.secrets = replica.secrets_for_newcomer();
    welcome.device_add = added.entry;
    must(joiner.replica.adopt_group(welcome, joiner.now()));
  }

  /// Everything in the heads, in this device's order: what it passes on.
  std::vector<Bytes> sealed_entries() { return entries(false); }
  /// The same with what it has set aside.
  std::vector<Bytes> all_entries() { return entries(true); }

  std::vector<Bytes> entries(bool set_aside_too) {
    std::vector<Bytes> all;
    must(replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
      auto const record = replica.state().record(hash).value().value();
      if (set_aside_too || replica.state().counting().heads.contains(record.place())) {
        all.push_back(replica.state().sealed(hash).value().value());
      }
    }));
    return all;
  }

  core::Received receive(std::vector<Bytes> const& items) {
    std::vector<ByteView> const views(items.begin(), items.end());
    return must(replica.receive(views, now()));
  }
  core::Received pull_from(TestDevice& other) { return receive(other.sealed_entries()); }

  std::vector<std::string> texts() {
    std::vector<std::string> out;
    auto const rows = must(messages.after({0}, 1000));
    for (auto const& row : rows) {
      auto const bytes = must(core::inline_content(replica.state(), row));
      out.emplace_back(bytes.begin(), bytes.end());
    }
    return out;
  }

  std::uint64_t made_from;  ///< the seed of its keys
  std::string name;
  SeededRandom random;
  core::Identity identity;
  std::shared_ptr<store::MemoryDatabase> database;
  store::MemoryStore store;
  core::Replica replica;
  core::MessagesView messages;
  std::int64_t clock_ms = 0;
};

inline core::RecoveryKeys test_recovery(std::uint64_t seed) {
  SeededRandom random(seed);
  return core::RecoveryKeys::from_entropy(random.secret<crypto::MnemonicEntropy>());
}

}  // namespace kith::testing
