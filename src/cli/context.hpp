#pragma once

#include <optional>
#include <vector>

#include "cli/output.hpp"
#include "cli/prompt.hpp"
#include "engine/config_file.hpp"
#include "engine/failure.hpp"
#include "engine/home.hpp"
#include "engine/passphrase.hpp"

namespace kith::cli {

/// What a command knows about a failure that it is about to end with, and its error does not say. Empty fields leave
/// what the table of failures has.
struct Advice {
  std::vector<engine::Remedy> remedies;
  std::string cause = {};
  std::string safe_note = {};
};

/// What a command works with, besides its own options.
class Context {
 public:
  Context(GlobalOptions const& global_options, engine::Environment const& variables, Output& output)
      : global(global_options), environment(variables), out(output), prompt(output, global_options.yes) {}
  Context(Context const&) = delete;

  GlobalOptions const& global;
  engine::Environment const& environment;
  Output& out;
  Prompt prompt;
  std::string command;  ///< "devices revoke": whose page a wrong use refers to

  /// The home's paths; nothing is made or checked. @return HomeError::no_place, bad_profile
  [[nodiscard]] Result<engine::HomePaths> home() const;
  /// The settings that count. @param flags  of the command: they go before everything else
  [[nodiscard]] engine::ConfigResult<engine::ResolvedConfig> config(std::vector<engine::ConfigFlag> flags = {}) const;
  /// Where passphrases come from. @param file  --passphrase-file
  [[nodiscard]] engine::PassphraseSource passphrase(std::optional<std::string> const& file = std::nullopt);
  /// The passphrase of keys that are about to be made; at a terminal one is offered, unless questions are answered with
  /// yes or the output is for a program. @return what PassphraseSource::for_new_keys does; EngineError::interrupted
  [[nodiscard]] Result<std::optional<SecretBytes>> new_passphrase(std::optional<std::string> const& file);

  /// Explains the error on standard error; EngineError::output_failed once, and not at all where the reader has left.
  /// @return its exit code
  int fail(Error const& error, engine::FailureContext const& about = {});
  int fail(engine::ConfigFaults const& faults);
  /// Goes with the next error that is explained. Texts from outside must be escaped.
  void advise(Advice advice) { advice_ = std::move(advice); }

 private:
  bool output_failure_told_ = false;
  std::optional<Advice> advice_;
};

}  // namespace kith::cli
