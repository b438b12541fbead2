#pragma once

#include <array>
#include <span>
#include <string_view>

/// Every code under which kith fails, with what does not depend on the case at hand. Codes and exits never change their
/// meaning; new ones may come.
namespace kith::engine {

/// Exit codes, the same for all commands. A script that meets one it does not know takes it for a failure.
enum Exit : int {
  kExitOk = 0,
  kExitOther = 1,
  kExitUsage = 2,      ///< usage or configuration
  kExitPartial = 3,    ///< done, some items were left out
  kExitConflicts = 4,  ///< done, conflicts need somebody
  kExitTimedOut = 5,
  kExitNotInitialised = 6,
  kExitBusy = 7,       ///< another process, or a socket, is in the way
  kExitRelayOnly = 8,  ///< reachable, but only by relay
  kExitUnreachable = 10,
  kExitLocked = 11,
  kExitWrongSecret = 12,  ///< wrong key, code or passphrase
  kExitNotTrusted = 13,   ///< not trusted, denied or revoked
  kExitFull = 14,         ///< quota or disk full
  kExitGuard = 15,        ///< a safety guard stopped it
  kExitVersion = 16,      ///< a version too old or too new
  kExitState = 17,        ///< state cloned or corrupt
  kExitInterrupted = 130,
  kExitTerminated = 143,
};

/// A command to try, and what it does. It names only commands that exist.
struct RemedyText {
  std::string_view command;
  std::string_view explanation;
};

struct FailureCode {
  std::string_view code;  ///< "disk-full": stable, for scripts and for `kith help CODE`
  int exit;
  bool safe;                   ///< whether the user's data is certain to be whole
  std::string_view safe_note;  ///< after "safe, " or "not certain: "
  std::string_view summary;    ///< one line: when it happens
  std::string_view help;       ///< the page of `kith help CODE`: why, and what to do
  std::array<RemedyText, 3> remedies;

  /// The remedies that there are.
  [[nodiscard]] std::span<RemedyText const> tries() const;
};

/// What somebody should look at although the command went on.
struct WarningCode {
  std::string_view code;
  std::string_view summary;  ///< one line: when it is said
  std::string_view help;     ///< the page of `kith help CODE`: why, and what to do
};
/// All codes of warnings that are not a failure's as well.
[[nodiscard]] std::span<WarningCode const> warning_codes();
[[nodiscard]] WarningCode const* find_warning_code(std::string_view code);

/// All codes, those of one exit code together.
[[nodiscard]] std::span<FailureCode const> failure_codes();
[[nodiscard]] FailureCode const* find_failure_code(std::string_view code);

}  // namespace kith::engine
