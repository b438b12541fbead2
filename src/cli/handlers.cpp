#include "cli/handlers.hpp"

namespace kith::cli {

Handlers const& handlers() {
  static Handlers const all = [] {
    Handlers made{};
    plug(made, cmd_init);
    plug(made, cmd_recover);
    plug(made, cmd_pair);
    plug(made, cmd_sync);
    plug(made, cmd_push);
    plug(made, cmd_pull);
    plug(made, cmd_status);
    plug(made, cmd_verify);
    plug(made, cmd_devices_ls);
    plug(made, cmd_devices_rename);
    plug(made, cmd_devices_revoke);
    plug(made, cmd_devices_pause);
    plug(made, cmd_devices_resume);
    plug(made, cmd_relay_ls);
    plug(made, cmd_relay_add);
    plug(made, cmd_relay_rm);
    plug(made, cmd_relay_test);
    plug(made, cmd_key_show_recovery);
    plug(made, cmd_key_rotate);
    plug(made, cmd_config_show);
    plug(made, cmd_config_get);
    plug(made, cmd_config_set);
    plug(made, cmd_config_check);
    plug(made, cmd_config_path);
    plug(made, cmd_doctor);
    plug(made, cmd_help);
    plug(made, cmd_version);
    return made;
  }();
  return all;
}

}  // namespace kith::cli
