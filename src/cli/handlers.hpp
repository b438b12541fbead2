#pragma once

#include <tuple>

#include "cli/options.hpp"

namespace kith::cli {

class Context;

/// Runs one command. @return the program's exit code
template <class Options>
using Handler = int (*)(Context&, Options const&);

template <class Variant>
struct HandlersOf;
template <class... Options>
struct HandlersOf<std::variant<Options...>> {
  using Type = std::tuple<Handler<Options>...>;
};
/// One function per command; null where this program has no such command: then it is neither listed nor accepted.
using Handlers = HandlersOf<Command>::Type;

template <class Options>
void plug(Handlers& handlers, Handler<Options> function) {
  std::get<Handler<Options>>(handlers) = function;
}

/// This program's commands.
[[nodiscard]] Handlers const& handlers();

int cmd_init(Context& context, InitOptions const& options);
int cmd_recover(Context& context, RecoverOptions const& options);
int cmd_pair(Context& context, PairOptions const& options);
int cmd_sync(Context& context, SyncOptions const& options);
int cmd_push(Context& context, PushOptions const& options);
int cmd_pull(Context& context, PullOptions const& options);
int cmd_status(Context& context, StatusOptions const& options);
int cmd_verify(Context& context, VerifyOptions const& options);
int cmd_devices_ls(Context& context, DevicesLsOptions const& options);
int cmd_devices_rename(Context& context, DevicesRenameOptions const& options);
int cmd_devices_revoke(Context& context, DevicesRevokeOptions const& options);
int cmd_devices_pause(Context& context, DevicesPauseOptions const& options);
int cmd_devices_resume(Context& context, DevicesResumeOptions const& options);
int cmd_relay_ls(Context& context, RelayLsOptions const& options);
int cmd_relay_add(Context& context, RelayAddOptions const& options);
int cmd_relay_rm(Context& context, RelayRmOptions const& options);
int cmd_relay_test(Context& context, RelayTestOptions const& options);
int cmd_key_show_recovery(Context& context, KeyShowRecoveryOptions const& options);
int cmd_key_rotate(Context& context, KeyRotateOptions const& options);
int cmd_config_show(Context& context, ConfigShowOptions const& options);
int cmd_config_get(Context& context, ConfigGetOptions const& options);
int cmd_config_set(Context& context, ConfigSetOptions const& options);
int cmd_config_check(Context& context, ConfigCheckOptions const& options);
int cmd_config_path(Context& context, ConfigPathOptions const& options);
int cmd_doctor(Context& context, DoctorOptions const& options);
int cmd_help(Context& context, HelpOptions const& options);
int cmd_version(Context& context, VersionOptions const& options);

}  // namespace kith::cli
