// Who has the words, against members that change the list meanwhile.
#include "sync/relays/mailbox_claim_testing.hpp"

namespace kith::sync {
namespace {

/// A member that puts its own list whenever it has changed, or all the time.
struct AThiefAtTheList : WithTheWords {
  void fight() {
    auto const face = core::relay_face(b.identity.root, relay.relay_key(), a.replica.state().group());
    for (auto read = after(last); !read.empty(); read = after(last)) last = read.back();
    if (!all_the_time && last.signer == face.sign.public_key()) return;
    auto next = last;
    next.version += 1;
    next.prev = wire::acl_record_hash(last);
    next.pseudonyms = {face.pseudonym()};
    wire::sign_acl(next, face.sign);
    bool const let = std::ranges::binary_search(last.pseudonyms, face.pseudonym());
    ASSERT_EQ(std::holds_alternative<relay::AclStored>(store(relay::PutAcl{next})), let);
    if (!let) return;
    last = next;
    ++puts;
  }
  std::vector<wire::AclRecord> after(wire::AclRecord const& record) {
    return std::get<relay::AclRead>(store(relay::ReadAcl{registered.channel, record.version + 1})).records;
  }
  relay::StoreAnswer store(relay::StoreTask task) {
    relay::StoreRequest const request{{}, net.now().wall, std::move(task)};
    return relay.store.work(std::span(&request, 1)).front().answer;
  }
  wire::AclRecord last;
  bool all_the_time = false;
  unsigned puts = 0;
};

TEST_F(AThiefAtTheList, IsOverruledHoweverOftenItPutsItsOwn) {
  auto const found = look_up();
  auto reading = claim(found.front());
  must(talk(reading, [&] { fight(); }));
  EXPECT_TRUE(reading.genesis().has_value());
  EXPECT_LE(puts, MailboxClaim::kTriesBesideOthers + 1) << "it can sign nothing then";
  EXPECT_GT(last.version, MailboxClaim::kJump) << "what others put meanwhile has a lower version";
  EXPECT_EQ(last.pseudonyms, std::vector{name_of(r)});
}

/// Who was shut out of the mailbox by a recovery that came to nothing is let in again, by the same key.
TEST_F(AThiefAtTheList, IsServedAgainWhereTheRecoveryIsGivenUp) {
  auto const found = look_up();
  auto reading = claim(found.front());
  must(talk(reading, [&] { fight(); }));
  ASSERT_TRUE(reading.shuts_others_out());
  ASSERT_EQ(last.pseudonyms, std::vector{name_of(r)});
  auto giving_up = claim(found.front());
  giving_up.give_back();
  must(talk(giving_up));
  EXPECT_TRUE(giving_up.done());
  EXPECT_FALSE(giving_up.shuts_others_out());
  EXPECT_EQ(after(last).back().pseudonyms, std::vector{name_of(b)}) << "as the list was left by its members";
}

TEST_F(AThiefAtTheList, IsNotLeftAloneThereByWhoGivesUp) {
  auto const found = look_up();
  auto reading = claim(found.front());
  bool came = false;
  must(talk(reading, [&] {
    auto const names_r = [&](auto const& each) { return std::ranges::binary_search(each.pseudonyms, name_of(r)); };
    came = came || std::ranges::any_of(after({}), names_r);
    if (came) fight();
  }));
  ASSERT_GT(puts, 0U);
  ASSERT_TRUE(reading.shuts_others_out());
  auto giving_up = claim(found.front());
  giving_up.give_back();
  must(talk(giving_up));
  std::vector both{name_of(a), name_of(b)};
  std::ranges::sort(both);
  EXPECT_EQ(after(last).back().pseudonyms, both) << "whom it served before the words came";
}

TEST_F(WithTheWords, WhatIsGivenUpIsAsItWasBefore) {
  auto const found = look_up();
  AclChain chain(registered.channel);
  must(chain.load(a.store));
  auto const before = chain.last().value().pseudonyms;
  ASSERT_EQ(before.size(), 2U);
  net.go_offline(a);
  net.go_offline(b);
  auto last = claim(found.front());
  last.serve_exactly({name_of(r)});
  must(talk(last));
  EXPECT_TRUE(last.shuts_others_out());
  for (int times = 0; times < 2; ++times) {  // the second finds it done
    auto giving_up = claim(found.front());
    giving_up.give_back();
    must(talk(giving_up));
    EXPECT_TRUE(giving_up.done());
  }
  for (auto* device : {&a, &b}) device->online = true;
  net.wait(70s);
  b.push("goes on");
  net.changed(b);
  net.wait(5s);
  EXPECT_EQ(a.texts(), (Texts{"from a", "from b", "goes on"}));
  must(chain.load(a.store));
  EXPECT_EQ(chain.last().value().pseudonyms, before);
  EXPECT_EQ(chain.last().value().version, 4U) << "two to let them in, one without them, and one that gives back";
}

TEST_F(WithTheWords, WhoOnlyReadsShutsNobodyOut) {
  net.go_offline(a);
  net.go_offline(b);
  auto const found = look_up();
  auto reading = claim(found.front());
  must(talk(reading));
  EXPECT_TRUE(reading.genesis().has_value());
  EXPECT_FALSE(reading.shuts_others_out());
}

/// Whatever is read of the chain is no longer its end when the answer has come.
TEST_F(AThiefAtTheList, IsNotFasterThanWhoNamesAnyRecord) {
  auto const found = look_up();
  all_the_time = true;
  auto reading = claim(found.front());
  must(talk(reading, [&] { fight(); }));
  EXPECT_TRUE(reading.genesis().has_value());
  EXPECT_GT(puts, MailboxClaim::kTriesByOne);
  EXPECT_EQ(last.pseudonyms, std::vector{name_of(r)});
  // And of who is to be served the last word is said at once, though the thief was on the list again.
  auto taken = last;
  taken.version += 1;
  taken.prev = wire::acl_record_hash(last);
  taken.pseudonyms = {name_of(b), name_of(r)};
  std::ranges::sort(taken.pseudonyms);
  wire::sign_acl(taken, core::relay_face(r.identity.root, relay.relay_key(), a.replica.state().group()).sign);
  ASSERT_TRUE(std::holds_alternative<relay::AclStored>(store(relay::PutAcl{taken})));
  auto serving = claim(found.front());
  serving.serve_exactly({name_of(r)});
  must(talk(serving, [&] { fight(); }));
  EXPECT_EQ(last.pseudonyms, std::vector{name_of(r)});
}

/// Two who have the words, at once: one of them is second, and reads again.
TEST_F(WithTheWords, TwoWhoRecoverAtOnceBothComeIn) {
  auto const found = look_up();
  RelayDevice s{10, "too"};
  MailboxClaim mine = claim(found.front());
  MailboxClaim other(words, found.front(), relay.relay_key(),
                     core::relay_face(s.identity.root, relay.relay_key(), found.front().group), s.random);
  mine.expect_contest();
  other.expect_contest();
  bool begun = false;
  must(talk(mine, [&] {
    if (std::exchange(begun, true)) return;
    must(talk(other));
  }));
  EXPECT_TRUE(mine.genesis().has_value());
  EXPECT_TRUE(other.genesis().has_value());
}

}  // namespace
}  // namespace kith::sync
