#pragma once

#include <gtest/gtest.h>

#include "support/test_device.hpp"

namespace kith::testing {

/// A device with a group of its own, and epoch secrets to hand to it: who may teach it some, and how many it keeps.
struct SecretsFixture : ::testing::Test {
  SecretsFixture() { must(a.replica.create_group("home", "a", test_recovery(1), a.now())); }
  [[nodiscard]] std::vector<core::EpochSecret> secrets(std::size_t count) {
    std::vector<core::EpochSecret> list;
    for (std::size_t i = 0; i < count; ++i) list.push_back(random.secret<core::EpochSecret>());
    return list;
  }
  /// The op that hands them on.
  [[nodiscard]] static std::vector<wire::Op> op(std::vector<core::EpochSecret> const& secrets) {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::EpochSecrets{});
    for (auto const& secret : secrets) std::get<wire::EpochSecrets>(ops.back()).secrets.push_back(secret.clone());
    return ops;
  }
  /// An entry that does not exist: whatever names it waits for good.
  [[nodiscard]] Tip not_here() { return {{a.identity.device(), {9}}, {4}, random.id<EntryHash>()}; }
  /// Rows of a's database whose keys begin so.
  [[nodiscard]] std::size_t rows(std::string_view prefix, core::Table table = core::Table::meta) {
    std::size_t count = 0;
    must(a.store.scan(table, bytes_of(prefix), {}, [&](ByteView, ByteView) {
      ++count;
      return core::Store::Next::go_on;
    }));
    return count;
  }

  SeededRandom random{50};
  TestDevice a{1, "a"};
};

}  // namespace kith::testing
