#include "link/ws/invite_conversation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "link/ws/invite_paths.hpp"

namespace kith::link {
namespace {

using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): && and ||

constexpr auto kPostTime = std::chrono::seconds{10};

}  // namespace

bool Patience::may_pass(Error const& error) {
  if (!error.holds<LinkError>()) return false;
  switch (error.as<LinkError>()) {
    case LinkError::unknown_host:
    case LinkError::refused:
    case LinkError::unreachable:
    case LinkError::timed_out:
    case LinkError::rate_limited:
    case LinkError::io: return true;
    case LinkError::bad_address:
    case LinkError::address_in_use:
    case LinkError::not_permitted:
    case LinkError::bad_relay_address:
    case LinkError::unknown_scheme:
    case LinkError::bad_relay_key:
    case LinkError::tls_failed:
    case LinkError::tls_untrusted:
    case LinkError::not_websocket:
    case LinkError::invite_taken:
    case LinkError::invite_gone:
    case LinkError::bad_answer: return false;
  }
  KITH_UNREACHABLE();
}

std::chrono::milliseconds Patience::after(Error const& error) {
  auto const wait = next_;
  next_ = std::min(2 * next_, kLongest);
  auto const* const asked = std::get_if<CountDetail>(&error.detail());
  if (!error.is(LinkError::rate_limited) || asked == nullptr) return wait;
  return std::max<std::chrono::milliseconds>(wait, std::chrono::seconds{asked->count});
}

InviteConversation::InviteConversation(asio::io_context& context, RelayAddress const& address, std::string target,
                                       std::string bearer, std::shared_ptr<StreamMachine> machine,
                                       std::function<void()> over)
    : context_(context),
      client_(context, address),
      target_(std::move(target)),
      bearer_(std::move(bearer)),
      machine_(std::move(machine)),
      over_(std::move(over)),
      wake_(context),
      alarm_(context) {}

void InviteConversation::start() {
  auto const self = shared_from_this();
  asio::co_spawn(
      context_, [self]() -> awaitable<void> { co_await self->run(); },
      [self](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);  // out of memory; nothing else throws
      });
}

void InviteConversation::wake() {
  wake_.cancel();
  alarm_.cancel();
}

void InviteConversation::hear(ByteView bytes) {
  if (ended_ || machine_->done()) return;
  machine_->on_bytes(bytes);
  wake();
}

void InviteConversation::end() {
  ended_ = true;
  wake();
}

void InviteConversation::abandon() {
  abandoned_ = true;
  client_.close();
  end();
}

awaitable<void> InviteConversation::run() {
  machine_->wake = [this] { wake(); };
  co_await (write() && keep_time());
  machine_->wake = [] {};
  finished_ = true;
  HttpRequest const goodbye{HttpMethod::remove, target_, bearer_};
  if (!abandoned_) co_await client_.ask(goodbye, kGoodbyeTime);
  machine_->on_closed();
  std::exchange(over_, nullptr)();
}

awaitable<void> InviteConversation::write() {
  Bytes out;
  while (!ended_) {
    while (out.size() < kMaxBoxBytes && machine_->poll_transmit(out)) {
    }
    if (!out.empty()) {
      auto const box = ByteView{out}.first(std::min(out.size(), kMaxBoxBytes));
      bool const posted = co_await post(box);
      if (!posted) end();
      out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(box.size()));
    } else if (machine_->done()) {
      break;
    } else {
      wake_.expires_at(Clock::time_point::max());
      co_await wake_.async_wait(nothrow);
    }
  }
  alarm_.cancel();
}

/// Sends one box, once: where it may have been taken although no answer came, it is not sent again.
awaitable<bool> InviteConversation::post(ByteView bytes) {
  HttpRequest const request{HttpMethod::post, target_, bearer_, "{\"box\":\"" + to_base64url(bytes) + "\"}"};
  for (Patience patience; !ended_;) {
    auto const answer = co_await client_.ask(request, kPostTime);
    auto const posted = answer ? read_posted(*answer) : Result<>(fail(answer.error()));
    if (posted) co_return true;
    bool const taken = answer ? !posted.error().is(LinkError::rate_limited) : client_.may_be_taken();
    if (taken || machine_->done() || !Patience::may_pass(posted.error())) break;
    for (auto const again = Clock::now() + patience.after(posted.error()); !ended_ && Clock::now() < again;) {
      wake_.expires_at(again);
      co_await wake_.async_wait(nothrow);
    }
  }
  co_return false;
}

awaitable<void> InviteConversation::keep_time() {
  while (!ended_ && !machine_->done()) {
    alarm_.expires_at(machine_->next_deadline().value_or(Clock::time_point::max()));
    auto const [ec] = co_await alarm_.async_wait(nothrow);
    if (!ec && !ended_) {
      machine_->on_timer();
      wake_.cancel();
    }
  }
  wake_.cancel();
}

}  // namespace kith::link
