#include "core/stored_entries.hpp"

#include "base/assert.hpp"

namespace kith::core {

Result<Bytes> StoredEntries::sealed_in(ByteView row) const {
  switch (part_) {
    case Part::applied:
    case Part::news: {
      auto const hash = EntryHash::from(row);
      if (!hash) return fail(CoreError::corrupt_record);
      KITH_TRY(sealed, replica_.state().sealed(*hash));
      if (!sealed) return fail(CoreError::corrupt_record);
      return std::move(*sealed);
    }
    case Part::pending: {
      KITH_TRY(record, decode_record<PendingRecord>(row));
      return std::move(record.sealed);
    }
    case Part::unopened: {
      if (row.size() < DeviceId::kBytes) return fail(CoreError::corrupt_record);
      auto const sealed = row.subspan(DeviceId::kBytes);  // behind who handed it over
      return Bytes(sealed.begin(), sealed.end());
    }
    case Part::end: break;
  }
  KITH_UNREACHABLE();
}

Result<> StoredEntries::begin_next_part() {
  if (part_ == Part::applied) applied_from_ = from_;
  part_ = static_cast<Part>(static_cast<int>(part_) + 1);
  from_.clear();
  if (part_ != Part::news) return {};
  from_ = applied_from_;
  KITH_CHECK(replica_.refresh());
  KITH_TRY(tips, replica_.tips());
  tips_ = std::move(tips);
  return {};
}

Result<std::vector<Bytes>> StoredEntries::next(std::size_t most_bytes) {
  std::vector<Bytes> entries;
  std::size_t bytes = 0;
  while (entries.empty() && part_ != Part::end) {
    auto const table = part_ == Part::pending    ? Table::pending
                       : part_ == Part::unopened ? Table::unopened
                                                 : Table::applied;
    std::optional<Error> error;
    bool full = false;
    KITH_CHECK(store_.scan(table, {}, from_, [&](ByteView key, ByteView row) {
      auto sealed = sealed_in(row);
      if (!sealed) {
        error = sealed.error();
        return Store::Next::stop;
      }
      from_.assign(key.begin(), key.end());
      full = !entries.empty() && bytes + sealed->size() > most_bytes;
      if (full) return Store::Next::stop;
      from_.push_back(0);  // the smallest key behind this one
      bytes += sealed->size();
      entries.push_back(std::move(*sealed));
      return Store::Next::go_on;
    }));
    if (error) return fail(*error);
    if (!full) KITH_CHECK(begin_next_part());
  }
  return entries;
}

}  // namespace kith::core
