#pragma once

#include <gtest/gtest.h>

#include "support/must.hpp"
#include "support/raw_entry.hpp"
#include "support/seeded_random.hpp"

namespace kith::testing {

/// A group's member, and entries of its hand.
struct Entries : ::testing::Test {
  [[nodiscard]] core::Draft draft(std::vector<wire::Op> ops) {
    core::Draft draft;
    draft.body.author = author.device();
    draft.body.incarnation = {5};
    draft.body.seq = {1};
    draft.body.hlc = 42;
    draft.ops = std::move(ops);
    return draft;
  }
  template <class... Ops>
  [[nodiscard]] static std::vector<wire::Op> ops_of(Ops... ops) {
    std::vector<wire::Op> list;
    (list.emplace_back(std::move(ops)), ...);
    return list;
  }
  [[nodiscard]] static wire::Message message(std::string_view text) {
    return {"topic", 0, {Bytes(text.begin(), text.end())}};
  }
  [[nodiscard]] core::SealedEntry sealed(std::vector<wire::Op> ops) {
    return must(core::seal(draft(std::move(ops)), group, secret, author.sign, random));
  }
  [[nodiscard]] Result<core::OpenedEntry> opened(ByteView bytes, core::Check check = core::Check::everything) const {
    KITH_TRY(parts, wire::decode_sealed(bytes));
    return core::open(parts, group, secret, check);
  }
  /// A K2 entry that starts the epoch of `secret`.
  [[nodiscard]] core::SealedEntry started(std::vector<wire::Op> more = {}) {
    std::vector<crypto::DhPublicKey> const keys{author.cert.dx, other.cert.dx, random.id<crypto::DhPublicKey>()};
    auto prefix = core::make_prefix(group, secret, keys, random);
    wire::Rotate rotate{2, {author.device(), other.device()}, core::prefix_hash(prefix), {}};
    rotate.replaced.push_back(random.secret<core::EpochSecret>());
    more.emplace_back(std::move(rotate));
    auto entry = draft(std::move(more));
    entry.prefix = std::move(prefix);
    return must(core::seal(std::move(entry), group, secret, author.sign, random));
  }
  void expect_refused(Result<core::OpenedEntry> const& result, Error const& reason) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().name(), reason.name());
  }
  [[nodiscard]] RawEntry raw(wire::EntryBody const& body) {
    RawEntry entry;
    entry.group = group;
    entry.epoch = &secret;
    entry.signer = &author.sign;
    entry.body = wire::encode(body);
    return entry;
  }
  [[nodiscard]] wire::EntryBody body_with(std::vector<wire::Op> ops) {
    auto body = draft({}).body;
    body.ops = wire::encode_ops(ops);
    return body;
  }

  SeededRandom random{1};
  core::Identity author = core::Identity::generate(random, {0});
  core::Identity other = core::Identity::generate(random, {0});
  GroupId group = random.id<GroupId>();
  core::EpochSecret secret = random.secret<core::EpochSecret>();
};

}  // namespace kith::testing
