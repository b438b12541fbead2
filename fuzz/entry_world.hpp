#pragma once

#include "core/entry.hpp"
#include "samples.hpp"
#include "support/raw_seal.hpp"
#include "support/seeded_random.hpp"

namespace kith::fuzz {

/// Fixed keys, so that an input alone decides what happens.
struct EntryWorld {
  core::Identity author = samples::laptop();
  GroupId group = samples::group();
  wire::EpochSecret epoch = samples::first_epoch();
  EntryId entry = samples::counted<EntryId>(0x01);
  crypto::XNonce nonce = samples::counted<crypto::XNonce>(0x02);
  wire::EpochPrefix prefix = make_prefix();

 private:
  [[nodiscard]] wire::EpochPrefix make_prefix() const {
    testing::SeededRandom random(41);
    std::vector<crypto::DhPublicKey> const recipients{author.dx.public_key, samples::recovery().dx.public_key};
    return core::make_prefix(group, epoch, recipients, random);
  }
};

}  // namespace kith::fuzz
