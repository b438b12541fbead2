#include <map>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "link/ws/invite_answers.hpp"
#include "property.hpp"
#include "relay/server/invite_http.hpp"
#include "support/seeded_random.hpp"

/// HTTP about invites, both ends. The first byte says what the rest is: lines of requests to a relay, `METHOD TARGET
/// AUTHORIZATION|BODY`, in which OWNER and CLAIM stand for what the relay gave out last, and a line of `+` lets a
/// second pass; or the status and the body of a relay's answer.
namespace {

using namespace kith;
using nlohmann::json;
using relay::server::HttpRequest;
using relay::server::HttpResponse;

constexpr std::size_t kMostRequests = 64;

std::string replaced(std::string text, std::string_view what, std::string const& with) {
  if (auto const at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
  return text;
}

/// A relay's invites, and what it gave out.
struct Relay {
  void ask(std::string_view line) {
    auto const take = [&](char end) {
      auto const word = line.substr(0, line.find(end));
      line.remove_prefix(std::min(word.size() + 1, line.size()));
      return std::string(word);
    };
    auto method = take(' ');
    auto target = replaced(take(' '), "CLAIM", claim);
    auto authorization = replaced(take('|'), "OWNER", owner);
    auto const question = std::min(target.find('?'), target.size());
    if (!relay::server::InviteHttp::owns(std::string_view(target).substr(0, question))) return;
    HttpRequest const request{
        std::move(method), target.substr(0, question), target.substr(std::min(question + 1, target.size())),
        "client",          std::move(authorization),   std::string(line)};
    ++asked;
    http.answer(
        request,
        [this, once = std::make_shared<bool>(false)](HttpResponse const& response) {
          fuzz::require(!std::exchange(*once, true), "a request has one answer");
          ++answered;
          look_at(response);
        },
        now);
    fuzz::require(asked - answered == http.waiting_count(), "what is not answered waits");
    fuzz::require(http.waiting_count() == 0 || http.next_deadline() <= now + relay::server::InviteHttp::kLongestWait,
                  "nobody waits for ever");
  }
  void look_at(HttpResponse const& response) {
    fuzz::require(response.status >= 200 && response.status < 500, "a client's words are its own fault at most");
    if (response.body.empty()) return;
    auto const body = json::parse(response.body, nullptr, false);
    fuzz::require(body.is_object(), "an answer is an object");
    fuzz::require((response.status >= 400) == body.contains("error"), "a refusal has a code");
    if (body.contains("owner")) owner = body.at("owner").get<std::string>();
    if (body.contains("claim")) claim = body.at("claim").get<std::string>();
  }
  void pass(std::chrono::seconds time) {
    now += time;
    http.on_timer(now);
  }

  testing::SeededRandom random{7};
  relay::server::InviteHttp http{{}, {1000, 1000, 1000}, random};
  Instant now{std::chrono::hours{1}};
  std::string owner = "none", claim = "none";
  std::size_t asked = 0, answered = 0;
};

void talk(std::string_view lines) {
  Relay relay;
  for (std::size_t i = 0; i < kMostRequests && !lines.empty(); ++i) {
    auto const line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    line == "+" ? relay.pass(std::chrono::seconds{1}) : relay.ask(line);
  }
  relay.pass(relay::server::InviteHttp::kLongestWait);
  fuzz::require(relay.asked == relay.answered, "every request has its answer in the end");
  relay.pass(std::chrono::hours{24});
  fuzz::require(relay.http.open_count() == 0, "no invite is for ever");
}

void hear(fuzz::Input in) {
  static constexpr std::array<unsigned, 8> kStatus{200, 201, 204, 404, 409, 429, 503, 500};
  link::HttpAnswer answer{kStatus[in.byte() % kStatus.size()], std::string(text_of(in.rest())), 3};
  if (auto const made = link::read_made(answer)) {
    fuzz::require(from_base64url(made->owner)->size() == 32, "an owner is 32 bytes");
    fuzz::require(made->expires > std::chrono::seconds{0} && made->expires <= std::chrono::hours{24},
                  "an invite is for a while");
  }
  if (auto const claim = link::read_claim(answer))
    fuzz::require(from_base64url(*claim)->size() == 16, "a claim is fit for a path");
  static_cast<void>(link::read_posted(answer));
  if (auto const boxes = link::read_boxes_for_joiner(answer)) {
    for (auto const& box : boxes->boxes) fuzz::require(box.size() <= link::kMaxBoxBytes, "a box keeps its limit");
  }
  if (auto const boxes = link::read_boxes_for_owner(answer)) {
    for (auto const& each : boxes->boxes) {
      fuzz::require(each.box.size() <= link::kMaxBoxBytes, "a box keeps its limit");
      fuzz::require(from_base64url(each.claim)->size() == 16, "a claim is fit for a path");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input in(data, size);
  in.byte() % 2 == 0 ? talk(text_of(in.rest())) : hear(in);
  return 0;
}
