#include <fmt/format.h>

#include "corpus.hpp"
#include "relay_world.hpp"

/// What devices say to the relay of relay_world.hpp, by its fixed randomness.
namespace kith::fuzz {

Corpus relay_corpus() {
  enum Mode : std::uint8_t { handshake, stranger, member };
  Corpus corpus;
  auto const add = [&](std::string_view name, Bytes bytes) {
    corpus.push_back({fmt::format("{:02}-{}", corpus.size(), name), std::move(bytes)});
  };
  auto const messages = [](std::initializer_list<wire::RelayMessage> said) {
    Bytes bytes;
    for (auto const& message : said) wire::encode_relay_message(bytes, message);
    return bytes;
  };
  RelayWorld world;
  auto const first = world.record();
  auto const hello = world.hello(world.mine(), RelayWorld::kMine, {3});
  auto wrong_item = hello;
  wrong_item.last_item = {};
  wire::PushSeq const one{1};
  wire::ObjectId const object{{1}};
  wire::RecoveryLocator const locator{{2}};

  Bytes key(34, 9);
  key[0] = 0, key[1] = 32;
  add("message_1", behind({handshake, 3}, key));
  Bytes more = key;
  append(more, Bytes{0, 64});
  append(more, Bytes(64, 5));
  add("no_message_3", behind({handshake, 1}, more));

  add("hello", behind({stranger, 4}, messages({hello})));
  add("reset_then_hello", behind({stranger, 5}, messages({wrong_item, hello})));
  add("register_again", behind({stranger, 6}, messages({wire::AclPut{2, first, world.stamp()}, wire::AclGet{3, 1}})));
  add("no_stamp", behind({stranger, 7}, messages({wire::AclPut{2, first, {}}, wire::RecGet{3, locator}})));
  add("stranger_removes",
      behind({stranger, 2}, messages({wire::AclPut{2, world.record({RelayWorld::kMine}, &first), {}}, hello})));
  add("stranger_pushes", behind({stranger, 1}, messages({wire::Push{2, one, {{0, Bytes(9)}}}})));

  add("push", behind({member, 3}, messages({wire::Push{2, one, {{0, Bytes(9)}, {60, Bytes(20, 1)}}},
                                            wire::Push{3, {3}, {{0, Bytes(9, 2)}}}, wire::RelayAck{0, {6}}})));
  add("push_again",
      behind({member, 8}, messages({wire::Push{2, one, {{0, Bytes(9)}}}, wire::Push{3, one, {{0, Bytes(9)}}},
                                    wire::Push{4, {7}, {{0, Bytes(9)}}}})));
  add("pull",
      behind({member, 9}, messages({wire::Pull{2, {}, 150}, wire::Pull{3, {1}, 9999}, wire::RelayAck{0, {3}}})));
  add("presence",
      behind({member, 4}, messages({wire::RelayPresence{0, {{world.pseudonym(RelayWorld::kMine), 4, Bytes(5)}}},
                                    wire::DeleteItems{2, {{1}, {2}}}, wire::Trim{3, {2}}})));
  add("objects",
      behind({member, 5},
             messages({wire::ObjPut{2, object, 20, 0, 60, Bytes(12)}, wire::ObjPut{3, object, 20, 12, 60, Bytes(8)},
                       wire::ObjGet{4, object, 3, 10}, wire::ObjHave{5, {object}}, wire::ObjDelete{6, {object}},
                       wire::RecPut{7, locator, Bytes(30)}, wire::RecGet{8, locator}})));
  add("removes_another",
      behind({member, 6}, messages({wire::AclPut{2, world.record({RelayWorld::kMine, RelayWorld::kAway}, &first), {}},
                                    wire::AclGet{3, 1}, wire::Push{4, one, {{0, Bytes(9)}}}})));
  add("removes_itself", behind({member, 7}, messages({wire::AclPut{2, world.record({RelayWorld::kOther}, &first), {}},
                                                      wire::Push{4, one, {{0, Bytes(9)}}}})));
  add("hello_again", behind({member, 1}, messages({hello})));
  return corpus;
}

}  // namespace kith::fuzz
