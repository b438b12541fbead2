#include <algorithm>

#include "sim/world.hpp"
#include "sync/relays/acl_chain.hpp"

/// What devices have to notice of relays that lie to them: at the latest where they meet, or at the next connection.
namespace kith::sim {

/// The device counts as stored what is not. It hears so from the relay itself when it connects the next time.
void World::note_false_ack(RelayPipe const& pipe) {
  if (!lives(pipe) || pipe.link.lock()->mailbox.trouble() == sync::RelayTrouble::lost_data) return;
  count("false acknowledgements");
  note(fmt::format("relay {} acknowledges falsely to {}", pipe.relay->index, pipe.device));
  fooled_[{pipe.device, pipe.relay->index}] = {runs_[pipe.device], clock_ + pipe.delay};
}

/// What the relay has shown `other` and not `device`, in one history of the mailbox: of two histories either may be one
/// that ended a moment ago.
std::vector<Tip> World::lacks_at(Device& device, Device& other, SimRelay& relay) {
  auto const mine = device.program->relays.find(relay.relay_key());
  auto const theirs = other.program->relays.find(relay.relay_key());
  if (mine == device.program->relays.end() || theirs == other.program->relays.end()) return {};
  auto const witness = must(theirs->second->mailbox.witness());
  return witness ? lacks_of(device, mine->second->mailbox, *witness) : std::vector<Tip>{};
}

std::vector<Tip> World::lacks_of(Device& device, sync::Mailbox& mailbox, wire::RelayWitness const& witness) {
  bool const same = witness.channel == mailbox.relay().channel && witness.log_epoch == mailbox.record().log_epoch;
  if (!same || !mailbox.live() || mailbox.comparing() || !must(mailbox.witness())) return {};
  auto lacked = witness.tips;
  std::erase_if(lacked, [&](Tip const& tip) {
    auto const record = must(device.program->replica.state().record(tip.hash));
    return record && mailbox.record().there.contains(record->place());
  });
  return lacked;
}

/// A session has opened. What the other device was shown this one hears now.
void World::watch_contact(Device& device, DeviceId const& other_id) {
  auto const other = std::ranges::find(devices_, other_id, [](auto const& each) { return each->identity.device(); });
  if (other == devices_.end() || !(*other)->program) return;
  for (auto& relay : relays_) {
    bool const kept = relay->kept_from.contains(device.index) && relay->habits.withholds > 0;
    if (!kept) continue;
    auto lacked = lacks_at(device, **other, *relay);
    if (lacked.empty()) continue;
    Watch watch{device.index,
                (*other)->index,
                relay->index,
                {},
                clock_ + std::chrono::milliseconds{500},
                std::move(lacked),
                {}};
    for (auto const& [index, pipe] : pipes_) {
      bool const theirs = (pipe.ends[0].device == device.index && pipe.ends[1].device == (*other)->index) ||
                          (pipe.ends[1].device == device.index && pipe.ends[0].device == (*other)->index);
      if (!theirs || !pipe.ends[0].link || !pipe.ends[1].link) continue;
      watch.pipes.push_back(index);
      watch.until += 4 * pipe.delay;
    }
    for (auto const& [index, pipe] : relay_pipes_) {
      bool const theirs = pipe.device == device.index || pipe.device == (*other)->index;
      if (pipe.relay != relay.get() || !theirs || pipe.device_closed) continue;
      watch.pipes.push_back(index);
      watch.until += 4 * pipe.delay;
    }
    if (watch.pipes.size() == 3) watches_.push_back(std::move(watch));
  }
}

/// A device reads at another relay what this one had shown somebody by then. Once it has asked for that it says so,
/// unless that device's next word is another one.
void World::watch_word(Device& device, RelayLink& link, DeviceId const& teller_id, wire::RelayWitness const& word) {
  auto& relay = *relay_of(word.relay);
  auto const teller = std::ranges::find(devices_, teller_id, [](auto const& each) { return each->identity.device(); });
  if (teller == devices_.end()) return;
  std::erase_if(watches_, [&](Watch const& watch) {
    return watch.word && watch.device == device.index && watch.relay == relay.index && watch.other == (*teller)->index;
  });
  if (!relay.kept_from.contains(device.index) || relay.habits.withholds <= 0) return;
  auto lacked = lacks_of(device, link.mailbox, word);
  if (lacked.empty()) return;
  Watch watch{
      device.index, (*teller)->index, relay.index, {}, clock_ + std::chrono::milliseconds{500}, std::move(lacked),
      word};
  for (auto const& [index, pipe] : relay_pipes_) {
    if (pipe.relay != &relay || pipe.device != device.index || pipe.device_closed) continue;
    watch.pipes.push_back(index);
    watch.until += 4 * pipe.delay;
  }
  if (watch.pipes.size() == 1) watches_.push_back(std::move(watch));
}

/// By now it has said so, unless one of the connections broke, or it has brought there itself what it lacked.
void World::look_at_watches() {
  for (auto const& watch : std::exchange(watches_, {})) {
    if (watch.until > clock_) {
      watches_.push_back(watch);
      continue;
    }
    auto& device = *devices_[watch.device];
    auto& other = *devices_[watch.other];
    bool const undisturbed = std::ranges::all_of(watch.pipes, [&](std::size_t index) {
      auto const link = pipes_.find(index);
      auto const connection = relay_pipes_.find(index);
      if (connection != relay_pipes_.end()) return lives(connection->second) && !connection->second.device_closed;
      return link != pipes_.end() && !link->second.closed[0] && !link->second.closed[1];
    });
    if (!undisturbed || !device.program || (!other.program && !watch.word)) continue;
    // Of an entry that has not come here by another way nothing can be said while items are there that nobody can read.
    auto& relay = *relays_[watch.relay];
    auto const link = device.program->relays.find(relay.relay_key());
    if (link == device.program->relays.end()) continue;
    auto const still =
        watch.word ? lacks_of(device, link->second->mailbox, *watch.word) : lacks_at(device, other, relay);
    bool const lacks_still = std::ranges::any_of(watch.lacked, [&](Tip const& tip) {
      return must(device.program->replica.state().record(tip.hash)) && std::ranges::find(still, tip) != still.end();
    });
    if (!lacks_still) continue;
    count(watch.word ? "words left elsewhere that show that a relay withholds"
                     : "meetings at which it shows that a relay withholds");
    auto const alarmed = alarmed_.find({watch.device, watch.relay});
    bool const told = link->second->mailbox.trouble() == sync::RelayTrouble::withholds ||
                      (alarmed != alarmed_.end() && alarmed->second == runs_[watch.device]);
    if (!told) {
      judging_ = "alarms";
      fail(fmt::format("{} has {} {} and does not notice what relay {} keeps from it", watch.device,
                       watch.word ? "read what was left by" : "met", watch.other, watch.relay));
    }
  }
}

/// No access record that nobody signed ends the chain that the device knows.
void World::check_list(Device& device, RelayLink const& link) {
  auto& relay = *relay_of(link.mailbox.relay().relay);
  if (relay.false_records.empty()) return;
  sync::AclChain chain(link.mailbox.relay().channel);
  check(device, chain.load(device.program->store));
  if (!chain.last() || !relay.false_records.contains(wire::acl_record_hash(*chain.last()))) return;
  judging_ = "alarms";
  fail(fmt::format("{} believes an access record that relay {} made up", device.index, relay.index));
}

/// Two entries of one number are shown to every user.
void World::check_forks(Device& device) {
  auto& program = *device.program;
  std::set<LogId> alarmed, seen;
  check(device, program.store.scan(store::Table::alarms, {}, {}, [&](ByteView, ByteView row) {
    alarmed.insert(must(core::decode_record<core::Alarm>(row)).log);
    return store::Store::Next::go_on;
  }));
  for (auto const& [number, chain] : program.replica.state().chains()) {
    if (!seen.insert(chain.log).second && !alarmed.contains(chain.log))
      fail(fmt::format("{} says nothing of a fork", device.index));
  }
}

/// Who believed that something was stored knows better.
void World::check_alarms(std::vector<Device*> const& active) {
  for (auto* device : active) {
    check_forks(*device);
    for (auto const& [key, link] : device->program->relays) {
      auto& relay = *relay_of(key);
      auto const fooled = fooled_.find({device->index, relay.index});
      bool const same_run = fooled != fooled_.end() && fooled->second.run == runs_[device->index];
      if (same_run && !relay.lost && link->mailbox.live())
        fail(fmt::format("{} still believes relay {} that it stored something", device->index, relay.index));
    }
  }
}

}  // namespace kith::sim
