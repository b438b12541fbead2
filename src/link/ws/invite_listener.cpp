#include <boost/asio/co_spawn.hpp>
#include <nlohmann/json.hpp>

#include "link/ws/invite_conversation.hpp"
#include "link/ws/invite_mailbox.hpp"
#include "link/ws/invite_paths.hpp"

/// The owner's side of an invite's mailbox.
namespace kith::link {
namespace {

constexpr auto kOpenTime = std::chrono::seconds{10};

/// An invite at a relay, from its making until it was taken back.
struct Invite : std::enable_shared_from_this<Invite> {
  Invite(asio::io_context& io, RelayAddress to, std::string const& named, MachineFactory by,
         InviteListener::Told callbacks)
      : context(io),
        address(std::move(to)),
        key(named),
        target(invite_path(address, key)),
        client(io, address),
        pause(io),
        joined(std::move(by)),
        told(std::move(callbacks)) {}

  [[nodiscard]] awaitable<void> run(std::chrono::seconds asked) {
    nlohmann::json const body{{"key", key}, {"expires_s", asked.count()}};
    HttpRequest const request{HttpMethod::post, invites_path(address), "", body.dump()};
    auto const answer = co_await client.ask(request, kOpenTime);
    auto const made = answer ? read_made(*answer) : Result<InviteMade>(fail(answer.error()));
    if (!made) co_return fail_with(made.error());
    owner = made->owner;
    until = Clock::now() + made->expires;
    if (!left && told.opened) told.opened(made->expires);
    co_await poll();
    if (!gone) co_await revoke();
  }

  [[nodiscard]] awaitable<void> poll() {
    std::uint64_t next = 0;
    for (Patience patience; !left;) {
      auto const asked_at = Clock::now();
      HttpRequest const request{HttpMethod::get, target + poll_query(next), owner};
      auto const answer = co_await client.ask(request, kPollTime);
      auto const read = answer ? read_boxes_for_owner(*answer) : Result<BoxesForOwner>(fail(answer.error()));
      if (left) break;
      auto wait = asked_at + kShortestPoll - Clock::now();
      if (read) {
        patience.renew();
        next = read->next;
        for (auto const& box : read->boxes) deliver(box);
        if (!read->boxes.empty()) continue;
      } else if (!Patience::may_pass(read.error()) || Clock::now() >= until) {
        gone = read.error().is(LinkError::invite_gone);
        fail_with(read.error());
        break;
      } else {
        wait = patience.after(read.error());
      }
      pause.expires_after(wait);
      co_await pause.async_wait(nothrow);
    }
  }

  void deliver(BoxForOwner const& box) {
    if (left) return;
    auto found = claims.find(box.claim);
    if (found == claims.end()) {
      if (box.end || claims.size() == InviteListener::kMaxClaims) return;
      found = claims.emplace(box.claim, begin(box.claim)).first;
    }
    auto const conversation = found->second.lock();
    if (!conversation) return;
    box.end ? conversation->end() : conversation->hear(box.box);
  }

  [[nodiscard]] std::shared_ptr<InviteConversation> begin(std::string const& claim) {
    auto machine = joined(host_port(address));
    auto const path = target + "/" + claim;
    if (!machine) {
      asio::co_spawn(
          context, [self = shared_from_this(), path]() -> awaitable<void> { co_await self->remove(path); },
          [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);  // out of memory; nothing else throws
          });
      return nullptr;
    }
    auto const conversation =
        std::make_shared<InviteConversation>(context, address, path, owner, std::move(machine), [] {});
    conversation->start();
    return conversation;
  }

  [[nodiscard]] awaitable<void> remove(std::string path) {
    HttpClient other(context, address);
    HttpRequest const request{HttpMethod::remove, std::move(path), owner};
    co_await other.ask(request, kGoodbyeTime);
  }
  [[nodiscard]] awaitable<void> revoke() { co_await remove(target); }

  void fail_with(Error const& error) {
    for (auto const& [claim, each] : claims) {
      if (auto const conversation = each.lock()) conversation->abandon();
    }
    if (!left && told.failed) std::exchange(told.failed, nullptr)(error);
  }

  /// The listener is destroyed. While the invite is being made the answer is waited for, so that it can be taken back.
  void leave() {
    left = true;
    for (auto const& [claim, each] : claims) {
      if (auto const conversation = each.lock()) conversation->abandon();
    }
    if (!owner.empty()) client.close();
    pause.cancel();
  }

  asio::io_context& context;
  RelayAddress address;
  std::string key;
  std::string target;
  HttpClient client;
  Timer pause;
  MachineFactory joined;
  InviteListener::Told told;
  std::string owner;
  Instant until;
  std::map<std::string, std::weak_ptr<InviteConversation>> claims;  ///< gone: its conversation is over
  bool left = false;
  bool gone = false;
};

class Listener final : public InviteListener {
 public:
  explicit Listener(std::shared_ptr<Invite> invite) : invite_(std::move(invite)) {}
  ~Listener() override { invite_->leave(); }

 private:
  std::shared_ptr<Invite> invite_;
};

}  // namespace

std::unique_ptr<InviteListener> InviteListener::open(Loop& loop, RelayAddress address, std::string const& key,
                                                     std::chrono::seconds expires, MachineFactory joined, Told told) {
  auto& context = loop.impl().context;
  auto const invite = std::make_shared<Invite>(context, std::move(address), key, std::move(joined), std::move(told));
  asio::co_spawn(
      context, [invite, expires]() -> awaitable<void> { co_await invite->run(expires); },
      [invite](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);  // out of memory; nothing else throws
      });
  return std::make_unique<Listener>(invite);
}

}  // namespace kith::link
