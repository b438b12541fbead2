#pragma once

#include <set>

#include "cli/home_client.hpp"

/// What other devices say about this one's removal, which nothing here proves.
namespace kith::cli {

/// What to tell of one that says so, and what can be done.
[[nodiscard]] std::string claim_text(engine::Client& client, DeviceId const& by);
[[nodiscard]] std::vector<engine::Remedy> claim_remedies(engine::Client& client, DeviceId const& by);

/// Warns of each device once, however often it is asked: of one run of a command.
class RemovalClaims {
 public:
  RemovalClaims(Context& context, engine::Client& client) : context_(context), client_(client) {}
  [[nodiscard]] Result<> tell();

 private:
  Context& context_;
  engine::Client& client_;
  std::set<DeviceId> told_;
};

}  // namespace kith::cli
