#include <algorithm>

#include "base/encoding.hpp"
#include "sim/world.hpp"
#include "sync/relays/sealed_presence.hpp"

/// Forgers: relays and devices that were removed, who join what they have and know, and members who cheat.
namespace kith::sim {
namespace {

constexpr std::string_view kFalseName = "forged";
constexpr std::size_t kMostLoot = 12;
constexpr std::size_t kMostMadeUp = 32;

ItemDigest digest_of(ByteView sealed) { return crypto::as_id<ItemDigest>(wire::item_hash(sealed)); }

template <class T>
void push_bounded(std::deque<T>& queue, T value) {
  if (queue.size() == kMostMadeUp) queue.pop_front();
  queue.push_back(std::move(value));
}

}  // namespace

/// In half of all worlds nobody forges or lies. Where devices have no other way to each other the first relay does not.
void World::draw_mischief() {
  if (mischief_.below(2) == 0) return;
  forging_ = 0.02 + 0.3 * static_cast<double>(mischief_.below(1000)) / 1000;
  for (std::size_t i = direct_ ? 0 : 1; i < relays_.size(); ++i) {
    auto const rate = [&](double most) {
      return mischief_.below(2) == 0 ? most * static_cast<double>(mischief_.below(1000)) / 1000 : 0.0;
    };
    auto& habits = relays_[i]->habits;
    habits.forges = rate(0.2);
    habits.lies = rate(0.3);
    habits.false_acks = rate(0.3);
    habits.withholds = rate(1);
  }
}

void World::mischief() {
  auto const happens = [&](double probability) {
    return static_cast<double>(mischief_.below(1'000'000)) < probability * 1'000'000;
  };
  if (forging_ == 0) return;
  if (happens(forging_)) {
    if (auto* target = any_running()) forge_for(*target);
  }
  if (auto* thief = any_thief(); thief != nullptr && happens(forging_)) {
    write_as_removed(*thief);
    for (auto& relay : relays_) {
      if (relay->habits.forges > 0) leave_false_presence(*relay, *thief);
    }
  }
}

/// The forgers draw, and not the world.
Device* World::any_running() {
  std::vector<Device*> running;
  for (auto& device : devices_) {
    if (device->program && device->member) running.push_back(device.get());
  }
  return running.empty() ? nullptr : running[mischief_.below(running.size())];
}

/// One that was removed, as all others know.
Device* World::any_thief() {
  std::vector<Device*> thieves;
  for (auto& device : devices_) {
    if (device->program && device->member && !all_who_know_to_be_removed(*device).empty())
      thieves.push_back(device.get());
  }
  return thieves.empty() ? nullptr : thieves[mischief_.below(thieves.size())];
}

/// Above all what the target has not got yet: a copy of that could come before the entry itself.
Loot World::loot_for(Device& target, Device& knower) {
  Loot loot{knower.program->replica.state(), knower.identity, {}};
  auto* source = any_running();
  std::vector<EntryHash> news, olds;
  auto& replica = source->program->replica;
  check(*source, replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
    (must(target.program->replica.has(hash)) ? olds : news).push_back(hash);
  }));
  for (std::size_t i = 0; i < kMostLoot && !(news.empty() && olds.empty()); ++i) {
    auto& from = news.empty() || (!olds.empty() && mischief_.below(3) == 0) ? olds : news;
    auto const& hash = from[mischief_.below(from.size())];
    loot.entries.emplace_back(hash, *must(replica.state().sealed(hash)));
  }
  return loot;
}

/// Entries that no device made come by another way than a session, or from a relay.
void World::forge_for(Device& target) {
  auto* knower = any_thief();
  if (knower == nullptr || mischief_.below(4) == 0) knower = any_running();
  auto const loot = loot_for(target, *knower);
  for (auto& relay : relays_) {
    if (relay->habits.forges > 0) leave_false_presence(*relay, *knower);
  }
  std::vector<Bytes> made;
  for (std::uint64_t more = 1 + mischief_.below(6); more > 0; --more) {
    auto const kind = static_cast<Forgery>(mischief_.below(static_cast<std::uint64_t>(Forgery::kinds)));
    auto forged = forge(kind, loot, mischief_);
    if (!forged) continue;
    count("forged entries");
    forged_.emplace(digest_of(*forged), name_of(kind));
    for (auto& relay : relays_) {
      if (relay->habits.forges > 0) push_bounded(relay->made_up, *forged);
    }
    made.push_back(std::move(*forged));
  }
  if (made.empty()) return;
  note(fmt::format("{} is given {} forged entries", target.index, made.size()));
  std::optional<DeviceId> from;
  if (mischief_.below(2) == 0) from = knower->identity.device();
  hand_over(target, made, from);
}

void World::hand_over(Device& target, std::vector<Bytes> const& entries, std::optional<DeviceId> const& from) {
  std::vector<ByteView> const views(entries.begin(), entries.end());
  auto const received = target.program->replica.receive(views, now_at(target), from);
  if (!received) return check(target, kith::fail(received.error()));
  target.apply_due = true;
  changed(target);
  serve(target);
}

/// With all that it had, it writes on, as if it had not been removed, or as if that had not happened yet: messages, and
/// itself or another device back in. What others write by now it sees at a relay, sealed, with the id of the epoch.
void World::write_as_removed(Device& thief) {
  Intrusion intrusion;
  intrusion.knew = all_who_know_to_be_removed(thief);
  auto& target = *devices_[intrusion.knew[mischief_.below(intrusion.knew.size())]];
  auto& replica = thief.program->replica;
  auto const& state = replica.state();
  auto const tips = must(replica.tips());
  std::vector<Tip> own;
  std::ranges::copy_if(tips, std::back_inserter(own),
                       [&](Tip const& tip) { return tip.log.device == thief.identity.device(); });
  if (tips.empty() || state.secrets().empty()) return;
  auto const& secrets = state.secrets();
  auto const& secret = std::next(secrets.begin(), static_cast<std::ptrdiff_t>(mischief_.below(secrets.size())))->second;
  auto const text = fmt::format("{} {}", kFalseName, mischief_.below(1'000'000));
  std::vector<wire::Op> ops;
  std::optional<core::Identity> accomplice;
  auto const current = target.program->replica.sealing_epoch();
  EpochId const named = current && mischief_.below(2) == 0 ? *current : secrets.begin()->first;
  switch (mischief_.below(4)) {
    case 0: ops.emplace_back(wire::DeviceAdd{thief.identity.cert, text, named, std::nullopt}); break;
    case 1:
      accomplice = core::Identity::generate(mischief_, now_at(thief).wall);
      intrusion.accomplice = accomplice->device();
      ops.emplace_back(wire::DeviceAdd{accomplice->cert, text, named, std::nullopt});
      break;
    case 2: ops.emplace_back(wire::DeviceRename{target.identity.device(), text}); break;
    default: ops.emplace_back(wire::Message{"default", 0, {Bytes(text.begin(), text.end())}}); break;
  }
  std::vector<Bytes> made;
  std::optional<Tip> last;
  auto const write = [&](core::Identity const& author, std::vector<Tip> past, std::vector<wire::Op> what) {
    core::Draft draft;
    draft.body.author = author.device();
    draft.body.incarnation = {mischief_.u64()};
    draft.body.seq = {1};
    draft.body.tips = std::move(past);
    draft.body.hlc = static_cast<std::uint64_t>(now_at(target).wall.ms) << 16U;
    draft.ops = std::move(what);
    auto const body = draft.body;
    auto sealed = must(core::seal(std::move(draft), state.group(), secret, author.sign, mischief_));
    last = body.tip(sealed.hash);
    intrusion.entries.push_back(sealed.hash);
    made.push_back(std::move(sealed.bytes));
  };
  write(thief.identity, !own.empty() && mischief_.below(2) == 0 ? own : tips, std::move(ops));
  if (accomplice) {
    std::vector<wire::Op> message;
    message.emplace_back(wire::Message{"default", 0, {Bytes(text.begin(), text.end())}});
    write(*accomplice, {*last}, std::move(message));
  }
  thief.copied = true;  // others know entries of its that it does not know itself
  note(fmt::format("{} writes on, and {} hears of it", thief.index, target.index));
  for (auto& relay : relays_) {
    if (relay->habits.forges == 0) continue;
    for (auto const& entry : made) push_bounded(relay->made_up, entry);
  }
  outcome_.counts["entries of removed devices"] += made.size();
  intrusions_.push_back(std::move(intrusion));
  hand_over(target, made, mischief_.below(2) == 0 ? std::optional(thief.identity.device()) : std::nullopt);
}

/// In its own name if it was removed, or in that of another device, under an epoch that it has.
void World::leave_false_presence(SimRelay& relay, Device& thief) {
  auto const& state = thief.program->replica.state();
  auto const& secrets = state.secrets();
  auto const& epoch = std::next(secrets.begin(), static_cast<std::ptrdiff_t>(mischief_.below(secrets.size())))->first;
  bool const removed = !all_who_know_to_be_removed(thief).empty();
  auto const& victim = removed && mischief_.below(2) == 0 ? thief : *devices_[mischief_.below(devices_.size())];
  if (!removed && &victim == &thief) return;
  auto speaker = thief.identity.clone();
  speaker.cert = victim.identity.cert;
  wire::Presence presence;
  presence.counter = static_cast<std::uint64_t>(now_at(thief).wall.ms) + mischief_.below(1'000'000'000);
  presence.addresses = {{std::string(kFalseName) + ":1"}};
  auto const pseudonym = core::relay_face(victim.identity.root, relay.relay_key(), state.group()).pseudonym();
  auto const counter = presence.counter;
  count("forged presences");
  push_bounded(relay.false_slots,
               wire::RelayPresence::Slot{pseudonym, counter,
                                         sync::seal_presence(state, speaker, epoch, relay.relay_key(), pseudonym,
                                                             std::move(presence), {}, mischief_)});
}

/// Only what an active device left there is heard, and nothing older behind what is newer.
void World::judge_presence(Device const& device, RelayLink const& link, sync::RelayPresenceHeard const& heard) {
  auto const& presence = heard.presence;
  auto const before = std::exchange(judging_, "forged");
  if (std::ranges::any_of(presence.addresses, [](auto const& each) { return each.text.starts_with(kFalseName); }))
    fail(fmt::format("{} believes a forged presence", device.index));
  if (!device.program->replica.state().roster().active(heard.device))
    fail(fmt::format("{} believes the presence of a device that is no member", device.index));
  auto& last = heard_counters_[{device.index, runs_[device.index], link.mailbox.relay().channel, heard.device}];
  if (presence.counter < last) fail(fmt::format("{} believes an old presence", device.index));
  last = std::max(last, presence.counter);
  if (!outcome_.failure) judging_ = before;
}

/// Nothing that was made up is in anybody's log or waits to be; and what a removed device wrote when all others knew
/// counts nowhere. Of the latter, not where one who knew was removed itself, or a database was restored: as with what
/// such a device's own program wrote.
void World::check_forged(std::vector<Device*> const& active) {
  for (auto& device : devices_) {
    if (!device->program) continue;
    auto& store = device->program->store;
    for (auto const& [digest, kind] : forged_) {
      if (must(store.get(store::Table::items, digest.view())))
        fail(fmt::format("{} has taken in a forged entry ({})", device->index, kind));
    }
    check(*device, store.scan(store::Table::pending, {}, {}, [&](ByteView, ByteView value) {
      auto const waiting = must(core::decode_record<core::PendingRecord>(value));
      auto const forged = forged_.find(digest_of(waiting.sealed));
      // A stranger's waits like any other, until what it names is here.
      if (forged != forged_.end() && forged->second != name_of(Forgery::stranger))
        fail(fmt::format("at {} a forged entry waits ({})", device->index, forged->second));
      return store::Store::Next::go_on;
    }));
  }
  if (std::ranges::any_of(devices_, [](auto const& device) { return device->restored; })) return;
  for (auto const& intrusion : intrusions_) {
    bool const all_stayed = std::ranges::all_of(intrusion.knew, [&](std::size_t index) {
      return std::ranges::find(active, index, [](Device* device) { return device->index; }) != active.end();
    });
    if (!all_stayed) continue;
    for (auto* device : active) {
      auto& state = device->program->replica.state();
      for (auto const& hash : intrusion.entries) {
        auto const record = must(state.record(hash));
        // Adds of a senior are passed on though they do not count: the roster rests on them.
        if (record && state.counting().counted.at(record->place().chain) >= record->place().seq)
          fail(fmt::format("{} counts what a removed device wrote", device->index));
      }
      if (intrusion.accomplice && state.roster().active(*intrusion.accomplice))
        fail(fmt::format("{} takes whom a removed device brought for a member", device->index));
    }
  }
}

}  // namespace kith::sim
