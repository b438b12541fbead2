#pragma once

#include <string>

#include "base/result.hpp"
#include "link/ws/asio_types.hpp"
#include "link/ws/relay_address.hpp"

namespace kith::link {

class RelayStream;

enum class HttpMethod { get, post, remove };

struct HttpRequest {
  HttpMethod method = HttpMethod::get;
  std::string target = {};
  std::string bearer = {};  ///< what shows the right to it; may be empty
  std::string body = {};    ///< JSON
};

struct HttpAnswer {
  unsigned status = 0;
  std::string body = {};
  std::uint64_t retry_after_s = 0;  ///< 0: not said
};

/// Asks a relay over HTTP/1.1, one request at a time, on a connection that is kept for the next. Redirects are not
/// followed. For the loop's thread.
class HttpClient {
 public:
  static constexpr std::size_t kMaxAnswerBytes = 64 * 1024;  ///< of a body
  /// A server may close a connection that is idle, and then nobody knows whether a request on it was taken. One that
  /// changes something goes on a kept connection only so soon after the last answer.
  static constexpr auto kFresh = std::chrono::seconds{5};

  HttpClient(asio::io_context& context, RelayAddress address);
  ~HttpClient();
  HttpClient(HttpClient const&) = delete;
  HttpClient& operator=(HttpClient const&) = delete;

  /// @return whatever the status; LinkError::bad_answer for what is no HTTP or too large, else why there is no answer
  [[nodiscard]] awaitable<Result<HttpAnswer>> ask(HttpRequest request, std::chrono::milliseconds within);
  /// Whether the last request may have reached the relay, although no answer came.
  [[nodiscard]] bool may_be_taken() const { return may_be_taken_; }
  /// Ends the request that is under way; later ones fail.
  void close();

 private:
  [[nodiscard]] awaitable<Result<HttpAnswer>> exchange(HttpRequest const& request, std::shared_ptr<RelayStream> stream);
  [[nodiscard]] Error late() const;

  asio::io_context& context_;
  RelayAddress address_;
  std::shared_ptr<RelayStream> stream_;  ///< kept for the next request, or in use by this one
  Instant answered_at_;
  bool keep_ = false;  ///< the connection can be used again
  bool may_be_taken_ = false;
  bool closed_ = false;
};

}  // namespace kith::link
