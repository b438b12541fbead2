#include "relay/server/admin.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace kith::relay::server {
namespace {

using nlohmann::json;

struct AdminTest : ::testing::Test {
  AdminTest() {
    std::string name = (std::filesystem::temp_directory_path() / "kith-admin-XXXXXX").native();
    root = ::mkdtemp(name.data());
  }
  void start() {
    server = AdminServer::open(loop, root / "s", [this](json const& command, std::function<void(json)> answer) {
               auto const reply = command.value("fail", false) ? json{{"ok", false}, {"error", "no"}}
                                                               : json{{"ok", true}, {"back", command}};
               loop.post([answer, reply] { answer(reply); });  // later, as a backup's answer comes
             }).value();
    thread = std::thread([this] { loop.run(); });
  }
  ~AdminTest() override {
    if (thread.joinable()) {
      loop.post([this] {
        server.reset();
        loop.stop();
      });
      thread.join();
    }
    std::filesystem::remove_all(root);
  }
  std::filesystem::path root;
  link::Loop loop;
  std::unique_ptr<AdminServer> server;
  std::thread thread;
};

TEST_F(AdminTest, CarriesACommandAndItsAnswer) {
  start();
  json const command{{"command", "backup"}, {"to", std::string(5000, 'x')}};
  EXPECT_EQ(ask_relay(root / "s", command).value(), (json{{"ok", true}, {"back", command}}));
  auto const refused = ask_relay(root / "s", {{"fail", true}});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(ServerError::refused));
  EXPECT_EQ(refused.error().subject(), "no");
  EXPECT_EQ(ask_relay(root / "s", json::array()).error().subject(), "not a command");
}

TEST_F(AdminTest, IsItsOwnersAlone) {
  start();
  struct stat found {};
  ASSERT_EQ(::stat((root / "s").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST_F(AdminTest, SaysThatNobodyIsThere) {
  auto const none = ask_relay(root / "s", {{"command", "x"}});
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(ServerError::not_running));
  start();
  loop.post([this] { server.reset(); });
  for (int tries = 0; tries < 100 && std::filesystem::exists(root / "s"); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  EXPECT_TRUE(ask_relay(root / "s", {{"command", "x"}}).error().is(ServerError::not_running));
}

TEST_F(AdminTest, ReplacesWhatAnEarlierProcessLeft) {
  ASSERT_EQ(::mknod((root / "s").c_str(), S_IFSOCK | 0600, 0), 0);
  EXPECT_TRUE(ask_relay(root / "s", {{"command", "x"}}).error().is(ServerError::not_running));
  start();
  EXPECT_TRUE(ask_relay(root / "s", {{"command", "x"}}));
}

}  // namespace
}  // namespace kith::relay::server
