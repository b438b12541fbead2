#pragma once

namespace kith::relay::server {

/// The program `kith-relay`. @return its exit code: 0, 1, 2 for usage and configuration, 7 where no relay answers
[[nodiscard]] int run_program(int argc, char** argv);

}  // namespace kith::relay::server
