#include "sync/relays/acl_chain.hpp"

#include <gtest/gtest.h>

#include "store/memory_store.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::sync {
namespace {

using testing::must;

struct Chain : ::testing::Test {
  wire::AclRecord first(std::vector<crypto::SigningKey const*> members) { return signed_by(channel, 1, {}, members); }
  wire::AclRecord next(wire::AclRecord const& before, crypto::SigningKey const& signer,
                       std::vector<crypto::SigningKey const*> members) {
    return signed_by(signer, before.version + 1, wire::acl_record_hash(before), members);
  }
  wire::AclRecord signed_by(crypto::SigningKey const& signer, std::uint64_t version, crypto::Hash256 const& prev,
                            std::vector<crypto::SigningKey const*> const& members) {
    wire::AclRecord record;
    record.channel = {channel.public_key().bytes};
    record.version = version;
    record.prev = prev;
    for (auto const* member : members) record.pseudonyms.push_back({member->public_key().bytes});
    std::ranges::sort(record.pseudonyms);
    wire::sign_acl(record, signer);
    return record;
  }

  testing::SeededRandom random{5};
  crypto::SigningKey channel = crypto::SigningKey::generate(random);
  crypto::SigningKey a = crypto::SigningKey::generate(random), b = crypto::SigningKey::generate(random);
  store::MemoryStore store{std::make_shared<store::MemoryDatabase>()};
  AclChain chain{{channel.public_key().bytes}};
};

TEST_F(Chain, GrowsByRecordsThatFollowAndNoOthers) {
  must(chain.load(store));
  EXPECT_EQ(chain.version(), 0u);
  auto const one = first({&a});
  auto const two = next(one, a, {&a, &b});
  auto const three = next(two, b, {&b});
  EXPECT_FALSE(must(chain.extend(store, two))) << "its beginning is missing";
  EXPECT_TRUE(must(chain.extend(store, one)));
  EXPECT_FALSE(must(chain.extend(store, three)));
  EXPECT_FALSE(must(chain.extend(store, next(one, b, {&b})))) << "signed by one who is not in it";
  EXPECT_TRUE(must(chain.extend(store, two)));
  EXPECT_TRUE(must(chain.extend(store, one))) << "known already";
  EXPECT_FALSE(must(chain.extend(store, next(one, a, {&a})))) << "another version 2";
  EXPECT_TRUE(must(chain.extend(store, three)));
  EXPECT_EQ(chain.version(), 3u);
}

TEST_F(Chain, TheChannelsKeyOverrulesByNamingAnyRecordOfIt) {
  must(chain.load(store));
  auto const one = first({&a, &b});
  auto const two = next(one, b, {&b});
  auto const three = next(two, b, {&b});
  for (auto const& record : {one, two}) EXPECT_TRUE(must(chain.extend(store, record)));
  auto const one_hash = wire::acl_record_hash(one);
  EXPECT_FALSE(must(chain.extend(store, signed_by(b, 1000, one_hash, {&b})))) << "a member may not";
  EXPECT_FALSE(must(chain.extend(store, signed_by(channel, 1000, wire::acl_record_hash(three), {&a}))))
      << "it names a record that is not there";
  EXPECT_FALSE(must(chain.extend(store, signed_by(channel, 2, one_hash, {&a})))) << "its version is taken";
  EXPECT_FALSE(must(chain.extend(store, signed_by(channel, 3 + wire::kMaxAclJump, one_hash, {&a})))) << "too far";
  auto const overruling = signed_by(channel, 1000, one_hash, {&a});
  EXPECT_TRUE(must(chain.extend(store, overruling)));
  EXPECT_EQ(chain.last(), overruling);
  EXPECT_FALSE(must(chain.extend(store, three)));
  auto const second = signed_by(channel, 2000, wire::acl_record_hash(two), {&a, &b});
  EXPECT_TRUE(must(chain.extend(store, second))) << "one between the first and the last";
  EXPECT_TRUE(must(chain.extend(store, next(second, b, {&a}))));
  AclChain again{chain.channel()};
  must(again.load(store));
  EXPECT_EQ(again.version(), 2001u);
}

/// A relay that was put back may have been brought other records than those that a recovery overruled.
TEST_F(Chain, ABranchDoesNotUndoWhatTheChannelsKeySaidLater) {
  must(chain.load(store));
  auto const one = first({&a, &b});
  auto const two = next(one, b, {&b});
  auto const overruling = signed_by(channel, 1000, wire::acl_record_hash(one), {&a});
  auto const after = next(overruling, a, {&a, &b});
  for (auto const& record : {one, two, overruling, after}) EXPECT_TRUE(must(chain.extend(store, record)));
  auto const other_two = next(one, b, {&a, &b});
  auto const other_three = next(other_two, b, {&b});
  for (auto const& record : {one, other_two, other_three}) EXPECT_TRUE(must(chain.branch(store, record)));
  EXPECT_EQ(chain.last(), after);
  EXPECT_EQ(must(chain.from(store, 2)), other_two);
  EXPECT_EQ(must(chain.from(store, 4)), overruling) << "what is to be shown to the relay next";
  // One that names what the relay never had goes with it.
  AclChain other{chain.channel()};
  store::MemoryStore elsewhere{std::make_shared<store::MemoryDatabase>()};
  must(other.load(elsewhere));
  auto const lost = signed_by(channel, 1000, wire::acl_record_hash(two), {&a});
  for (auto const& record : {one, two, lost}) EXPECT_TRUE(must(other.extend(elsewhere, record)));
  EXPECT_TRUE(must(other.branch(elsewhere, other_two)));
  EXPECT_EQ(other.last(), other_two);
}

TEST_F(Chain, IsReadBackAndShownFromAnyVersion) {
  auto const one = first({&a});
  auto const two = next(one, a, {&a, &b});
  must(chain.load(store));
  must(chain.extend(store, one));
  must(chain.extend(store, two));
  AclChain again{chain.channel()};
  must(again.load(store));
  EXPECT_EQ(again.last(), two);
  EXPECT_EQ(must(again.from(store, 1)), one);
  EXPECT_EQ(must(again.from(store, 2)), two);
  EXPECT_EQ(must(again.from(store, 3)), std::nullopt);
  EXPECT_TRUE(must(again.holds(store, 1, wire::acl_record_hash(one))));
  EXPECT_FALSE(must(again.holds(store, 2, wire::acl_record_hash(one))));
  EXPECT_FALSE(must(again.holds(store, 3, wire::acl_record_hash(two))));
}

}  // namespace
}  // namespace kith::sync
