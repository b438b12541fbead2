#include "relay/server/invite_http.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "support/seeded_random.hpp"

namespace kith::relay::server {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct InviteHttpTest : ::testing::Test {
  /// What a request gets: empty until it is answered.
  using Answer = std::shared_ptr<std::optional<HttpResponse>>;
  Answer ask(std::string method, std::string target, std::string body = "", std::string owner = "") {
    auto const answer = std::make_shared<std::optional<HttpResponse>>();
    auto const question = std::min(target.find('?'), target.size());
    HttpRequest request{std::move(method),
                        target.substr(0, question),
                        target.substr(std::min(question + 1, target.size())),
                        "client",
                        owner.empty() ? "" : "Bearer " + owner,
                        std::move(body)};
    http.answer(
        request, [answer](HttpResponse response) { EXPECT_FALSE(std::exchange(*answer, std::move(response))); }, now);
    return answer;
  }
  json body(Answer const& answer, unsigned status = 200) {
    if (!*answer) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    EXPECT_EQ((*answer)->status, status) << (*answer)->body;
    return json::parse((*answer)->body, nullptr, false);
  }
  std::string create(std::string const& key = "7F3K9QDM") {
    return body(ask("POST", "/invite", json{{"key", key}, {"expires_s", 600}}.dump()), 201).at("owner");
  }
  std::string claim(std::string const& key = "7F3K9QDM") {
    return body(ask("POST", "/invite/" + key + "/claim", "{}"), 201).at("claim");
  }
  static std::string box(std::string_view text) { return json{{"box", to_base64url(bytes_of(text))}}.dump(); }
  std::string refusal(Answer const& answer, unsigned status) { return body(answer, status).at("error"); }
  void pass(std::chrono::milliseconds time) {
    now += time;
    http.on_timer(now);
  }

  kith::testing::SeededRandom random{7};
  InviteHttp http{{}, {1000, 1000, 1000}, random};
  Instant now{1h};
  std::string const at = "/invite/7F3K9QDM";
};

TEST_F(InviteHttpTest, TellsAWholeConversation) {
  auto const made = body(ask("POST", "/invite", R"({"key":"7F3K9QDM","expires_s":9999})"), 201);
  auto const owner = made.at("owner").get<std::string>();
  EXPECT_EQ(from_base64url(owner)->size(), 32U);
  EXPECT_EQ(made.at("expires_s"), 600);
  auto const who = claim();
  EXPECT_EQ(from_base64url(who)->size(), 16U);

  EXPECT_EQ(body(ask("POST", at + "/" + who, box("hi"))), (json{{"boxes", 1}}));
  EXPECT_EQ(body(ask("GET", at + "?after=0&wait_s=20", "", owner)),
            (json{{"boxes", {{{"claim", who}, {"box", to_base64url(bytes_of("hi"))}}}}, {"next", 1}}));
  EXPECT_EQ(body(ask("POST", at + "/" + who, box("ho"), owner)), (json{{"boxes", 1}}));
  EXPECT_EQ(body(ask("GET", at + "/" + who)), (json{{"boxes", {to_base64url(bytes_of("ho"))}}, {"next", 1}}));

  EXPECT_EQ((*ask("DELETE", at + "/" + who))->status, 204U);
  EXPECT_EQ(body(ask("GET", at + "?after=1", "", owner)),
            (json{{"boxes", {{{"claim", who}, {"end", true}}}}, {"next", 2}}));
  EXPECT_EQ((*ask("DELETE", at + "/" + who, "", owner))->status, 204U);
  EXPECT_EQ(body(ask("GET", at + "/" + who + "?after=1&wait_s=20")),
            (json{{"boxes", json::array()}, {"next", 1}, {"end", true}}));
  EXPECT_EQ((*ask("DELETE", at, "", owner))->status, 204U);
  EXPECT_EQ(refusal(ask("GET", at, "", owner), 404), "not_found");
}

TEST_F(InviteHttpTest, HoldsAnswersBackUntilThereAreBoxes) {
  auto const owner = create();
  auto const who = claim(), other = claim();
  auto const inviter = ask("GET", at + "?wait_s=20", "", owner);
  auto const joiner = ask("GET", at + "/" + who + "?wait_s=20");
  auto const bystander = ask("GET", at + "/" + other + "?wait_s=20");
  EXPECT_FALSE(*inviter || *joiner || *bystander);
  ask("POST", at + "/" + who, box("hi"));
  EXPECT_EQ(body(inviter).at("next"), 1);
  EXPECT_FALSE(*joiner || *bystander);
  ask("POST", at + "/" + who, box("ho"), owner);
  EXPECT_EQ(body(joiner).at("next"), 1);
  EXPECT_FALSE(*bystander);
  EXPECT_EQ(http.waiting_count(), 1U);
}

TEST_F(InviteHttpTest, WaitsNoLongerThanItIsAskedTo) {
  auto const owner = create();
  auto const who = claim(), guess = claim("00000000");
  auto const short_wait = ask("GET", at + "?wait_s=3", "", owner);
  auto const long_wait = ask("GET", at + "/" + who + "?wait_s=100");
  auto const nothing = ask("GET", "/invite/00000000/" + guess + "?wait_s=100");
  EXPECT_EQ(http.next_deadline(), now + 3s);
  pass(2999ms);
  EXPECT_FALSE(*short_wait);
  pass(1ms);
  EXPECT_EQ(body(short_wait), (json{{"boxes", json::array()}, {"next", 0}}));
  pass(21999ms);
  EXPECT_FALSE(*long_wait || *nothing);
  pass(1ms);
  EXPECT_EQ(body(long_wait), (json{{"boxes", json::array()}, {"next", 0}}));
  EXPECT_EQ(body(nothing), (json{{"boxes", json::array()}, {"next", 0}}));
}

TEST_F(InviteHttpTest, AnswersTheEarlierOfTwoWhoWaitForTheSame) {
  create();
  auto const who = claim();
  auto const earlier = ask("GET", at + "/" + who + "?wait_s=20");
  auto const later = ask("GET", at + "/" + who + "?wait_s=20");
  EXPECT_EQ(body(earlier).at("boxes"), json::array());
  EXPECT_FALSE(*later);
  http.drain();
  EXPECT_EQ(body(later).at("boxes"), json::array());
}

TEST_F(InviteHttpTest, TellsThoseWhoWaitThatItIsOver) {
  auto const owner = create();
  auto const who = claim();
  auto const inviter = ask("GET", at + "?wait_s=20", "", owner);
  auto const joiner = ask("GET", at + "/" + who + "?wait_s=20");
  ask("DELETE", at, "", owner);
  EXPECT_EQ(refusal(inviter, 404), "not_found");
  EXPECT_EQ(body(joiner).at("end"), true);
}

TEST_F(InviteHttpTest, ShowsAnUnknownKeyAndAWrongOwnerAlike) {
  auto const owner = create();
  auto const who = claim();
  auto const wrong = to_base64url(Bytes(32, 1));
  for (auto const& target : {at, std::string("/invite/00000000")}) {
    for (auto const& token : {wrong, std::string("x"), std::string()}) {
      auto const answer = ask("GET", target + "?wait_s=20", "", token);
      EXPECT_EQ(refusal(answer, 404), "not_found");
      EXPECT_EQ((*answer)->body, (*ask("DELETE", "/invite/00000000", "", owner))->body);
    }
    for (auto const& token : {wrong, std::string("x")}) {
      EXPECT_EQ(refusal(ask("POST", target + "/" + who, box("x"), token), 404), "not_found");
      EXPECT_EQ(refusal(ask("DELETE", target + "/" + who, "", token), 404), "not_found");
    }
  }
  EXPECT_EQ(body(ask("GET", at, "", owner)).at("next"), 0);  // nothing of it got through
}

TEST_F(InviteHttpTest, RefusesWhatItDoesNotUnderstand) {
  auto const owner = create();
  auto const who = claim();
  for (auto const* text :
       {"", "[]", "{", "{}", R"({"key":"7F3K9QDN"})", R"({"key":"7f3k9qdn","expires_s":1})",
        R"({"key":7,"expires_s":1})", R"({"key":"7F3K9QDN","expires_s":0})", R"({"key":"7F3K9QDN","expires_s":-1})",
        R"({"key":"7F3K9QDN","expires_s":1.5})", R"({"key":"7F3K9QDN","expires_s":"1"})", "\xff"})
    EXPECT_EQ(refusal(ask("POST", "/invite", text), 400), "bad_request") << text;
  for (auto const* text :
       {"", "{}", R"({"box":""})", R"({"box":"a"})", R"({"box":"YWI="})", R"({"box":5})", R"(["YWI"])"})
    EXPECT_EQ(refusal(ask("POST", at + "/" + who, text), 400), "bad_request") << text;
  auto const deep = std::string(30'000, '[') + std::string(30'000, ']');
  EXPECT_EQ(refusal(ask("POST", "/invite", R"({"key":"7F3K9QDN","expires_s":600,"x":)" + deep + "}"), 400),
            "bad_request");
  body(ask("POST", "/invite", R"({"key":"7F3K9QDN","expires_s":600,"x":"\"[[[[[[[[[[[["})"), 201);  // in a string
  EXPECT_EQ(refusal(ask("POST", at + "/claim", "x"), 400), "bad_request");
  EXPECT_EQ(refusal(ask("POST", "/invite/7f3k9qdm/claim", "{}"), 400), "bad_request");
  for (auto const* query : {"?after=x", "?after=-1", "?wait_s=1.5", "?after=", "?after=99999999999999999999"})
    EXPECT_EQ(refusal(ask("GET", at + query, "", owner), 400), "bad_request") << query;
  for (auto const* path : {"/x", "/claim/x", "/"}) EXPECT_EQ(refusal(ask("GET", at + path), 404), "not_found") << path;
  EXPECT_EQ(refusal(ask("POST", at + "/" + who, json{{"box", to_base64url(Bytes(4609))}}.dump()), 413), "too_large");
}

TEST_F(InviteHttpTest, NamesTheMethodsThatItTakes) {
  create();
  auto const who = claim();
  for (auto const& [method, path, allowed] :
       std::vector<std::tuple<std::string, std::string, std::string>>{{"GET", "/invite", "POST"},
                                                                      {"GET", at + "/claim", "POST"},
                                                                      {"PUT", at, "GET, DELETE"},
                                                                      {"PATCH", at + "/" + who, "GET, POST, DELETE"}}) {
    auto const answer = ask(method, path);
    EXPECT_EQ(refusal(answer, 405), "method_not_allowed");
    EXPECT_EQ((*answer)->headers, (std::vector<std::pair<std::string, std::string>>{{"Allow", allowed}}));
  }
}

TEST_F(InviteHttpTest, SaysWhenToTryAgain) {
  http.change({}, {1, 1, 1});
  create();
  auto const again = ask("POST", "/invite", R"({"key":"7F3K9QDN","expires_s":600})");
  EXPECT_EQ(refusal(again, 429), "rate_limited");
  EXPECT_EQ((*again)->headers, (std::vector<std::pair<std::string, std::string>>{{"Retry-After", "60"}}));
  EXPECT_EQ(refusal(ask("POST", "/invite", R"({"key":"7F3K9QDM","expires_s":600})"), 429), "rate_limited");
}

}  // namespace
}  // namespace kith::relay::server
