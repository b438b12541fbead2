#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

/// Moving names without ever losing what somebody else put there meanwhile.
///
/// A place is "ours" when it lies in .kith, where one process at a time makes names; anywhere else the user's programs
/// make, replace and remove names between any two of our calls.
namespace kith::disk {

/// A name in an open directory.
struct Place {
  int directory;  ///< O_PATH is enough; owned elsewhere
  std::string name;
};

/// What a file system or kernel may lack. Tests turn things off.
struct Abilities {
  bool rename_flags = true;  ///< renameat2(2) with RENAME_NOREPLACE and RENAME_EXCHANGE
  bool links = true;         ///< hard links
};

/// Whether the errno of renameat2 means that its flags are not known here.
[[nodiscard]] bool lacks_rename_flags(int number);

/// renameat2 with RENAME_EXCHANGE: both names change places in one step. @return 0 or an errno, EINVAL where it cannot
[[nodiscard]] int exchange(Place const& a, Place const& b, Abilities abilities);

/// renameat2 with RENAME_NOREPLACE. @return 0 or an errno, EINVAL where it cannot
[[nodiscard]] int rename_no_replace(Place const& from, Place const& to, Abilities abilities);

/// Takes whatever is at the user's `from` to our `to`, in one step. @return FilesError::exists where `to` is taken
[[nodiscard]] Result<> take(Place const& from, Place const& to, Abilities abilities, std::string_view subject);

/// Puts our `from` to the user's `to`, unless something is there (FilesError::exists). Without RENAME_NOREPLACE a file
/// gets its new name as a hard link and then loses the old one; a directory replaces an empty one made just before.
/// Without hard links either, looking and renaming are two steps, with a gap of microseconds in between.
[[nodiscard]] Result<> put(Place const& from, Place const& to, Abilities abilities, std::string_view subject);

}  // namespace kith::disk
