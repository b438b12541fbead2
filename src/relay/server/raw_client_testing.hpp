#pragma once

#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.hpp"
#include "base/time.hpp"

/// A client for tests that knows neither Asio nor Beast: what it sends is what the test wrote.
namespace kith::relay::server {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(RawClient&& other) noexcept : connected(other.connected), fd_(std::exchange(other.fd_, -1)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }

  void send(std::string_view text) const {
    while (!text.empty()) {
      auto const sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  [[nodiscard]] int descriptor() const { return fd_; }
  void finish_sending() const { ::shutdown(fd_, SHUT_WR); }

  /// What comes within the time: at least `enough` bytes, less where the server closes or the time is over.
  std::string receive(std::size_t enough, std::chrono::milliseconds within = std::chrono::seconds{5}) {
    auto const until = Clock::now() + within;
    while (pending_.size() < enough && !closed) {
      auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      pollfd waiting{fd_, POLLIN, 0};
      if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) break;
      char buffer[16384];
      auto const got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) closed = true;
      if (got > 0) pending_.append(buffer, static_cast<std::size_t>(got));
    }
    auto const count = std::min(enough, pending_.size());
    auto taken = pending_.substr(0, count);
    pending_.erase(0, count);
    return taken;
  }
  std::string receive_all(std::chrono::milliseconds within = std::chrono::seconds{5}) {
    return receive(std::string::npos, within);
  }
  bool closed_within(std::chrono::milliseconds within) {
    receive_all(within);
    return closed;
  }

  /// One HTTP response: its head, and the body that Content-Length promises.
  std::string response(std::chrono::milliseconds within = std::chrono::seconds{5}) {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      auto const more = receive(1, within);
      if (more.empty()) return head;
      head += more;
    }
    auto const at = head.find("Content-Length: ");
    auto const length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    return head + receive(length, within);
  }

  /// @param headers  further header lines, each with its CRLF
  bool upgrade(std::string_view path = "/", std::string_view headers = "") {
    send("GET " + std::string(path) +
         " HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(headers) + "\r\n");
    answer = response();
    return answer.starts_with("HTTP/1.1 101 ") &&
           answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos;  // RFC 6455, section 1.3
  }
  /// A frame as clients send it, masked (RFC 6455, section 5.2).
  static std::string frame(unsigned opcode, std::string_view payload, bool last = true) {
    std::string out(1, static_cast<char>((last ? 0x80U : 0U) | opcode));
    if (payload.size() < 126) {
      out += static_cast<char>(0x80U | payload.size());
    } else if (payload.size() < 65536) {
      out += static_cast<char>(0x80U | 126);
      out += {static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
    } else {
      out += static_cast<char>(0x80U | 127);
      for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(std::uint64_t{payload.size()} >> shift);
    }
    constexpr std::array<char, 4> mask{0x12, 0x34, 0x56, 0x78};
    out.append(mask.begin(), mask.end());
    for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
    return out;
  }
  struct Frame {
    unsigned opcode = 0;
    std::string payload;
  };
  /// The next frame from the server; opcode 0 where none comes.
  Frame receive_frame(std::chrono::milliseconds within = std::chrono::seconds{5}) {
    auto const head = receive(2, within);
    if (head.size() < 2) return {};
    std::uint64_t length = static_cast<std::uint8_t>(head[1]);
    if (length >= 126) {
      auto const wide = receive(length == 126 ? 2 : 8, within);
      length = 0;
      for (char const c : wide) length = length << 8 | static_cast<std::uint8_t>(c);
    }
    return {static_cast<unsigned>(head[0]) & 0x0fU, receive(length, within)};
  }

  bool connected;
  bool closed = false;
  std::string answer;  ///< to the upgrade

 private:
  int fd_;
  std::string pending_;
};

}  // namespace kith::relay::server
