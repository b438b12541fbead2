#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "link/tcp/tcp.hpp"
#include "link/ws/relay_address.hpp"

namespace kith::engine {

/// How long a conversation that a command waits for may take, and what ends it before.
struct Waiting {
  std::chrono::milliseconds within;
  bool while_it_talks = false;           ///< `within` is counted anew from each byte that comes
  int cancel_descriptor = -1;            ///< when it is readable, `cancelled` is asked
  std::function<bool()> cancelled;       ///< whether to give up; drains the descriptor
  std::function<Instant()> latest = {};  ///< where it is set: the end, whatever comes; asked again at that time
};

/// One conversation with a relay or a device, on a loop of its own, until it is done. The calling thread waits.
class OneConversation : public link::StreamMachine {
 public:
  void on_bytes(ByteView bytes) override;
  void on_closed() override;
  [[nodiscard]] bool done() const override { return failure_.has_value() || finished(); }

  /// @return what ended it before it was finished: LinkError, CoreError::closed, EngineError::interrupted, and what
  ///         take() returned
  [[nodiscard]] static Result<> run(std::shared_ptr<OneConversation> const& machine, link::RelayAddress const& address,
                                    Waiting const& waiting);
  /// The same over TCP. @param address  HOST:PORT
  [[nodiscard]] static Result<> run(std::shared_ptr<OneConversation> const& machine, std::string const& address,
                                    Waiting const& waiting);

 protected:
  virtual void connected() {}
  [[nodiscard]] virtual Result<> take(ByteView bytes) = 0;
  [[nodiscard]] virtual bool finished() const = 0;
  void end(Error reason) {
    if (!failure_) failure_ = std::move(reason);
  }

 private:
  using Dial = std::function<void(link::Loop&, link::MachineFactory, std::function<void(Error)>)>;
  [[nodiscard]] static Result<> run_over(std::shared_ptr<OneConversation> const& machine, std::string const& where,
                                         Waiting const& waiting, Dial const& dial);

  link::Loop* loop_ = nullptr;
  std::function<void()> heard_ = [] {};
  std::optional<Error> failure_;
};

/// The same of a machine that has on_bytes(), poll_transmit() and done().
template <class Machine>
class Conversation final : public OneConversation {
 public:
  template <class... Args>
  explicit Conversation(Args&&... args) : machine(std::forward<Args>(args)...) {}
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return machine.poll_transmit(out); }
  Machine machine;

 private:
  Result<> take(ByteView bytes) override { return machine.on_bytes(bytes); }
  [[nodiscard]] bool finished() const override { return machine.done(); }
};

}  // namespace kith::engine
