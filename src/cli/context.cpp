#include "cli/context.hpp"

#include <cerrno>
#include <utility>

#include "engine/error.hpp"

namespace kith::cli {

Result<engine::HomePaths> Context::home() const { return engine::find_home(global.home, environment); }

engine::ConfigResult<engine::ResolvedConfig> Context::config(std::vector<engine::ConfigFlag> flags) const {
  auto const paths = home();
  if (!paths) {
    engine::ConfigFaults faults;
    faults.push_back({paths.error(), {}, 0, 0, {}, {}, {}, std::nullopt});
    return tl::unexpected(std::move(faults));
  }
  if (global.verbose > 0)
    flags.push_back(
        {engine::ConfigKey::log_level, global.verbose == 1 ? "-v" : "-vv", global.verbose == 1 ? "info" : "debug"});
  return engine::resolve_config({paths->config_file, paths->config_named, environment, std::move(flags)});
}

engine::PassphraseSource Context::passphrase(std::optional<std::string> const& file) {
  return {file, environment, [this](std::string_view question) -> Result<SecretBytes> {
            auto typed = prompt.hidden(question);
            bool const none = !typed && (typed.error().is(engine::EngineError::no_terminal) ||
                                         typed.error().is(engine::EngineError::no_answer));
            if (none) return kith::fail(engine::KeyError::locked);
            return typed;
          }};
}

Result<std::optional<SecretBytes>> Context::new_passphrase(std::optional<std::string> const& file) {
  bool const offer = !global.yes && !out.json() && prompt.possible();
  engine::PassphraseSource const source(file, environment,
                                        [this](std::string_view question) { return prompt.hidden(question); });
  return source.for_new_keys(offer);
}

int Context::fail(Error const& error, engine::FailureContext const& about) {
  if (error.is(engine::EngineError::output_failed)) {
    // Said once; and who closed the pipe (`kith help codes | head`) wants to hear no more.
    auto const* system = std::get_if<SystemDetail>(&error.detail());
    bool const reader_left = system != nullptr && system->number == EPIPE;
    if (std::exchange(output_failure_told_, true) || reader_left) return engine::kExitOther;
  }
  auto failure = engine::explain(error, about);
  if (error.is(engine::EngineError::usage) && !command.empty())
    failure.remedies = {{"kith help " + command, "how it is used"}};
  if (auto const advice = std::exchange(advice_, std::nullopt)) {
    if (!advice->remedies.empty()) failure.remedies = advice->remedies;
    if (!advice->cause.empty()) failure.cause = advice->cause;
    if (!advice->safe_note.empty()) failure.safe_note = advice->safe_note;
  }
  return out.failure(failure);
}

int Context::fail(engine::ConfigFaults const& faults) { return out.failure(engine::explain(faults)); }

}  // namespace kith::cli
