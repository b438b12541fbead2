#include "cli/relay_standing.hpp"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

RelayStanding connected() {
  RelayStanding standing;
  standing.url = "wss://a";
  standing.shown = true;
  standing.row.connected = true;
  standing.row.caught_up = true;
  return standing;
}

std::string state(RelayStanding const& standing) { return relay_state(relay_json(standing), standing.shown); }

TEST(RelayStanding, SaysHowARelayGoes) {
  auto standing = connected();
  EXPECT_EQ(state(standing), "has everything");
  EXPECT_TRUE(standing.level());
  standing.lacks = 2;
  EXPECT_EQ(state(standing), "catching up");
  EXPECT_TRUE(standing.level()) << "others bring what is theirs";
  standing.lacks_own = 1;
  EXPECT_FALSE(standing.level());
  EXPECT_TRUE(standing.catching_up());
  standing.row.trouble = sync::RelayTrouble::quota;
  EXPECT_FALSE(standing.catching_up()) << "waiting does not help";
  standing = connected();
  standing.row.caught_up = false;
  EXPECT_FALSE(standing.level());

  RelayStanding away;
  EXPECT_EQ(state(away), "not connected");
  away.shown = true;
  EXPECT_EQ(state(away), "connecting");
  EXPECT_FALSE(away.level());
}

TEST(RelayStanding, NamesWhatIsWrongByItsCode) {
  RelayStanding standing;
  standing.shown = true;
  standing.row.failure = "link.refused";
  EXPECT_EQ(standing.code(), "relay-unreachable");
  EXPECT_TRUE(standing.passing());
  EXPECT_EQ(relay_json(standing)["last_error_code"], "relay-unreachable");
  standing.row.failure = "channel.wrong_relay";
  EXPECT_EQ(state(standing), "relay-key-changed");
  EXPECT_FALSE(standing.passing());
  standing.row.trouble = sync::RelayTrouble::off_chain;
  EXPECT_EQ(standing.code(), "relay-off-chain") << "what it did counts before that it is away";

  auto full = connected();
  full.row.trouble = sync::RelayTrouble::quota;
  EXPECT_EQ(state(full), "relay-quota");
  full.row.trouble = sync::RelayTrouble::none;
  full.row.failure = "link.refused";
  EXPECT_EQ(full.code(), "") << "from before it was connected";
  EXPECT_TRUE(relay_json(full)["last_error_code"].is_null());
  full.row.trouble = sync::RelayTrouble::lost_data;
  EXPECT_EQ(full.code(), "relay-lost-data");
  full.shown = false;
  full.row.trouble = sync::RelayTrouble::quota;
  EXPECT_EQ(full.code(), "") << "nobody knows how it goes now";
}

TEST(RelayStanding, HasNoRoomUntilSomethingHasFoundSome) {
  auto full = connected();
  full.noted = engine::RelayTroubleRow{"relay-quota", 1'000, 61'000};
  EXPECT_EQ(full.code(), "") << "it may have room by now";
  EXPECT_EQ(full.lasting_code(), "relay-quota");
  EXPECT_EQ(state(full), "relay-quota since " + rfc3339(WallTime{1'000}));
  EXPECT_FALSE(all_troubled({full}));
  EXPECT_TRUE(all_troubled({full}, [](RelayStanding const& each) { return each.lasting_code(); }));
  full.row.trouble = sync::RelayTrouble::off_chain;
  EXPECT_EQ(full.lasting_code(), "relay-off-chain");
  auto other = connected();
  other.noted = engine::RelayTroubleRow{"relay-unreachable", 1'000, 61'000};
  EXPECT_EQ(other.lasting_code(), "") << "it is connected";
}

TEST(RelayStanding, TellsOfTheLastTroubleWhileNobodyLooks) {
  RelayStanding away;
  away.url = "wss://a";
  away.noted = engine::RelayTroubleRow{"relay-unreachable", 1'000, 61'000};
  auto const json = relay_json(away);
  EXPECT_EQ(json["last_error_code"], "relay-unreachable");
  EXPECT_EQ(json["error_since_at"], json_time(WallTime{1'000}));
  EXPECT_EQ(json["last_error_at"], json_time(WallTime{61'000}));
  EXPECT_EQ(state(away),
            "not connected; relay-unreachable when last tried, at " + json_time(WallTime{61'000}).get<std::string>());
  EXPECT_EQ(away.code(), "") << "nothing fails for what was so once";

  auto well = connected();
  well.noted = away.noted;
  EXPECT_EQ(state(well), "has everything") << "what is seen now counts";
  EXPECT_TRUE(relay_json(well)["last_error_at"].is_null());
  well.row.connected = well.row.caught_up = false;
  well.row.failure = "link.refused";
  EXPECT_EQ(state(well), "relay-unreachable since " + json_time(WallTime{1'000}).get<std::string>());
}

TEST(RelayTrouble, IsNotedUntilTheRelayIsWell) {
  auto noted = engine::noted_trouble(std::nullopt, "relay-full", false, 5'000);
  EXPECT_EQ(noted, (engine::RelayTroubleRow{"relay-full", 5'000, 5'000}));
  EXPECT_EQ(engine::noted_trouble(noted, "relay-full", false, 64'999), noted) << "written once a minute";
  EXPECT_EQ(engine::noted_trouble(noted, "relay-full", false, 65'000),
            (engine::RelayTroubleRow{"relay-full", 5'000, 65'000}));
  EXPECT_EQ(engine::noted_trouble(noted, "relay-off-chain", true, 70'000),
            (engine::RelayTroubleRow{"relay-off-chain", 70'000, 70'000}));
  EXPECT_EQ(engine::noted_trouble(noted, "", false, 70'000), noted) << "it is only dialled";
  EXPECT_EQ(engine::noted_trouble(noted, "", true, 70'000), std::nullopt);
}

TEST(RelayStanding, SaysWhereThingsAre) {
  EXPECT_EQ(names_text({"phone"}, "devices"), "phone");
  EXPECT_EQ(names_text({"phone", "tablet"}, "devices"), "phone and tablet");
  EXPECT_EQ(names_text({"a", "b", "c"}, "devices"), "a, b and c");
  EXPECT_EQ(names_text({"a", "b", "c", "d"}, "devices"), "4 devices");
  EXPECT_EQ(relays_text({"wss://a"}), "relay wss://a");
  EXPECT_EQ(relays_text({"wss://a", "wss://b"}), "relays wss://a and wss://b");
  EXPECT_EQ(relays_text({"a", "b", "c", "d"}), "4 relays");
  EXPECT_EQ(at_relays_text({"wss://a"}, true), "everything is safe at relay wss://a");
  EXPECT_EQ(at_relays_text({"wss://a"}, false),
            "names and versions are at relay wss://a; contents are on this device only so far");
}

}  // namespace
}  // namespace kith::cli
