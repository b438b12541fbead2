#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/home_client.hpp"

namespace kith::cli {
namespace {

std::string fingerprint(ByteView key) {
  auto const text = to_crockford(crypto::hash256("kith/fingerprint/1", {key}).view()).substr(0, 16);
  return fmt::format("{}-{}-{}-{}", text.substr(0, 4), text.substr(4, 4), text.substr(8, 4), text.substr(12, 4));
}

Json epoch_json(engine::Client& client) {
  auto const& replica = client.instance().replica;
  auto const epoch = replica.sealing_epoch();
  return epoch ? json_id(*epoch) : Json();
}

Result<int> show_recovery(Context& context) {
  KITH_TRY(client, open_client(context, "kith key show-recovery"));
  auto const& genesis = client->instance().replica.state().genesis();
  auto object = json_document("kith.key/1");
  object["recovery_fingerprint"] = fingerprint(genesis.recovery_sign.view());
  object["epoch"] = epoch_json(*client);
  context.out.document(object);
  auto& out = context.out;
  out.result(fmt::format("Recovery key {}", fingerprint(genesis.recovery_sign.view())));
  out.note(
      "The 24 words were shown once, when the group was made, and are kept nowhere. Whoever has them stands above "
      "every device of the group, can remove any of them for good, and can bring the group back when all are lost "
      "(kith help init).");
  if (!context.prompt.possible() || out.json() || out.quiet() || context.global.yes) return engine::kExitOk;
  auto const typed = context.prompt.hidden("To check the words you have, type them here (Enter: leave it)");
  if (!typed && !typed.error().is(engine::EngineError::no_answer)) return fail(typed.error());
  if (!typed || typed->empty()) return engine::kExitOk;
  KITH_TRY(entropy, crypto::from_words(typed->text()));
  if (core::RecoveryKeys::from_entropy(entropy).sign.public_key() != genesis.recovery_sign)
    return fail(core::CoreError::wrong_recovery);
  out.result(fmt::format("{} These are the words of this group.", out.glyphs().done()));
  return engine::kExitOk;
}

Result<int> rotate(Context& context) {
  KITH_TRY(client, open_client(context, "kith key rotate"));
  KITH_CHECK(client->instance().replica.rotate(engine::current_time()));
  client->bell().ring();
  KITH_TRY(reached, reach_others(context, *client, Level::ours_there, std::chrono::milliseconds{1500}));
  auto object = json_document("kith.key/1");
  object["recovery_fingerprint"] = fingerprint(client->instance().replica.state().genesis().recovery_sign.view());
  object["epoch"] = epoch_json(*client);
  context.out.document(object);
  context.out.result(fmt::format("{} The group's key has changed; {} of {} other devices have it already.",
                                 context.out.glyphs().done(), reached.level.size(), client->other_devices().size()));
  return engine::kExitOk;
}

}  // namespace

int cmd_key_show_recovery(Context& context, KeyShowRecoveryOptions const&) {
  return run_body(context, [&] { return show_recovery(context); });
}
int cmd_key_rotate(Context& context, KeyRotateOptions const&) {
  return run_body(context, [&] { return rotate(context); });
}

}  // namespace kith::cli
