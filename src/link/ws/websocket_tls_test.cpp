#include "link/ws/loop_testing.hpp"
#include "link/ws/test_server_testing.hpp"
#include "link/ws/websocket.hpp"

/// WebSockets through TLS, to servers whose certificates were made by an authority of the test's own.
namespace kith::link {
namespace {

using testing::echo;
using testing::ServerSide;
using testing::Talker;
using testing::TestAuthority;
using testing::TestServer;
using namespace std::chrono_literals;

struct TlsWebsocketTest : testing::LoopTest {
  TlsWebsocketTest() { authority.trust(); }
  ~TlsWebsocketTest() override {
    ::unsetenv("SSL_CERT_FILE");
    ::unsetenv("SSL_CERT_DIR");
  }
  void dial(TestServer const& server, std::string const& host, std::shared_ptr<StreamMachine> machine) {
    dial_websocket(loop, {true, host, server.port(), "/", {}}, 10s, making(std::move(machine)), on_failure());
  }
  Error why_not(TestServer const& server, std::string const& host) {
    error.reset();
    auto const client = std::make_shared<Talker>("secret");
    dial(server, host, client);
    EXPECT_TRUE(run_until([&] { return error || client->closed != 0; }));
    EXPECT_EQ(client->closed, 0);
    return error.value_or(LinkError::io);
  }
  TestAuthority authority;
};

TEST_F(TlsWebsocketTest, CarriesBytesBothWays) {
  TestServer const server(echo, authority.certificate("DNS:localhost,IP:127.0.0.1"));
  for (std::string const host : {"localhost", "127.0.0.1"}) {
    for (std::size_t const size : {1U, 70'000U, 5'000'000U}) {
      std::string sent(size, 0);
      for (std::size_t i = 0; i < size; ++i) sent[i] = static_cast<char>((i * 2654435761U) >> 13);
      auto const client = std::make_shared<Talker>(sent, size);
      dial(server, host, client);
      ASSERT_TRUE(run_until([&] { return client->closed == 1; })) << size << error->name();
      EXPECT_FALSE(error);
      EXPECT_FALSE(client->late);
      EXPECT_TRUE(text_of(client->heard) == sent) << size;
    }
  }
}

TEST_F(TlsWebsocketTest, AsksForTheHostsName) {
  auto const reason = [](std::string const& text) { return Error(LinkError::tls_untrusted, SubjectDetail{text}); };
  TestServer const other(echo, authority.certificate("DNS:relay.example.org,DNS:localhost.example.org,DNS:*host"));
  EXPECT_EQ(why_not(other, "localhost"), reason("hostname mismatch"));
  EXPECT_EQ(why_not(other, "127.0.0.1"), reason("IP address mismatch"));
  TestServer const named(echo, authority.certificate("DNS:127.0.0.1"));
  EXPECT_EQ(why_not(named, "127.0.0.1"), reason("IP address mismatch")) << "an address is no name";
}

TEST_F(TlsWebsocketTest, TrustsNobodyElse) {
  TestAuthority const other;
  TestServer const server(echo, other.certificate("DNS:localhost"));
  auto const why = why_not(server, "localhost");
  EXPECT_EQ(why, Error(LinkError::tls_untrusted, SubjectDetail{"unable to get local issuer certificate"}))
      << why.subject();
}

TEST_F(TlsWebsocketTest, RefusesWhatHasExpired) {
  TestServer const server(echo, authority.certificate("DNS:localhost", -1));
  EXPECT_EQ(why_not(server, "localhost"), Error(LinkError::tls_untrusted, SubjectDetail{"certificate has expired"}));
}

TEST_F(TlsWebsocketTest, KnowsWhatIsNoTls) {
  for (std::string const answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", ""}) {
    TestServer const server([&](ServerSide& side) {
      side.read_some();
      side.write(bytes_of(answer));
    });
    auto const why = why_not(server, "localhost");
    EXPECT_TRUE(why.is(LinkError::tls_failed)) << why.name();
    EXPECT_EQ(why.subject(), "localhost:" + std::to_string(server.port()));
  }
}

TEST_F(TlsWebsocketTest, AHandshakeHasItsTime) {
  TestServer const server([](ServerSide& side) {
    while (!side.read_some().empty()) {
    }
  });
  auto const start = Clock::now();
  dial_websocket(loop, {true, "127.0.0.1", server.port(), "/", {}}, 200ms, making(nullptr), on_failure());
  ASSERT_TRUE(run_until([&] { return error.has_value(); }, 5s));
  EXPECT_TRUE(error->is(LinkError::timed_out)) << error->name();
  EXPECT_GE(Clock::now() - start, 200ms);
}

TEST_F(TlsWebsocketTest, EndsWhenTheServerDoes) {
  TestServer const server(
      [](ServerSide& side) {
        side.accept();
        side.send(bytes_of("bye"));
      },
      authority.certificate("DNS:localhost"));
  auto const client = std::make_shared<Talker>("");
  dial(server, "localhost", client);
  ASSERT_TRUE(run_until([&] { return client->closed == 1; }, 5s));
  EXPECT_EQ(text_of(client->heard), "bye");
}

}  // namespace
}  // namespace kith::link
