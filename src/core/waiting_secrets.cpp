#include "core/waiting_secrets.hpp"

namespace kith::core {
namespace {

constexpr std::string_view kHolds = "holds/";
constexpr std::string_view kHeld = "held/";

Bytes holds_key(EntryHash const& entry) { return key_of(bytes_of(kHolds), entry.view()); }
Bytes held_prefix(EpochId const& epoch) { return key_of(bytes_of(kHeld), epoch.view()); }
Bytes held_key(EpochId const& epoch, EntryHash const& entry) { return key_of(held_prefix(epoch), entry.view()); }

}  // namespace

Result<> WaitingSecrets::note(EntryHash const& entry, std::span<EpochId const> epochs) {
  if (epochs.empty()) return {};
  Bytes row;
  for (auto const& epoch : epochs) {
    append(row, epoch.view());
    KITH_CHECK(store_.put(Table::meta, held_key(epoch, entry), {}));
  }
  return store_.put(Table::meta, holds_key(entry), row);
}

Result<> WaitingSecrets::forget(EntryHash const& entry) {
  KITH_TRY(epochs, noted(entry));
  if (epochs.empty()) return {};
  for (auto const& epoch : epochs) KITH_CHECK(store_.erase(Table::meta, held_key(epoch, entry)));
  forgotten_.insert(epochs.begin(), epochs.end());
  return store_.erase(Table::meta, holds_key(entry));
}

Result<std::size_t> WaitingSecrets::bytes_of_rows(EntryHash const& entry) const {
  KITH_TRY(epochs, noted(entry));
  return epochs.size() * kBytesEach;
}

Result<std::vector<EntryHash>> WaitingSecrets::holders(EpochId const& epoch, std::size_t most) const {
  std::vector<EntryHash> found;
  if (most == 0) return found;
  KITH_CHECK(store_.scan(Table::meta, held_prefix(epoch), {}, [&](ByteView key, ByteView) {
    if (auto const entry = EntryHash::from(key.last(EntryHash::kBytes))) found.push_back(*entry);
    return found.size() < most ? Store::Next::go_on : Store::Next::stop;
  }));
  return found;
}

Result<std::vector<EpochId>> WaitingSecrets::noted(EntryHash const& entry) const {
  std::vector<EpochId> epochs;
  KITH_TRY(row, store_.get(Table::meta, holds_key(entry)));
  if (!row) return epochs;
  if (row->size() % EpochId::kBytes != 0) return fail(CoreError::corrupt_record);
  for (ByteView rest{*row}; !rest.empty(); rest = rest.subspan(EpochId::kBytes)) {
    epochs.push_back(*EpochId::from(rest.first(EpochId::kBytes)));
  }
  return epochs;
}

}  // namespace kith::core
