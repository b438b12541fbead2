#include "relay/server/invite_http.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "relay/server/json_http.hpp"

namespace kith::relay::server {
namespace {

using nlohmann::json;

HttpResponse bad_request(std::string_view message) { return json_error(400, "bad_request", message); }
HttpResponse not_found() { return json_error(404, "not_found", "no such invite, or not yours"); }
HttpResponse not_allowed(std::string_view methods) {
  auto response = json_error(405, "method_not_allowed", fmt::format("this takes {}", methods));
  response.headers.emplace_back("Allow", methods);
  return response;
}
HttpResponse gone_well() { return {204, "", "", {}}; }

HttpResponse failed(Error const& error) {
  switch (error.as<InviteError>()) {
    case InviteError::taken: return json_error(409, "taken", "this key is in use: make another code");
    case InviteError::not_found: return not_found();
    case InviteError::too_large: return json_error(413, "too_large", "a box is too large");
    case InviteError::full: return json_error(409, "full", "this side has sent as many boxes as a pairing may take");
    case InviteError::ended: return json_error(409, "ended", "this side has ended the conversation");
    case InviteError::rate_limited: {
      auto const wait = std::get<CountDetail>(error.detail()).count;
      auto response = json_error(429, "rate_limited", fmt::format("too many tries; again in {} s", wait));
      response.headers.emplace_back("Retry-After", fmt::format("{}", wait));
      return response;
    }
  }
  KITH_UNREACHABLE();
}

std::optional<std::uint64_t> number(std::optional<std::string_view> text) {
  if (!text) return 0;
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return value;
}

std::optional<InviteClaim> claim_of(std::string_view text) {
  auto const bytes = from_base64url(text);
  return bytes ? InviteClaim::from(*bytes) : std::nullopt;
}

std::optional<InviteOwner> owner_of(HttpRequest const& request) {
  constexpr std::string_view kBearer = "Bearer ";
  if (!request.authorization.starts_with(kBearer)) return std::nullopt;
  auto const bytes = from_base64url(std::string_view(request.authorization).substr(kBearer.size()));
  return bytes ? InviteOwner::from(*bytes) : std::nullopt;
}

/// Whether brackets are nested deeper than any body needs. What is deep may be walked through recursively somewhere.
bool too_deep(std::string_view text) {
  constexpr int kDeepest = 8;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if ((c == '[' || c == '{') && ++depth > kDeepest) return true;
    if (c == ']' || c == '}') --depth;
  }
  return false;
}

/// The body's JSON object; discarded where it is none.
json object_of(HttpRequest const& request) {
  if (too_deep(request.body)) return json(json::value_t::discarded);
  auto parsed = json::parse(request.body, nullptr, false);
  if (!parsed.is_object()) return json(json::value_t::discarded);
  return parsed;
}

std::optional<Bytes> box_of(json const& object) {
  auto const found = object.find("box");
  if (found == object.end() || !found->is_string()) return std::nullopt;
  auto box = from_base64url(found->get_ref<std::string const&>());
  return box && !box->empty() ? box : std::nullopt;
}

}  // namespace

void InviteHttp::answer(HttpRequest const& request, Respond respond, Instant now) {
  auto const& method = request.method;
  if (request.path == "/invite") {
    return respond(method == "POST" ? create(request, now) : not_allowed("POST"));
  }
  std::string_view rest = std::string_view(request.path).substr(std::string_view("/invite/").size());
  std::string const key(rest.substr(0, rest.find('/')));
  rest.remove_prefix(key.size());
  if (!is_invite_key(key)) return respond(bad_request("a key is eight Crockford symbols, upper case"));
  if (rest == "/claim") return respond(method == "POST" ? claim(request, key, now) : not_allowed("POST"));
  if (rest.empty()) {
    if (method == "GET") return read(request, key, std::nullopt, std::move(respond), now);
    return respond(method == "DELETE" ? remove(request, key, std::nullopt) : not_allowed("GET, DELETE"));
  }
  auto const which = claim_of(rest.substr(1));
  if (!which) return respond(not_found());
  if (method == "GET") return read(request, key, which, std::move(respond), now);
  if (method == "POST") return respond(post(request, key, *which));
  respond(method == "DELETE" ? remove(request, key, which) : not_allowed("GET, POST, DELETE"));
}

HttpResponse InviteHttp::create(HttpRequest const& request, Instant now) {
  auto const body = object_of(request);
  if (body.is_discarded()) return bad_request("the body is no JSON object");
  auto const key = body.find("key");
  auto const expires = body.find("expires_s");
  if (key == body.end() || !key->is_string() || !is_invite_key(key->get_ref<std::string const&>()))
    return bad_request("key: eight Crockford symbols, upper case");
  if (expires == body.end() || !expires->is_number_unsigned() || expires->get<std::uint64_t>() == 0)
    return bad_request("expires_s: a number of seconds, above 0");
  auto const seconds = std::chrono::seconds{std::min<std::uint64_t>(expires->get<std::uint64_t>(), 86400)};
  auto const made = invites_.create(request.client, key->get<std::string>(), seconds, now);
  if (!made) return failed(made.error());
  return json_response(201, {{"owner", to_base64url(made->owner.view())}, {"expires_s", made->expires.count()}});
}

HttpResponse InviteHttp::claim(HttpRequest const& request, std::string const& key, Instant now) {
  if (object_of(request).is_discarded()) return bad_request("the body is no JSON object");
  auto const made = invites_.claim(request.client, key, now);
  if (!made) return failed(made.error());
  return json_response(201, {{"claim", to_base64url(made->view())}});
}

HttpResponse InviteHttp::post(HttpRequest const& request, std::string const& key, InviteClaim const& claim) {
  auto const body = object_of(request);
  auto box = body.is_discarded() ? std::nullopt : box_of(body);
  if (!box) return bad_request("box: bytes as base64url, at least one");
  auto const owner = owner_of(request);
  if (!owner && !request.authorization.empty()) return not_found();
  auto const sent =
      owner ? invites_.answer(key, *owner, claim, std::move(*box)) : invites_.post(key, claim, std::move(*box));
  if (!sent) return failed(sent.error());
  tell(key);
  return json_response(200, {{"boxes", *sent}});
}

HttpResponse InviteHttp::remove(HttpRequest const& request, std::string const& key,
                                std::optional<InviteClaim> const& claim) {
  auto const owner = owner_of(request);
  if (!owner && (!claim || !request.authorization.empty())) return not_found();
  auto const done = !claim  ? invites_.revoke(key, *owner)
                    : owner ? invites_.dismiss(key, *owner, *claim)
                            : invites_.end(key, *claim);
  if (!done) return failed(done.error());
  tell(key);
  return gone_well();
}

void InviteHttp::read(HttpRequest const& request, std::string const& key, std::optional<InviteClaim> claim,
                      Respond respond, Instant now) {
  auto const after = number(request.parameter("after"));
  auto const wait = number(request.parameter("wait_s"));
  if (!after || !wait) return respond(bad_request("after and wait_s are numbers"));
  Waiting waiting{claim, {}, *after, {}, nullptr};
  waiting.until =
      now + std::min<std::chrono::seconds>(std::chrono::seconds{std::min<std::uint64_t>(*wait, 3600)}, kLongestWait);
  if (!claim) {
    auto owner = owner_of(request);
    if (!owner) return respond(not_found());
    waiting.owner = std::move(*owner);
  }
  if (auto response = news(key, waiting, waiting.until <= now)) return respond(std::move(*response));
  // Each side waits once: whoever asks again has given the earlier answer up.
  Seat const seat{key, claim};
  if (auto const before = waiting_.find(seat); before != waiting_.end()) {
    auto const earlier = std::move(before->second);
    waiting_.erase(before);
    if (auto response = news(key, earlier, true)) earlier.respond(std::move(*response));
  }
  waiting.respond = std::move(respond);
  waiting_.emplace(seat, std::move(waiting));
}

std::optional<HttpResponse> InviteHttp::news(std::string const& key, Waiting const& waiting, bool time_over) {
  auto boxes = json::array();
  if (waiting.claim) {
    auto const found = invites_.read(key, *waiting.claim, waiting.after);
    if (!found) return failed(found.error());
    if (found->boxes.empty() && !found->end && !time_over) return std::nullopt;
    for (auto const box : found->boxes) boxes.push_back(to_base64url(box));
    json body{{"boxes", std::move(boxes)}, {"next", found->next}};
    if (found->end) body["end"] = true;
    return json_response(200, body);
  }
  auto const found = invites_.read_all(key, waiting.owner, waiting.after);
  if (!found) return failed(found.error());
  if (found->events.empty() && !time_over) return std::nullopt;
  for (auto const* event : found->events) {
    json one{{"claim", to_base64url(event->claim.view())}};
    event->box ? one["box"] = to_base64url(*event->box) : one["end"] = true;
    boxes.push_back(std::move(one));
  }
  return json_response(200, {{"boxes", std::move(boxes)}, {"next", found->next}});
}

void InviteHttp::tell(std::string const& key) {
  auto const begin = waiting_.lower_bound({key, std::nullopt});
  settle(begin, std::find_if(begin, waiting_.end(), [&](auto const& each) { return each.first.key != key; }),
         Instant::min());
}

void InviteHttp::on_timer(Instant now) {
  invites_.on_timer(now);
  settle(waiting_.begin(), waiting_.end(), now);
}

void InviteHttp::drain() { settle(waiting_.begin(), waiting_.end(), Instant::max()); }

void InviteHttp::settle(AllWaiting::iterator each, AllWaiting::iterator end, Instant now) {
  std::vector<std::pair<Respond, HttpResponse>> ready;  // whoever is answered may ask again at once
  while (each != end) {
    auto response = news(each->first.key, each->second, each->second.until <= now);
    if (response) ready.emplace_back(std::move(each->second.respond), std::move(*response));
    each = response ? waiting_.erase(each) : std::next(each);
  }
  for (auto& [respond, response] : ready) respond(std::move(response));
}

std::optional<Instant> InviteHttp::next_deadline() const {
  auto next = invites_.next_deadline();
  for (auto const& [seat, waiting] : waiting_) next = std::min(next.value_or(waiting.until), waiting.until);
  return next;
}

}  // namespace kith::relay::server
