#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "cli/options.hpp"
#include "engine/environment.hpp"

namespace kith::cli {

struct Invocation {
  GlobalOptions global;
  Command command;
  std::string path;  ///< the command's name: "devices revoke"; empty for none
};

/// Why a command line does not parse.
struct UsageFault {
  std::string what;     ///< "there is no command "pus"; did you mean push?"
  std::string command;  ///< whose help page would help: "devices revoke"; empty: the overview
};

/// Whether the program has a command: "push", "devices ls".
using CommandFilter = std::function<bool(std::string_view path)>;
[[nodiscard]] CommandFilter every_command();     ///< all that are declared
[[nodiscard]] CommandFilter plugged_commands();  ///< those with a handler

/// Parses what follows the program's name. Runs nothing, looks at no file.
///
/// `--help` anywhere is `help COMMAND`; nothing at all is `help`.
[[nodiscard]] tl::expected<Invocation, UsageFault> parse_args(std::vector<std::string> const& args,
                                                              engine::Environment const& environment = {},
                                                              CommandFilter const& exists = every_command());

/// The flags that decide how a fault is shown, taken from a command line that does not parse.
[[nodiscard]] GlobalOptions display_flags(std::vector<std::string> const& args, engine::Environment const& environment);

}  // namespace kith::cli
