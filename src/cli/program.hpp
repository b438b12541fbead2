#pragma once

#include <string>
#include <vector>

#include "cli/handlers.hpp"
#include "engine/environment.hpp"

namespace kith::cli {

/// The whole program behind main(): parses, prepares the log, runs the command, and sees to it that what was printed
/// has arrived. @param args  without the program's name. @return the exit code
[[nodiscard]] int run_program(std::vector<std::string> const& args, engine::Environment const& environment);

}  // namespace kith::cli
