#include "cli/home_client.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <poll.h>

#include "cli/relay_standing.hpp"
#include "cli/signals.hpp"
#include "engine/device_name.hpp"
#include "engine/key_file.hpp"
#include "wire/opening.hpp"

namespace kith::cli {

using engine::Client;
using engine::EngineError;

namespace {

constexpr auto kOthersTime = std::chrono::milliseconds{300};  ///< once one device is level, so long for the next

/// Relays that have accepted this device, as the process that is on the network shows them.
Result<> look_at_relays(Client& client, engine::DeliveryBook const& book, Level level, Reached& reached) {
  KITH_TRY(standings, relay_standings(client, book));
  for (auto const& each : standings) {
    if (!each.connected()) continue;
    bool const done =
        (level == Level::ours_there || each.row.caught_up) && (level == Level::theirs_here || each.lacks_own == 0);
    if (!done && !each.code().empty()) continue;  // one that has no room, say: waiting does not help
    (done ? reached.relays_level : reached.relays_behind).insert(each.url);
  }
  return {};
}

/// Whether a relay that is connected carries for a device.
Result<bool> has_mailbox(Client& client, core::Member const& member) {
  if (member.state != core::MemberState::active || member.paused || member.pseudonyms.empty()) return false;
  KITH_TRY(owner, client.owner());
  if (!owner) return false;
  for (auto const& relay : client.instance().replica.state().roster().relays()) {
    if (!member.pseudonyms.contains(relay.relay)) continue;
    KITH_TRY(row, engine::get_control<engine::RelayRow>(client.instance().store(), relay.relay.view()));
    if (row && row->connected) return true;
  }
  return false;
}

/// Why an address that was named led to no session: what listens there says nothing to strangers, and hangs up.
void advise_of_dial(Context& context, engine::DialRow const& why) {
  if (why.failure.starts_with("core.")) {
    context.advise({{{"kith devices ls", "here and on that device: compare the group's id"},
                     {"kith pair", "on a device of the group: invite the other one, if it is in none"}},
                    "something listens there and hung up: it is no device of this group, or has removed this one",
                    {}});
  } else if (why.failure_errno != 0) {
    context.advise({{}, std::strerror(why.failure_errno), {}});
  }
}

}  // namespace

Result<core::Identity> open_identity(Context& context, engine::HomePaths const& paths) {
  if (auto checked = engine::check_home(paths); !checked) {
    if (checked.error().is(engine::HomeError::missing)) return fail(EngineError::not_initialised);
    return fail(checked.error());
  }
  auto const file = engine::read_key_file(paths.key_file);
  if (!file) {
    if (file.error().is(engine::KeyError::missing)) return fail(EngineError::not_initialised);
    return fail(file.error());
  }
  return engine::unlock(*file, context.passphrase());
}

Result<std::unique_ptr<Client>> open_client(Context& context, std::string command, engine::Instance::Need need) {
  KITH_TRY(paths, context.home());
  KITH_TRY(identity, open_identity(context, paths));
  auto const config = context.config();
  if (!config) return fail(config.error().front().error);
  return Client::open(std::move(identity), {paths, config->config, std::move(command)}, need);
}

News wait_for_news(Client& client, std::chrono::milliseconds most) {
  if (signals::stop_signal() != 0) return News::signal;
  auto const until = Clock::now() + most;
  for (;;) {
    auto const left =
        std::max(std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()), std::chrono::milliseconds{0});
    std::array<pollfd, 2> waits{{{client.bell().descriptor(), POLLIN, 0}, {signals::wake_descriptor(), POLLIN, 0}}};
    int const ready = ::poll(waits.data(), waits.size(), static_cast<int>(left.count()));
    if (signals::stop_signal() != 0) return News::signal;
    if (ready == 0) return News::time;
    if (ready < 0) continue;
    if (waits[1].revents != 0) signals::drain();
    client.bell().take();
    return News::bell;
  }
}

tl::unexpected<Error> stopped_by_signal() {
  return fail(EngineError::interrupted, CountDetail{static_cast<std::uint64_t>(signals::stop_signal()), 0});
}

bool was_removed(Client& client) { return was_removed(client.instance()); }

bool was_removed(engine::Instance& instance) {
  return instance.replica.state().roster().removed(instance.replica.self());
}

Result<> check_member(Context& context, Client& client) {
  if (client.instance().replica.self_active()) return {};
  if (was_removed(client)) return fail(core::CoreError::removed_self);
  context.advise({{{"kith pair --join CODE --peer HOST:PORT", "join again, with the same code or with another one"},
                   {"kith pair", "on the other device: make a code"}},
                  "joining broke off before the other device had handed over what the group has",
                  {}});
  return fail(EngineError::not_initialised);
}

Result<> check_standing(Client& client) {
  if (auto const failure = client.network_failure()) return fail(*failure);
  KITH_CHECK(client.refresh());
  if (was_removed(client)) return fail(core::CoreError::removed_self);
  KITH_TRY(cloned, engine::get_control<engine::ProblemRow>(client.instance().store(), bytes_of("state-cloned")));
  if (cloned) return fail(core::CoreError::state_cloned);
  return {};
}

bool alone(Client& client) {
  return client.other_devices().empty() && client.instance().replica.state().roster().relays().empty();
}

Result<Reached> reach_others(Context& context, Client& client, Level level, std::chrono::milliseconds first) {
  Reached reached;
  auto const relays = client.instance().replica.state().roster().relays().size();
  if (alone(client)) return reached;
  KITH_CHECK(client.connect());
  // Whoever is on the network already stops waiting between dials.
  KITH_CHECK(engine::put_control(client.instance().store(), engine::VerifyRow{engine::current_time().wall.ms}));
  client.bell().ring();

  auto const patience = context.global.timeout.value_or(kPatience);
  auto const nobody_until = Clock::now() + std::min(context.global.timeout.value_or(first), first);
  auto patient_until = Clock::now() + patience;
  std::optional<Instant> level_since;
  std::vector<Tip> known_tips;
  for (;;) {
    KITH_CHECK(check_standing(client));
    KITH_TRY(sessions, client.sessions());
    KITH_TRY(book, engine::DeliveryBook::load(client.instance().replica, client.instance().store()));
    reached = {};
    for (auto const& [device, row] : sessions) {
      KITH_TRY(theirs_here, book.we_hold_all(device));
      bool const done =
          (level == Level::ours_there || theirs_here) && (level == Level::theirs_here || book.holds_all(device));
      (done ? reached.level : reached.behind).insert(device);
    }
    KITH_CHECK(look_at_relays(client, book, level, reached));
    KITH_TRY(tips, client.instance().replica.tips());
    auto const now = Clock::now();
    if (tips != known_tips) patient_until = now + patience;
    known_tips = std::move(tips);

    bool const quiet = reached.behind.empty() && reached.relays_behind.empty() && !reached.nobody();
    if (!quiet) level_since.reset();
    if (quiet && !level_since) level_since = now;
    bool const all = reached.level.size() >= client.other_devices().size() && reached.relays_level.size() >= relays;
    if (quiet && (all || now >= *level_since + kOthersTime)) return reached;
    if (reached.nobody() && now >= nobody_until) return reached;
    if (now >= patient_until) return reached;
    if (wait_for_news(client, std::chrono::milliseconds{50}) == News::signal) return stopped_by_signal();
  }
}

Result<> dial_peers(Context& context, Client& client, std::vector<std::string> const& addresses) {
  if (addresses.empty()) return {};
  KITH_CHECK(client.connect());
  for (auto const& address : addresses) {
    KITH_TRY(parsed, link::parse_host_port(address));
    KITH_CHECK(client.ask_dial(link::to_text(parsed)));
  }
  auto& store = client.instance().store();
  auto const until = Clock::now() + context.global.timeout.value_or(std::chrono::seconds{10});
  std::optional<std::string> failed;
  engine::DialRow why;
  std::optional<VersionsDetail> versions;
  for (;;) {
    if (auto const failure = client.network_failure()) return fail(*failure);
    KITH_TRY(rows, engine::all_control<engine::DialRow>(store));
    bool waiting = false;
    for (auto const& [key, row] : rows) {
      if (row.failure.empty()) waiting = true;
      if (!row.failure.empty()) {
        failed = std::string(text_of(key));
        why = row;
      }
      if (row.their_max != 0)
        versions = VersionsDetail{wire::kProtocolMin, wire::kProtocolMax, row.their_min, row.their_max};
    }
    KITH_TRY(sessions, client.sessions());
    if (!waiting || Clock::now() >= until) {
      for (auto const& [key, row] : rows) KITH_CHECK(engine::erase_control<engine::DialRow>(store, key));
      if (sessions.empty() && versions) return fail(core::CoreError::version_mismatch, *versions);
      if (sessions.empty() && failed) advise_of_dial(context, why);
      if (sessions.empty() && failed) return fail(EngineError::address_unreachable, SubjectDetail{*failed});
      return {};
    }
    if (wait_for_news(client, std::chrono::milliseconds{50}) == News::signal) return stopped_by_signal();
  }
}

std::vector<Candidate> all_devices(Client& client) {
  std::vector<Candidate> all;
  for (auto const& [device, member] : client.instance().replica.state().roster().members())
    all.push_back({device, device_name(client, device), member.state != core::MemberState::active});
  return all;
}

Result<DeviceId> find_device(Client& client, std::string const& text, bool gone_too) {
  auto candidates = all_devices(client);
  if (!gone_too) std::erase_if(candidates, [](Candidate const& each) { return each.gone; });
  return choose_device(candidates, text);
}

std::string sure_id(Client& client, DeviceId const& device) {
  return fmt::format("{}{}", engine::kIdMark, telling_id(all_devices(client), device));
}

std::string no_name_for_a_device(std::string_view name) {
  return fmt::format("\"{}\" could be taken for a device's id: choose another name", printable(name));
}

std::string device_name(Client& client, DeviceId const& device) {
  auto const* member = client.instance().replica.state().roster().find(device);
  return member != nullptr && !member->name.empty() ? member->name : short_id(device);
}

Result<Json> device_json(Client& client, DeviceId const& device) {
  auto const* member = client.instance().replica.state().roster().find(device);
  bool const self = device == client.device_id();
  KITH_TRY(sessions, client.sessions());
  auto const session = std::ranges::find(sessions, device, [](auto const& each) { return each.first; });
  bool const connected = session != sessions.end();
  sync::PeerBook peers(client.instance().store());
  KITH_CHECK(peers.load());
  auto const* peer = peers.find(device);
  Json json;
  json["id"] = json_id(device);
  json["name"] = device_name(client, device);
  json["self"] = self;
  json["state"] = member == nullptr || member->state != core::MemberState::active ? "revoked"
                  : member->paused                                                ? "paused"
                                                                                  : "active";
  bool mailbox = false;
  if (!self && !connected && member != nullptr) {
    KITH_TRY(found, has_mailbox(client, *member));
    mailbox = found;
  }
  json["path"] = self ? "self" : connected ? "direct" : mailbox ? "mailbox" : "offline";
  json["endpoint"] = connected ? Json(session->second.endpoint) : Json();
  std::optional<WallTime> seen;
  if (peer != nullptr && peer->last_seen_ms > 0) seen = WallTime{peer->last_seen_ms};
  if (connected || self) seen = engine::current_time().wall;
  json["last_seen_at"] = json_time(seen);
  return json;
}

}  // namespace kith::cli
