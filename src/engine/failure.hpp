#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "engine/config_file.hpp"
#include "engine/failure_codes.hpp"

/// From an error as a value to what people and scripts are told: what happened, whether their data is safe, why, and
/// what to do. @see docs/spec/home.md, failure_table.hpp
namespace kith::engine {

struct Remedy {
  std::string command;
  std::string explanation;
  friend bool operator==(Remedy const&, Remedy const&) = default;
};

/// All texts are safe to show: what came from outside is escaped.
struct Failure {
  std::string code;  ///< "disk-full": stable, for scripts and `kith help CODE`
  int exit = kExitOther;
  std::string what;       ///< one line, without a full stop: "cannot reach 192.168.1.20:7427 (connection refused)"
  std::string cause;      ///< why, as far as it is known; may be empty
  bool safe = true;       ///< whether the user's data is certain to be whole
  std::string safe_note;  ///< after "safe, ": "12 changes queued on this device"
  std::vector<Remedy> remedies;
};

/// What the caller knows and the error does not. Leave empty what does not apply.
struct FailureContext {
  std::string directory = {};                ///< of the folder that it is about
  std::string device = {};                   ///< a device's name
  std::string address = {};                  ///< what was dialled
  std::optional<std::uint64_t> queued = {};  ///< changes that wait on this device
  std::string folder = {};                   ///< its name in the group
};

/// For every enumerator of every module. An error of a domain that is not known here is an internal-error.
[[nodiscard]] Failure explain(Error const& error, FailureContext const& context = {});
/// For the first fault; the number of the others is in the text.
[[nodiscard]] Failure explain(ConfigFaults const& faults);
/// The line for one fault: "/home/ana/.config/kith/config.toml:3:1: there is no network.lisen; network.listen is near".
[[nodiscard]] std::string describe(ConfigFault const& fault);
[[nodiscard]] std::string_view code_of(ConfigFault const& fault);

/// For a command line that does not parse. @param command  whose help is proposed: "devices revoke"; empty: all of it
[[nodiscard]] Failure usage_failure(std::string_view what, std::string const& command = {});
/// For something that should not happen; `what` names it for a report.
[[nodiscard]] Failure internal_failure(std::string_view what);

/// A word as a shell takes it: in single quotes where it needs them.
[[nodiscard]] std::string shell_quoted(std::string_view word);

}  // namespace kith::engine
