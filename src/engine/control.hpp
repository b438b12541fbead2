#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/pair_inviter.hpp"
#include "core/records.hpp"
#include "sync/files/scan.hpp"

/// What the processes of one home tell each other through the database (Table::control). Whoever changes a row rings
/// the doorbell; rows of processes that died are recognised and removed. @see docs/spec/home.md, "Control rows"
namespace kith::engine {

using core::Store;
using core::Table;

/// A process, told from a later one with the same number by when it started.
struct ProcessId {
  std::int64_t pid = 0;
  std::uint64_t started = 0;  ///< clock ticks since boot, from /proc/PID/stat
  [[nodiscard]] static ProcessId self();
  [[nodiscard]] bool alive() const;
  friend bool operator==(ProcessId const&, ProcessId const&) = default;
};

/// The process that talks to other devices, and where it listens.
struct OwnerRow {
  static constexpr std::string_view kPrefix = "owner";
  ProcessId process;
  std::string command;
  std::int64_t since_ms = 0;
  std::int64_t beat_ms = 0;
  std::uint16_t port = 0;  ///< 0: it does not listen
  std::vector<std::string> addresses;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// A session that the owner has. Key: device id.
struct SessionRow {
  static constexpr std::string_view kPrefix = "session/";
  std::string endpoint;
  std::int64_t since_ms = 0;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// A process that wants a folder kept in step while it runs. Key: folder id and pid.
struct InterestRow {
  static constexpr std::string_view kPrefix = "interest/";
  ProcessId process;
  files::DeleteGuard guard;
  bool scanned = false;  ///< the whole folder has been looked at since
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// The folders that living processes want kept in step, and whether each has been looked at since the last one came.
[[nodiscard]] Result<std::map<FolderId, bool>> live_interests(Store& store);

/// An invite that was given out. Key: its lookup. A typed code and its link or QR are twins: two lookups with a
/// password each, and one fate.
struct InviteRow {
  static constexpr std::string_view kPrefix = "invite/";
  Bytes password;    ///< sealed at rest under the row's name
  std::string twin;  ///< the other lookup
  core::InviteState state = core::InviteState::open;
  std::int64_t expires_ms = 0;
  std::uint8_t tries = 0;
  std::optional<DeviceId> used_by;
  bool approve_all = false;  ///< --yes
  ProcessId inviter;         ///< whose user answers
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// How a pairing goes, between the owner that speaks and the process whose user answers. Key: the invite's lookup.
enum class PairState : std::uint8_t { requested = 1, approved = 2, denied = 3, joined = 4 };
constexpr bool valid(PairState state) { return state >= PairState::requested && state <= PairState::joined; }
/// Where somebody seems to be who comes through a relay's mailboxes: "relay HOST:PORT:NUMBER". The number tells one
/// conversation from the next, as a port does.
inline constexpr std::string_view kRelayed = "relay ";
struct PairRow {
  static constexpr std::string_view kPrefix = "pair/";
  PairState state = PairState::requested;
  DeviceId device;
  std::string name;
  std::string endpoint;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// An address that somebody asked to be dialled. Key: the address.
struct DialRow {
  static constexpr std::string_view kPrefix = "dial/";
  std::int64_t asked_ms = 0;
  std::string failure;  ///< the error's name once it failed; empty while it is tried
  std::int32_t failure_errno = 0;
  std::uint8_t their_min = 0, their_max = 0;  ///< protocol versions that the other side named when it refused ours
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// Somebody wants to compare with the others: the owner asks each connected device.
struct VerifyRow {
  static constexpr std::string_view kPrefix = "verify";
  std::int64_t asked_ms = 0;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};
/// What a device answered. Key: device id.
struct DigestRow {
  static constexpr std::string_view kPrefix = "digest/";
  std::int64_t answered_ms = 0;
  wire::Digest digest;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// What is left alone in a folder now, and why. Key: folder id.
struct SkippedRow {
  static constexpr std::string_view kPrefix = "skipped/";
  static constexpr std::size_t kMost = 32;
  static constexpr std::size_t kMostCodes = 32;
  std::vector<std::pair<std::string, std::string>> items;     ///< path as the disk spells it (any bytes), code: a few
  std::vector<std::pair<std::string, std::uint64_t>> counts;  ///< of each code, how many there are in all
  [[nodiscard]] std::uint64_t total() const;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// What keeping a folder in step has done since this home exists. Key: folder id. Who wants to tell about a time takes
/// the difference of two.
struct TallyRow {
  static constexpr std::string_view kPrefix = "tally/";
  static constexpr std::size_t kMostCopies = 100;
  std::uint64_t sent_files = 0;  ///< new or changed here, written into the log
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_files = 0;  ///< put in place here
  std::uint64_t received_bytes = 0;
  std::uint64_t deleted_here = 0;   ///< because another device deleted them
  std::uint64_t deleted_there = 0;  ///< deleted on this device
  std::uint64_t copies_made = 0;    ///< conflict copies
  std::vector<std::string> copies;  ///< the last of them
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
  friend bool operator==(TallyRow const&, TallyRow const&) = default;
};

/// Something that needs a person, until it is over. Key: the failure's code.
struct ProblemRow {
  static constexpr std::string_view kPrefix = "problem/";
  std::string subject;
  std::int64_t since_ms = 0;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// A device has said that this one was removed, and nothing here proves it. Key: its id. Gone once a session with it
/// opens again.
struct SaidRemovedRow {
  static constexpr std::string_view kPrefix = "said-removed/";
  std::int64_t since_ms = 0;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// Somebody who has the recovery words has read the group from this device. Key: their address without its port.
struct WordsUsedRow {
  static constexpr std::string_view kPrefix = "words-used/";
  static constexpr std::size_t kMost = 16;                                  ///< addresses: the last ones are kept
  static constexpr auto kTold = std::chrono::hours{std::chrono::days{30}};  ///< for so long
  std::string endpoint;
  std::int64_t at_ms = 0;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};
/// Those that are still told of, the last one first.
[[nodiscard]] Result<std::vector<WordsUsedRow>> words_used(Store& store, WallTime now);

template <class Row>
[[nodiscard]] Bytes control_key(ByteView id = {}) {
  return core::key_of(bytes_of(Row::kPrefix), id);
}
template <class Row>
[[nodiscard]] Result<std::optional<Row>> get_control(Store& store, ByteView id = {}) {
  return core::get_record<Row>(store, Table::control, control_key<Row>(id));
}
/// Puts or erases one row: in the caller's transaction, or in one of its own.
[[nodiscard]] Result<> put_control_row(Store& store, ByteView key, std::optional<Bytes> row);
template <class Row>
[[nodiscard]] Result<> put_control(Store& store, Row const& row, ByteView id = {}) {
  return put_control_row(store, control_key<Row>(id), core::encode_record(row));
}
template <class Row>
[[nodiscard]] Result<> erase_control(Store& store, ByteView id = {}) {
  return put_control_row(store, control_key<Row>(id), std::nullopt);
}
/// All rows of a kind, with the rest of their keys.
template <class Row>
[[nodiscard]] Result<std::vector<std::pair<Bytes, Row>>> all_control(Store& store) {
  std::vector<std::pair<Bytes, Row>> rows;
  KITH_CHECK(store.scan(Table::control, bytes_of(Row::kPrefix), {}, [&](ByteView key, ByteView value) {
    auto row = core::decode_record<Row>(value);
    auto const id = key.subspan(Row::kPrefix.size());
    if (row) rows.emplace_back(Bytes(id.begin(), id.end()), std::move(*row));
    return Store::Next::go_on;
  }));
  return rows;
}

}  // namespace kith::engine
