#pragma once

#include "link/tcp/tcp.hpp"
#include "link/ws/invite_answers.hpp"

namespace kith::link {

/// One machine whose bytes travel in boxes through a relay: posts what it says, keeps its deadlines, and tells the
/// relay when it has ended. What the other side said is brought by whoever polls for it.
class InviteConversation : public std::enable_shared_from_this<InviteConversation> {
 public:
  /// @param target  the path of this side's mailbox
  /// @param bearer  the owner's right, or empty
  /// @param over    called once, when the machine was told that the connection is gone
  InviteConversation(asio::io_context& context, RelayAddress const& address, std::string target, std::string bearer,
                     std::shared_ptr<StreamMachine> machine, std::function<void()> over);

  void start();
  void hear(ByteView bytes);                                       ///< a box came
  void end();                                                      ///< the other side, or the way to it, is gone
  void abandon();                                                  ///< likewise, and the relay need not be told
  [[nodiscard]] bool over() const { return ended_ || finished_; }  ///< hears nothing any more

 private:
  [[nodiscard]] awaitable<void> run();
  [[nodiscard]] awaitable<void> write();
  [[nodiscard]] awaitable<void> keep_time();
  [[nodiscard]] awaitable<bool> post(ByteView bytes);
  void wake();

  asio::io_context& context_;
  HttpClient client_;
  std::string target_;
  std::string bearer_;
  std::shared_ptr<StreamMachine> machine_;
  std::function<void()> over_;
  Timer wake_;
  Timer alarm_;
  bool ended_ = false;     ///< the way is gone
  bool finished_ = false;  ///< the machine is done
  bool abandoned_ = false;
};

/// How often a relay that does not answer is asked again.
class Patience {
 public:
  /// Whether an error can pass by itself, so that asking again makes sense.
  [[nodiscard]] static bool may_pass(Error const& error);
  /// How long to wait after an error; longer each time.
  [[nodiscard]] std::chrono::milliseconds after(Error const& error);
  void renew() { next_ = kFirst; }

 private:
  static constexpr auto kFirst = std::chrono::milliseconds{250};
  static constexpr auto kLongest = std::chrono::milliseconds{8000};
  std::chrono::milliseconds next_ = kFirst;
};

}  // namespace kith::link
