#pragma once

#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "core/past.hpp"
#include "store/store.hpp"
#include "wire/codec.hpp"

/// The rows that the replica keeps, and how they are keyed. @see docs/spec/home.md
namespace kith::core {

using store::Store;
using store::Table;

/// The row of Table::meta that a home has which belongs to a group: its genesis record, sealed at rest.
inline constexpr std::string_view kGenesisKey = "genesis";

/// Facts about an applied entry; its sealed bytes are in Table::sealed.
struct EntryRecord {
  LogId log;
  Seq seq;
  ChainNo chain;
  std::uint64_t position = 0;  ///< 1, 2, 3...: the order in which this database applied entries
  EpochId epoch;
  std::uint64_t hlc = 0;
  bool roster = false;  ///< holds roster ops
  Past past;            ///< with the entry itself

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
  [[nodiscard]] ChainPlace place() const { return {chain, seq}; }
};

struct ChainRecord {
  LogId log;
  Seq first;       ///< 1, or the seq at which it left its parent
  ChainNo parent;  ///< none for a chain that starts a log
  Seq last;        ///< applied
  EntryHash last_hash;
  Seq viewed;  ///< how far the views have taken it in; below `first`: not at all

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// An entry that has been verified and waits for some of its past.
struct PendingRecord {
  Tip self;
  std::vector<Tip> needs;  ///< the entry before it and its tips
  DeviceId from;           ///< who handed it over; zeros where nobody did
  Bytes sealed;

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// What must be looked at by a person, in the order it was found.
enum class AlarmKind : std::uint8_t {
  fork = 1,  ///< two entries of one device have one number: its home was copied or restored, or it cheats
};
constexpr bool valid(AlarmKind kind) { return kind == AlarmKind::fork; }
struct Alarm {
  AlarmKind kind = AlarmKind::fork;
  LogId log;
  Seq seq;
  std::int64_t found_ms = 0;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
  friend bool operator==(Alarm const&, Alarm const&) = default;
};

/// Keys: numbers big-endian so that they sort, ids as they are.
[[nodiscard]] Bytes key_of(std::uint32_t number);
[[nodiscard]] Bytes key_of(std::uint64_t number);
[[nodiscard]] Bytes key_of(ChainPlace place);
[[nodiscard]] Bytes key_of(ByteView first, ByteView second);

/// Writes or reads a row as one array of fields, for a row's write() and read().
template <class... Fields>
void write_row(wire::Writer& writer, Fields const&... fields) {
  Bytes out;
  wire::Encoder{out}(fields...);
  writer.raw(out);
}
template <class... Fields>
void read_row(wire::Reader& reader, Fields&&... fields) {
  wire::Decoder{reader}(std::forward<Fields>(fields)...);
}

template <class T>
[[nodiscard]] Bytes encode_record(T const& record) {
  Bytes out;
  wire::Writer writer(out);
  record.write(writer);
  return out;
}

/// @return CoreError::corrupt_record where the row does not decode
template <class T>
[[nodiscard]] Result<T> decode_record(ByteView row) {
  wire::Reader reader(row);
  T record;
  record.read(reader);
  if (!reader.finish()) return fail(CoreError::corrupt_record);
  return record;
}

template <class T>
[[nodiscard]] Result<std::optional<T>> get_record(Store& store, Table table, ByteView key) {
  KITH_TRY(row, store.get(table, key));
  if (!row) return std::nullopt;
  KITH_TRY(record, decode_record<T>(*row));
  return std::optional<T>(std::move(record));
}

/// Single numbers in Table::meta; absent ones read as 0.
[[nodiscard]] Result<std::uint64_t> get_number(Store& store, std::string_view name);
[[nodiscard]] Result<> put_number(Store& store, std::string_view name, std::uint64_t value);

}  // namespace kith::core
