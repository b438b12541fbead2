#pragma once

#include "core/entry.hpp"
#include "core/records.hpp"

namespace kith::core {

/// What applying operations builds: rows in the store that can be dropped and built again from the entries. A view is a
/// pure function of the set of entries that count; the order in which it is shown them, beyond causes before effects,
/// changes nothing in its digest.
class View {
 public:
  virtual ~View() = default;
  /// Takes in one entry that counts, inside the store's open transaction. Once per entry.
  [[nodiscard]] virtual Result<> apply(OpenedEntry const& entry, EntryRecord const& record) = 0;
  /// Forgets everything, before the entries are shown again.
  [[nodiscard]] virtual Result<> clear() = 0;
  /// Hash of the whole view; equal entries give equal digests.
  [[nodiscard]] virtual Result<crypto::Hash256> digest() = 0;
};

}  // namespace kith::core
