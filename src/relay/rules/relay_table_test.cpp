// What a relay makes of every kind of message in every state of a connection.
#include "base/assert.hpp"
#include "relay/rules/relay_testing.hpp"

namespace kith::relay {
namespace {

using wire::RelayErrorCode;
using wire::RelayMessageType;

/// How a message is answered: by nothing, a refusal, or a message of some type; and whether the connection goes on.
struct Outcome {
  std::optional<RelayMessageType> answer;
  std::optional<RelayErrorCode> code;
  bool ends = false;
  friend bool operator==(Outcome const&, Outcome const&) = default;
};
Outcome nothing() { return {}; }
Outcome answered(RelayMessageType type) { return {type, std::nullopt, false}; }
Outcome refused(RelayErrorCode code) { return {RelayMessageType::error, code, false}; }
Outcome ended() { return {RelayMessageType::error, RelayErrorCode::bad_frame, true}; }

struct Expected {
  Outcome stranger, member;
};
Expected expected(RelayMessageType type) {
  switch (type) {
    case RelayMessageType::hello: return {refused(RelayErrorCode::not_allowed), ended()};
    case RelayMessageType::push: return {ended(), answered(RelayMessageType::push_ack)};
    case RelayMessageType::pull: return {ended(), answered(RelayMessageType::pull_response)};
    case RelayMessageType::ack: return {ended(), nothing()};
    case RelayMessageType::presence: return {ended(), nothing()};
    case RelayMessageType::delete_items: return {ended(), answered(RelayMessageType::done)};
    case RelayMessageType::trim: return {ended(), refused(RelayErrorCode::no_snapshot)};
    case RelayMessageType::acl_put:
      return {refused(RelayErrorCode::stamp_needed), refused(RelayErrorCode::stamp_needed)};
    case RelayMessageType::acl_get:
      return {refused(RelayErrorCode::not_allowed), answered(RelayMessageType::acl_records)};
    case RelayMessageType::rec_put: return {ended(), answered(RelayMessageType::done)};
    case RelayMessageType::rec_get:
      return {answered(RelayMessageType::rec_records), answered(RelayMessageType::rec_records)};
    case RelayMessageType::obj_put: return {ended(), answered(RelayMessageType::done)};
    case RelayMessageType::obj_get: return {ended(), refused(RelayErrorCode::not_found)};
    case RelayMessageType::obj_have: return {ended(), answered(RelayMessageType::obj_held)};
    case RelayMessageType::obj_delete: return {ended(), answered(RelayMessageType::done)};
    case RelayMessageType::welcome:
    case RelayMessageType::done:
    case RelayMessageType::push_ack:
    case RelayMessageType::pull_response:
    case RelayMessageType::notify:
    case RelayMessageType::blob:
    case RelayMessageType::acl_records:
    case RelayMessageType::rec_records:
    case RelayMessageType::obj_part:
    case RelayMessageType::obj_held:
    case RelayMessageType::error: return {ended(), ended()};
  }
  KITH_UNREACHABLE();
}

/// One message of each kind, as a device in its right mind would send it.
std::vector<wire::RelayMessage> samples(wire::Pseudonym const& own) {
  std::vector<wire::RelayMessage> all = []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::vector<wire::RelayMessage>{wire::RelayMessage(std::in_place_index<kIndex>)...};
  }
  (std::make_index_sequence<std::variant_size_v<wire::RelayMessage>>());
  for (auto& message : all) {
    std::visit([](auto& known) { known.request = 5; }, message);
    if (auto* const push = std::get_if<wire::Push>(&message)) *push = {5, {1}, {{0, {1}}}};
    if (auto* const slot = std::get_if<wire::RelayPresence>(&message)) *slot = {5, {{own, 1, {1}}}};
    if (auto* const piece = std::get_if<wire::ObjPut>(&message)) *piece = {5, {}, 1, 0, 60, {1}};
  }
  return all;
}

Outcome outcome(RelayWorld& world, RelayWorld::Link& link, wire::RelayMessage const& message) {
  link.got.clear();
  world.say(link, message);
  Outcome outcome;
  outcome.ends = world.relay.done(link.id);
  EXPECT_LE(link.got.size(), 1u);
  if (link.got.empty()) return outcome;
  outcome.answer = wire::type_of(link.got[0]);
  if (auto const* const failure = std::get_if<wire::RelayFailure>(&link.got[0])) outcome.code = failure->code;
  EXPECT_EQ(wire::request_of(link.got[0]), outcome.ends ? 0u : 5u);
  return outcome;
}

TEST(RelayTable, StrangersMayRegisterAskAndSayHello) {
  RelayWorld world;
  TestGroup const group(world.random, 1);
  for (auto const& message : samples(group.pseudonym(0))) {
    auto& link = world.dial();
    EXPECT_TRUE(outcome(world, link, message) == expected(wire::type_of(message)).stranger)
        << static_cast<int>(wire::type_of(message));
    world.close(link);
  }
}

TEST(RelayTable, MembersMayDoAllThatDevicesDo) {
  for (auto const& message : samples({})) {
    RelayWorld world;
    TestGroup const group(world.random, 1);
    world.make(group, {0});
    auto& link = world.join(group, 0);
    auto const mine = samples(group.pseudonym(0)).at(message.index());
    EXPECT_TRUE(outcome(world, link, mine) == expected(wire::type_of(message)).member)
        << static_cast<int>(wire::type_of(message));
  }
}

TEST(RelayTable, WhileAnOrderIsAtTheStoreTheNextOnesWait) {
  for (auto const& message : samples({})) {
    RelayWorld world;
    TestGroup const group(world.random, 1);
    world.make(group, {0});
    auto& link = world.dial();
    world.held = true;
    link.got.clear();
    world.say(link, world.hello(link, group, 0));
    Bytes bytes;
    link.channel.send(samples(group.pseudonym(0)).at(message.index()));
    ASSERT_TRUE(link.channel.poll_transmit(bytes));
    EXPECT_FALSE(world.relay.reading(link.id));
    world.relay.on_bytes(link.id, bytes, world.now);  // it was on its way
    world.run();
    EXPECT_TRUE(link.got.empty());
    world.held = false;
    world.run();
    ASSERT_GE(link.got.size(), 2u);
    EXPECT_TRUE(std::holds_alternative<wire::Welcome>(link.got[0]));
    auto const wanted = expected(wire::type_of(message)).member;
    EXPECT_EQ(link.got.size() > 2, wanted.answer.has_value());
    if (link.got.size() > 2) {
      EXPECT_EQ(wire::type_of(link.got[2]), wanted.answer);
    }
    EXPECT_EQ(world.relay.done(link.id), wanted.ends);
  }
}

TEST(RelayTable, NothingIsHeardOnAConnectionThatHasEnded) {
  for (auto const& message : samples({})) {
    RelayWorld world;
    TestGroup const group(world.random, 1);
    world.make(group, {0});
    auto& link = world.join(group, 0);
    world.say(link, wire::Notify{});
    ASSERT_TRUE(world.relay.done(link.id));
    EXPECT_FALSE(world.relay.reading(link.id));
    link.got.clear();
    Bytes bytes;
    link.channel.send(samples(group.pseudonym(0)).at(message.index()));
    ASSERT_TRUE(link.channel.poll_transmit(bytes));
    world.relay.on_bytes(link.id, bytes, world.now);
    world.run();
    EXPECT_TRUE(link.got.empty());
    EXPECT_TRUE(world.store.items(group.channel()).empty());
  }
}

/// A relay that is about to end answers what it has begun, and hears nothing more.
TEST(RelayTable, NothingIsHeardByARelayThatEnds) {
  for (bool const is_member : {false, true}) {
    for (auto const& message : samples({})) {
      RelayWorld world;
      TestGroup const group(world.random, 1);
      world.make(group, {0});
      auto& link = is_member ? world.join(group, 0) : world.dial();
      world.relay.drain(world.now);
      link.got.clear();
      Bytes bytes;
      link.channel.send(samples(group.pseudonym(0)).at(message.index()));
      ASSERT_TRUE(link.channel.poll_transmit(bytes));
      world.relay.on_bytes(link.id, bytes, world.now);  // it was on its way
      world.run();
      ASSERT_EQ(link.got.size(), 1U) << static_cast<int>(wire::type_of(message));
      auto const* const failure = std::get_if<wire::RelayFailure>(&link.got.front());
      ASSERT_TRUE(failure != nullptr);
      EXPECT_EQ(failure->code, RelayErrorCode::draining);
      EXPECT_TRUE(world.relay.done(link.id));
      EXPECT_TRUE(world.store.items(group.channel()).empty());
    }
  }
}

TEST(RelayTable, BeforeTheHandshakeThereAreNoMessages) {
  for (auto const& message : samples({})) {
    RelayWorld world;
    auto const id = world.relay.open("", world.now);
    Bytes plain;
    wire::encode_relay_message(plain, message);
    Bytes framed;
    wire::append_message(framed, plain);
    world.relay.on_bytes(id, framed, world.now);
    if (plain.size() == 32) continue;  // could be a key
    EXPECT_TRUE(world.relay.done(id)) << static_cast<int>(wire::type_of(message));
    Bytes out;
    EXPECT_FALSE(world.relay.poll_transmit(id, out, world.now));  // without a word
  }
}

}  // namespace
}  // namespace kith::relay
