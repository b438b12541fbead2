// Both stores give the same answers to everything.
#include <fmt/format.h>

#include "base/encoding.hpp"
#include "relay/rules/relay_testing.hpp"
#include "relay/sqlite/sqlite_relay_store.hpp"
#include "relay/sqlite/sqlite_relay_testing.hpp"

namespace kith::relay {
namespace {

std::string said(Stored const&) { return "stored"; }
std::string said(Refused const& refused) {
  return fmt::format("refused {} {} {}", static_cast<int>(refused.why), refused.number,
                     refused.current ? refused.current->version : 0);
}
std::string said(Mailbox const& box) {
  return fmt::format("group {} head {} floor {} acl {} {} used {} of {}", box.group.value, box.head.value,
                     box.floor.value, box.acl.version, to_hex(wire::acl_record_hash(box.acl).view()), box.used_bytes,
                     box.quota_bytes);
}
std::string said(std::vector<wire::RelayItem> const& items) {
  std::string all;
  for (auto const& item : items) {
    all += fmt::format(" {}:{}:{}:{}:{}", item.cursor.value, to_hex(item.sender.view()).substr(0, 4), item.stored_s,
                       item.ttl_s, to_hex(item.sealed));
  }
  return all;
}
std::string said(MemberOpened const& opened) {
  auto all = fmt::format("opened {} last {} item {}", said(opened.mailbox), opened.last_push_seq.value,
                         opened.item_at_cursor ? to_hex(opened.item_at_cursor->view()) : "none");
  for (auto const& slot : opened.presence) all += fmt::format(" slot {} {}", slot.counter, to_hex(slot.sealed));
  return all;
}
std::string said(AclStored const& stored) { return "acl " + said(stored.mailbox); }
std::string said(ItemsPushed const& pushed) {
  std::string all = "pushed";
  for (auto const& cursor : pushed.cursors) all += fmt::format(" {}", cursor.value);
  return all + " fresh" + said(pushed.fresh);
}
std::string said(ItemsPulled const& pulled) {
  return fmt::format("pulled to {} {}{}", pulled.next_after.value, pulled.has_more, said(pulled.items));
}
std::string said(AclRead const& read) {
  std::string all = fmt::format("records {}", read.has_more);
  for (auto const& record : read.records) all += to_hex(wire::acl_record_hash(record).view()).substr(0, 8);
  return all;
}
std::string said(RecoveryRead const& read) {
  std::string all = "recovery";
  for (auto const& record : read.records) all += " " + to_hex(record);
  return all;
}
std::string said(ObjectRead const& read) { return fmt::format("object {} {}", read.total, to_hex(read.bytes)); }
std::string said(ObjectsFound const& found) {
  std::string all = "objects";
  for (auto const& held : found.objects)
    all += fmt::format(" {}:{}:{}", held.object.bytes[0], held.total, held.expires_s);
  return all;
}
std::string said(Swept const& swept) { return fmt::format("swept {}", swept.more); }
std::string said(GroupsListed const& listed) {
  std::string all = "groups";
  for (auto const& each : listed.groups) {
    all += fmt::format(" {}:{}:{}:{}:{}", to_hex(each.channel.view()).substr(0, 8), each.members, each.items,
                       each.bytes, each.last_stored_s);
  }
  return all;
}

/// Random requests of three groups, most of which make sense.
class Requests {
 public:
  explicit Requests(std::uint64_t seed) : dice_(seed) {
    for (int i = 0; i < 3; ++i) {
      groups_.emplace_back(dice_, 4);
      chains_.push_back({groups_.back().record({0, 1, 2})});
      seqs_.push_back({});
    }
  }

  StoreTask next() {
    if (made_ < groups_.size()) return PutAcl{chains_[made_++].front()};  // so that their numbers are known
    auto const which = below(groups_.size());
    auto const& group = groups_[which];
    auto const device = below(4);
    auto const name = group.pseudonym(device);
    GroupNo const no{1 + below(4)};
    switch (below(18)) {
      case 0: return PutAcl{some(chains_[which])};
      case 1: {
        std::vector<std::size_t> members;
        for (std::size_t i = 0; i < 4; ++i) {
          if (below(4) != 0) members.push_back(i);
        }
        auto const& before = below(8) == 0 ? some(chains_[which]) : chains_[which].back();
        auto record = group.record(members, &before, below(3) == 0 ? std::nullopt : std::optional(device));
        if (below(3) != 0) chains_[which].push_back(record);
        return PutAcl{std::move(record)};
      }
      case 2: return OpenMember{group.channel(), name, {below(40)}};
      case 3:
      case 4:
      case 5:
      case 6:
      case 7: {
        PushItems push{{1 + which}, name, {}, {}};
        auto& seq = seqs_[which][device];
        push.first_seq = {below(6) == 0 ? below(10) : seq + 1};
        for (auto left = 1 + below(3); left > 0; --left) {
          push.items.push_back({below(3) == 0 ? static_cast<std::uint32_t>(1 + below(200)) : 0,
                                Bytes(below(40), static_cast<std::uint8_t>((push.first_seq.value + left) % 3))});
        }
        return push;
      }
      case 8: return PullItems{no, {below(60)}, below(500)};
      case 9: return AckItems{no, name, {below(50)}};
      case 10: return PutPresence{{1 + which}, {name, below(30), Bytes(below(9), 1)}};
      case 11: {
        DropItems drop{{1 + which}, name, {}};
        for (auto left = below(5); left > 0; --left) drop.cursors.push_back({below(60)});
        return drop;
      }
      case 12: return ReadAcl{group.channel(), below(6)};
      case 13: {
        wire::RecoveryLocator const locator{{static_cast<std::uint8_t>(below(2))}};
        if (below(2) == 0) return ReadRecovery{locator};
        return PutRecovery{{1 + which}, name, locator, Bytes(below(30), 3)};
      }
      case 14: {
        auto const byte = static_cast<std::uint8_t>(below(3));
        return PutObject{
            {1 + which}, name, object(), static_cast<std::uint32_t>(below(300)), Bytes(1 + below(20), byte)};
      }
      case 15:
        return ReadObject{no, object(), static_cast<std::uint32_t>(below(30)), static_cast<std::uint32_t>(below(30))};
      case 16:
        if (below(2) == 0) return FindObjects{no, {object(), object()}};
        return DropObjects{{1 + which}, name, {object()}};
      default: {
        auto const kind = below(3);
        return kind == 0 ? StoreTask{Sweep{}} : kind == 1 ? StoreTask{ListGroups{}} : StoreTask{Probe{}};
      }
    }
  }
  /// What was answered: pushes go on from there.
  void learn(StoreTask const& task, StoreAnswer const& answer) {
    auto const* const push = std::get_if<PushItems>(&task);
    if (push == nullptr) return;
    for (std::size_t device = 0; device < 4; ++device) {
      auto const which = push->group.value - 1;
      if (groups_[which].pseudonym(device) != push->pseudonym) continue;
      auto& seq = seqs_[which][device];
      if (std::holds_alternative<ItemsPushed>(answer)) {
        seq = std::max(seq, push->first_seq.value + push->items.size() - 1);
      } else if (auto const& refused = std::get<Refused>(answer); refused.why == Refusal::seq_gap) {
        seq = refused.number;
      }
    }
  }
  std::uint64_t below(std::uint64_t bound) { return dice_.below(bound); }

 private:
  wire::ObjectId object() { return {{static_cast<std::uint8_t>(below(6))}}; }
  wire::AclRecord const& some(std::vector<wire::AclRecord> const& chain) { return chain[below(chain.size())]; }

  testing::SeededRandom dice_;
  std::size_t made_ = 0;
  std::vector<TestGroup> groups_;
  std::vector<std::vector<wire::AclRecord>> chains_;
  std::vector<std::array<std::uint64_t, 4>> seqs_;
};

TEST(StoreModel, SqliteAndMemoryGiveTheSameAnswers) {
  std::size_t pushed = 0, refused = 0, swept = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Requests requests(seed);
    RelayDirectory const directory;
    testing::SeededRandom random(seed);
    StoreLimits limits;
    if (seed % 2 == 0) limits.group_quota_bytes = 20'000;
    MemoryRelayStore memory(limits, random);
    auto sqlite = testing::must(SqliteRelayStore::open(directory / "relay.db", limits, random));
    WallTime wall{1'800'000'000'000};
    for (int round = 0; round < 100 && !::testing::Test::HasFailure(); ++round) {
      std::vector<StoreRequest> batch;
      for (auto left = 1 + requests.below(20); left > 0; --left) {
        batch.push_back({{batch.size() + 1}, wall, requests.next()});
      }
      auto const expected = memory.work(batch);
      auto const got = sqlite->work(batch);
      ASSERT_EQ(got.size(), expected.size());
      for (std::size_t i = 0; i < batch.size(); ++i) {
        auto const words = [](StoreAnswer const& answer) {
          return std::visit([](auto const& known) { return said(known); }, answer);
        };
        EXPECT_EQ(words(got[i].answer), words(expected[i].answer)) << "task " << batch[i].task.index();
        requests.learn(batch[i].task, expected[i].answer);
        pushed += std::holds_alternative<ItemsPushed>(expected[i].answer) ? 1 : 0;
        refused += std::holds_alternative<Refused>(expected[i].answer) ? 1 : 0;
        swept += std::holds_alternative<Swept>(expected[i].answer) ? 1 : 0;
      }
      EXPECT_EQ(sqlite->figures().bytes, memory.stored_bytes());
      EXPECT_EQ(sqlite->figures().groups, memory.groups());
      wall.ms += static_cast<std::int64_t>(requests.below(20'000));
      if (requests.below(20) == 0) {
        sqlite.reset();
        sqlite = testing::must(SqliteRelayStore::open(directory / "relay.db", limits, random));
      }
      if (requests.below(20) == 0) testing::must(sqlite->checkpoint());
    }
  }
  EXPECT_GT(pushed, 500u);
  EXPECT_GT(refused, 500u);
  EXPECT_GT(swept, 50u);
}

}  // namespace
}  // namespace kith::relay
