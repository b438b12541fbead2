#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "link/tcp/address.hpp"
#include "link/tcp/loop.hpp"

namespace kith::link {

/// What runs over one connection: a protocol machine with the clock put in. All calls come on the loop's thread.
class StreamMachine {
 public:
  virtual ~StreamMachine() = default;
  virtual void on_bytes(ByteView bytes) = 0;
  virtual void on_closed() = 0;  ///< the connection is gone; nothing is called after it
  virtual void on_timer() {}
  [[nodiscard]] virtual bool poll_transmit(Bytes& out) = 0;  ///< appends; false when there is nothing to send
  [[nodiscard]] virtual std::optional<Instant> next_deadline() { return std::nullopt; }
  [[nodiscard]] virtual bool done() const = 0;  ///< the connection may be closed
  /// Set by the connection: to be called after the machine was used from outside.
  std::function<void()> wake = [] {};
};

/// Makes the machine for a new connection; null closes it at once.
using MachineFactory = std::function<std::shared_ptr<StreamMachine>(std::string const& remote)>;

/// Accepts connections until destroyed.
class TcpListener {
 public:
  /// @param address  HOST:PORT; "[::]" listens on IPv4 as well; port 0 takes a free one
  /// @return LinkError::address_in_use, not_permitted, bad_address
  [[nodiscard]] static Result<std::unique_ptr<TcpListener>> open(Loop& loop, HostPort const& address,
                                                                 MachineFactory factory);
  virtual ~TcpListener() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

/// Dials addresses, each a little after the one before, and keeps the first that answers (RFC 8305).
/// @param connected  makes the machine; called at most once, with the address that answered
/// @param failed     called instead, with the last address's reason
void dial(Loop& loop, std::vector<std::string> addresses, std::chrono::milliseconds within, MachineFactory connected,
          std::function<void(Error)> failed);

}  // namespace kith::link
