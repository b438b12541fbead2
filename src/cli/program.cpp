#include "cli/program.hpp"

#include <type_traits>

#include "base/assert.hpp"
#include "cli/args.hpp"
#include "cli/context.hpp"
#include "engine/log.hpp"

namespace kith::cli {
namespace {

/// Commands that must work while the configuration is broken; they look at it themselves where they need it.
template <class Options>
constexpr bool kWorksWithoutConfig =
    std::is_same_v<Options, HelpOptions> || std::is_same_v<Options, VersionOptions> ||
    std::is_same_v<Options, ConfigShowOptions> || std::is_same_v<Options, ConfigGetOptions> ||
    std::is_same_v<Options, ConfigSetOptions> || std::is_same_v<Options, ConfigCheckOptions> ||
    std::is_same_v<Options, ConfigPathOptions>;

/// The log goes through the output, so that it does not write across a progress bar.
class Logging {
 public:
  Logging(Output& output, engine::LogLevel level) {
    engine::log::start(level, [&output](std::string_view line) { output.log_line(line); });
  }
  Logging(Logging const&) = delete;
  ~Logging() { engine::log::stop(); }
};

int run_command(Context& context, Command const& command) {
  return std::visit(
      [&]<class Options>(Options const& options) {
        auto const handler = std::get<Handler<Options>>(handlers());
        KITH_ASSERT(handler != nullptr);  // the parser accepts no others
        auto const config = context.config();
        if (!config && !kWorksWithoutConfig<Options>) return context.fail(config.error());
        Logging const logging(context.out, config ? config->config.log_level : engine::LogLevel::warn);
        return handler(context, options);
      },
      command);
}

}  // namespace

int run_program(std::vector<std::string> const& args, engine::Environment const& environment) {
  auto const invocation = parse_args(args, environment, plugged_commands());
  auto const global = invocation ? invocation->global : display_flags(args, environment);
  Output output(global, environment);
  if (!invocation) return output.failure(engine::usage_failure(invocation.error().what, invocation.error().command));

  Context context(global, environment, output);
  context.command = invocation->path;
  int const code = run_command(context, invocation->command);
  if (auto const flushed = output.flush(); !flushed) {
    int const failed = context.fail(flushed.error());
    return code == engine::kExitOk ? failed : code;
  }
  return code;
}

}  // namespace kith::cli
