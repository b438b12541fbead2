#include <algorithm>
#include <optional>

#include "base/assert.hpp"
#include "property.hpp"
#include "relay_world.hpp"

/// A relay against whatever a device may say. The first byte decides how far the conversation has come, the second how
/// what is said is cut.
namespace {

using namespace kith;
using fuzz::RelayWorld;

constexpr std::size_t kMostHandshakeBytes = 256;

bool relays_say(wire::RelayMessageType type) {
  using enum wire::RelayMessageType;
  switch (type) {
    case welcome:
    case done:
    case push_ack:
    case pull_response:
    case presence:
    case notify:
    case blob:
    case acl_records:
    case rec_records:
    case obj_part:
    case obj_held:
    case error: return true;
    case hello:
    case push:
    case pull:
    case ack:
    case delete_items:
    case trim:
    case acl_put:
    case acl_get:
    case rec_put:
    case rec_get:
    case obj_put:
    case obj_get:
    case obj_have:
    case obj_delete: return false;
  }
  KITH_UNREACHABLE();
}

void check_answers(RelayWorld& world, std::size_t before) {
  auto const& got = world.mine().got;
  for (std::size_t i = before; i < got.size(); ++i) {
    fuzz::require(relays_say(wire::type_of(got[i])), "a relay says what relays say");
  }
  if (!world.relay().done(world.mine().id)) return;
  fuzz::require(got.size() > before && std::holds_alternative<wire::RelayFailure>(got.back()),
                "a connection ends with the reason for it");
}

/// The other member got every item that was stored, once and in order, and is still there unless it was removed.
void check_other(RelayWorld& world) {
  auto const items = world.store().items(world.channel());
  auto const& got = world.other().got;
  std::uint64_t last = 3;
  bool behind = false, dismissed = false;
  for (auto const& message : got) {
    if (auto const* const live = std::get_if<wire::LiveItems>(&message)) {
      fuzz::require(!behind, "nothing comes live to who is behind");
      for (auto const& item : live->items) fuzz::require(item.cursor.value == ++last, "items come once and in order");
    }
    behind = behind || std::holds_alternative<wire::Notify>(message);
    if (auto const* const failure = std::get_if<wire::RelayFailure>(&message)) {
      auto const record = wire::decode<wire::AclRecord>(failure->detail);
      fuzz::require(failure->code == wire::RelayErrorCode::not_allowed && record.has_value() &&
                        !std::ranges::binary_search(record->pseudonyms, world.pseudonym(RelayWorld::kOther)),
                    "only a record without it ends another member's connection");
      dismissed = true;
    }
  }
  fuzz::require(dismissed == world.relay().done(world.other().id), "others go on");
  if (!behind && !dismissed) {
    fuzz::require(items.empty() || items.back().cursor.value <= last, "what is stored reaches those who are there");
  }
}

/// Bytes in place of a handshake.
void in_place_of_a_handshake(ByteView bytes, std::uint8_t cut) {
  RelayWorld world;
  auto const id = world.relay().open("", Now{Instant{} + std::chrono::hours{1}, {}});
  Bytes out;
  fuzz::in_pieces(bytes, cut, [&](ByteView piece) {
    world.relay().on_bytes(id, piece, Now{Instant{} + std::chrono::hours{1}, {}});
    while (world.relay().poll_transmit(id, out, Now{Instant{} + std::chrono::hours{1}, {}})) continue;
  });
  fuzz::require(out.empty() || out.size() == 98, "at most message 2 comes back");
  world.pass(std::chrono::seconds{30});
  fuzz::require(world.relay().done(id), "every stranger's connection ends");
  check_other(world);
}

struct Heard {
  std::vector<wire::RelayMessage> answers;
  std::size_t link_bytes = 0;
};

/// A stream of messages behind the handshake, cut into Noise messages.
Heard stream(bool member, ByteView bytes, std::uint8_t cut, bool whole) {
  RelayWorld world;
  auto& mine = world.mine();
  if (member) world.say(mine, world.hello(mine, RelayWorld::kMine, {3}));
  fuzz::require(!member || world.relay().figures().members == 2, "who belongs to it comes in");
  auto const before = mine.got.size();
  Heard heard;
  auto const send = [&](ByteView piece) {
    auto const sealed = mine.sealed(piece);
    heard.link_bytes += sealed.size();
    world.feed(mine, sealed);
  };
  if (whole) {
    constexpr std::size_t kMostAtOnce = 60'000;
    for (ByteView rest = bytes; !rest.empty(); rest = rest.subspan(std::min(kMostAtOnce, rest.size()))) {
      send(rest.first(std::min(kMostAtOnce, rest.size())));
    }
  } else {
    fuzz::in_pieces(bytes, cut, send);
  }
  check_answers(world, before);
  check_other(world);
  bool const welcome =
      std::ranges::any_of(mine.got, [](auto const& message) { return std::holds_alternative<wire::Welcome>(message); });
  if (!welcome) {
    fuzz::require(world.store().items(world.channel()).size() == 3, "strangers store nothing");
    world.pass(std::chrono::seconds{30});
    fuzz::require(world.relay().done(mine.id), "every stranger's connection ends");
  }
  heard.answers.assign(mine.got.begin() + static_cast<std::ptrdiff_t>(before), mine.got.end());
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input in(data, size);
  auto const mode = in.byte();
  auto const cut = in.byte();
  if (mode % 3 == 0) {
    in_place_of_a_handshake(in.rest(), cut);
    return 0;
  }
  bool const member = mode % 3 == 2;
  auto const whole = stream(member, in.rest(), cut, true);
  auto const pieces = stream(member, in.rest(), cut, false);
  // Small pieces of a stranger's weigh more, and there is a bound on them.
  auto const bound = wire::kRelayLimits.max_stranger_bytes - kMostHandshakeBytes;
  if (!member && (whole.link_bytes > bound || pieces.link_bytes > bound)) return 0;
  fuzz::require(pieces.answers == whole.answers, "pieces make no difference");
  return 0;
}
