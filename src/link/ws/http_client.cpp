#include "link/ws/http_client.hpp"

#include <charconv>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "base/assert.hpp"
#include "link/ws/relay_stream.hpp"

namespace kith::link {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

/// All of one answer: body, headers, and what marks chunks.
constexpr std::size_t kMaxWireBytes = 2 * HttpClient::kMaxAnswerBytes;
constexpr std::uint64_t kMaxRetryAfter = 3600;  // seconds; whoever asks for more is asked again after that

std::uint64_t seconds_of(std::string_view text) {
  std::uint64_t seconds = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc{} && end == text.data() + text.size() ? std::min(seconds, kMaxRetryAfter) : 0;
}

http::verb verb_of(HttpMethod method) {
  switch (method) {
    case HttpMethod::get: return http::verb::get;
    case HttpMethod::post: return http::verb::post;
    case HttpMethod::remove: return http::verb::delete_;
  }
  KITH_UNREACHABLE();
}

Error answer_error(error_code ec, std::string where) {
  // The connection ended: at once, or amid an answer.
  if (ec == http::error::end_of_stream || ec == http::error::partial_message) ec = asio::error::eof;
  bool const no_http =
      ec.category() == make_error_code(http::error::bad_version).category() || ec == asio::error::message_size;
  if (no_http) return {LinkError::bad_answer, CountDetail{}};
  return link_error(ec, std::move(where));
}

}  // namespace

HttpClient::HttpClient(asio::io_context& context, RelayAddress address)
    : context_(context), address_(std::move(address)) {}
HttpClient::~HttpClient() { close(); }

void HttpClient::close() {
  closed_ = true;
  if (stream_) stream_->close();
}

Error HttpClient::late() const { return {LinkError::timed_out, SystemDetail{ETIMEDOUT, host_port(address_)}}; }

awaitable<Result<HttpAnswer>> HttpClient::ask(HttpRequest request, std::chrono::milliseconds within) {
  struct Watched {
    std::shared_ptr<RelayStream> stream;
    bool late = false;
  };
  auto const watched = std::make_shared<Watched>();
  Timer deadline(context_);
  deadline.expires_after(within);
  deadline.async_wait([watched](error_code ec) {
    if (ec) return;
    watched->late = true;
    if (watched->stream) watched->stream->close();
  });

  may_be_taken_ = false;
  bool const idempotent = request.method == HttpMethod::get;
  bool reused = keep_ && stream_ && (idempotent || Clock::now() - answered_at_ < kFresh);
  keep_ = false;
  for (;;) {
    if (closed_) co_return fail(late());
    if (!reused) {
      stream_ = std::make_shared<RelayStream>(context_);
      watched->stream = stream_;
      auto const connected = co_await stream_->connect(address_);
      if (watched->late || closed_) co_return fail(late());
      if (!connected) co_return fail(connected.error());
    }
    watched->stream = stream_;
    auto answer = co_await exchange(request, stream_);
    watched->stream.reset();
    if (watched->late || closed_) co_return fail(late());
    // The relay may have closed a connection that was idle, while this request was on its way.
    bool const again = !answer && reused && idempotent && !answer.error().is(LinkError::bad_answer);
    reused = false;
    if (!again) co_return answer;
  }
}

awaitable<Result<HttpAnswer>> HttpClient::exchange(HttpRequest const& request, std::shared_ptr<RelayStream> stream) {
  http::request<http::string_body> message(verb_of(request.method), request.target, 11);
  message.set(http::field::host, host_header(address_));
  message.set(http::field::accept, "application/json");
  if (!request.bearer.empty()) message.set(http::field::authorization, "Bearer " + request.bearer);
  if (request.method == HttpMethod::post) message.set(http::field::content_type, "application/json");
  message.body() = request.body;
  message.prepare_payload();

  may_be_taken_ = true;
  stream->allow_to_read(kMaxWireBytes);
  auto const [write_ec, written] = co_await http::async_write(*stream, message, nothrow);
  if (write_ec) co_return fail(answer_error(write_ec, host_port(address_)));

  beast::flat_buffer buffer(kMaxWireBytes);
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswerBytes);
  auto const [read_ec, count] = co_await http::async_read(*stream, buffer, parser, nothrow);
  if (read_ec) co_return fail(answer_error(read_ec, host_port(address_)));

  auto& answer = parser.get();
  keep_ = answer.keep_alive() && buffer.size() == 0;  // bytes that nobody asked for: out of step
  answered_at_ = Clock::now();
  auto const retry_after = answer[http::field::retry_after];
  co_return HttpAnswer{answer.result_int(), std::move(answer.body()),
                       seconds_of({retry_after.data(), retry_after.size()})};
}

}  // namespace kith::link
