#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/home_client.hpp"
#include "cli/pairing.hpp"
#include "cli/qr.hpp"
#include "cli/signals.hpp"
#include "engine/relay_status.hpp"

/// `kith pair` on a device of the group: makes an invite and waits for whoever has it.
namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;
using engine::InviteRow;
using engine::PairRow;
using engine::PairState;

constexpr auto kOwnerTime = std::chrono::seconds{5};
constexpr auto kHandOverTime = std::chrono::seconds{10};
/// How long relays may take to open the invite before it is shown without them.
constexpr auto kRelayTime = std::chrono::seconds{4};
/// Of the relays that could take the invite, those that its link names: more would make a QR code that no camera reads.
constexpr std::size_t kLinkRelays = 2;

/// One invite, from its making to its end.
class Inviting {
 public:
  Inviting(Context& context, PairOptions const& options, Client& client)
      : context_(context),
        options_(options),
        client_(client),
        invites_(client.instance().store(), client.identity().storage, [] { return engine::current_time().wall; }) {}

  Result<int> run() {
    KITH_CHECK(client_.connect());
    KITH_TRY(addresses, wait_for_addresses());
    KITH_TRY(created, invites_.create(options_.expires, context_.global.yes, client_.instance().random));
    lookups_ = {created.code.lookup, created.link_lookup};
    client_.bell().ring();
    auto ended = show_and_wait(created, addresses);
    if (!ended) {
      // Whatever ended it: nobody will answer for this invite any more.
      static_cast<void>(invites_.settle(lookups_.front(), core::InviteState::cancelled, std::nullopt));
      client_.bell().ring();
      if (ended.error().is(EngineError::interrupted)) {
        client_.disconnect();
        context_.out.document(json_line("kith.pair/1", "cancelled"));
        context_.out.note("The code is void now.");
        return signals::stop_signal() == 15 ? engine::kExitTerminated : engine::kExitInterrupted;
      }
    }
    return ended;
  }

 private:
  Result<int> show_and_wait(engine::StoredInvites::Created const& created, std::vector<std::string> const& addresses) {
    KITH_TRY(relays, wait_for_relays(addresses.empty()));
    show(created, addresses, relays);
    if (relays.empty()) warn_if_local(addresses);
    return wait();
  }

  /// The relays at which the invite is open for both of its lookups. One that is not reached now may be later, so where
  /// there is no other way all are named.
  Result<std::vector<std::string>> wait_for_relays(bool only_way) {
    KITH_CHECK(client_.refresh());
    auto relays = client_.instance().replica.state().roster().relays();
    if (relays.size() > engine::Network::kMaxInviteRelays) relays.resize(engine::Network::kMaxInviteRelays);
    auto const until = Clock::now() + kRelayTime;
    for (;;) {
      bool waiting = false;
      std::vector<std::string> open;
      std::vector<std::pair<std::string, std::string>> failed;
      for (auto const& relay : relays) {
        KITH_TRY(state, invite_at(relay.relay));
        if (state.open) {
          open.push_back(relay.url);
        } else {
          waiting = waiting || state.failure.empty();
          failed.emplace_back(relay.url, state.failure);
        }
      }
      if (!waiting || Clock::now() >= until) {
        for (auto const& [url, failure] : failed) {
          warn_of_relay(url, failure);
          if (only_way) open.push_back(url);
        }
        return open;
      }
      if (wait_for_news(client_, std::chrono::milliseconds{100}) == News::signal) return stopped_by_signal();
    }
  }

  /// How the invite stands at a relay: open where both lookups are.
  Result<engine::InviteRelayRow> invite_at(wire::RelayKey const& relay) {
    engine::InviteRelayRow both{true, {}};
    for (auto const& lookup : lookups_) {
      auto const id = core::key_of(bytes_of(lookup.symbols), relay.view());
      KITH_TRY(row, engine::get_control<engine::InviteRelayRow>(client_.instance().store(), id));
      both.open = both.open && row && row->open;
      if (row && both.failure.empty()) both.failure = row->failure;
    }
    return both;
  }

  void warn_of_relay(std::string const& url, std::string const& failure) {
    auto const code = failure.empty() ? std::string_view("no answer yet") : engine::relay_failure_code(failure);
    context_.out.warning("relay-without-invite",
                         fmt::format("{} does not hold this invite ({}): nobody can join through it now",
                                     printable(engine::without_key(url)), code));
  }

  Result<std::vector<std::string>> wait_for_addresses() {
    auto const until = Clock::now() + kOwnerTime;
    for (;;) {
      if (auto const failure = client_.network_failure()) return fail(*failure);
      KITH_TRY(owner, client_.owner());
      if (owner) {
        KITH_CHECK(client_.refresh());
        if (owner->port == 0 && client_.instance().replica.state().roster().relays().empty()) {
          context_.advise({{{"kith config set network.listen '[::]:7427'", "listen"},
                            {"kith relay add URL", "or let devices join through a relay"},
                            {"kith config get network.listen", "see what is set"}}});
          return fail(EngineError::usage, SubjectDetail{fmt::format("\"{}\" does not listen, so no device can come in: "
                                                                    "network.listen is off",
                                                                    printable(owner->command))});
        }
        return owner->addresses;
      }
      if (Clock::now() >= until) return fail(EngineError::timed_out);
      if (wait_for_news(client_, std::chrono::milliseconds{100}) == News::signal) return stopped_by_signal();
    }
  }

  void show(engine::StoredInvites::Created const& created, std::vector<std::string> const& addresses,
            std::vector<std::string> const& relays) {
    auto& out = context_.out;
    auto const code = core::to_text(created.code);
    core::PairingLink link{
        created.link_lookup,
        core::PairPassword(Bytes(created.link_secret.view().begin(), created.link_secret.view().end())), addresses,
        std::vector(relays.begin(),
                    relays.begin() + static_cast<std::ptrdiff_t>(std::min(relays.size(), kLinkRelays)))};
    auto const link_text = core::to_text(link);
    auto object = json_line("kith.pair/1", "invite");
    object["invite_id"] = to_hex(bytes_of(created.code.lookup.symbols));
    object["code"] = code;
    object["link"] = link_text;
    object["addresses"] = addresses;
    object["relays"] = relays;
    object["expires_at"] = json_time(created.expires);
    out.document(object);

    if (options_.qr.value_or(true)) {
      if (auto const picture = qr_code(link_text, out.out_style(), out.out_columns()))
        out.block("\n" + *picture + "\n");
    }
    if (relays.empty()) {
      show_local_ways(code, link_text, addresses);
    } else {
      show_all_ways(code, link_text, addresses, relays);
    }
    auto const minutes = std::chrono::duration_cast<std::chrono::seconds>(options_.expires).count();
    out.note(fmt::format("Good for one device, {}:{:02} left. Ctrl-C takes it back.", minutes / 60, minutes % 60));
    static_cast<void>(out.flush());
  }

  void show_local_ways(std::string const& code, std::string const& link, std::vector<std::string> const& addresses) {
    auto& out = context_.out;
    out.result("On the other device, type:");
    for (auto const& address : addresses)
      out.result(fmt::format("  kith pair --join {} --peer {}", code, engine::shell_quoted(address)));
    out.result("or, with a link that holds the addresses:");
    out.result(fmt::format("  kith pair --join '{}'", link));
  }

  void show_all_ways(std::string const& code, std::string const& link, std::vector<std::string> const& addresses,
                     std::vector<std::string> const& relays) {
    auto& out = context_.out;
    out.result("On the other device, type one of these:");
    for (auto const& address : addresses)
      out.result(fmt::format("  same network:  kith pair --join {} --peer {}", code, engine::shell_quoted(address)));
    for (auto const& relay : relays) {
      out.result(fmt::format("  anywhere:      kith pair --join {} --relay {}", code,
                             engine::shell_quoted(engine::without_key(relay))));
    }
    out.result(fmt::format("  anywhere:      kith pair --join '{}'", link));
  }

  void warn_if_local(std::vector<std::string> const& addresses) {
    bool const local = std::ranges::all_of(addresses, [](std::string const& address) {
      return address.starts_with("127.") || address.starts_with("[::1]") || address.starts_with("localhost:");
    });
    if (local)
      context_.out.warning("only-this-machine",
                           "these addresses lead to this machine only: no other machine can join with them");
  }

  Result<int> wait() {
    for (;;) {
      if (auto const failure = client_.network_failure()) return fail(*failure);
      for (auto const& lookup : lookups_) {
        KITH_TRY(ended, look_at(lookup));
        if (ended) return *ended;
      }
      if (wait_for_news(client_, std::chrono::milliseconds{200}) == News::signal) return stopped_by_signal();
    }
  }

  Result<std::optional<int>> look_at(wire::Lookup const& lookup) {
    auto& store = client_.instance().store();
    KITH_TRY(invite, engine::get_control<InviteRow>(store, bytes_of(lookup.symbols)));
    KITH_TRY(pair, engine::get_control<PairRow>(store, bytes_of(lookup.symbols)));
    if (!invite) return std::nullopt;
    notice_who_left(lookup, pair);
    if (pair && pair->state == PairState::joined) {
      KITH_TRY(code, joined(*pair));
      return std::optional(code);
    }
    if (pair && pair->state == PairState::requested) return ask(lookup, std::move(*pair));
    if (pair && pair->state == PairState::approved) return std::nullopt;
    if (auto const ended = tries(lookup, *invite)) return ended;
    // Who came in time may take the user's answer later, through either of the two ways in.
    KITH_TRY(dealing, somebody_is_dealt_with());
    if (dealing) return std::nullopt;
    if (invite->state != core::InviteState::cancelled && engine::current_time().wall.ms >= invite->expires_ms) {
      KITH_CHECK(invites_.settle(lookup, core::InviteState::expired, std::nullopt));
      context_.out.document(json_line("kith.pair/1", "expired"));
      return std::optional(fail_here(core::CoreError::invite_expired));
    }
    return std::nullopt;
  }

  Result<bool> somebody_is_dealt_with() {
    for (auto const& lookup : lookups_) {
      KITH_TRY(pair, engine::get_control<PairRow>(client_.instance().store(), bytes_of(lookup.symbols)));
      if (pair && (pair->state == PairState::requested || pair->state == PairState::approved)) return true;
    }
    return false;
  }

  /// The failures of invites speak to the joining device; here it is this one that can make another.
  int fail_here(Error const& error) {
    constexpr std::string_view kThere = "on the other device: ";
    auto failure = engine::explain(error);
    for (auto& each : failure.remedies) {
      if (each.explanation.starts_with(kThere)) each.explanation.erase(0, kThere.size());
    }
    return context_.out.failure(failure);
  }

  /// Whoever was let in may go away before it has everything.
  void notice_who_left(wire::Lookup const& lookup, std::optional<PairRow> const& row) {
    auto const agreed = agreed_.find(lookup.symbols);
    if (agreed == agreed_.end()) return;
    if (row && is_same(*row, agreed->second)) return;
    context_.out.note(fmt::format(
        "\"{}\" is gone, or does not answer; it has not joined. The code is still good for it.", agreed->second.name));
    agreed_.erase(agreed);
  }

  /// HOST:PORT of the relay that a device comes through; nullopt where it comes by itself.
  static std::optional<std::string> relay_of(PairRow const& row) {
    if (!row.endpoint.starts_with(engine::kRelayed)) return std::nullopt;
    auto const end = row.endpoint.rfind(':');  // behind it stands which conversation it is
    return row.endpoint.substr(engine::kRelayed.size(), end - engine::kRelayed.size());
  }
  static std::string where(PairRow const& row) { return relay_of(row).value_or(row.endpoint); }
  static std::string shown_place(PairRow const& row) {
    auto const relay = relay_of(row);
    return relay ? fmt::format("through the relay {}", *relay) : row.endpoint;
  }

  static bool is_same(PairRow const& one, PairRow const& other) {
    return one.device == other.device && one.endpoint == other.endpoint;
  }

  /// A try counts when our proof goes out, and is taken back as soon as the other side proves that it knew the code.
  std::optional<int> tries(wire::Lookup const& lookup, InviteRow const& row) {
    auto& counted = tries_[lookup.symbols];
    if (row.tries <= counted.reported) {
      counted.since.reset();
      return std::nullopt;
    }
    auto const now = Clock::now();
    if (!counted.since) counted.since = now;
    if (now < *counted.since + std::chrono::seconds{1}) return std::nullopt;
    counted.reported = row.tries;
    counted.since.reset();
    int const left = std::max(core::InviteBook::kMaxTries - row.tries, 0);
    auto object = json_line("kith.pair/1", "wrong_code");
    object["tries_left"] = left;
    context_.out.document(object);
    context_.out.note(fmt::format("Somebody tried a wrong code; {} {} left.", left, left == 1 ? "try" : "tries"));
    if (left > 0) return std::nullopt;
    context_.out.document(json_line("kith.pair/1", "expired"));
    return fail_here(core::CoreError::invite_void);
  }

  Result<std::optional<int>> ask(wire::Lookup const& lookup, PairRow row) {
    auto object = json_line("kith.pair/1", "request");
    object["device"] = {{"id", json_id(row.device)}, {"name", row.name}};
    object["path"] = relay_of(row) ? "mailbox" : "direct";
    object["endpoint"] = where(row);
    context_.out.document(object);
    static_cast<void>(context_.out.flush());
    auto const still_asked = [&] {
      auto const now = engine::get_control<PairRow>(client_.instance().store(), bytes_of(lookup.symbols));
      return now && *now && (*now)->state == PairState::requested && is_same(**now, row);
    };
    KITH_CHECK(client_.refresh());
    auto const& roster = client_.instance().replica.state().roster();
    bool const let_in_before = roster.find(row.device) != nullptr && !roster.removed(row.device);
    KITH_TRY(yes, context_.prompt.confirm_while(
                      fmt::format("\"{}\" ({}) wants to join. {}Is this yours?", row.name, shown_place(row),
                                  let_in_before ? "It was let in before and never came. " : ""),
                      still_asked));
    if (!yes) {
      context_.out.note(fmt::format("\"{}\" ({}) is not waiting any more.", row.name, shown_place(row)));
      return std::nullopt;
    }
    KITH_CHECK(write_answer(lookup, row, *yes));
    client_.bell().ring();
    if (*yes) return std::nullopt;
    static_cast<void>(wait_for_news(client_, std::chrono::milliseconds{300}));  // the answer goes out
    context_.out.document(json_line("kith.pair/1", "denied"));
    context_.out.note(fmt::format("\"{}\" was not let in.", row.name));
    return std::optional<int>(engine::kExitNotTrusted);
  }

  /// The answer is about the device that was shown: if another one asks by now, nothing is written.
  Result<> write_answer(wire::Lookup const& lookup, PairRow row, bool yes) {
    auto& store = client_.instance().store();
    {
      KITH_TRY(transaction, store::Transaction::begin(store));
      KITH_TRY(now, engine::get_control<PairRow>(store, bytes_of(lookup.symbols)));
      if (!now || now->state != PairState::requested || !is_same(*now, row)) return {};
      row.state = yes ? PairState::approved : PairState::denied;
      KITH_CHECK(engine::put_control(store, row, bytes_of(lookup.symbols)));
      KITH_CHECK(transaction.commit());
    }
    if (!yes) return invites_.settle(lookup, core::InviteState::cancelled, std::nullopt);
    agreed_.insert_or_assign(lookup.symbols, std::move(row));
    return {};
  }

  Result<int> joined(PairRow const& row) {
    KITH_CHECK(client_.refresh());
    KITH_CHECK(hand_over(row));
    auto const& state = client_.instance().replica.state();
    auto object = json_line("kith.pair/1", "joined");
    object["group"] = {{"id", json_id(state.group())}, {"name", state.roster().group_name()}};
    KITH_TRY(device, device_json(client_, row.device));
    object["device"] = device;
    context_.out.document(object);
    context_.out.result(fmt::format("{} \"{}\" joined \"{}\".", context_.out.glyphs().done(),
                                    device_name(client_, row.device), state.roster().group_name()));
    return engine::kExitOk;
  }

  /// Stays until the new device has what the group knows: this may be the only other device that is there. For one that
  /// came through a relay it is enough when that has it.
  Result<> hand_over(PairRow const& row) {
    auto const until = Clock::now() + kHandOverTime;
    for (;;) {
      KITH_CHECK(client_.refresh());
      KITH_TRY(book, engine::DeliveryBook::load(client_.instance().replica, client_.instance().store()));
      auto const relays = client_.instance().replica.state().roster().relays();
      bool const there = relay_of(row) && std::ranges::any_of(relays, [&](core::Roster::Relay const& relay) {
                           return book.relay_holds_all(relay.relay);
                         });
      if (there || book.holds_all(row.device) || Clock::now() >= until) return {};
      if (wait_for_news(client_, std::chrono::milliseconds{100}) == News::signal) return {};
    }
  }

  struct Tries {
    int reported = 0;
    std::optional<Instant> since;
  };
  Context& context_;
  PairOptions const& options_;
  Client& client_;
  engine::StoredInvites invites_;
  std::vector<wire::Lookup> lookups_;
  std::map<std::string, Tries> tries_;
  std::map<std::string, PairRow> agreed_;  ///< by lookup: whom the user let in, until it has joined
};

Result<int> invite(Context& context, PairOptions const& options) {
  if (!options.peers.empty()) {
    return fail(EngineError::usage, SubjectDetail{"--peer goes with --join: it says where the inviting device is"});
  }
  if (options.relay) {
    return fail(EngineError::usage, SubjectDetail{"--relay goes with --join; a group's relays are added by "
                                                  "kith relay add"});
  }
  if (options.name) return fail(EngineError::usage, SubjectDetail{"--name goes with --join; use kith devices rename"});
  if (options.passphrase_file) {
    return fail(EngineError::usage, SubjectDetail{"--passphrase-file goes with --join: it is for keys that are made; "
                                                  "see kith help passphrase"});
  }
  KITH_TRY(client, open_client(context, "kith pair"));
  KITH_CHECK(check_member(context, *client));
  if (!context.prompt.possible() && !context.global.yes) return fail(EngineError::approval_needed);
  return Inviting(context, options, *client).run();
}

}  // namespace

int cmd_pair(Context& context, PairOptions const& options) {
  return run_body(context, [&] { return options.join ? join_by_invite(context, options) : invite(context, options); });
}

}  // namespace kith::cli
