#include <fmt/format.h>

#include "corpus.hpp"
#include "recovery_world.hpp"

/// What a relay says to somebody who has the words, by the fixed randomness of recovery_world.hpp.
namespace kith::fuzz {

Corpus recovery_corpus() {
  enum Mode : std::uint8_t { plaintext, lookup, reading, last_word };
  Corpus corpus;
  auto const add = [&](std::string_view name, Bytes bytes) {
    corpus.push_back({fmt::format("{:02}-{}", corpus.size(), name), std::move(bytes)});
  };
  auto const messages = [](std::initializer_list<wire::RelayMessage> said) {
    Bytes bytes;
    for (auto const& message : said) wire::encode_relay_message(bytes, message);
    return bytes;
  };
  RecoveryWorld world;
  using enum wire::RelayErrorCode;
  auto const failure = [](std::uint64_t request, wire::RelayErrorCode code) {
    return wire::RelayFailure{request, code, "", 0, 0, {}};
  };
  auto const sealed = core::seal_escrow(world.escrow, world.words.dx.public_key, world.relay_key(), world.random);
  auto const entries = world.founder.sealed_entries();
  wire::PullResponse found;
  found.request = 5;
  found.items = {{{1}, {{7}}, 0, 0, entries.front()}};
  found.next_after = {1};
  wire::PullResponse nothing;
  nothing.request = 5;
  wire::Welcome welcome;
  welcome.request = 4;

  add("record", behind({plaintext}, wire::encode(world.escrow)));
  add("records", behind({lookup}, messages({wire::RecRecords{1, {{Bytes(560, 1)}, {sealed}}}})));
  add("no_records", behind({lookup}, messages({wire::RecRecords{1, {}}})));
  add("found", behind({reading}, messages({failure(1, stale_acl), wire::AclRecords{2, {world.first}, false},
                                           wire::Done{3}, welcome, wire::RelayPresence{}, found})));
  add("nothing_found", behind({reading}, messages({failure(1, stale_acl), wire::AclRecords{2, {world.first}, false},
                                                   wire::Done{3}, welcome, nothing})));
  add("contested", behind({reading}, messages({failure(1, stale_acl), wire::AclRecords{2, {world.first}, false},
                                               failure(3, stale_acl), wire::AclRecords{4, {}, false}, wire::Done{5},
                                               failure(6, not_allowed)})));
  add("gone", behind({reading}, messages({failure(1, not_allowed)})));
  add("false_chain", behind({reading}, messages({failure(1, stale_acl), wire::AclRecords{2, {}, true}})));
  add("last_word", behind({last_word}, messages({failure(1, stale_acl), wire::AclRecords{2, {world.first}, false},
                                                 wire::Done{3}, welcome, wire::Done{5}})));
  add("no_room_for_the_record",
      behind({last_word}, messages({failure(1, stale_acl), wire::AclRecords{2, {world.first}, false}, wire::Done{3},
                                    welcome, failure(5, quota)})));
  return corpus;
}

}  // namespace kith::fuzz
