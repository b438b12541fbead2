#include "relay/server/service.hpp"

#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "crypto/system_random.hpp"
#include "relay/channel/channel.hpp"
#include "relay/rules/memory_store.hpp"
#include "relay/rules/relay_testing.hpp"
#include "relay/server/raw_client_testing.hpp"

namespace kith::relay::server {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// A device's end of a real connection.
class WireDevice {
 public:
  WireDevice(std::uint16_t port, wire::RelayKey const& relay, RandomSource& random)
      : client(port), channel(Channel::initiate(relay, crypto::DhKeyPair::generate(random), random)) {
    upgraded = client.upgrade();
  }
  /// Sends a message, or only what the handshake wants, and waits for an answer.
  std::optional<wire::RelayMessage> ask(std::optional<wire::RelayMessage> const& message) {
    if (message) channel.send(*message);
    got.clear();
    for (int rounds = 0; rounds < 20; ++rounds) {
      Bytes out;
      while (channel.poll_transmit(out)) {
      }
      if (!out.empty()) client.send(RawClient::frame(2, text_of(out)));
      if (!got.empty() || (!message && channel.open())) break;
      auto const frame = client.receive_frame();
      if (frame.opcode != 2 || !channel.on_bytes(bytes_of(frame.payload), got)) break;
    }
    return got.empty() ? std::nullopt : std::optional(got.front());
  }
  template <class Answer>
  Answer expect(wire::RelayMessage const& message) {
    auto const answer = ask(message);
    auto const* const fits = answer ? std::get_if<Answer>(&*answer) : nullptr;
    EXPECT_NE(fits, nullptr) << "answer " << (answer ? static_cast<int>(answer->index()) : -1);
    return fits != nullptr ? *fits : Answer{};
  }
  RawClient client;
  Channel channel;
  std::vector<wire::RelayMessage> got;
  bool upgraded = false;
};

struct ServiceTest : ::testing::Test {
  void start(Config config = {}) {
    config.server.listen = {"127.0.0.1", 0};
    config.monitoring = link::HostPort{"127.0.0.1", 0};
    store = std::make_shared<MemoryRelayStore>(config.rules.store, random);
    Storage storage{{store, nullptr, {}},
                    [this] { return StorageFigures{store->groups(), 7, store->stored_bytes(), 0, 0, 0, 0}; },
                    [](auto const&) { return Result<>(); }};
    service = Service::open(loop, random, key, config, OpenRegistration{4}, std::move(storage)).value();
    port = service->port();
    monitoring = service->monitoring_port().value();
    thread = std::thread([this] { loop.run(); });
  }
  ~ServiceTest() override {
    on_loop([&] { service.reset(); });
    loop.post([this] { loop.stop(); });
    thread.join();
  }
  void on_loop(std::function<void()> const& work) {
    std::promise<void> done;
    loop.post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  static std::string get(std::uint16_t where, std::string const& path, std::string const& method = "GET") {
    RawClient client(where);
    client.send(method + " " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    return client.response();
  }
  static json body(std::string const& response) { return json::parse(response.substr(response.find("\r\n\r\n") + 4)); }
  WireDevice device() { return {port, {key.public_key.bytes}, random}; }

  crypto::SystemRandom random;
  crypto::DhKeyPair key = crypto::DhKeyPair::generate(random);
  link::Loop loop;
  std::shared_ptr<MemoryRelayStore> store;
  std::unique_ptr<Service> service;
  std::thread thread;
  std::uint16_t port = 0, monitoring = 0;
};

TEST_F(ServiceTest, StoresWhatOneDevicePushesForAnother) {
  start();
  TestGroup const group(random, 2);
  wire::RelayKey const relay{key.public_key.bytes};
  Bytes stamp;
  for (std::uint64_t nonce = 0;; ++nonce) {
    stamp.clear();
    append_be(stamp, nonce);
    if (wire::stamp_bits(relay, group.channel(), stamp) >= 4) break;
  }
  auto const hello_of = [&](WireDevice& from, std::size_t number) {
    from.ask(std::nullopt);
    wire::Hello hello;
    hello.request = 1;
    hello.channel = group.channel();
    hello.pseudonym = group.pseudonym(number);
    hello.proof = group.key(number).sign(
        wire::kHelloLabel, wire::encode(wire::HelloProof{relay, hello.channel, from.channel.handshake_hash(), {}}));
    return hello;
  };
  auto founder = device();
  ASSERT_TRUE(founder.upgraded);
  EXPECT_EQ(founder.expect<wire::Done>(wire::AclPut{5, group.record({0, 1}), stamp}).request, 5U);

  auto first = device(), second = device();
  EXPECT_EQ(first.expect<wire::Welcome>(hello_of(first, 0)).acl_version, 1U);
  wire::Push push;
  push.request = 2;
  push.first_seq = {1};
  push.items.push_back({0, Bytes(300, 9)});
  EXPECT_EQ(first.expect<wire::PushAck>(push).request, 2U);
  EXPECT_EQ(second.expect<wire::Welcome>(hello_of(second, 1)).head.value, 1U);
  EXPECT_EQ(store->items(group.channel()).size(), 1U);

  auto const metrics = get(monitoring, "/metrics");
  EXPECT_NE(metrics.find("\nkith_relay_blobs_pushed_total 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("\nkith_relay_groups 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("\nkith_relay_members 2\n"), std::string::npos);
  EXPECT_NE(metrics.find("\nkith_relay_websockets 3\n"), std::string::npos);
}

TEST_F(ServiceTest, ClosesTheConnectionOfWhoDoesNotSpeakNoise) {
  start();
  RawClient client(port);
  ASSERT_TRUE(client.upgrade());
  client.send(RawClient::frame(2, std::string(4000, 'x')));
  EXPECT_EQ(client.receive_frame().opcode, 8U);
}

TEST_F(ServiceTest, TellsStrangersLittleAndTheOperatorMore) {
  start();
  auto const health = get(port, "/health");
  EXPECT_TRUE(health.starts_with("HTTP/1.1 200 ")) << health;
  EXPECT_EQ(body(health), (json{{"status", "ok"}, {"version", "0.1.0"}, {"uptime_seconds", 0}}));
  auto const full = body(get(monitoring, "/health"));
  for (auto const* field : {"status", "version", "connections", "groups", "blobs_stored", "uptime_seconds"})
    EXPECT_TRUE(full.contains(field)) << field;
  EXPECT_EQ(full.at("blobs_stored"), 7);
  EXPECT_TRUE(get(monitoring, "/healthz").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(get(monitoring, "/readyz").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(get(port, "/metrics").starts_with("HTTP/1.1 404 "));
  RawClient upgrade(monitoring);
  EXPECT_FALSE(upgrade.upgrade());
}

TEST_F(ServiceTest, NoticesThatItCannotWrite) {
  start();
  on_loop([&] { store->fail_writes(Refusal::storage_full); });
  auto const health = get(port, "/health");
  EXPECT_TRUE(health.starts_with("HTTP/1.1 503 ")) << health;
  EXPECT_EQ(body(health).at("status"), "failing");
  EXPECT_TRUE(get(monitoring, "/readyz").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(get(monitoring, "/healthz").starts_with("HTTP/1.1 200 "));
}

TEST_F(ServiceTest, AsksTheStorageOnceForManyWhoAsk) {
  start();
  for (int i = 0; i < 50; ++i) get(port, "/health");
  std::string const name = "\nkith_relay_store_writes_total ";
  auto const metrics = get(monitoring, "/metrics");
  EXPECT_LE(std::stoul(metrics.substr(metrics.find(name) + name.size())), 2U);  // the rules sweep once
}

TEST_F(ServiceTest, AnswersWhatItKnowsAndNamesMethods) {
  start();
  EXPECT_TRUE(get(port, "/join").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(get(port, "/join", "HEAD").starts_with("HTTP/1.1 200 "));
  EXPECT_NE(get(port, "/join", "DELETE").find("\r\nAllow: GET, HEAD\r\n"), std::string::npos);
  auto const root = get(port, "/");
  EXPECT_TRUE(root.starts_with("HTTP/1.1 426 ")) << root;
  EXPECT_NE(root.find("\r\nUpgrade: websocket\r\n"), std::string::npos);
  EXPECT_TRUE(get(port, "/../etc/passwd").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(get(monitoring, "/metrics", "POST").starts_with("HTTP/1.1 405 "));
}

TEST_F(ServiceTest, HoldsAPollUntilItsBoxComes) {
  start();
  auto const post = [&](std::string const& path, std::string const& what) {
    RawClient client(port);
    client.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(what.size()) + "\r\n\r\n" +
                what);
    return body(client.response());
  };
  auto const owner = post("/invite", R"({"key":"7F3K9QDM","expires_s":60})").at("owner").get<std::string>();
  auto const claim = post("/invite/7F3K9QDM/claim", "{}").at("claim").get<std::string>();
  RawClient inviter(port);
  inviter.send("GET /invite/7F3K9QDM?wait_s=20 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + owner + "\r\n\r\n");
  EXPECT_EQ(inviter.receive(1, 200ms), "");
  post("/invite/7F3K9QDM/" + claim, R"({"box":"aGk"})");
  EXPECT_EQ(body(inviter.response()), (json{{"boxes", {{{"claim", claim}, {"box", "aGk"}}}}, {"next", 1}}));
  RawClient joiner(port);
  auto const begin = Clock::now();
  joiner.send("GET /invite/7F3K9QDM/" + claim + "?wait_s=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body(joiner.response()), (json{{"boxes", json::array()}, {"next", 0}}));
  EXPECT_GE(Clock::now() - begin, 1s);
}

TEST_F(ServiceTest, DrainsBeforeItEnds) {
  start();
  auto connected = device();
  connected.ask(std::nullopt);
  RawClient kept(port);
  kept.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n");
  kept.response();
  std::promise<void> drained;
  on_loop([&] { service->drain([&] { drained.set_value(); }); });
  EXPECT_EQ(drained.get_future().wait_for(5s), std::future_status::ready);
  EXPECT_FALSE(RawClient(port).connected);
  kept.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body(kept.response()).at("status"), "draining");
  auto const ready = get(monitoring, "/readyz");
  EXPECT_TRUE(ready.starts_with("HTTP/1.1 503 ") && ready.ends_with("draining\n")) << ready;
}

TEST_F(ServiceTest, TakesNewLimitsWhileItRuns) {
  start();
  Config config;
  config.server.limits.connections_per_client = 1;
  config.server.trusted_proxies.clear();
  config.invite_rates.creates_per_minute = 1;
  Result<> reloaded;
  on_loop([&] { reloaded = service->reload(config, OpenRegistration{4}); });
  EXPECT_TRUE(reloaded);
  RawClient first(port);
  ASSERT_TRUE(first.upgrade());
  RawClient second(port);
  EXPECT_TRUE(second.response().starts_with("HTTP/1.1 429 "));
  config.server.certificate = "/no/such/file";
  on_loop([&] { reloaded = service->reload(config, OpenRegistration{4}); });
  ASSERT_FALSE(reloaded);
  EXPECT_TRUE(reloaded.error().is(ServerError::bad_certificate));
}

}  // namespace
}  // namespace kith::relay::server
