#include "engine/one_conversation.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "engine/error.hpp"
#include "link/tcp/error.hpp"
#include "link/ws/websocket.hpp"

namespace kith::engine {

void OneConversation::on_bytes(ByteView bytes) {
  if (done()) return;
  heard_();
  if (auto taken = take(bytes); !taken) end(taken.error());
}

void OneConversation::on_closed() {
  if (!finished()) end(core::CoreError::closed);
  if (loop_ != nullptr) loop_->stop();
}

Result<> OneConversation::run(std::shared_ptr<OneConversation> const& machine, link::RelayAddress const& address,
                              Waiting const& waiting) {
  return run_over(machine, link::host_port(address), waiting,
                  [&](link::Loop& loop, link::MachineFactory connected, std::function<void(Error)> failed) {
                    link::dial_websocket(loop, address, waiting.within, std::move(connected), std::move(failed));
                  });
}

Result<> OneConversation::run(std::shared_ptr<OneConversation> const& machine, std::string const& address,
                              Waiting const& waiting) {
  return run_over(machine, address, waiting,
                  [&](link::Loop& loop, link::MachineFactory connected, std::function<void(Error)> failed) {
                    link::dial(loop, {address}, waiting.within, std::move(connected), std::move(failed));
                  });
}

Result<> OneConversation::run_over(std::shared_ptr<OneConversation> const& machine, std::string const& where,
                                   Waiting const& waiting, Dial const& dial) {
  link::Loop loop;
  machine->loop_ = &loop;
  auto const stop = [&](Error reason) {
    machine->end(std::move(reason));
    loop.stop();
  };
  auto silent_at = Clock::now() + waiting.within;
  auto const ends_at = [&] { return waiting.latest ? std::min(silent_at, waiting.latest()) : silent_at; };
  std::unique_ptr<link::Loop::Alarm> late;
  late = loop.make_alarm([&] {
    if (auto const end = ends_at(); end > Clock::now()) return late->set(end);
    stop({link::LinkError::timed_out, SystemDetail{0, where}});
  });
  late->set(ends_at());
  if (waiting.while_it_talks) {
    machine->heard_ = [&] {
      silent_at = Clock::now() + waiting.within;
      late->set(ends_at());
    };
  }
  std::unique_ptr<link::Loop::Watch> cancel;
  if (waiting.cancelled) {
    cancel = loop.watch(waiting.cancel_descriptor, [&] {
      if (waiting.cancelled()) stop(EngineError::interrupted);
    });
  }
  dial(
      loop,
      [&](std::string const&) {
        machine->connected();
        return machine;
      },
      [&](Error const& error) { stop(error); });
  loop.run();
  machine->loop_ = nullptr;
  machine->heard_ = [] {};
  if (machine->finished()) return {};
  return fail(machine->failure_ ? *machine->failure_ : Error(core::CoreError::closed));
}

}  // namespace kith::engine
