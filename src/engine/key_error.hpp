#pragma once

#include "base/result.hpp"

namespace kith::engine {

/// What goes wrong with the file that holds the device's secrets, and with the passphrase that may protect it.
enum class KeyError {
  missing,           ///< there is no key file; the detail is the path
  exists,            ///< there is one already, and it was left alone; the detail is the path
  not_a_file,        ///< a symbolic link, directory or device has its place; the detail is the path
  foreign_owner,     ///< it belongs to another user; the detail is the path
  too_open,          ///< other users may read it; the detail is the path
  damaged,           ///< no key file, or bytes of it have changed
  newer_version,     ///< a later version of kith wrote it; the detail names both versions
  locked,            ///< it is protected by a passphrase, and there is none to be had
  wrong_passphrase,  ///< it is whole, and this is not its passphrase

  passphrase_empty,       ///< no passphrase at all where one was to be given
  passphrase_too_long,    ///< the detail has its bytes and the limit
  passphrase_mismatch,    ///< typed twice, and not alike
  passphrase_unreadable,  ///< the passphrase file cannot be read; the detail has errno and the path
  passphrase_too_open,    ///< other users may read the passphrase file; the detail is the path
  passphrase_command,     ///< KITH_PASSPHRASE_COMMAND did not end well; the detail counts its exit status
};

[[nodiscard]] ErrorDomain const& error_domain(KeyError);

}  // namespace kith::engine
