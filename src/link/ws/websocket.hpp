#pragma once

#include "link/tcp/tcp.hpp"
#include "link/ws/relay_address.hpp"

namespace kith::link {

/// How a WebSocket that says nothing is kept open, and when it is taken for dead.
struct KeepAlive {
  std::chrono::milliseconds ping = std::chrono::seconds{25};  ///< between pings: proxies close what is silent for 30 s
  std::chrono::milliseconds silence = std::chrono::seconds{60};  ///< without a byte, not even of a pong: it is gone
};

/// The largest message that goes out, and that is taken. A machine's bytes are a stream: messages have no meaning of
/// their own.
inline constexpr std::size_t kMaxSentMessageBytes = 64 * 1024;
inline constexpr std::size_t kMaxReceivedMessageBytes = 1024 * 1024;

/// Dials a relay and runs a machine over a WebSocket to it: binary messages each way, one write at a time. A text
/// message, or a larger one than is taken, ends the connection. With TLS the certificate must be for the address's host
/// and of an authority that the system trusts (SSL_CERT_FILE and SSL_CERT_DIR name others).
/// @param within     for everything until the WebSocket is open
/// @param connected  makes the machine; called at most once, with HOST:PORT
/// @param failed     called instead: tls_failed, tls_untrusted, not_websocket, or what dial() says
void dial_websocket(Loop& loop, RelayAddress address, std::chrono::milliseconds within, MachineFactory connected,
                    std::function<void(Error)> failed, KeepAlive const& keep_alive = {});

}  // namespace kith::link
