#pragma once

#include "base/result.hpp"

namespace kith::engine {

/// What keeps a command from doing its work, beyond what a single module can tell.
enum class EngineError {
  not_initialised,      ///< the home has no device keys, or belongs to no group
  already_initialised,  ///< the home has what was to be made: keys and a group
  home_unusable,        ///< the system refuses a file or socket of the home; the detail has errno and the path
  nobody_reachable,     ///< no other device of the group could be reached
  address_unreachable,  ///< a given address did not lead to a device; the detail is the address
  invite_unknown,       ///< something answered at the addresses, and knows no such invite; the detail lists them
  invite_unanswered,    ///< nobody answered through a relay: it does not tell whether it knows the invite. Detail:
                        ///< HOST:PORT
  relay_unreachable,    ///< a relay that was to be asked does not answer; the detail has errno and its HOST:PORT
  words_unanswered,     ///< what was asked with recovery words ended without a word; the detail is its HOST:PORT
  words_unfit,          ///< it answered, and does not give what the words' group wrote; the detail is its HOST:PORT
  no_code,              ///< a text that is neither a pairing code nor a link
  bad_link,             ///< a text that begins as a link, and is none or only a part of one
  timed_out,            ///< nothing moved for as long as --timeout allows
  folder_unmounted,     ///< a folder's directory is there without its marker; the detail is the directory
  folder_silent,        ///< the disk of a folder does not answer; the detail is the directory
  mass_delete,          ///< more files vanished than the guard lets go; the detail counts them and all there were
  owner_busy,           ///< another process of this home holds the network; the detail is its command
  no_such_device,       ///< no device of the group has this name or id prefix; the detail is what was given
  ambiguous_device,     ///< several have it; the detail lists them
  usage,                ///< arguments that do not fit together; the detail says which
  message_too_large,    ///< more bytes than one message holds; the detail has size, as far as it is known, and limit
  message_empty,        ///< there is nothing to send; the detail says where it was looked for
  no_such_file,         ///< a text that looks like a file's path, and no file is there; the detail is the text
  name_is_the_groups,   ///< device.name would change nothing any more; the detail is the wanted name
  approval_needed,      ///< somebody must be asked, and there is neither a terminal nor --yes
  relay_unpinned,       ///< a relay's address names no key, and there is nobody to compare the one that answers
  relay_troubled,       ///< nothing goes by a relay; the detail has the failure's code, a space and the address
  no_terminal,          ///< an answer is needed and there is no terminal to ask at
  no_answer,            ///< a question was asked, and the input ended (Ctrl-D)
  declined,             ///< a question was asked, and the answer was no
  interrupted,          ///< a signal ended it; the detail counts the signal's number
  partial,              ///< done, but some items were left out; the detail counts them and all there were
  output_failed,        ///< standard output takes no more: a full disk or a closed pipe; the detail has errno
};

[[nodiscard]] ErrorDomain const& error_domain(EngineError);

}  // namespace kith::engine
