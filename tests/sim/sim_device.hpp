#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/messages.hpp"
#include "store/memory_store.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"
#include "sync/away/stalled_wants.hpp"
#include "sync/exchange/exchange.hpp"
#include "sync/files/folder_sync.hpp"
#include "sync/files/folder_work.hpp"
#include "sync/files/memory_file_system.hpp"
#include "sync/relays/mailbox.hpp"

namespace kith::sim {

using testing::must;
using testing::SeededRandom;

inline constexpr std::string_view kFolder = "notes";

/// One relay as a device's program uses it.
struct RelayLink {
  sync::Mailbox mailbox;
  std::optional<Instant> parting_until;  ///< it is left
  bool was_live = false;                 ///< when it was looked at last
};

/// The running program of one device: what a crash destroys.
struct Program {
  Program(std::shared_ptr<store::MemoryDatabase> const& database, files::MemoryDisk& disk,
          core::Identity const& identity, RandomSource& random);
  [[nodiscard]] Result<> open(Now now);
  [[nodiscard]] Result<> bind_folder(Now now);
  [[nodiscard]] Result<> scan(Now now);
  [[nodiscard]] Result<> apply(Now now);

  struct Source final : sync::ChunkSource {
    explicit Source(Program& owner) : program(owner) {}
    Result<std::optional<Bytes>> chunk(ChunkId const& id) override {
      if (!program.chunks) return std::nullopt;
      return program.chunks->find(id);
    }
    bool fits(ChunkId const& id, ByteView plain) override {
      return program.chunks && files::chunk_id(program.chunks->key(), plain) == id;
    }
    Program& program;
  };

  store::MemoryStore store;
  files::MemoryDisk& disk;
  core::Replica replica;
  core::MessagesView messages;
  files::FolderView folders;
  std::unique_ptr<files::GearTable> gear;
  std::unique_ptr<files::ChunkStore> chunks;
  std::unique_ptr<files::FolderSync> folder;
  Source source;
  sync::Exchange exchange;
  std::map<wire::RelayKey, std::shared_ptr<RelayLink>> relays;
  std::set<wire::RelayKey> said_all;   ///< relays that this device has left because it was removed
  std::optional<Instant> uploads_due;  ///< when to look what devices that are away lack
  sync::StalledWants stalled_wants;
  bool bound = false;
};

/// What a program says of its relays to devices that it meets.
[[nodiscard]] Result<sync::Exchange::Shown> witnesses_of(Program const& program);

/// One simulated device: what survives a crash, and the program while it runs.
struct Device {
  Device(std::size_t number, std::uint64_t seed)
      : index(number),
        random(seed),
        identity(core::Identity::generate(random, {0})),
        database(std::make_shared<store::MemoryDatabase>()) {}

  std::size_t index;
  SeededRandom random;
  core::Identity identity;
  std::shared_ptr<store::MemoryDatabase> database;
  files::MemoryDisk disk;
  std::unique_ptr<Program> program;
  std::int64_t clock_skew_ms = 0;
  bool went_ahead = false;  ///< its clock jumped ahead: what it knew to lie at relays seemed to have expired
  bool member = false;      ///< has been let in (and perhaps removed since)
  bool has_words = false;   ///< came into the group by its recovery words
  bool online = true;       ///< has a network
  bool overtook = false;    ///< a connection to a relay was made while bytes of an older one were on their way there
  std::vector<core::Roster::Relay> offered;  ///< the relays that its inviter named
  std::shared_ptr<store::MemoryDatabase> backup;
  bool restored = false;         ///< its database has gone back to an older state at least once
  bool copied = false;           ///< a copy of its home has written in its name
  std::optional<Instant> timer;  ///< when its exchange, or a mailbox of its, wants to be called
  std::optional<Instant> scan_at;
  bool apply_due = false;
};

}  // namespace kith::sim
