#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/handlers.hpp"
#include "cli/relay_standing.hpp"
#include "cli/removal_claims.hpp"
#include "disk/fd.hpp"
#include "engine/private_file.hpp"

namespace kith::cli {
namespace {

using engine::Client;
using engine::DeliveryState;
using engine::EngineError;

constexpr auto kTellTime = std::chrono::milliseconds{1500};
constexpr auto kContentsTime = std::chrono::seconds{10};      ///< for what is in a long message, once it is told of
constexpr auto kSettleTime = std::chrono::milliseconds{200};  ///< for an acknowledgement that is on its way

Result<SecretBytes> read_all(disk::Fd const& file, std::string const& name) {
  auto data = engine::read_to_end(file, engine::kMaxMessageBytes, name);
  if (!data && data.error().is(files::FilesError::too_long)) {
    std::uint64_t size = engine::kMaxMessageBytes + 1;  // of a stream no more is known
    struct stat found {};
    if (::fstat(file.get(), &found) == 0 && S_ISREG(found.st_mode))
      size = std::max(size, static_cast<std::uint64_t>(found.st_size));
    return fail(EngineError::message_too_large, CountDetail{size, engine::kMaxMessageBytes});
  }
  return data;
}

/// Whether somebody who typed this meant a file: it begins as paths do, or is one word with a slash that is no address
/// of the web.
bool looks_like_path(std::string_view text) {
  if (text.find('\n') != std::string_view::npos) return false;
  for (std::string_view start : {"/", "./", "../", "~"})
    if (text.starts_with(start)) return true;
  bool const one_word = text.find_first_of(" \t") == std::string_view::npos;
  bool const path = text.starts_with('.') || text.find('/') != std::string_view::npos;
  return one_word && path && text.find("://") == std::string_view::npos;
}

/// What is to be sent: standard input, the content of a file of that name, or the text itself.
Result<SecretBytes> content(Context& context, PushOptions const& options) {
  if (options.text) return SecretBytes(Bytes(options.what->begin(), options.what->end()));
  if (!options.what || *options.what == "-") {
    if (::isatty(STDIN_FILENO) == 1) context.out.note("Type the message; end it with Ctrl-D on a line of its own.");
    disk::Fd const input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!input.valid()) return fail(EngineError::usage, SubjectDetail{"there is nothing on standard input"});
    return read_all(input, "standard input");
  }
  struct stat found {};
  bool const there = ::stat(options.what->c_str(), &found) == 0;
  if (there && S_ISREG(found.st_mode)) {
    disk::Fd const file(::open(options.what->c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail(files::FilesError::permission, SystemDetail{errno, *options.what});
    return read_all(file, *options.what);
  }
  if (there && S_ISDIR(found.st_mode) && looks_like_path(*options.what)) {
    auto const name = printable(*options.what);
    context.advise({{{"kith sync " + engine::shell_quoted(name), "keep the directory in step"},
                     {"kith push --text " + engine::shell_quoted(name), "send these words themselves"}}});
    return fail(EngineError::usage,
                SubjectDetail{fmt::format("{} is a directory; a message is a text or a file", name)});
  }
  if (looks_like_path(*options.what)) return fail(EngineError::no_such_file, SubjectDetail{*options.what});
  return SecretBytes(Bytes(options.what->begin(), options.what->end()));
}

std::string_view state_name(DeliveryState state) {
  switch (state) {
    case DeliveryState::pending: return "pending";
    case DeliveryState::safe: return "safe";
    case DeliveryState::seen: return "seen";
  }
  return {};
}

bool reached_state(DeliveryState state, PushWait wait) {
  if (wait == PushWait::seen) return state == DeliveryState::seen;
  return state != DeliveryState::pending;
}

/// Whether a relay has accepted this device.
Result<bool> relay_connected(Client& client) {
  KITH_TRY(relays, relay_standings(client));
  return std::ranges::any_of(relays, &RelayStanding::connected);
}

/// Why waiting for relays does not help, where no device is connected.
Result<std::optional<Error>> refused_by_relays(Client& client) {
  KITH_TRY(sessions, client.sessions());
  if (!sessions.empty()) return std::nullopt;
  KITH_TRY(relays, relay_standings(client));
  return all_troubled(relays);
}

/// Waits until the message has come as far as was asked for. @return what became of it
Result<engine::Delivery> wait_for_delivery(Context& context, Client& client, core::OpId const& id, PushWait wait) {
  KITH_TRY(now_there, client.delivery(id));
  if (alone(client)) return now_there;
  KITH_TRY(owner, client.owner());
  bool const patient = wait != PushWait::none;
  KITH_TRY(sessions, client.sessions());
  // Without --wait: long enough for a device that is connected, or that answers at once; never longer.
  KITH_TRY(at_relay, relay_connected(client));
  bool const nobody = sessions.empty() && !at_relay;
  auto const least = owner && nobody ? kSettleTime : owner ? std::chrono::milliseconds{1000} : kTellTime;
  KITH_CHECK(client.connect());
  auto const patience = patient ? context.global.timeout.value_or(kPatience) : least;
  auto const begun = Clock::now();
  for (;;) {
    KITH_CHECK(check_standing(client));
    KITH_TRY(delivery, client.delivery(id));
    bool const contents_follow = delivery.contents_only_here && !patient && !context.global.timeout;
    auto const until = begun + (contents_follow ? std::chrono::milliseconds(kContentsTime) : patience);
    if (reached_state(delivery.state, wait) || Clock::now() >= until) return delivery;
    // With nobody else in the group nobody lacks what is in it, so that it is left nowhere.
    if (delivery.contents_only_here && client.other_devices().empty()) return delivery;
    KITH_TRY(refusal, refused_by_relays(client));
    if (refusal) return delivery;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (wait_for_news(client, std::min(left, std::chrono::milliseconds{100})) == News::signal)
      return stopped_by_signal();
  }
}

Result<int> push(Context& context, PushOptions const& options) {
  if (!engine::is_name(options.topic)) {
    return fail(EngineError::usage, SubjectDetail{fmt::format("--topic is no name: \"{}\"", printable(options.topic))});
  }
  KITH_TRY(client, open_client(context, "kith push"));
  KITH_CHECK(check_member(context, *client));
  KITH_TRY(data, content(context, options));
  if (data.empty()) {
    bool const from_input = !options.what || (*options.what == "-" && !options.text);
    return fail(EngineError::message_empty, SubjectDetail{from_input ? "standard input" : "what was given"});
  }
  engine::PushRequest request{options.topic, std::chrono::seconds{0}};
  if (options.ttl)
    request.ttl = std::max(std::chrono::ceil<std::chrono::seconds>(*options.ttl), std::chrono::seconds{1});
  KITH_TRY(pushed, client->push(data.view(), request));
  KITH_TRY(delivery, wait_for_delivery(context, *client, pushed.blob_id, options.wait));

  Json item;
  item["id"] = fmt::format("{}:{}", to_hex(pushed.blob_id.entry.view()), pushed.blob_id.index);
  item["cursor"] = pushed.cursor;
  item["topic"] = options.topic;
  item["size_bytes"] = data.view().size();
  item["state"] = state_name(delivery.state);
  item["safe_at"] = Json::array();
  item["seen_by"] = Json::array();
  std::vector<std::string> names;
  for (auto const& device : delivery.safe_at) {
    names.push_back(device_name(*client, device));
    item["safe_at"].push_back({{"kind", "device"}, {"name", names.back()}});
  }
  for (auto const& relay : delivery.at_relays) {
    if (delivery.state == DeliveryState::safe) names.push_back("relay " + printable(relay));
    item["safe_at"].push_back({{"kind", "relay"}, {"name", relay}});
  }
  for (auto const& device : delivery.seen_by) item["seen_by"].push_back(json_id(device));
  auto object = json_document("kith.push/1");
  object["items"] = Json::array({item});
  context.out.document(object);
  auto& out = context.out;
  if (delivery.state != DeliveryState::pending) {
    out.result(fmt::format("pushed 1 item, cursor {}, {} {} {}", pushed.cursor, state_name(delivery.state),
                           delivery.state == DeliveryState::seen ? "by" : "at", fmt::join(names, ", ")));
    if (options.wait != PushWait::seen || delivery.state == DeliveryState::seen) return engine::kExitOk;
  } else {
    out.result(fmt::format("pushed 1 item, cursor {}, pending", pushed.cursor));
    if (alone(*client)) {
      out.warning("pending", "this device is alone in its group: the message is on its disk. Invite another: " +
                                 out.command("kith pair"));
    } else if (delivery.contents_only_here) {
      out.warning("pending", client->other_devices().empty()
                                 ? "contents only here: this group has no other device yet, so that a relay is given "
                                   "no more than that there is a message. Invite one: " +
                                       out.command("kith pair")
                                 : "contents only here: others know of the message, and what is in it goes out when a "
                                   "device or a relay is reached; kith sync or kith pull --follow stays for that");
    } else if (options.wait == PushWait::none) {
      out.warning("pending",
                  "nobody else has it yet; it is on this disk, and goes out when a device or a relay is reached");
    }
  }
  KITH_TRY(sessions, client->sessions());
  if (sessions.empty()) KITH_CHECK(RemovalClaims(context, *client).tell());
  if (options.wait == PushWait::none) return engine::kExitOk;
  KITH_TRY(refusal, refused_by_relays(*client));
  if (refusal) return fail(*refusal);
  KITH_TRY(at_relay, relay_connected(*client));
  if (client->other_devices().empty() || (sessions.empty() && !at_relay)) {
    KITH_CHECK(advise_of_relays(context, *client));
    return fail(EngineError::nobody_reachable);
  }
  return fail(EngineError::timed_out);
}

}  // namespace

int cmd_push(Context& context, PushOptions const& options) {
  return run_body(context, [&] { return push(context, options); });
}

}  // namespace kith::cli
