#include "engine/error.hpp"

#include "base/assert.hpp"

namespace kith::engine {
namespace {

std::string_view describe(int value) {
  switch (static_cast<EngineError>(value)) {
    case EngineError::not_initialised: return "not_initialised";
    case EngineError::already_initialised: return "already_initialised";
    case EngineError::home_unusable: return "home_unusable";
    case EngineError::nobody_reachable: return "nobody_reachable";
    case EngineError::address_unreachable: return "address_unreachable";
    case EngineError::invite_unknown: return "invite_unknown";
    case EngineError::invite_unanswered: return "invite_unanswered";
    case EngineError::relay_unreachable: return "relay_unreachable";
    case EngineError::words_unanswered: return "words_unanswered";
    case EngineError::words_unfit: return "words_unfit";
    case EngineError::no_code: return "no_code";
    case EngineError::bad_link: return "bad_link";
    case EngineError::timed_out: return "timed_out";
    case EngineError::folder_unmounted: return "folder_unmounted";
    case EngineError::folder_silent: return "folder_silent";
    case EngineError::mass_delete: return "mass_delete";
    case EngineError::owner_busy: return "owner_busy";
    case EngineError::no_such_device: return "no_such_device";
    case EngineError::ambiguous_device: return "ambiguous_device";
    case EngineError::usage: return "usage";
    case EngineError::message_too_large: return "message_too_large";
    case EngineError::message_empty: return "message_empty";
    case EngineError::no_such_file: return "no_such_file";
    case EngineError::name_is_the_groups: return "name_is_the_groups";
    case EngineError::approval_needed: return "approval_needed";
    case EngineError::relay_unpinned: return "relay_unpinned";
    case EngineError::relay_troubled: return "relay_troubled";
    case EngineError::no_terminal: return "no_terminal";
    case EngineError::no_answer: return "no_answer";
    case EngineError::declined: return "declined";
    case EngineError::interrupted: return "interrupted";
    case EngineError::partial: return "partial";
    case EngineError::output_failed: return "output_failed";
  }
  KITH_UNREACHABLE();
}

}  // namespace

ErrorDomain const& error_domain(EngineError) {
  static constexpr ErrorDomain domain{"engine", describe};
  return domain;
}

}  // namespace kith::engine
