#include <boost/asio/co_spawn.hpp>

#include "link/ws/invite_conversation.hpp"
#include "link/ws/invite_mailbox.hpp"
#include "link/ws/invite_paths.hpp"

/// The joiner's side of an invite's mailbox.
namespace kith::link {
namespace {

/// A claim until it is granted, and the conversation after it.
struct Joining : std::enable_shared_from_this<Joining> {
  Joining(asio::io_context& io, RelayAddress to, std::string const& key)
      : context(io), address(std::move(to)), invite(invite_path(address, key)), client(io, address), pause(io) {}

  [[nodiscard]] awaitable<void> run(std::chrono::milliseconds within) {
    HttpRequest const request{HttpMethod::post, invite + "/claim", "", "{}"};
    auto const answer = co_await client.ask(request, within);
    auto const claim = answer ? read_claim(*answer) : Result<std::string>(fail(answer.error()));
    if (!claim) co_return std::exchange(failed, nullptr)(claim.error());
    auto const target = invite + "/" + *claim;
    auto machine = std::exchange(connected, nullptr)(host_port(address));
    if (!machine) {
      HttpRequest const goodbye{HttpMethod::remove, target};
      co_await client.ask(goodbye, kGoodbyeTime);
      co_return;
    }
    auto const end_poll = [weak = weak_from_this()] {
      auto const self = weak.lock();
      if (!self) return;
      self->client.close();
      self->pause.cancel();
    };
    conversation = std::make_shared<InviteConversation>(context, address, target, "", std::move(machine), end_poll);
    conversation->start();
    co_await poll(target);
  }

  [[nodiscard]] awaitable<void> poll(std::string const& target) {
    std::uint64_t next = 0;
    for (Patience patience; !conversation->over();) {
      auto const asked_at = Clock::now();
      HttpRequest const request{HttpMethod::get, target + poll_query(next)};
      auto const answer = co_await client.ask(request, kPollTime);
      auto const read = answer ? read_boxes_for_joiner(*answer) : Result<BoxesForJoiner>(fail(answer.error()));
      if (conversation->over()) break;
      auto wait = asked_at + kShortestPoll - Clock::now();
      if (read) {
        patience.renew();
        next = read->next;
        for (auto const& box : read->boxes) conversation->hear(box);
        if (read->end) break;
        if (!read->boxes.empty()) continue;
      } else if (Patience::may_pass(read.error())) {
        wait = patience.after(read.error());
      } else {
        break;
      }
      pause.expires_after(wait);
      co_await pause.async_wait(nothrow);
    }
    conversation->end();
  }

  asio::io_context& context;
  RelayAddress address;
  std::string invite;
  HttpClient client;
  Timer pause;
  MachineFactory connected;
  std::function<void(Error)> failed;
  std::shared_ptr<InviteConversation> conversation;
};

}  // namespace

void dial_invite(Loop& loop, RelayAddress address, std::string const& key, std::chrono::milliseconds within,
                 MachineFactory connected, std::function<void(Error)> failed) {
  auto& context = loop.impl().context;
  auto const joining = std::make_shared<Joining>(context, std::move(address), key);
  joining->connected = std::move(connected);
  joining->failed = std::move(failed);
  asio::co_spawn(
      context, [joining, within]() -> awaitable<void> { co_await joining->run(within); },
      [joining](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);  // out of memory; nothing else throws
      });
}

}  // namespace kith::link
