#include "cli/status_report.hpp"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

/// A group of two that uses one relay: the phone is away, the relay has everything.
Json away_at_relay() {
  return Json::parse(R"({
    "state": "synced", "problems": [], "folders": [], "messages": {"pending": 0},
    "changes": {"only_here": 0, "contents_elsewhere": true},
    "devices": [{"name": "phone", "path": "mailbox", "in_sync": false}],
    "relays": [{"url": "wss://a", "connected": true, "has_all": true, "last_error_code": null}]})");
}

std::string verdict(Json const& status) { return status_verdict(status, Glyphs{false}, "kith pair"); }

TEST(StatusVerdict, CallsSafeWhatARelayHas) {
  auto status = away_at_relay();
  EXPECT_EQ(verdict(status), "ok everything is safe at relay wss://a; phone is offline");
  status["state"] = "offline";  // nobody is on the network: what the relay has it has
  EXPECT_EQ(verdict(status), "ok everything is safe at relay wss://a; phone is offline");
  status["devices"].push_back({{"name", "tablet"}, {"path", "offline"}, {"in_sync", nullptr}});
  EXPECT_EQ(verdict(status), "ok everything is safe at relay wss://a; phone and tablet are offline");
  status["state"] = "synced";
  for (auto& device : status["devices"]) device["in_sync"] = true;
  EXPECT_EQ(verdict(status), "ok everything in step with 2 of 2 devices");
}

TEST(StatusVerdict, CallsNothingSafeThatIsNot) {
  auto status = away_at_relay();
  status["state"] = "pending";
  status["changes"]["contents_elsewhere"] = false;
  EXPECT_EQ(verdict(status),
            "names and versions are at relay wss://a; contents are on this device only so far; phone is offline");
  status["changes"] = {{"only_here", 2}, {"contents_elsewhere", true}};
  status["relays"][0]["has_all"] = false;
  EXPECT_EQ(verdict(status), "something waits to be sent or fetched");
  status = away_at_relay();
  status["state"] = "pending";
  status["messages"]["pending"] = 1;
  EXPECT_EQ(verdict(status), "something waits to be sent or fetched");
  status = away_at_relay();
  status["state"] = "pending";
  status["folders"] = Json::parse(R"([{"pending_files": 3}])");
  EXPECT_EQ(verdict(status), "something waits to be sent or fetched");
  status = away_at_relay();
  status["state"] = "failed";
  status["problems"] = Json::parse(R"([{"code": "relay-quota"}])");
  EXPECT_EQ(verdict(status), "! 1 problem needs you");
}

TEST(StatusVerdict, NeedsNoRelay) {
  auto status = away_at_relay();
  status["relays"] = Json::array();
  status["state"] = "offline";
  EXPECT_EQ(verdict(status), "no other device is connected");
  status["state"] = "pending";
  EXPECT_EQ(verdict(status), "something waits to be sent or fetched");
  status["state"] = "synced";
  status["devices"].push_back({{"name", "tablet"}, {"path", "direct"}, {"in_sync", true}});
  EXPECT_EQ(verdict(status), "ok everything in step with 1 of 2 devices");
  for (auto& device : status["devices"]) device["in_sync"] = false;
  EXPECT_EQ(verdict(status), "something waits to be sent or fetched") << "nobody is in step";
  status["state"] = "syncing";
  EXPECT_EQ(verdict(status), "bringing devices in step");
  status["devices"] = Json::array();
  status["state"] = "synced";
  EXPECT_EQ(verdict(status), "no other device yet: kith pair");
  status["relays"] = away_at_relay()["relays"];
  status["changes"]["contents_elsewhere"] = false;
  EXPECT_EQ(verdict(status),
            "no other device yet: kith pair; names and versions are at relay wss://a; contents are on this device only "
            "so far");
}

}  // namespace
}  // namespace kith::cli
