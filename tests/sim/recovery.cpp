#include <algorithm>

#include "core/stored_entries.hpp"
#include "sim/world.hpp"
#include "sync/relays/acl_chain.hpp"
#include "sync/relays/mailbox_claim.hpp"

/// Somebody has nothing left but the recovery words: what `kith init --recover` does, step for step and at once.
namespace kith::sim {
namespace {

/// What was read of a group with its words.
struct Read {
  std::optional<wire::Genesis> genesis;
  std::vector<Bytes> entries;
};

/// From a device that has the group, as with --peer.
Read read_from_device(Device& from, core::RecoveryKeys const& words, RandomSource& random, Now now) {
  core::StoredEntries source(from.program->replica, from.program->store);
  core::RecoveryReader reader(words, random);
  core::RecoveryGiver giver(from.identity, from.program->replica.state().genesis(), source,
                            {.purpose = wire::Purpose::recovery}, from.random, now.mono);
  Read read;
  for (bool opened = false, moved = true; moved && !reader.done();) {
    Bytes there, back;
    while (reader.poll_transmit(there)) {
    }
    moved = !there.empty();
    if (moved) giver.on_bytes(ByteView{there}.subspan(opened ? 0 : wire::Opening::kBytes), now.mono);
    opened = true;
    while (must(giver.poll_transmit(back, now.mono))) {
      moved = true;
      must(reader.on_bytes(back, now.mono));
      back.clear();
      for (auto& entry : reader.take_entries()) read.entries.push_back(std::move(entry));
    }
  }
  if (reader.done()) read.genesis = must(wire::decode<wire::Genesis>(wire::encode(reader.genesis().value())));
  return read;
}

}  // namespace

/// Carries bytes between a relay and a machine that goes on until it is done. @return what ended it before that
template <class Machine>
Result<> World::talk_to_relay(SimRelay& relay, Machine& machine) {
  auto const connection = relay.rules->open("the words", relay_now());
  Result<> said;
  for (bool moved = true; said && moved && !machine.done();) {
    Bytes there, back;
    while (machine.poll_transmit(there)) {
    }
    if (!there.empty()) relay.rules->on_bytes(connection, there, relay_now());
    relay.work_at_once(relay_now());
    while (relay.rules->poll_transmit(connection, back, relay_now())) {
    }
    moved = !there.empty() || !back.empty();
    if (back.empty()) continue;
    if constexpr (requires { machine.on_bytes(back, clock_); }) {
      said = machine.on_bytes(back, clock_);
    } else {
      said = machine.on_bytes(back);
    }
  }
  relay.rules->on_closed(connection, relay_now());
  serve_relay(relay);
  return said;
}

/// What the words lead to at a relay, if that is the mailbox which the group uses there.
std::optional<core::Escrow> World::escrow_at(SimRelay& relay, wire::ChannelId const& channel) {
  sync::RecordLookup lookup(recovery_, relay.relay_key(), random_);
  if (!talk_to_relay(relay, lookup) || !lookup.done()) return std::nullopt;
  for (auto& escrow : lookup.opened()) {
    if (escrow.channel == channel) return std::move(escrow);
  }
  return std::nullopt;
}

/// The group's relays that answer; none where one of them is away, full or keeps to no rules: then its user would wait.
std::optional<std::vector<World::Escrowed>> World::relays_for_words(std::vector<core::Roster::Relay> const& used) {
  std::vector<Escrowed> found;
  for (auto const& each : used) {
    auto* relay = relay_of(each.relay);
    if (relay->lost) continue;
    if (!relay->up() || relay->stops_at || relay->has_room_at || relay->habits.any()) return std::nullopt;
    auto escrow = escrow_at(*relay, each.channel);
    if (!escrow) return std::nullopt;
    found.push_back({relay, std::move(*escrow)});
  }
  return found;
}

/// A new device reads the group, from `from` or from the relays alone, removes all that are not kept, and is let in.
void World::recover_with_words(Device& from) {
  auto const used = from.program->replica.state().roster().relays();
  auto const at_relays = relays_for_words(used);
  if (!at_relays) return;
  bool const from_device = direct_ && from.online && (at_relays->empty() || chance(0.5));
  if (!from_device && at_relays->empty()) return;
  recovered_ = true;

  std::size_t const index = devices_.size();
  devices_.push_back(std::make_unique<Device>(index, random_.u64()));
  runs_.push_back(0);
  auto& fresh = *devices_.back();
  fresh.has_words = true;
  note(fmt::format("{} comes with the words, and reads {}", index, from_device ? "a device" : "the relays"));
  count(from_device ? "recoveries from a device" : "recoveries from relays");
  Read read;
  if (from_device) read = read_from_device(from, recovery_, fresh.random, now_at(fresh));
  auto const claim = [&](Escrowed const& at) {
    return sync::MailboxClaim(
        recovery_, at.escrow, at.relay->relay_key(),
        core::relay_face(fresh.identity.root, at.relay->relay_key(), from.program->replica.state().group()),
        fresh.random);
  };
  for (auto const& at : *at_relays) {
    auto reading = claim(at);
    auto const said = talk_to_relay(*at.relay, reading);
    if (!said || !reading.done()) continue;  // a relay that lost the beginning, and was not told again yet
    if (!read.genesis) read.genesis = std::move(reading.genesis());
    for (auto const& item : at.relay->store.items(at.escrow.channel)) read.entries.push_back(item.sealed);
  }
  if (!read.genesis) {
    count("recoveries that found no beginning");
    for (auto const& at : *at_relays) {
      auto giving_up = claim(at);
      giving_up.give_back();
      static_cast<void>(talk_to_relay(*at.relay, giving_up));
    }
    return;
  }

  std::vector<Device*> kept;
  {
    Program program(fresh.database, fresh.disk, fresh.identity, fresh.random);
    check(fresh, program.replica.adopt_recovered(*read.genesis, recovery_, now_at(fresh)));
    std::vector<ByteView> const views(read.entries.begin(), read.entries.end());
    auto const received = program.replica.receive(views, now_at(fresh));
    if (!received) return check(fresh, kith::fail(received.error()));
    std::set<DeviceId> keep;
    for (auto const& device : devices_) {
      if (!program.replica.state().roster().active(device->identity.device()) || chance(0.5)) continue;
      keep.insert(device->identity.device());
      note(fmt::format("{} keeps {}", index, device->index));
    }
    auto const removed = program.replica.come_back(recovery_, fmt::format("device{}", index), keep, now_at(fresh));
    if (!removed) return check(fresh, kith::fail(removed.error()));
    auto const& roster = program.replica.state().roster();
    for (auto const& at : *at_relays) {
      auto const& now_used = roster.relays();
      bool const still = std::ranges::any_of(now_used, [&](auto const& relay) {
        return relay.relay == at.relay->relay_key() && relay.channel == at.escrow.channel;
      });
      if (!still) continue;
      auto word = claim(at);
      word.serve_exactly(sync::wanted_pseudonyms(roster, at.relay->relay_key()));
      auto const said = talk_to_relay(*at.relay, word);
      if (!said || !word.done())
        fail(fmt::format("relay {} does not take the last word of the words{}", at.relay->index,
                         said ? "" : fmt::format(": {} {}", said.error().name(), said.error().subject())));
    }
  }
  fresh.member = true;
  start(fresh);
}

/// Whether somebody left, under an epoch that it could hand on to nobody any more: it had not heard of who came with
/// the words, or took who stays for removed. Nobody who stays can read what it wrote last, that it left included.
bool World::left_under_other_epochs(std::vector<Device*> const& active) {
  return std::ranges::any_of(devices_, [&](auto const& other) {
    if (!other->program || other->program->replica.self_active()) return false;
    auto const unread_by = [&](Device* reader) {
      return std::ranges::any_of(other->program->replica.state().secrets(), [&](auto const& each) {
        return reader->program->replica.state().secret(each.first) == nullptr;
      });
    };
    bool const unheard = std::ranges::all_of(active, [&](Device* reader) {
      auto const& roster = reader->program->replica.state().roster();
      return reader == other.get() || roster.active(other->identity.device());
    });
    return std::ranges::any_of(active, [&](Device* reader) {
      return reader != other.get() && (unheard || reader->has_words) && unread_by(reader);
    });
  });
}

}  // namespace kith::sim
