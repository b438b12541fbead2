#pragma once

namespace kith::cli {

/// Signals, as a flag and a descriptor that becomes readable. One per program.
///
/// The first SIGINT or SIGTERM asks the program to end; a second one ends it at once with 130 or 143, and gives the
/// terminal its echo back. SIGUSR1 asks for a line of progress. SIGPIPE is ignored: a write then fails.
namespace signals {

/// To be called once, before other threads start.
void install();

/// SIGINT or SIGTERM once one has come, else 0.
[[nodiscard]] int stop_signal();
/// What was asked is done: the next signal is a first one again.
void forget_stop();
/// Readable after SIGINT, SIGTERM or SIGUSR1, until it is drained. For poll(); -1 before install().
[[nodiscard]] int wake_descriptor();
void drain();
/// Whether SIGUSR1 has come since this was last asked.
[[nodiscard]] bool take_progress_request();

/// Echo is switched off on this terminal; a program that ends at once switches it on again.
void echo_is_off(int terminal);
void echo_is_on();

}  // namespace signals
}  // namespace kith::cli
