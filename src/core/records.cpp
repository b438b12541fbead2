#include "core/records.hpp"

namespace kith::core {
namespace {

constexpr std::size_t kMaxPastBytes = std::size_t{1} << 20;

}  // namespace

void EntryRecord::write(wire::Writer& writer) const {
  Bytes const past_bytes = past.encode();
  write_row(writer, log.device, log.incarnation, seq, chain.value, position, epoch, hlc, roster,
            wire::blob(past_bytes, kMaxPastBytes));
}

void EntryRecord::read(wire::Reader& reader) {
  Bytes past_bytes;
  read_row(reader, log.device, log.incarnation, seq, chain.value, position, epoch, hlc, roster,
           wire::blob(past_bytes, kMaxPastBytes));
  if (auto decoded = Past::decode(past_bytes)) {
    past = std::move(*decoded);
  } else {
    reader.fail(decoded.error());
  }
}

void ChainRecord::write(wire::Writer& writer) const {
  write_row(writer, log.device, log.incarnation, first, parent.value, last, last_hash, viewed);
}

void ChainRecord::read(wire::Reader& reader) {
  read_row(reader, log.device, log.incarnation, first, parent.value, last, last_hash, viewed);
}

void PendingRecord::write(wire::Writer& writer) const {
  write_row(writer, self, wire::list(needs, kLimits.max_tips + 1), from,
            wire::blob(sealed, kLimits.max_sealed_entry_bytes));
}

void PendingRecord::read(wire::Reader& reader) {
  read_row(reader, self, wire::list(needs, kLimits.max_tips + 1), from,
           wire::blob(sealed, kLimits.max_sealed_entry_bytes));
}

void Alarm::write(wire::Writer& writer) const { write_row(writer, kind, log.device, log.incarnation, seq, found_ms); }
void Alarm::read(wire::Reader& reader) { read_row(reader, kind, log.device, log.incarnation, seq, found_ms); }

Bytes key_of(std::uint32_t number) {
  Bytes key;
  append_be(key, number);
  return key;
}

Bytes key_of(std::uint64_t number) {
  Bytes key;
  append_be(key, number);
  return key;
}

Bytes key_of(ChainPlace place) {
  Bytes key = key_of(place.chain.value);
  append_be(key, place.seq.value);
  return key;
}

Bytes key_of(ByteView first, ByteView second) {
  Bytes key(first.begin(), first.end());
  append(key, second);
  return key;
}

Result<std::uint64_t> get_number(Store& store, std::string_view name) {
  KITH_TRY(row, store.get(Table::meta, bytes_of(name)));
  if (!row) return std::uint64_t{0};
  if (row->size() != sizeof(std::uint64_t)) return fail(CoreError::corrupt_record);
  return load_be<std::uint64_t>(row->data());
}

Result<> put_number(Store& store, std::string_view name, std::uint64_t value) {
  return store.put(Table::meta, bytes_of(name), key_of(value));
}

}  // namespace kith::core
