#pragma once

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "relay/rules/keeping.hpp"
#include "relay/rules/relay_testing.hpp"

namespace kith::relay {

/// What every RelayStore does, instantiated by the test of each implementation. A Harness is one store that starts
/// empty:
///
///     RelayStore& store();    works everything off
///     RelayStore& reader();   what only reads
///     void reopen();          the process ends and starts again
///     void change(limits);
template <class Harness>
class RelayStoreContract : public ::testing::Test {
 protected:
  StoreAnswer one(StoreTask task) {
    StoreRequest const request{{++ticket_}, wall_, std::move(task)};
    auto& store = only_reads(request.task) && ticket_ % 2 == 0 ? harness_.reader() : harness_.store();
    auto replies = store.work({&request, 1});
    EXPECT_EQ(replies.size(), 1u);
    EXPECT_EQ(replies.at(0).ticket, request.ticket);
    return std::move(replies.at(0).answer);
  }
  template <class Answer>
  Answer must(StoreTask task) {
    auto answer = one(std::move(task));
    auto const* const fits = std::get_if<Answer>(&answer);
    if (fits == nullptr) {
      auto const* const refused = std::get_if<Refused>(&answer);
      ADD_FAILURE() << "another answer" << (refused == nullptr ? -1 : static_cast<int>(refused->why));
      return {};
    }
    return *fits;
  }
  Refusal refusal(StoreTask task) { return must<Refused>(std::move(task)).why; }

  GroupNo make(TestGroup const& group, std::vector<std::size_t> const& devices) {
    return must<AclStored>(PutAcl{group.record(devices)}).mailbox.group;
  }
  Mailbox box(TestGroup const& group, std::size_t device) {
    return must<MemberOpened>(OpenMember{group.channel(), group.pseudonym(device), {}}).mailbox;
  }
  PushItems push(GroupNo no, TestGroup const& group, std::size_t device, std::uint64_t seq,
                 std::vector<Bytes> const& sealed, std::uint32_t ttl_s = 0) {
    PushItems task{no, group.pseudonym(device), {seq}, {}};
    for (auto const& bytes : sealed) task.items.push_back({ttl_s, bytes});
    return task;
  }
  std::vector<std::uint64_t> pulled(GroupNo no, std::uint64_t after = 0) {
    std::vector<std::uint64_t> cursors;
    for (auto const& item : must<ItemsPulled>(PullItems{no, {after}, kMaxPullBytes}).items)
      cursors.push_back(item.cursor.value);
    return cursors;
  }

  Harness harness_;
  testing::SeededRandom random_{11};
  TestGroup group_{random_, 5};
  WallTime wall_{1'800'000'000'000};
  std::uint64_t ticket_ = 0;
};
TYPED_TEST_SUITE_P(RelayStoreContract);

using Numbers = std::vector<std::uint64_t>;
inline std::vector<wire::RelayCursor> cursors(Numbers const& numbers) {
  std::vector<wire::RelayCursor> cursors;
  for (auto const number : numbers) cursors.push_back({number});
  return cursors;
}

TYPED_TEST_P(RelayStoreContract, OnlyAFirstRecordMakesAMailbox) {
  auto const first = this->group_.record({0, 1});
  auto const second = this->group_.record({0}, &first);
  EXPECT_EQ(this->refusal(PutAcl{second}), Refusal::unknown_channel);
  EXPECT_EQ(this->refusal(OpenMember{this->group_.channel(), this->group_.pseudonym(0), {}}), Refusal::unknown_channel);
  EXPECT_EQ(this->refusal(ReadAcl{this->group_.channel(), 1}), Refusal::unknown_channel);
  auto const made = this->template must<AclStored>(PutAcl{first}).mailbox;
  EXPECT_EQ(made.acl, first);
  EXPECT_EQ(made.head.value, 0u);
  EXPECT_EQ(made.used_bytes, weight(first));
  EXPECT_FALSE(made.log_epoch.is_zero());
  TestGroup const other(this->random_, 1);
  auto const another = this->template must<AclStored>(PutAcl{other.record({0})}).mailbox;
  EXPECT_NE(another.group, made.group);
  EXPECT_NE(another.log_epoch, made.log_epoch);
  this->harness_.reopen();
  EXPECT_EQ(this->box(this->group_, 0).log_epoch, made.log_epoch);
}

TYPED_TEST_P(RelayStoreContract, ARecordMustFollowTheCurrentOne) {
  auto const& group = this->group_;
  auto const first = group.record({0, 1});
  auto const second = group.record({0, 2}, &first, 1);
  this->template must<AclStored>(PutAcl{first});
  EXPECT_EQ(this->refusal(PutAcl{group.record({0, 3}, &first, 3)}), Refusal::not_a_member);
  EXPECT_EQ(this->template must<AclStored>(PutAcl{second}).mailbox.acl, second);
  EXPECT_EQ(this->template must<AclStored>(PutAcl{second}).mailbox.acl, second);  // again
  EXPECT_EQ(this->template must<AclStored>(PutAcl{first}).mailbox.acl, second);   // it is in the chain
  // One that was in it is shown the current record, as is who holds the channel's key.
  for (auto const& stale : {group.record({1, 3}, &first, 1), group.record({3}, &first)}) {
    auto const refused = this->template must<Refused>(PutAcl{stale});
    EXPECT_EQ(refused.why, Refusal::stale_acl);
    EXPECT_EQ(refused.current, second);
  }
  // Who claims to be one of it, and did not sign, is shown nothing.
  auto forged = group.record({1, 3}, &first, 1);
  forged.signature.bytes[0] ^= 1;
  auto const refused = this->template must<Refused>(PutAcl{forged});
  EXPECT_EQ(refused.why, Refusal::not_a_member);
  EXPECT_EQ(refused.current, std::nullopt);
  // The channel's key alone may jump versions.
  auto jump = group.record({0}, &second);
  jump.version = second.version + wire::kMaxAclJump + 1;
  wire::sign_acl(jump, group.channel_key());
  EXPECT_EQ(this->refusal(PutAcl{jump}), Refusal::stale_acl);
  jump.version = second.version + wire::kMaxAclJump;
  wire::sign_acl(jump, group.key(0));
  EXPECT_EQ(this->refusal(PutAcl{jump}), Refusal::stale_acl);
  wire::sign_acl(jump, group.channel_key());
  EXPECT_EQ(this->template must<AclStored>(PutAcl{jump}).mailbox.acl, jump);
  EXPECT_EQ(this->template must<AclRead>(ReadAcl{group.channel(), 2}).records, (std::vector{second, jump}));
  this->harness_.reopen();
  EXPECT_EQ(this->template must<AclRead>(ReadAcl{group.channel(), 0}).records, (std::vector{first, second, jump}));
  EXPECT_EQ(this->box(group, 0).acl, jump);
}

TYPED_TEST_P(RelayStoreContract, TheChannelsKeyMayNameAnyRecordOfTheChain) {
  auto const& group = this->group_;
  TestGroup const other(this->random_, 1);
  auto const first = group.record({0, 1});
  auto const second = group.record({0, 1, 2}, &first, 1);
  auto last = group.record({1}, &second, 1);
  this->template must<AclStored>(PutAcl{other.record({0})});
  for (auto const& record : {first, second, last}) this->template must<AclStored>(PutAcl{record});
  auto const naming = [&](crypto::Hash256 const& prev, std::uint64_t version, crypto::SigningKey const& key) {
    auto record = group.record({0});
    record.version = version;
    record.prev = prev;
    wire::sign_acl(record, key);
    return record;
  };
  auto const first_hash = wire::acl_record_hash(first);
  auto unknown = first_hash;
  unknown.bytes.back() ^= 1;
  auto const& key = group.channel_key();
  for (auto const& stale :
       {naming(unknown, 4, key), naming({}, 4, key), naming(wire::acl_record_hash(other.record({0})), 4, key),
        naming(first_hash, 3, key), naming(first_hash, 3 + wire::kMaxAclJump + 1, key),
        naming(first_hash, ~std::uint64_t{0}, key), naming(first_hash, 4, group.key(1))}) {
    auto const refused = this->template must<Refused>(PutAcl{stale});
    EXPECT_EQ(refused.why, Refusal::stale_acl);
    EXPECT_EQ(refused.current, last);
  }
  // Whatever a member puts before it arrives, it stands.
  auto const overruling = naming(first_hash, 1000, key), slower = naming(first_hash, 999, key);
  for (int i = 0; i < 3; ++i) {
    last = group.record({1}, &last, 1);
    this->template must<AclStored>(PutAcl{last});
  }
  this->harness_.reopen();
  EXPECT_EQ(this->template must<AclStored>(PutAcl{overruling}).mailbox.acl, overruling);
  EXPECT_EQ(this->box(group, 0).acl, overruling);
  EXPECT_EQ(this->refusal(OpenMember{group.channel(), group.pseudonym(1), {}}), Refusal::not_a_member);
  // Again it is nothing new, and one that was made earlier and never came to be stays without effect.
  EXPECT_EQ(this->template must<AclStored>(PutAcl{overruling}).mailbox.acl, overruling);
  EXPECT_EQ(this->refusal(PutAcl{slower}), Refusal::stale_acl);
  EXPECT_EQ(this->refusal(PutAcl{group.record({1}, &last, 1)}), Refusal::stale_acl);
  // The chain goes on behind it, and a second recovery names what it likes of it.
  auto const next = group.record({0, 3}, &overruling, 0);
  this->template must<AclStored>(PutAcl{next});
  EXPECT_EQ(this->template must<AclStored>(PutAcl{overruling}).mailbox.acl, next)
      << "an old one put again changes nothing";
  auto const again = naming(wire::acl_record_hash(last), 5000, key);
  EXPECT_EQ(this->template must<AclStored>(PutAcl{again}).mailbox.acl, again);
  EXPECT_EQ(this->template must<AclRead>(ReadAcl{group.channel(), 6}).records,
            (std::vector{last, overruling, next, again}));
}

TYPED_TEST_P(RelayStoreContract, TheChainIsReadInParts) {
  std::vector<wire::AclRecord> chain{this->group_.record({0})};
  for (int i = 1; i < 70; ++i) chain.push_back(this->group_.record({0, 1u + i % 2}, &chain.back()));
  for (auto const& record : chain) this->template must<AclStored>(PutAcl{record});
  auto const part = this->template must<AclRead>(ReadAcl{this->group_.channel(), 1});
  EXPECT_EQ(part.records.size(), wire::kRelayLimits.max_acl_records);
  EXPECT_TRUE(part.has_more);
  auto const rest = this->template must<AclRead>(ReadAcl{this->group_.channel(), part.records.back().version + 1});
  EXPECT_EQ(rest.records.size(), 70 - wire::kRelayLimits.max_acl_records);
  EXPECT_FALSE(rest.has_more);
  EXPECT_EQ(rest.records.back(), chain.back());
}

TYPED_TEST_P(RelayStoreContract, OnlyMembersUseAMailbox) {
  auto const& group = this->group_;
  auto const first = group.record({0, 1});
  auto const no = this->make(group, {0, 1});
  auto const second = group.record({0}, &first);
  this->template must<AclStored>(PutAcl{second});
  for (std::size_t const device : {1, 2}) {
    auto const name = group.pseudonym(device);
    auto const slot = wire::RelayPresence::Slot{name, 1, {}};
    for (auto const& task : std::vector<StoreTask>{
             OpenMember{group.channel(), name, {}}, this->push(no, group, device, 1, {{1}}), AckItems{no, name, {}},
             PutPresence{no, slot}, DropItems{no, name, {{1}}}, PutRecovery{no, name, {}, {1}},
             PutObject{no, name, {}, 9, {1}}, DropObjects{no, name, {}}}) {
      auto const refused = this->template must<Refused>(task);
      EXPECT_EQ(refused.why, Refusal::not_a_member) << task.index();
      EXPECT_EQ(refused.current.has_value(), device == 1) << task.index();  // it once was one
    }
  }
  EXPECT_EQ(this->box(group, 0).used_bytes, weight(first) + weight(second));
  GroupNo const nowhere{no.value + 7};
  for (auto const& task : std::vector<StoreTask>{this->push(nowhere, group, 0, 1, {{1}}), PullItems{nowhere, {}, 10},
                                                 ReadObject{nowhere, {}, 0, 10}, FindObjects{nowhere, {}}}) {
    EXPECT_EQ(this->refusal(task), Refusal::unknown_channel) << task.index();
  }
}

TYPED_TEST_P(RelayStoreContract, WhoComesBackGoesOnCountingItsPushes) {
  auto const& group = this->group_;
  auto const first = group.record({0, 1});
  auto const no = this->make(group, {0, 1});
  this->template must<ItemsPushed>(this->push(no, group, 1, 1, {{1}, {2}}));
  auto const second = group.record({0}, &first);
  this->template must<AclStored>(PutAcl{second});
  this->template must<AclStored>(PutAcl{group.record({0, 1}, &second)});
  auto const opened = this->template must<MemberOpened>(OpenMember{group.channel(), group.pseudonym(1), {}});
  EXPECT_EQ(opened.last_push_seq.value, 2u);
}

TYPED_TEST_P(RelayStoreContract, AGroupNamesSoManyDevicesInAll) {
  auto const& group = this->group_;
  std::uint64_t made = 0;
  auto const naming = [&](wire::AclRecord const& before, std::size_t count, bool by_member = true) {
    auto record = group.record({0}, &before);
    for (std::size_t i = 0; i < count; ++i) {
      wire::Pseudonym name{{0xFF}};
      store_be(name.bytes.data() + 1, ++made);
      record.pseudonyms.push_back(name);
    }
    std::ranges::sort(record.pseudonyms);
    wire::sign_acl(record, by_member ? group.key(0) : group.channel_key());
    return record;
  };
  auto last = group.record({0});
  this->template must<AclStored>(PutAcl{last});
  for (std::uint64_t left = kMaxNames - 1; left > 0;) {
    auto const count = std::min<std::uint64_t>(left, 250);
    last = naming(last, count);
    this->template must<AclStored>(PutAcl{last});
    left -= count;
  }
  this->harness_.reopen();
  EXPECT_EQ(this->refusal(PutAcl{naming(last, 1)}), Refusal::quota);
  auto const without = naming(last, 0);
  this->template must<AclStored>(PutAcl{without});
  auto const again = naming(without, 0);
  this->template must<AclStored>(PutAcl{again});
  EXPECT_EQ(this->refusal(PutAcl{naming(again, 1)}), Refusal::quota);
  auto const brought_back = naming(again, 250, false);  // else a group could be kept from coming back
  this->template must<AclStored>(PutAcl{brought_back});
  EXPECT_EQ(this->refusal(PutAcl{naming(brought_back, 1)}), Refusal::quota);
}

TYPED_TEST_P(RelayStoreContract, CursorsAreDenseInEachGroup) {
  auto const& group = this->group_;
  TestGroup const other(this->random_, 1);
  auto const no = this->make(group, {0, 1});
  auto const other_no = this->make(other, {0});
  std::vector<StoreRequest> batch;
  for (auto const& task : std::vector<StoreTask>{
           this->push(no, group, 0, 1, {{1}, {2}}), this->push(other_no, other, 0, 1, {{9}}),
           this->push(no, group, 1, 1, {{3}}), this->push(no, group, 0, 3, {{4}}), this->push(no, group, 0, 9, {{5}}),
           this->push(no, group, 1, 2, {{6}}), PullItems{no, {}, 1000}})
    batch.push_back({{batch.size()}, this->wall_, task});
  auto const replies = this->harness_.store().work(batch);
  ASSERT_EQ(replies.size(), batch.size());
  auto const at = [&](std::size_t index) { return std::get<ItemsPushed>(replies[index].answer).cursors; };
  EXPECT_EQ(at(0), cursors({1, 2}));
  EXPECT_EQ(at(1), cursors({1}));
  EXPECT_EQ(at(2), cursors({3}));
  EXPECT_EQ(at(3), cursors({4}));
  EXPECT_EQ(std::get<Refused>(replies[4].answer).why, Refusal::seq_gap);  // and hinders nobody
  EXPECT_EQ(at(5), cursors({5}));
  auto const& fresh = std::get<ItemsPushed>(replies[0].answer).fresh;
  ASSERT_EQ(fresh.size(), 2u);
  EXPECT_EQ(fresh[1], (wire::RelayItem{{2}, group.pseudonym(0), 1'800'000'000, 0, {2}}));
  auto const& read = std::get<ItemsPulled>(replies[6].answer);  // of the same batch
  ASSERT_EQ(read.items.size(), 5u);
  EXPECT_EQ(read.items[1], fresh[1]);
  EXPECT_EQ(read.items[4].sealed, Bytes{6});
  this->harness_.reopen();
  EXPECT_EQ(this->pulled(no), (Numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(this->box(group, 0).head.value, 5u);
  EXPECT_EQ(this->template must<ItemsPushed>(this->push(no, group, 1, 3, {{7}})).cursors, cursors({6}));
}

TYPED_TEST_P(RelayStoreContract, APushAgainIsAnsweredAgain) {
  auto const& group = this->group_;
  auto const no = this->make(group, {0, 1});
  this->template must<ItemsPushed>(this->push(no, group, 0, 1, {{1}, {2}}));
  this->template must<ItemsPushed>(this->push(no, group, 1, 1, {{1}}));
  this->template must<ItemsPushed>(this->push(no, group, 0, 3, {{3}}));
  auto const again = [&](std::uint64_t seq, std::vector<Bytes> const& sealed, std::uint32_t ttl_s = 0) {
    return this->push(no, group, 0, seq, sealed, ttl_s);
  };
  auto const used = this->box(group, 0).used_bytes;
  auto const same = this->template must<ItemsPushed>(again(1, {{1}, {2}, {3}}));
  EXPECT_EQ(same.cursors, cursors({1, 2, 4}));
  EXPECT_TRUE(same.fresh.empty());
  EXPECT_EQ(this->box(group, 0).used_bytes, used);
  auto const partly = this->template must<ItemsPushed>(again(3, {{3}, {4}}));
  EXPECT_EQ(partly.cursors, cursors({4, 5}));
  ASSERT_EQ(partly.fresh.size(), 1u);
  EXPECT_EQ(partly.fresh[0].sealed, Bytes{4});
  for (auto const& task :
       {again(2, {{9}}), again(2, {{2}, {9}}), again(1, {{1}}, 60), again(6, {{6}}), again(0, {{1}})}) {
    auto const refused = this->template must<Refused>(task);
    EXPECT_EQ(refused.why, Refusal::seq_gap);
    EXPECT_EQ(refused.number, 4u);
  }
  EXPECT_EQ(this->pulled(no), (Numbers{1, 2, 3, 4, 5}));
}

TYPED_TEST_P(RelayStoreContract, APushThatIsLongPastIsNotRecognised) {
  auto const& group = this->group_;
  auto const no = this->make(group, {0, 1});
  this->template must<ItemsPushed>(this->push(no, group, 0, 1, {{1}}));
  for (std::uint64_t seq = 1; seq < kLookBack; seq += 256) {
    auto const count = std::min<std::size_t>(256, kLookBack - seq);
    this->template must<ItemsPushed>(this->push(no, group, 1, seq, std::vector<Bytes>(count, Bytes{7})));
  }
  EXPECT_EQ(this->template must<ItemsPushed>(this->push(no, group, 0, 1, {{1}})).cursors, cursors({1}));
  this->template must<ItemsPushed>(this->push(no, group, 1, kLookBack, {{7}}));
  EXPECT_EQ(this->refusal(this->push(no, group, 0, 1, {{1}})), Refusal::seq_gap);
}

TYPED_TEST_P(RelayStoreContract, PullsAreBoundedByBytesAndExact) {
  auto const& group = this->group_;
  auto const no = this->make(group, {0});
  this->template must<ItemsPushed>(this->push(no, group, 0, 1, {Bytes(100), Bytes(100), Bytes(100)}));
  auto const pull = [&](std::uint64_t after, std::size_t most) {
    return this->template must<ItemsPulled>(PullItems{no, {after}, most});
  };
  EXPECT_EQ(pull(0, 0).items.size(), 1u);
  EXPECT_EQ(pull(0, 327).items.size(), 1u);
  EXPECT_EQ(pull(0, 328).items.size(), 2u);
  EXPECT_EQ(pull(0, 328).next_after.value, 2u);
  EXPECT_TRUE(pull(0, 328).has_more);
  EXPECT_FALSE(pull(1, 328).has_more);
  EXPECT_EQ(pull(1, 328).next_after.value, 3u);
  for (auto const after : {std::uint64_t{3}, std::uint64_t{4}, std::numeric_limits<std::uint64_t>::max()}) {
    EXPECT_TRUE(pull(after, 1000).items.empty());
    EXPECT_EQ(pull(after, 1000).next_after.value, 3u);  // never beyond what there is
    EXPECT_FALSE(pull(after, 1000).has_more);
  }
}

TYPED_TEST_P(RelayStoreContract, WhatHasExpiredIsNotGivenOutAndSweptAway) {
  auto const& group = this->group_;
  auto const no = this->make(group, {0});
  auto const empty = this->box(group, 0).used_bytes;
  this->template must<ItemsPushed>(this->push(no, group, 0, 1, {{1}}));
  for (std::uint64_t seq = 2; seq < 302; seq += 100)
    this->template must<ItemsPushed>(this->push(no, group, 0, seq, std::vector<Bytes>(100, Bytes{2}), 60));
  this->template must<ItemsPushed>(this->push(no, group, 0, 302, {{3}}));
  this->wall_.ms += 59'000;
  EXPECT_EQ(this->pulled(no).size(), 302u);
  EXPECT_FALSE(this->template must<Swept>(Sweep{}).more);
  EXPECT_EQ(this->pulled(no).size(), 302u);
  this->wall_.ms += 1'000;
  EXPECT_EQ(this->pulled(no), (Numbers{1, 302}));
  auto const hidden = this->template must<ItemsPulled>(PullItems{no, {}, 10});
  EXPECT_TRUE(hidden.has_more);  // exact: there is one behind those that are hidden
  auto const at = [&](std::uint64_t cursor) {
    return this->template must<MemberOpened>(OpenMember{group.channel(), group.pseudonym(0), {cursor}}).item_at_cursor;
  };
  EXPECT_EQ(at(2), std::nullopt);  // nobody was given it, so nobody can be asked for it
  EXPECT_TRUE(this->template must<Swept>(Sweep{}).more);
  EXPECT_FALSE(this->template must<Swept>(Sweep{}).more);
  EXPECT_EQ(this->pulled(no), (Numbers{1, 302}));
  EXPECT_EQ(this->box(group, 0).used_bytes, empty + 2 * weight(1));
  EXPECT_EQ(this->box(group, 0).head.value, 302u);
  EXPECT_EQ(at(2), std::nullopt);
  EXPECT_EQ(at(302), wire::item_hash(Bytes{3}));
}

TYPED_TEST_P(RelayStoreContract, ItemsOutsideTheLogLiveNoLongerThanTheRelayAllows) {
  StoreLimits limits;
  limits.max_item_ttl = std::chrono::seconds{100};
  this->harness_.change(limits);
  auto const no = this->make(this->group_, {0});
  this->template must<ItemsPushed>(this->push(no, this->group_, 0, 1, {{1}}, 4'000'000'000));
  EXPECT_EQ(this->template must<ItemsPulled>(PullItems{no, {}, 10}).items.at(0).ttl_s, 4'000'000'000u);  // as pushed
  this->wall_.ms += 100'000;
  EXPECT_TRUE(this->pulled(no).empty());
}

TYPED_TEST_P(RelayStoreContract, OnlyItsPusherDeletesAndOnlyOutsideTheLog) {
  auto const& group = this->group_;
  auto const no = this->make(group, {0, 1});
  auto const empty = this->box(group, 0).used_bytes;
  this->template must<ItemsPushed>(this->push(no, group, 0, 1, {{1}}));
  this->template must<ItemsPushed>(this->push(no, group, 0, 2, {{2}, {3}}, 60));
  this->template must<ItemsPushed>(this->push(no, group, 1, 1, {{4}}, 60));
  auto const most = std::numeric_limits<std::uint64_t>::max();
  this->template must<Stored>(DropItems{no, group.pseudonym(0), cursors({1, 2, 4, 2, 77, most})});
  EXPECT_EQ(this->pulled(no), (Numbers{1, 3, 4}));
  EXPECT_EQ(this->box(group, 0).used_bytes, empty + 3 * weight(1));
}

TYPED_TEST_P(RelayStoreContract, AQuotaHoldsForItemsAndObjectsTogether) {
  auto const& group = this->group_;
  auto const no = this->make(group, {0});
  auto const empty = this->box(group, 0).used_bytes;
  StoreLimits limits;
  limits.group_quota_bytes = empty + weight(1000) + object_weight(500);
  this->harness_.change(limits);
  EXPECT_EQ(this->box(group, 0).quota_bytes, limits.group_quota_bytes);
  auto const object = [&](std::uint8_t id, std::size_t size) {
    wire::ObjectId name;
    name.bytes.fill(id);
    return PutObject{no, group.pseudonym(0), name, 60, Bytes(size, id)};
  };
  this->template must<ItemsPushed>(this->push(no, group, 0, 1, {Bytes(1000)}));
  auto const refused = this->template must<Refused>(this->push(no, group, 0, 2, {Bytes(4500), Bytes(100)}));
  EXPECT_EQ(refused.why, Refusal::quota);
  EXPECT_EQ(refused.number, limits.group_quota_bytes);
  EXPECT_EQ(this->pulled(no), Numbers{1});  // all or none
  EXPECT_EQ(this->refusal(object(1, 4097)), Refusal::quota);
  this->template must<Stored>(object(1, 500));
  EXPECT_EQ(this->refusal(this->push(no, group, 0, 2, {Bytes(0)})), Refusal::quota);
  // What was stored is still acknowledged, and an ACL may still be put: else nobody could be removed.
  EXPECT_EQ(this->template must<ItemsPushed>(this->push(no, group, 0, 1, {Bytes(1000)})).cursors, cursors({1}));
  auto const first = group.record({0});
  auto const second = group.record({0, 1}, &first);
  this->template must<AclStored>(PutAcl{second});
  this->template must<Stored>(DropObjects{no, group.pseudonym(0), {object(1, 0).object}});
  limits.group_quota_bytes += weight(second);
  this->harness_.change(limits);
  this->template must<ItemsPushed>(this->push(no, group, 0, 2, {Bytes(object_weight(500) - kRowBytes)}));
  EXPECT_EQ(this->box(group, 0).used_bytes, limits.group_quota_bytes);
}

TYPED_TEST_P(RelayStoreContract, NobodyMakesAListThatCannotBeShortened) {
  auto const& group = this->group_;
  auto const wide = [&](wire::AclRecord const& before, std::uint8_t last) {
    auto record = group.record({0, 1}, &before);
    for (std::uint8_t i = 0; i < 252; ++i) record.pseudonyms.push_back({{0xFF, 0xFF, i < 251 ? i : last}});
    std::ranges::sort(record.pseudonyms);
    return record;
  };
  auto last = group.record({0, 1});
  this->template must<AclStored>(PutAcl{last});
  StoreLimits limits;
  limits.group_quota_bytes = weight(last);
  this->harness_.change(limits);
  std::vector<StoreRequest> batch;
  for (std::uint64_t bytes = 0;;) {
    auto record = wide(last, batch.size() % 2 == 0 ? 251 : 252);
    wire::sign_acl(record, group.key(1));
    bytes += weight(record);
    if (bytes > kAclAllowanceBytes) break;
    batch.push_back({{batch.size()}, this->wall_, PutAcl{record}});
    last = record;
  }
  for (auto const& reply : this->harness_.store().work(batch)) {
    ASSERT_TRUE(std::holds_alternative<AclStored>(reply.answer));
  }
  auto more = wide(last, 253);
  wire::sign_acl(more, group.key(1));
  EXPECT_EQ(this->refusal(PutAcl{more}), Refusal::quota);
  wire::sign_acl(more, group.channel_key());  // which brings a group back
  this->template must<AclStored>(PutAcl{more});
  auto const removed = group.record({0}, &more, 0);
  this->template must<AclStored>(PutAcl{removed});
  EXPECT_EQ(this->refusal(PutAcl{group.record({0, 1}, &removed, 0)}), Refusal::quota);
}

TYPED_TEST_P(RelayStoreContract, RecordsDoNotFillARelayBeyondWhatItMayStore) {
  StoreLimits limits;
  limits.max_bytes = 4 << 20;
  this->harness_.change(limits);
  auto last = this->group_.record({0, 1});
  StoreAnswer answer = this->one(PutAcl{last});
  std::size_t count = 0;
  for (; std::holds_alternative<AclStored>(answer) && count < 1000; ++count) {
    auto record = this->group_.record({0, 1}, &last);
    for (std::uint8_t i = 0; i < 252; ++i) {
      record.pseudonyms.push_back({{0xFF, 0xFF, i < 251 ? i : static_cast<std::uint8_t>(251 + count % 2)}});
    }
    std::ranges::sort(record.pseudonyms);
    wire::sign_acl(record, this->group_.key(0));
    answer = this->one(PutAcl{record});
    if (std::holds_alternative<AclStored>(answer)) last = record;
  }
  ASSERT_TRUE(std::holds_alternative<Refused>(answer));
  EXPECT_EQ(std::get<Refused>(answer).why, Refusal::storage_full);
  EXPECT_GE(count, 20u);  // the write-ahead log counts too, until it is moved into the database
  this->template must<AclStored>(PutAcl{this->group_.record({0}, &last, 0)});
}

TYPED_TEST_P(RelayStoreContract, ARelayTakesSoManyMailboxes) {
  StoreLimits limits;
  limits.max_groups = 2;
  this->harness_.change(limits);
  TestGroup const second(this->random_, 1), third(this->random_, 1);
  this->make(this->group_, {0});
  this->make(second, {0});
  EXPECT_EQ(this->refusal(PutAcl{third.record({0})}), Refusal::too_many_groups);
  this->make(second, {0});  // there already
  limits.max_groups = 3;
  this->harness_.change(limits);
  this->make(third, {0});
}

TYPED_TEST_P(RelayStoreContract, AFullRelayTakesNothingMoreAndServesWhatItHas) {
  StoreLimits limits;
  limits.max_bytes = 4 << 20;
  this->harness_.change(limits);
  auto const& group = this->group_;
  auto const no = this->make(group, {0});
  std::uint64_t seq = 0;
  StoreAnswer answer;
  do {
    answer = this->one(this->push(no, group, 0, seq + 1, {Bytes(60'000)}));
    if (std::holds_alternative<ItemsPushed>(answer)) ++seq;
  } while (std::holds_alternative<ItemsPushed>(answer) && seq < 1000);
  EXPECT_EQ(std::get<Refused>(answer).why, Refusal::storage_full);
  EXPECT_GE(seq, 15u);
  EXPECT_LE(seq, 67u);
  TestGroup const late(this->random_, 1);
  EXPECT_EQ(this->refusal(PutAcl{late.record({0})}), Refusal::storage_full);
  EXPECT_EQ(this->refusal(PutObject{no, group.pseudonym(0), {}, 60, Bytes(60'000)}), Refusal::storage_full);
  EXPECT_EQ(this->box(group, 0).head.value, seq);
  EXPECT_FALSE(this->pulled(no, seq - 1).empty());
  limits.max_bytes = 64 << 20;
  this->harness_.change(limits);
  EXPECT_EQ(this->template must<ItemsPushed>(this->push(no, group, 0, seq + 1, {{1}})).cursors, cursors({seq + 1}));
}

TYPED_TEST_P(RelayStoreContract, TheLastPresenceOfEachMemberIsKept) {
  auto const& group = this->group_;
  auto const first = group.record({0, 1, 2});
  auto const no = this->make(group, {0, 1, 2});
  auto const slot = [&](std::size_t device, std::uint64_t counter) {
    return wire::RelayPresence::Slot{group.pseudonym(device), counter, Bytes(counter % 5, 1)};
  };
  auto const seen_by = [&](std::size_t device) {
    auto slots = this->template must<MemberOpened>(OpenMember{group.channel(), group.pseudonym(device), {}}).presence;
    std::ranges::sort(slots, {}, &wire::RelayPresence::Slot::counter);
    return slots;
  };
  this->template must<Stored>(PutPresence{no, slot(0, 5)});
  this->template must<Stored>(PutPresence{no, slot(1, 7)});
  EXPECT_EQ(this->refusal(PutPresence{no, slot(0, 5)}), Refusal::old_presence);
  EXPECT_EQ(this->refusal(PutPresence{no, slot(0, 4)}), Refusal::old_presence);
  EXPECT_EQ(seen_by(2), (std::vector{slot(0, 5), slot(1, 7)}));
  EXPECT_EQ(seen_by(1), (std::vector{slot(0, 5), slot(1, 7)}));
  auto const high = std::numeric_limits<std::uint64_t>::max();
  this->template must<Stored>(PutPresence{no, slot(0, high - 1)});
  this->template must<Stored>(PutPresence{no, slot(0, high)});
  EXPECT_EQ(this->refusal(PutPresence{no, slot(0, 6)}), Refusal::old_presence);
  this->harness_.reopen();
  EXPECT_EQ(seen_by(2), (std::vector{slot(1, 7), slot(0, high)}));
  auto const second = group.record({1, 2}, &first);
  this->template must<AclStored>(PutAcl{second});
  EXPECT_EQ(seen_by(2), (std::vector{slot(1, 7)}));
  this->template must<AclStored>(PutAcl{group.record({0, 1, 2}, &second)});
  EXPECT_EQ(seen_by(2), (std::vector{slot(1, 7)}));
  this->template must<Stored>(PutPresence{no, slot(0, 1)});  // its own counting begins anew
}

TYPED_TEST_P(RelayStoreContract, RecoveryRecordsAreKeptOneForEachGroup) {
  wire::RecoveryLocator const locator{{1}};
  auto const read = [&] { return this->template must<RecoveryRead>(ReadRecovery{locator}).records; };
  EXPECT_TRUE(read().empty());
  auto const no = this->make(this->group_, {0, 1});
  auto const empty = this->box(this->group_, 0).used_bytes;
  this->template must<Stored>(PutRecovery{no, this->group_.pseudonym(0), locator, {1, 2, 3}});
  this->template must<Stored>(PutRecovery{no, this->group_.pseudonym(1), locator, {4, 5}});
  EXPECT_EQ(read(), (std::vector<Bytes>{{4, 5}}));
  EXPECT_EQ(this->box(this->group_, 0).used_bytes, empty + weight(2));
  for (std::size_t i = 1; i < wire::kRelayLimits.max_recovery_records; ++i) {
    TestGroup const other(this->random_, 1);
    auto const other_no = this->make(other, {0});
    this->template must<Stored>(PutRecovery{other_no, other.pseudonym(0), locator, {static_cast<std::uint8_t>(i)}});
  }
  TestGroup const late(this->random_, 1);
  auto const late_no = this->make(late, {0});
  EXPECT_EQ(this->refusal(PutRecovery{late_no, late.pseudonym(0), locator, {1}}), Refusal::quota);
  this->template must<Stored>(PutRecovery{no, this->group_.pseudonym(0), locator, {6}});  // in its own one's place
  this->harness_.reopen();
  EXPECT_EQ(read().size(), wire::kRelayLimits.max_recovery_records);
  EXPECT_EQ(read().front(), Bytes{6});
}

TYPED_TEST_P(RelayStoreContract, ObjectsAreKeptForAWhile) {
  auto const& group = this->group_;
  auto const no = this->make(group, {0, 1});
  auto const empty = this->box(group, 0).used_bytes;
  wire::ObjectId const id{{1}}, other_id{{2}};
  Bytes bytes(100'000);
  this->random_.fill(bytes);
  auto const put = [&](std::size_t device, std::uint32_t ttl_s, Bytes content) {
    return PutObject{no, group.pseudonym(device), id, ttl_s, std::move(content)};
  };
  auto const read = [&](std::uint32_t offset, std::uint32_t most) {
    return this->template must<ObjectRead>(ReadObject{no, id, offset, most});
  };
  auto const held = [&] { return this->template must<ObjectsFound>(FindObjects{no, {other_id, id}}).objects; };
  EXPECT_EQ(this->refusal(ReadObject{no, id, 0, 10}), Refusal::not_found);
  EXPECT_TRUE(held().empty());
  this->template must<Stored>(put(0, 60, bytes));
  this->template must<Stored>(put(1, 100, bytes));  // the same again: only longer
  EXPECT_EQ(this->refusal(put(0, 60, {1})), Refusal::taken);
  EXPECT_EQ(this->box(group, 0).used_bytes, empty + object_weight(bytes.size()));
  this->harness_.reopen();
  EXPECT_EQ(read(0, 200'000).bytes, bytes);
  EXPECT_EQ(read(0, 200'000).total, 100'000u);
  EXPECT_EQ(read(99'999, 10).bytes, Bytes{bytes.back()});
  EXPECT_TRUE(read(100'000, 10).bytes.empty());
  EXPECT_TRUE(read(4'000'000'000, 10).bytes.empty());
  EXPECT_EQ(held(), (std::vector<wire::ObjHeld::Held>{{id, 100'000, 1'800'000'100}}));
  TestGroup const other(this->random_, 1);
  auto const other_no = this->make(other, {0});
  EXPECT_EQ(this->refusal(ReadObject{other_no, id, 0, 10}), Refusal::not_found);  // names are each group's own
  this->template must<Stored>(DropObjects{no, group.pseudonym(1), {id}});
  EXPECT_EQ(held().size(), 1u);
  this->wall_.ms += 100'000;
  EXPECT_TRUE(held().empty());
  EXPECT_EQ(this->refusal(ReadObject{no, id, 0, 10}), Refusal::not_found);
  EXPECT_FALSE(this->template must<Swept>(Sweep{}).more);
  EXPECT_EQ(this->box(group, 0).used_bytes, empty);
  this->template must<Stored>(put(0, 60, {1}));
  this->template must<Stored>(DropObjects{no, group.pseudonym(0), {other_id, id, id}});
  EXPECT_EQ(this->box(group, 0).used_bytes, empty);
}

TYPED_TEST_P(RelayStoreContract, ARemovedMailboxIsGoneWithAllThatItHeld) {
  auto const& group = this->group_;
  auto const no = this->make(group, {0, 1});
  TestGroup const other(this->random_, 1);
  auto const kept = this->make(other, {0});
  auto const epoch = this->box(group, 0).log_epoch;
  wire::RecoveryLocator const locator{{7}};
  std::vector<Bytes> const many(200, Bytes{1, 2, 3});
  this->template must<ItemsPushed>(this->push(no, group, 0, 1, many));
  this->template must<ItemsPushed>(this->push(no, group, 1, 1, many));
  this->template must<ItemsPushed>(this->push(kept, other, 0, 1, {{1}}));
  this->template must<Stored>(PutObject{no, group.pseudonym(0), {}, 60, {1}});
  this->template must<Stored>(PutPresence{no, {group.pseudonym(1), 9, {1}}});
  this->template must<Stored>(PutRecovery{no, group.pseudonym(0), locator, {1}});
  this->template must<Stored>(PutRecovery{kept, other.pseudonym(0), locator, {2}});
  this->template must<Stored>(RemoveGroup{no});
  EXPECT_EQ(this->refusal(RemoveGroup{no}), Refusal::unknown_channel);
  EXPECT_EQ(this->refusal(OpenMember{group.channel(), group.pseudonym(0), {}}), Refusal::unknown_channel);
  EXPECT_EQ(this->refusal(this->push(no, group, 0, 201, {{1}})), Refusal::unknown_channel);
  EXPECT_EQ(this->refusal(PullItems{no, {}, 100}), Refusal::unknown_channel);
  EXPECT_EQ(this->refusal(ReadObject{no, {}, 0, 1}), Refusal::unknown_channel);
  EXPECT_EQ(this->refusal(ReadAcl{group.channel(), 1}), Refusal::unknown_channel);
  EXPECT_EQ(this->template must<RecoveryRead>(ReadRecovery{locator}).records, (std::vector<Bytes>{{2}}));
  EXPECT_EQ(this->template must<GroupsListed>(ListGroups{}).groups.size(), 1U);
  // Its number is nobody's: the same channel is another mailbox when it is registered again.
  this->harness_.reopen();
  auto const again = this->make(group, {0});
  EXPECT_NE(again, no);
  EXPECT_NE(again, kept);
  EXPECT_NE(this->box(group, 0).log_epoch, epoch);
  EXPECT_EQ(this->box(group, 0).head.value, 0U);
  EXPECT_TRUE(this->template must<MemberOpened>(OpenMember{group.channel(), group.pseudonym(0), {}}).presence.empty());
  int slices = 0;
  while (this->template must<Swept>(Sweep{}).more) ASSERT_LT(++slices, 20);
  EXPECT_EQ(this->template must<ItemsPushed>(this->push(again, group, 0, 1, {{5}})).cursors, cursors({1}));
  EXPECT_EQ(this->pulled(kept), (Numbers{1}));
  EXPECT_EQ(this->pulled(again), (Numbers{1}));
}

/// Also the one with the highest number, which would be the next one's.
TYPED_TEST_P(RelayStoreContract, WhoRegistersAndPushesNothingIsForgottenAfterADay) {
  TestGroup const used(this->random_, 1);
  auto const kept = this->make(used, {0});
  this->template must<ItemsPushed>(this->push(kept, used, 0, 1, {{1}}));
  auto const no = this->make(this->group_, {0, 1});
  this->wall_.ms += 23 * 3'600'000;
  EXPECT_TRUE(this->template must<Swept>(Sweep{}).removed.empty());
  this->box(this->group_, 0);
  this->harness_.reopen();
  this->wall_.ms += 2 * 3'600'000;
  EXPECT_EQ(this->template must<Swept>(Sweep{}).removed, std::vector{no});
  while (this->template must<Swept>(Sweep{}).more) {
  }
  EXPECT_EQ(this->refusal(OpenMember{this->group_.channel(), this->group_.pseudonym(0), {}}), Refusal::unknown_channel);
  EXPECT_EQ(this->pulled(kept), (Numbers{1}));
  EXPECT_NE(this->make(this->group_, {0}), no);
}

TYPED_TEST_P(RelayStoreContract, TheFullestMailboxIsListedFirst) {
  TestGroup const large(this->random_, 2);
  auto const small_no = this->make(this->group_, {0, 1, 2});
  auto const large_no = this->make(large, {0, 1});
  this->template must<ItemsPushed>(this->push(large_no, large, 0, 1, {Bytes(5000), Bytes(5000)}));
  auto const groups = this->template must<GroupsListed>(ListGroups{}).groups;
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].group, large_no);
  EXPECT_EQ(groups[0].channel, large.channel());
  EXPECT_EQ(groups[0].members, 2U);
  EXPECT_EQ(groups[0].items, 2U);
  EXPECT_EQ(groups[0].bytes, this->box(large, 0).used_bytes);
  EXPECT_EQ(groups[0].last_stored_s, hour_of(this->wall_));
  EXPECT_EQ(groups[1].group, small_no);
  EXPECT_EQ(groups[1].members, 3U);
  EXPECT_EQ(groups[1].items, 0U);
  EXPECT_EQ(groups[1].last_stored_s, 0U);
}

TYPED_TEST_P(RelayStoreContract, AProbeLeavesNothing) {
  this->make(this->group_, {0});
  auto const before = this->box(this->group_, 0).used_bytes;
  for (int i = 0; i < 3; ++i) this->template must<Stored>(Probe{});
  EXPECT_EQ(this->box(this->group_, 0).used_bytes, before);
}

REGISTER_TYPED_TEST_SUITE_P(RelayStoreContract, OnlyAFirstRecordMakesAMailbox, ARecordMustFollowTheCurrentOne,
                            TheChannelsKeyMayNameAnyRecordOfTheChain, TheChainIsReadInParts, OnlyMembersUseAMailbox,
                            WhoComesBackGoesOnCountingItsPushes, AGroupNamesSoManyDevicesInAll,
                            CursorsAreDenseInEachGroup, APushAgainIsAnsweredAgain, APushThatIsLongPastIsNotRecognised,
                            PullsAreBoundedByBytesAndExact, WhatHasExpiredIsNotGivenOutAndSweptAway,
                            ItemsOutsideTheLogLiveNoLongerThanTheRelayAllows, OnlyItsPusherDeletesAndOnlyOutsideTheLog,
                            AQuotaHoldsForItemsAndObjectsTogether, ARelayTakesSoManyMailboxes,
                            AFullRelayTakesNothingMoreAndServesWhatItHas, TheLastPresenceOfEachMemberIsKept,
                            RecoveryRecordsAreKeptOneForEachGroup, ObjectsAreKeptForAWhile,
                            ARemovedMailboxIsGoneWithAllThatItHeld, WhoRegistersAndPushesNothingIsForgottenAfterADay,
                            TheFullestMailboxIsListedFirst, AProbeLeavesNothing, NobodyMakesAListThatCannotBeShortened,
                            RecordsDoNotFillARelayBeyondWhatItMayStore);

}  // namespace kith::relay
