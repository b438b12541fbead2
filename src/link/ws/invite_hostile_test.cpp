#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "link/ws/invite_answers.hpp"
#include "link/ws/invite_mailbox.hpp"
#include "link/ws/loop_testing.hpp"
#include "link/ws/test_server_testing.hpp"

/// Answers about invites that a relay should not give.
namespace kith::link {
namespace {

using testing::ServerSide;
using testing::Talker;
using testing::TestServer;
using namespace std::chrono_literals;

std::string const kKey = "7F3K9QDM";

std::string bytes_as_text(std::size_t size) { return to_base64url(Bytes(size, 7)); }
std::string const kOwner = bytes_as_text(32);
std::string const kClaim = bytes_as_text(16);

/// What an answer becomes, in one word.
template <class Read>
std::string outcome(Read const& read, HttpAnswer const& answer) {
  auto const result = read(answer);
  return result ? "ok" : result.error().name();
}

/// Texts that are no answer to anything.
std::vector<std::string> nonsense() {
  return {"",
          "{",
          "{}",
          "[]",
          "null",
          "7",
          "\"x\"",
          "{\"a\":1",
          "{\"a\":1}x",
          "\xff\xfe",
          "{\"\xff\":1}",
          std::string(60'000, '['),
          std::string(4, '\0'),
          "{\"boxes\":{}}"};
}

TEST(InviteAnswers, ThatAnInviteWasMade) {
  auto const with = [](std::string const& owner, std::string const& expires) {
    return "{\"owner\":" + owner + ",\"expires_s\":" + expires + "}";
  };
  auto const quoted = "\"" + kOwner + "\"";
  auto const made = read_made({201, with(quoted, "600")});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->owner, kOwner);
  EXPECT_EQ(made->expires, 600s);
  EXPECT_LE(read_made({201, with(quoted, "18446744073709551615")})->expires, 24h);

  EXPECT_EQ(outcome(read_made, {409, R"({"error":"taken"})"}), "link.invite_taken");
  EXPECT_EQ(read_made({429, "", 9}).error(), Error(LinkError::rate_limited, CountDetail{9, 0}));
  EXPECT_EQ(outcome(read_made, {503, "busy"}), "link.rate_limited");
  for (unsigned const status : {0U, 100U, 200U, 204U, 301U, 400U, 404U, 500U, 999U}) {
    EXPECT_EQ(read_made({status, with(quoted, "600")}).error(), Error(LinkError::bad_answer, CountDetail{status, 0}));
  }
  for (auto const& body : nonsense()) EXPECT_EQ(outcome(read_made, {201, body}), "link.bad_answer") << body;
  for (std::string const& owner :
       {std::string("7"), std::string("null"), std::string("\"\""), "\"" + kClaim + "\"", "\"" + kOwner + "=\"",
        "\"" + kOwner.substr(1) + "\"", "[" + quoted + "]", "\"" + kOwner.substr(2) + "\\r\\n\""}) {
    EXPECT_EQ(outcome(read_made, {201, with(owner, "600")}), "link.bad_answer") << owner;
  }
  for (std::string const expires : {"0", "-1", "1.5", "\"600\"", "null", "[]", "1e99", "true"}) {
    EXPECT_EQ(outcome(read_made, {201, with(quoted, expires)}), "link.bad_answer") << expires;
  }
}

TEST(InviteAnswers, ThatAClaimWasGranted) {
  EXPECT_EQ(read_claim({201, "{\"claim\":\"" + kClaim + "\",\"more\":[]}"}).value(), kClaim);
  EXPECT_EQ(outcome(read_claim, {429, ""}), "link.rate_limited");
  EXPECT_EQ(outcome(read_claim, {200, "{\"claim\":\"" + kClaim + "\"}"}), "link.bad_answer");
  EXPECT_EQ(outcome(read_claim, {404, ""}), "link.bad_answer") << "that is no relay's path";
  for (auto const& body : nonsense()) EXPECT_EQ(outcome(read_claim, {201, body}), "link.bad_answer") << body;
  for (std::string const& claim :
       {std::string("../../../../x/yyyyyyyy"), std::string(22, '/'), std::string(22, '?'), std::string(), kClaim + "A",
        kClaim.substr(1), kOwner, kClaim.substr(4) + "\\u0000"}) {
    EXPECT_EQ(outcome(read_claim, {201, "{\"claim\":\"" + claim + "\"}"}), "link.bad_answer") << claim;
  }
}

TEST(InviteAnswers, ThatABoxWasTaken) {
  EXPECT_EQ(outcome(read_posted, {200, "{\"boxes\":3}"}), "ok");
  EXPECT_EQ(outcome(read_posted, {404, ""}), "link.invite_gone");
  EXPECT_EQ(outcome(read_posted, {413, ""}), "link.bad_answer");
  for (auto const& body : nonsense()) EXPECT_EQ(outcome(read_posted, {200, body}), "link.bad_answer") << body;
  EXPECT_EQ(outcome(read_posted, {200, "{\"boxes\":-1}"}), "link.bad_answer");
}

TEST(InviteAnswers, WithBoxesForAJoiner) {
  auto const box = bytes_as_text(kMaxBoxBytes);
  auto const read = read_boxes_for_joiner({200, R"({"boxes":[")" + box + R"(",""],"next":2,"end":true})"});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->boxes, (std::vector{Bytes(kMaxBoxBytes, 7), Bytes()}));
  EXPECT_EQ(read->next, 2U);
  EXPECT_TRUE(read->end);
  EXPECT_FALSE(read_boxes_for_joiner({200, R"({"boxes":[],"next":0})"})->end);
  EXPECT_EQ(outcome(read_boxes_for_joiner, {404, ""}), "link.invite_gone");
  for (auto const& body : nonsense()) EXPECT_EQ(outcome(read_boxes_for_joiner, {200, body}), "link.bad_answer") << body;
  for (std::string const& body :
       {std::string(R"({"boxes":[]})"), std::string(R"({"next":0})"), std::string(R"({"boxes":[],"next":-1})"),
        std::string(R"({"boxes":[],"next":"0"})"), std::string(R"({"boxes":[],"next":99999999999999999999})"),
        std::string(R"({"boxes":[],"next":0,"end":1})"), std::string(R"({"boxes":"AA","next":0})"),
        std::string(R"({"boxes":[1],"next":1})"), std::string(R"({"boxes":[null],"next":1})"),
        std::string(R"({"boxes":[["AA"]],"next":1})"), std::string(R"({"boxes":["AA=="],"next":1})"),
        std::string(R"({"boxes":["A"],"next":1})"), std::string(R"({"boxes":["AB"],"next":1})"),
        std::string(R"({"boxes":["AA","+/"],"next":1})"),
        "{\"boxes\":[\"" + bytes_as_text(kMaxBoxBytes + 1) + "\"],\"next\":1}"}) {
    EXPECT_EQ(outcome(read_boxes_for_joiner, {200, body}), "link.bad_answer") << body.substr(0, 60);
  }
}

TEST(InviteAnswers, WithBoxesForAnOwner) {
  auto const with = [](std::string const& item) { return R"({"boxes":[)" + item + R"(],"next":1})"; };
  auto const claim = R"("claim":")" + kClaim + "\"";
  auto const read = read_boxes_for_owner({200, with("{" + claim + R"(,"box":"AAAA"},{)" + claim + R"(,"end":true})")});
  ASSERT_TRUE(read);
  ASSERT_EQ(read->boxes.size(), 2U);
  EXPECT_EQ(read->boxes[0].claim, kClaim);
  EXPECT_EQ(read->boxes[0].box, Bytes(3, 0));
  EXPECT_FALSE(read->boxes[0].end);
  EXPECT_TRUE(read->boxes[1].end);
  EXPECT_EQ(outcome(read_boxes_for_owner, {404, ""}), "link.invite_gone");
  for (auto const& body : nonsense()) EXPECT_EQ(outcome(read_boxes_for_owner, {200, body}), "link.bad_answer") << body;
  for (std::string const& item :
       {std::string("{}"), std::string("7"), std::string("\"AA\""), "{" + claim + "}", std::string(R"({"box":"AA"})"),
        "{" + claim + R"(,"box":7})", "{" + claim + R"(,"box":"AA","end":true})", "{" + claim + R"(,"end":false})",
        "{" + claim + R"(,"end":"yes"})", std::string(R"({"claim":"x","box":"AA"})"),
        std::string(R"({"claim":["x"],"box":"AA"})"),
        "{" + claim + R"(,"box":")" + bytes_as_text(kMaxBoxBytes + 1) + "\"}"}) {
    EXPECT_EQ(outcome(read_boxes_for_owner, {200, with(item)}), "link.bad_answer") << item.substr(0, 60);
  }
}

/// Changes one byte, cuts, or doubles: whatever comes of it, reading it is safe, and what is taken has the right sizes.
TEST(InviteAnswers, ThatAreDamaged) {
  auto const whole = R"({"boxes":[{"claim":")" + kClaim + R"(","box":"AAAA"},{"claim":")" + kClaim +
                     R"(","end":true}],"next":2,"owner":")" + kOwner + R"(","expires_s":600})";
  std::uint64_t state = 1;
  std::size_t taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    auto body = whole;
    auto const at = (state >> 33) % body.size();
    switch ((state >> 20) % 3) {
      case 0: body[at] = static_cast<char>(state >> 50); break;
      case 1: body.resize(at); break;
      default: body.insert(at, body.substr(at / 2, (state >> 40) % 9)); break;
    }
    if (auto const read = read_boxes_for_owner({200, body})) {
      ++taken;
      for (auto const& box : read->boxes) EXPECT_EQ(box.claim.size(), kClaim.size());
    }
    auto const made = read_made({201, body});
    EXPECT_EQ(made ? made->owner.size() : kOwner.size(), kOwner.size());
    EXPECT_FALSE(read_boxes_for_joiner({200, body})) << body;
  }
  EXPECT_GT(taken, 100U) << "most damage is to what a relay may choose";
}

struct HostileInviteTest : testing::LoopTest {
  /// Why a claim failed at a server that answers so.
  Error why_not(TestServer::Serve serve, std::chrono::milliseconds within = 10s) {
    TestServer const server(std::move(serve));
    error.reset();
    dial_invite(loop, {false, "127.0.0.1", server.port(), "/", {}}, kKey, within, making(std::make_shared<Talker>("")),
                on_failure());
    EXPECT_TRUE(run_until([&] { return error || !remote.empty(); }));
    EXPECT_EQ(remote, "");
    return error.value_or(LinkError::io);
  }
};

TestServer::Serve says(std::string const& text) {
  return [text](ServerSide& side) {
    if (side.asked()) side.write(bytes_of(text));
  };
}
auto const kNoHttp = Error(LinkError::bad_answer, CountDetail{});

TEST_F(HostileInviteTest, HugeAnswersAreCutOff) {
  std::string const huge(HttpClient::kMaxAnswerBytes + 1, ' ');
  EXPECT_EQ(why_not([&](ServerSide& side) { side.asked(), side.answer(201, huge); }), kNoHttp);
  EXPECT_EQ(why_not(says("HTTP/1.1 201 So\r\nContent-Length: 18446744073709551615\r\n\r\n")), kNoHttp);
  std::atomic<std::size_t> sent = 0;
  auto const endless = [&sent](std::string const& head, std::string const& more) {
    return [&sent, head, more](ServerSide& side) {
      if (!side.asked() || !side.write(bytes_of(head))) return;
      for (sent = 0; side.write(bytes_of(more));) sent += more.size();
    };
  };
  std::string const piece(1000, 'x');
  for (auto const& [head, more] :
       {std::pair<std::string, std::string>{"HTTP/1.1 201 So\r\n\r\n", piece},
        {"HTTP/1.1 201 So\r\nTransfer-Encoding: chunked\r\n\r\n", "3e8\r\n" + piece + "\r\n"},
        {"HTTP/1.1 201 So\r\nTransfer-Encoding: chunked\r\n\r\n1;", piece},
        {"HTTP/1.1 201 So\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"},
        {"HTTP/1.1 201 So\r\n", "X-More: and more\r\n"},
        {"HTTP/1.1 201 So\r\nX: ", piece},
        {"HTTP/1.1 201 ", piece}}) {
    EXPECT_EQ(why_not(endless(head, more)), kNoHttp) << head;
  }
  // A body of few bytes, each with a thousand others that do not count.
  EXPECT_EQ(why_not(endless("HTTP/1.1 201 So\r\nTransfer-Encoding: chunked\r\n\r\n", "1;" + piece + "\r\nx\r\n")),
            kNoHttp);
  EXPECT_LT(sent, 32U << 20) << "cut off after what the kernel's buffers hold";
}

TEST_F(HostileInviteTest, WhatIsNoHttpIsSaidToBeNone) {
  for (std::string const answer :
       {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 201 So\r\n\r\n", "HTTP/1.1 99999 So\r\n\r\n", "\r\n\r\nHTTP/1.1 x",
        "HTTP/1.1 201 So\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx",
        "HTTP/1.1 201 So\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 201 So\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    EXPECT_EQ(why_not(says(answer)), kNoHttp) << answer;
  }
  for (std::string const answer :
       {"", "HTTP/1.1 201 So\r\nContent-", "HTTP/1.1 201 So\r\nContent-Length: 5\r\n\r\nx"}) {
    auto const why = why_not(says(answer));
    EXPECT_TRUE(why.is(LinkError::io)) << answer << ": " << why.name();
  }
}

TEST_F(HostileInviteTest, AnswersOfOtherKindsAreNamed) {
  for (unsigned const status : {100U, 101U, 200U, 204U, 400U, 404U, 500U}) {
    auto const why = why_not(says("HTTP/1.1 " + std::to_string(status) + " So\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_EQ(why, Error(LinkError::bad_answer, CountDetail{status, 0})) << status << why.name();
  }
  EXPECT_EQ(why_not(says("HTTP/1.1 201 So\r\nContent-Length: 4\r\n\r\nnull")),
            Error(LinkError::bad_answer, CountDetail{201, 0}));
  for (auto const& [after, seconds] : {std::pair{"5", 5U},
                                       {"0", 0U},
                                       {"-5", 0U},
                                       {"99999999999999999999", 0U},
                                       {"99999999", 3600U},
                                       {"Fri, 31 Dec 1999 23:59:59 GMT", 0U}}) {
    EXPECT_EQ(why_not(says(std::string("HTTP/1.1 429 So\r\nContent-Length: 0\r\nRetry-After: ") + after + "\r\n\r\n")),
              Error(LinkError::rate_limited, CountDetail{seconds, 0}))
        << after;
  }
}

TEST_F(HostileInviteTest, RedirectsAreNotFollowed) {
  std::atomic<int> asked = 0;
  TestServer const elsewhere([&](ServerSide& side) { asked += side.asked() ? 1 : 0; });
  for (unsigned const status : {301U, 302U, 307U, 308U}) {
    auto const where = "Location: http://127.0.0.1:" + std::to_string(elsewhere.port()) + "/invite\r\n";
    auto const why = why_not([&](ServerSide& side) { side.asked(), side.answer(status, "", where); });
    EXPECT_EQ(why, Error(LinkError::bad_answer, CountDetail{status, 0}));
  }
  EXPECT_EQ(asked, 0);
}

TEST_F(HostileInviteTest, DripsDoNotStretchTheTime) {
  auto const start = Clock::now();
  auto const why = why_not(
      [](ServerSide& side) {
        side.asked();
        std::string line = "HTTP/1.1 201 So\r\n";
        for (; side.write(bytes_of(line)); std::this_thread::sleep_for(20ms)) line = "X: y\r\n";
      },
      200ms);
  EXPECT_TRUE(why.is(LinkError::timed_out)) << why.name();
  EXPECT_GE(Clock::now() - start, 200ms);
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST_F(HostileInviteTest, NonsenseAmidAConversationEndsIt) {
  for (std::string const polled : {"{}", R"({"boxes":["AA=="],"next":1})", "no JSON"}) {
    TestServer const server([&](ServerSide& side) {
      while (auto const asked = side.asked()) {
        bool const claims = asked->target.ends_with("/claim");
        side.answer(claims ? 201 : 200, claims                   ? R"({"claim":")" + kClaim + "\"}"
                                        : asked->method == "GET" ? polled
                                                                 : R"({"boxes":1})");
      }
    });
    auto const joiner = std::make_shared<Talker>("hello");
    dial_invite(loop, {false, "127.0.0.1", server.port(), "/", {}}, kKey, 10s, making(joiner), on_failure());
    ASSERT_TRUE(run_until([&] { return joiner->closed == 1; }));
    EXPECT_FALSE(error);
    EXPECT_FALSE(joiner->late);
    EXPECT_TRUE(joiner->heard.empty());
  }
}

}  // namespace
}  // namespace kith::link
