#include <gtest/gtest.h>

#include "support/played_mailbox.hpp"
#include "support/raw_entry.hpp"

/// What a relay may do so that nobody notices what it keeps back.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::must;
using testing::PlayedMailbox;

struct Evading : ::testing::Test, PlayedMailbox {
  Evading() : PlayedMailbox(State::catching_up) {}

  /// What another device was shown here: an entry that is nowhere to be seen, unless another one is named.
  [[nodiscard]] wire::RelayWitness shown_another(std::vector<Tip> tips = {}) {
    wire::RelayWitness witness{name, first.channel, mailbox->record().log_epoch, {cursor}, std::move(tips)};
    if (witness.tips.empty()) witness.tips.push_back({{other, {0}}, {7}, random.id<EntryHash>()});
    return witness;
  }
  [[nodiscard]] Tip own_tip() { return must(device.replica.tips()).front(); }
  /// Another seal of an entry that is here, as whoever can read it may make one.
  [[nodiscard]] Bytes resealed(ByteView sealed) {
    auto const& state = device.replica.state();
    auto const parts = must(wire::decode_sealed(sealed));
    if (parts.prefix) return Bytes(sealed.begin(), sealed.end());
    auto const* epoch = state.secret(parts.header.epoch);
    auto const entry = must(core::open(parts, state.group(), *epoch, core::Check::everything));
    testing::RawEntry raw;
    raw.group = state.group();
    raw.epoch = epoch;
    raw.signer = &device.identity.sign;
    raw.body = wire::encode(entry.body);
    raw.id = parts.header.entry;
    return raw.sealed(random);
  }
  /// Of an epoch that there is not.
  [[nodiscard]] Bytes unreadable() {
    Bytes item(300, 1);
    std::ranges::copy(bytes_of("K1"), item.begin());
    auto const id = random.id<EntryHash>();
    std::ranges::copy(id.view(), item.begin() + 3);
    return item;
  }
  void push_all() {
    while (!heard.empty() && std::holds_alternative<wire::Push>(heard.back())) answer_push();
  }

  DeviceId other = random.id<DeviceId>();
};

TEST_F(Evading, WhatIsNeverAnsweredEndsTheConnectionWhateverElseIsSaid) {
  answer_pull({});
  push_all();
  say(wire::Notify{0, {100}});
  ASSERT_TRUE(std::holds_alternative<wire::Pull>(heard.back()));
  auto const asked = now.mono;
  while (!mailbox->link_done() && now.mono < asked + 1h) {
    say(wire::Notify{0, {100}});
    wait(20s);
  }
  EXPECT_TRUE(mailbox->link_done());
  EXPECT_LE(now.mono, asked + Mailbox::kPullTime + 20s);
}

TEST_F(Evading, FurtherNoticesDoNotPutOffWhatWasToldBefore) {
  answer_pull({});
  push_all();
  must(mailbox->compare(other, shown_another(), now));
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::withholds) << "all that there is has been shown";
  auto beyond = shown_another();
  beyond.cursor = {cursor + 1};
  say(wire::Notify{0, {cursor + 1}});
  must(mailbox->compare(random.id<DeviceId>(), beyond, now));
  EXPECT_TRUE(mailbox->comparing());
  EXPECT_TRUE(must(mailbox->witness())) << "others hear what was shown so far";
  for (int i = 0; i < 2; ++i) {
    relay.say(wire::Notify{0, {cursor + 5}});
    answer_pull({});
    ASSERT_TRUE(std::holds_alternative<wire::Pull>(heard.back()));
  }
  EXPECT_FALSE(mailbox->comparing());
}

TEST_F(Evading, WhatIsNoEntryHidesNothing) {
  for (int i = 0; i < 10; ++i) {
    std::vector<Bytes> rubbish;
    for (int j = 0; j < 500; ++j) rubbish.emplace_back(40, static_cast<std::uint8_t>(i));
    auto forged = device.sealed_entries().front();
    forged.back() ^= 1;
    rubbish.push_back(std::move(forged));
    answer_pull(std::move(rubbish), i < 9);
  }
  push_all();
  ASSERT_EQ(mailbox->trouble(), RelayTrouble::none);
  must(mailbox->compare(other, shown_another(), now));
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::withholds);
}

TEST_F(Evading, MoreThanCanBeNotedOfWhatCannotBeReadIsToldToTheUser) {
  auto const fill = [&](std::size_t items) {
    while (items > 0) {
      std::vector<Bytes> some;
      for (; items > 0 && some.size() < 500; --items) some.push_back(unreadable());
      answer_pull(std::move(some), items > 0);
    }
  };
  fill(UnresolvedItems::kMost);
  push_all();
  must(mailbox->compare(other, shown_another(), now));
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::none) << "it may be one of them";
  say(wire::Notify{0, {cursor + 1}});
  fill(1);
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::unreadable);
  must(mailbox->flush());
  EXPECT_TRUE(must(UnresolvedItems::load(device.store, name, first.channel)).overflowed);
}

TEST_F(Evading, AnotherSealOfAnEntryIsThatEntry) {
  std::vector<Bytes> items;
  for (auto const& entry : device.sealed_entries()) items.push_back(resealed(entry));
  ASSERT_NE(items, device.sealed_entries());
  answer_pull(std::move(items));
  EXPECT_TRUE(mailbox->holds_all());
  EXPECT_TRUE(heard.empty() || !std::holds_alternative<wire::Push>(heard.back()));
  must(mailbox->compare(other, shown_another({own_tip()}), now));
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::none);
}

/// Each device is shown a history of its own, and they never meet.
TEST_F(Evading, AnotherHistoryThatGoesOnBesideThisOneIsFoundOut) {
  answer_pull({});
  push_all();
  auto elsewhere = shown_another({own_tip()});
  elsewhere.log_epoch.bytes[0] ^= 1;
  must(mailbox->compare_left(other, elsewhere, now));
  wait(Mailbox::kHistoryPatience);
  wait(1s);
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::none) << "it may be of before the relay was wiped";
  device.push("more");
  must(mailbox->on_local_change(now));
  listen();
  push_all();
  elsewhere.tips = {own_tip()};
  must(mailbox->compare_left(other, elsewhere, now));
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::none) << "the connection may be dead already";
  wait(Mailbox::kHistoryPatience - 1s);
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::none);
  wait(1s);
  EXPECT_EQ(mailbox->trouble(), RelayTrouble::withholds);
}

}  // namespace
}  // namespace kith::sync
