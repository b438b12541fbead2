#include <algorithm>

#include "sim/world.hpp"
#include "sync/away/away.hpp"
#include "sync/relays/attending.hpp"

/// How a device's program drives its mailboxes: what the engine's Network does, step for step.
namespace kith::sim {
namespace {

constexpr auto kUploadsEvery = std::chrono::seconds{2};
/// A relay that is used no more is told so for so long.
constexpr auto kPartingTime = std::chrono::seconds{10};

/// Whether what the device wrote, that the relay is used no more above all, is to be told there before it is left.
bool parts(RelayLink& link, Instant now) {
  if (link.mailbox.holds_own() || link.mailbox.trouble() != sync::RelayTrouble::none) return false;
  if (!link.parting_until) link.parting_until = now + kPartingTime;
  return now < *link.parting_until;
}

std::vector<sync::Mailbox*> mailboxes(Program const& program) {
  std::vector<sync::Mailbox*> all;
  for (auto const& [key, link] : program.relays) all.push_back(&link->mailbox);
  return all;
}

}  // namespace

/// One mailbox for each relay of the roster and for those that are still looked at, or, for one that has just been let
/// in, of its inviter's offer.
void World::look_at_relays(Device& device) {
  auto& program = *device.program;
  auto const self = program.replica.self();
  auto const& roster = program.replica.state().roster();
  bool const removed = roster.removed(self);
  auto wanted = roster.relays();
  if (roster.find(self) == nullptr) wanted = device.offered;
  auto const former = sync::attended_relays(roster, self, program.store);
  if (!former) return check(device, kith::fail(former.error()));
  std::set<wire::RelayKey> attended;
  for (auto const& relay : *former) {
    attended.insert(relay.relay);
    wanted.push_back(relay);
  }
  for (auto one = program.relays.begin(); one != program.relays.end();) {
    auto& mailbox = one->second->mailbox;
    auto const known = mailbox.relay();
    bool const stays = std::ranges::any_of(wanted, [&](core::Roster::Relay const& relay) {
      return relay.relay == known.relay && relay.channel == known.channel && relay.url == known.url;
    });
    if (stays) one->second->parting_until.reset();
    bool const owes = removed ? stays && mailbox.owes_words() : parts(*one->second, clock_);
    if (owes || (stays && !removed)) {
      ++one;
      continue;
    }
    if (removed) program.said_all.insert(known.relay);
    check(device, mailbox.flush());
    check(device, mailbox.on_closed(now_at(device)));
    one = program.relays.erase(one);
  }
  for (auto const& relay : wanted) {
    auto known = program.relays.find(relay.relay);
    if (known == program.relays.end()) {
      if (removed && program.said_all.contains(relay.relay)) continue;
      auto made = std::make_shared<RelayLink>(
          RelayLink{sync::Mailbox(program.replica, program.store, relay, device.random), {}});
      made->mailbox.set_chunk_reader([&program](ChunkId const& id) { return program.source.chunk(id); });
      made->mailbox.set_chunk_holder([&program](ChunkId const& id) { return program.chunks->holds(id); });
      check(device, made->mailbox.start(now_at(device)));
      known = program.relays.emplace(relay.relay, std::move(made)).first;
    }
    known->second->mailbox.set_attended(attended.contains(relay.relay), now_at(device));
  }
}

Result<sync::Exchange::Shown> witnesses_of(Program const& program) {
  sync::Exchange::Shown shown;
  for (auto const& [key, link] : program.relays) {
    if (shown.relays.size() >= wire::RelayWitness::kMost) break;
    KITH_TRY(witness, link->mailbox.witness());
    if (witness) shown.relays.push_back(std::move(*witness));
    shown.more_soon = shown.more_soon || link->mailbox.showing();
  }
  return shown;
}

/// Another device says what relays have shown it.
void World::compare_relays(Device& device, sync::DigestArrived const& digest) {
  for (auto const& theirs : digest.digest.relays) {
    auto const link = device.program->relays.find(theirs.relay);
    if (link == device.program->relays.end()) continue;
    count("looks at what a relay showed others");
    check(device, link->second->mailbox.compare(digest.device, theirs, now_at(device)));
  }
}

/// Something has changed in the database.
void World::relays_look(Device& device) {
  look_at_relays(device);
  auto const links = device.program->relays;
  for (auto const& [key, link] : links) check(device, link->mailbox.on_local_change(now_at(device)));
  uploads_soon(device);
}

void World::uploads_soon(Device& device) {
  auto& program = *device.program;
  if (!program.uploads_due && !program.relays.empty()) program.uploads_due = clock_ + kUploadsEvery;
}

/// A device's user or its folder has written something.
void World::changed(Device& device) {
  check(device, device.program->exchange.on_local_change(now_at(device)));
  relays_look(device);
}

void World::relays_timer(Device& device) {
  auto& program = *device.program;
  if (program.uploads_due && *program.uploads_due <= clock_) serve_away(device);
  for (auto const& [key, link] : program.relays) check(device, link->mailbox.on_timer(now_at(device)));
}

void World::serve_away(Device& device) {
  auto& program = *device.program;
  program.uploads_due.reset();
  sync::ContentSources const sources{program.replica, program.messages, program.folders, *program.chunks};
  auto const served = sync::serve_away(mailboxes(program), sources, program.exchange, now_at(device));
  if (!served) return check(device, kith::fail(served.error()));
  if (served->uploads) count("uploads");
  if (served->again) uploads_soon(device);
}

/// @return whether what is wanted gives way
bool World::pass_over(Device& device, std::vector<ChunkId> const& wanted) {
  auto& program = *device.program;
  auto const gives_way = program.stalled_wants.give_way(mailboxes(program), wanted, program.exchange, now_at(device));
  if (!gives_way) check(device, kith::fail(gives_way.error()));
  if (!gives_way || !*gives_way) return false;
  count("wants passed over");
  for (auto const& chunk : wanted) device.apply_due |= program.folder->on_missing(chunk);
  return true;
}

/// @return whether anything was told
bool World::settle_relays(Device& device) {
  auto& program = *device.program;
  bool told = false, applied = false;
  bool const leaves =
      program.replica.state().roster().removed(program.replica.self()) ||
      std::ranges::any_of(program.relays, [](auto const& each) { return each.second->parting_until.has_value(); });
  if (leaves) look_at_relays(device);
  auto const links = program.relays;  // what is told may change which there are
  std::vector<std::pair<std::shared_ptr<RelayLink>, sync::MailboxEvent>> events;
  for (auto const& [key, link] : links) {
    while (auto event = link->mailbox.poll_event()) events.emplace_back(link, std::move(*event));
  }
  for (auto const& [link, event] : events) applied = applied || std::holds_alternative<sync::RelayApplied>(event);
  for (auto const& [link, event] : events) {
    told = true;
    // Of who was a member when it was heard, and is none by what came behind it, nothing is said.
    if (auto const* heard = std::get_if<sync::RelayPresenceHeard>(&event); heard != nullptr && !applied)
      judge_presence(device, *link, *heard);
    tell(device, *link, event);
  }
  if (applied) {
    device.apply_due = true;
    changed(device);
  }
  auto const wanted = links.empty() ? std::vector<ChunkId>{} : program.exchange.unasked();
  check(device, program.exchange.tell_owed_witnesses());
  for (auto const& [key, link] : links) {
    auto const found = program.relays.find(key);
    if (found == program.relays.end() || found->second != link) continue;
    bool const was_live = std::exchange(link->was_live, link->mailbox.live());
    if (link->mailbox.live()) {
      if (!was_live) program.exchange.ask_witnesses(now_at(device));
      auto presence = program.exchange.presence();
      if (!presence) {
        check(device, kith::fail(presence.error()));
        return told;
      }
      auto shown = must(sync::shown_elsewhere(mailboxes(program), link->mailbox));
      check(device, link->mailbox.set_presence(std::move(*presence), std::move(shown), now_at(device)));
      check(device, link->mailbox.want(wanted, now_at(device)));
    }
    if (link->mailbox.wants_link(now_at(device))) dial_relay(device, link);
  }
  if (pass_over(device, wanted)) told = true;
  pump_mailboxes(device);
  return told;
}

void World::tell(Device& device, RelayLink& link, sync::MailboxEvent const& event) {
  auto& program = *device.program;
  if (auto const* troubled = std::get_if<sync::RelayTroubled>(&event)) {
    judge_trouble(device, link, *troubled);
  } else if (auto const* heard = std::get_if<sync::RelayPresenceHeard>(&event)) {
    check(device, program.exchange.hear_presence(heard->device, heard->presence, now_at(device)));
    for (auto const& witness : heard->shown) {
      auto const other = program.relays.find(witness.relay);
      if (other == program.relays.end()) continue;
      count("looks at what a relay had shown who left word at another one");
      check(device, other->second->mailbox.compare_left(heard->device, witness, now_at(device)));
      watch_word(device, *other->second, heard->device, witness);
    }
    uploads_soon(device);
  } else if (auto const* chunk = std::get_if<sync::RelayChunk>(&event)) {
    count("chunks by relays");
    if (!program.exchange.take_chunk(chunk->id, chunk->bytes)) fail("a mailbox gave a chunk that its id does not name");
  } else if (std::holds_alternative<sync::RelayObjectsMoved>(event)) {
    program.folder->contents_moved();
    program.folder->try_again();
    device.apply_due = true;
  } else if (auto const* applied = std::get_if<sync::RelayApplied>(&event)) {
    outcome_.counts["entries by relays"] += applied->count;
  } else if (std::holds_alternative<sync::RelayMoved>(event)) {
    uploads_soon(device);
  } else if (std::holds_alternative<sync::RelayCompareAgain>(event)) {
    program.exchange.ask_witnesses(now_at(device));
  }
}

std::optional<Instant> World::relays_deadline(Device const& device) const {
  auto next = device.program->uploads_due;
  auto const stalled = device.program->stalled_wants.next_deadline();
  if (stalled && (!next || *stalled < *next)) next = stalled;
  for (auto const& [key, link] : device.program->relays) {
    for (auto const due : {link->mailbox.next_deadline(), link->parting_until}) {
      if (due && (!next || *due < *next)) next = due;
    }
  }
  return next;
}

}  // namespace kith::sim
