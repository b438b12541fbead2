#include <algorithm>
#include <tuple>

#include "core/hybrid_clock.hpp"
#include "core/roster_ops.hpp"

/// How a roster is computed, step by step as docs/spec/roster.md has it.
namespace kith::core {
namespace {

RankPath extended(RankPath path, RankStep step) {
  path.push_back(step);
  return path;
}

}  // namespace

class RosterBuilder {
 public:
  explicit RosterBuilder(std::span<RosterEntry const> entries) : entries_(entries) { sort_ops(); }

  Roster build() {
    if (founding_.op == nullptr) return {};
    drop_idle_adds();
    count_removes_by_recovery();
    take_devices_by_rank();
    settle_adds();
    fill_members();
    fill_relays();
    fill_pseudonyms();
    return std::move(roster_);
  }

 private:
  static wire::Devcert const& cert_of(OpRef const& add) { return std::get<wire::DeviceAdd>(*add.op).cert; }
  static DeviceId const& target_of(OpRef const& remove) { return std::get<wire::DeviceRemove>(*remove.op).device; }

  void sort_ops() {
    for (auto const& entry : entries_) {
      for (auto const& [index, op] : entry.ops) {
        OpRef const ref{&entry, index, &op};
        bool const first = founding_.op == nullptr || ref.order() < founding_.order();
        if (std::holds_alternative<Founding>(op) && first) founding_ = ref;
        if (std::holds_alternative<wire::DeviceAdd>(op)) adds_.push_back(ref);
        if (std::holds_alternative<wire::DeviceRemove>(op)) removes_.push_back(ref);
        if (std::holds_alternative<wire::DeviceRename>(op)) renames_.push_back(ref);
        if (std::holds_alternative<wire::DevicePause>(op)) pauses_.push_back(ref);
        if (std::holds_alternative<wire::RelaySet>(op) || std::holds_alternative<wire::RelayRemove>(op))
          relays_.push_back(ref);
        if (std::holds_alternative<wire::DeviceRelay>(op)) pseudonyms_.push_back(ref);
      }
    }
    auto const by_order = [](OpRef const& a, OpRef const& b) { return a.order() < b.order(); };
    for (auto* ops : {&adds_, &removes_, &renames_, &pauses_, &relays_, &pseudonyms_})
      std::ranges::sort(*ops, by_order);
    for (auto const& remove : removes_) {
      if (!remove.by_recovery()) removes_by_[remove.entry->author].push_back(remove);
    }
    std::map<ChainNo, std::map<Seq, std::uint64_t>> ops_at;
    for (auto const& entry : entries_) ops_at[entry.place.chain][entry.place.seq] += entry.ops.size();
    for (auto const& [chain, at] : ops_at) {
      auto& sums = op_counts_[chain];
      for (auto const& [seq, count] : at) sums.emplace_back(seq, count + (sums.empty() ? 0 : sums.back().second));
    }
    if (founding_.op != nullptr) creator_ = std::get<Founding>(*founding_.op).creator.device;
  }

  /// A device joins once: an add that knows of another add of its device is void. It would give the device another
  /// rank, and so decide again, long after, which of two that removed each other was the senior. And no device adds
  /// itself but with the recovery key.
  void drop_idle_adds() {
    std::erase_if(adds_,
                  [](OpRef const& add) { return !add.by_recovery() && add.entry->author == cert_of(add).device; });
    std::map<DeviceId, ChainEnds> firsts;
    for (auto const& add : adds_)
      firsts.try_emplace(cert_of(add).device, ChainEnds::Which::first).first->second.take(add);
    std::erase_if(adds_, [&](OpRef const& add) {
      auto const& device = cert_of(add).device;
      return (device == creator_ && founding_.before(add)) ||
             firsts.at(device).any([&](OpRef const& other) { return other.before(add); });
    });
    for (auto const& add : adds_) {
      if (!add.by_recovery()) adds_by_[add.entry->author].push_back(add);
    }
  }

  void count_removes_by_recovery() {
    for (auto const& remove : removes_) {
      if (remove.by_recovery()) count(remove);
    }
  }

  void count(OpRef const& remove) {
    counted_[target_of(remove)].add(remove);
    bearing_.insert(remove.entry->place);
  }

  [[nodiscard]] bool stands_now(OpRef const& ref, DeviceId const& author) {
    auto const found = counted_.find(author);
    return found == counted_.end() || found->second.let_stand(ref);
  }

  /// One pass over the devices, the most senior one not yet taken first. Its removes that stand now count for good, and
  /// its adds that stand now give paths, so that a junior can never decide over a senior.
  void take_devices_by_rank() {
    std::set<std::pair<RankPath, DeviceId>> waiting;
    auto const found = [&](DeviceId const& device, RankPath path) {
      auto const known = path_.find(device);
      if (known != path_.end()) {
        if (taken_.contains(device) || known->second <= path) return;
        waiting.erase({known->second, device});
      }
      path_[device] = path;
      waiting.insert({std::move(path), device});
    };

    found(creator_, {RankStep{1, {}, 0}});
    for (auto const& add : adds_) {
      if (!add.by_recovery()) continue;
      found(cert_of(add).device, {RankStep{0, {}, 0}, step(add)});
      bearing_.insert(add.entry->place);
    }
    while (!waiting.empty()) {
      auto const [path, device] = *waiting.begin();
      waiting.erase(waiting.begin());
      taken_.insert(device);
      for (bool const of_itself : {false, true}) {
        for (auto const& remove : removes_by_[device]) {
          if ((target_of(remove) == device) == of_itself && stands_now(remove, device)) count(remove);
        }
      }
      for (auto const& add : adds_by_[device]) {
        if (!stands_now(add, device)) continue;
        found(cert_of(add).device, extended(path, step(add)));
        bearing_.insert(add.entry->place);
      }
    }
  }

  /// x of a path: how many roster ops are in the past of the add, then what makes it unique.
  [[nodiscard]] RankStep step(OpRef const& add) const {
    std::uint64_t count = 0;
    for (auto const& place : add.entry->past.places()) {
      auto const sums = op_counts_.find(place.chain);
      if (sums == op_counts_.end()) continue;
      Seq const last = place.chain == add.entry->place.chain ? Seq{add.entry->place.seq.value - 1} : place.seq;
      auto const behind = std::ranges::upper_bound(sums->second, last, {}, &OpCount::first);
      if (behind != sums->second.begin()) count += std::prev(behind)->second;
    }
    return {count, add.entry->hash, add.index};
  }

  /// With all removes counted: which adds stand, which devices they reach, and what voided the adds of the others.
  void settle_adds() {
    auto& members = roster_.members_;
    members[creator_].cert = std::get<Founding>(*founding_.op).creator;
    members[creator_].rooted = true;
    std::set<DeviceId> reached{creator_};
    std::vector<DeviceId> open{creator_};
    auto const reach = [&](OpRef const& add) {
      if (reached.insert(cert_of(add).device).second) open.push_back(cert_of(add).device);
    };
    for (auto const& add : adds_) {
      if (add.by_recovery()) reach(add);
    }
    while (!open.empty()) {
      DeviceId const author = open.back();
      open.pop_back();
      for (auto const& add : adds_by_[author]) {
        if (stands_now(add, author)) reach(add);
      }
    }
    for (auto const& add : adds_) {
      auto& member = members[cert_of(add).device];
      member.add_entries.push_back(add.entry->hash);
      bool const stands =
          add.by_recovery() || (reached.contains(add.entry->author) && stands_now(add, add.entry->author));
      bool const first = member.add_entries.size() == 1 && !member.rooted;
      if (stands && add.by_recovery()) member.rooted = true;
      if (stands && !add.by_recovery()) member.adders.push_back(add.entry->author);
      if (first || stands) {
        if (cert_of(add).device != creator_) member.cert = cert_of(add);
        member.add_epoch = std::get<wire::DeviceAdd>(*add.op).epoch;
      }
    }
    for (auto const& [device, removes] : counted_) {
      if (auto const found = members.find(device); found != members.end()) found->second.removes = removes.list();
    }
    for (auto& [device, member] : members) {
      if (reached.contains(device)) {
        member.rank = path_.at(device);
        member.state = member.removes.empty() ? MemberState::active : MemberState::removed;
      } else {
        member.state = MemberState::unfounded;
      }
    }
    inherit_removes(members);
  }

  /// Entries of devices that only void adds brought are treated as removed by what voided those of the adds that they
  /// know: each add hands on what its author has, also when that comes later.
  void inherit_removes(std::map<DeviceId, Member>& members) const {
    std::map<DeviceId, std::vector<OpRef>> adds_by;
    std::set<DeviceId> open;
    for (auto const& add : adds_) {
      if (members[cert_of(add).device].state != MemberState::unfounded) continue;
      adds_by[add.entry->author].push_back(add);
      open.insert(add.entry->author);
    }
    std::set<std::tuple<DeviceId, EntryHash, std::uint32_t, ChainPlace>> known;
    std::map<DeviceId, std::size_t> handed_on;  // of each author's removes, in all its adds
    while (!open.empty()) {
      DeviceId const author = *open.begin();
      open.erase(open.begin());
      auto const removes = members[author].removes;  // a copy: a device may have added itself through others
      std::size_t& done = handed_on[author];
      for (auto const& add : adds_by[author]) {
        auto const& device = cert_of(add).device;
        auto& member = members[device];
        for (std::size_t i = done; i < removes.size(); ++i) {
          auto const& remove = removes[i];
          bool const concerns_add = !remove.through || add.entry->past.contains(*remove.through);
          if (!concerns_add || op_in_past(*add.entry, add.index, remove)) continue;
          if (!known.emplace(device, remove.entry, remove.index, add.entry->place).second) continue;
          member.removes.push_back(remove);
          member.removes.back().through = add.entry->place;
          if (adds_by.contains(device)) open.insert(device);
        }
      }
      done = removes.size();
    }
  }

  void fill_members() {
    roster_.group_name_ = std::get<Founding>(*founding_.op).group_name;
    std::map<DeviceId, std::vector<Rival>> names, pauses;
    for (auto const& add : adds_) {
      auto const& device = cert_of(add).device;
      if (roster_.members_.at(device).state == MemberState::unfounded || stands(add))
        names[device].push_back(add.rival());
    }
    for (auto const& rename : renames_) {
      if (stands(rename)) names[std::get<wire::DeviceRename>(*rename.op).device].push_back(rename.rival());
    }
    for (auto const& pause : pauses_) {
      if (stands(pause)) pauses[std::get<wire::DevicePause>(*pause.op).device].push_back(pause.rival());
    }
    for (auto& [device, member] : roster_.members_) {
      if (auto const won = winner(names[device])) member.name = name_in(names[device][*won]);
      if (auto const won = winner(pauses[device]))
        member.paused = std::get<wire::DevicePause>(op_of(pauses[device][*won])).on;
    }
    bearing_.insert(founding_.entry->place);
    roster_.bearing_.assign(bearing_.begin(), bearing_.end());
  }

  void fill_relays() {
    // For one relay key, the relay_sets in no other's past; among those the smallest entry hash. A standing
    // relay_remove undoes the relay_sets of its channel that are in its past.
    std::erase_if(relays_, [&](OpRef const& ref) { return !stands(ref); });
    std::map<wire::RelayKey, ChainEnds> sets;
    std::map<std::pair<wire::RelayKey, wire::ChannelId>, ChainEnds> removes;
    auto const last = ChainEnds::Which::last;
    for (auto const& ref : relays_) {
      if (auto const* set = std::get_if<wire::RelaySet>(ref.op))
        sets.try_emplace(set->relay, last).first->second.take(ref);
      auto const* remove = std::get_if<wire::RelayRemove>(ref.op);
      if (remove != nullptr) removes.try_emplace({remove->relay, remove->channel}, last).first->second.take(ref);
    }
    std::map<wire::RelayKey, OpRef> chosen, former;
    for (auto const& ref : relays_) {
      auto const* set = std::get_if<wire::RelaySet>(ref.op);
      if (set == nullptr) continue;
      auto const undoes = [&](OpRef const& other) { return ref.entry->in_past_of(*other.entry); };
      if (sets.at(set->relay).any(undoes)) continue;
      auto const removed = removes.find({set->relay, set->channel});
      bool const undone = removed != removes.end() && removed->second.any(undoes);
      (undone ? former : chosen).try_emplace(set->relay, ref);  // ops are sorted by entry hash
    }
    auto const relay_of = [](OpRef const& ref) {
      auto const& set = std::get<wire::RelaySet>(*ref.op);
      return Roster::Relay{set.url, set.relay, set.channel};
    };
    for (auto const& [relay, ref] : chosen) roster_.relays_.push_back(relay_of(ref));
    for (auto const& [key, ref] : former) {
      if (chosen.contains(key)) continue;
      auto relay = relay_of(ref);
      auto const removed_at = HybridClock::wall_of(removes.at({key, relay.channel}).latest_hlc());
      roster_.former_relays_.push_back({std::move(relay), removed_at});
    }
  }

  /// A device says its own name at a relay, or whoever adds it does, in the same entry.
  void fill_pseudonyms() {
    std::set<std::pair<EntryHash, DeviceId>> added;
    for (auto const& add : adds_) added.emplace(add.entry->hash, cert_of(add).device);
    std::map<std::pair<DeviceId, wire::RelayKey>, std::vector<Rival>> names;
    for (auto const& ref : pseudonyms_) {
      auto const& op = std::get<wire::DeviceRelay>(*ref.op);
      bool const entitled = ref.entry->author == op.device || added.contains({ref.entry->hash, op.device});
      if (entitled && stands(ref)) names[{op.device, op.relay}].push_back(ref.rival());
    }
    for (auto const& [of, rivals] : names) {
      auto const member = roster_.members_.find(of.first);
      if (member == roster_.members_.end()) continue;
      auto const won = winner(rivals);
      member->second.pseudonyms[of.second] = std::get<wire::DeviceRelay>(op_of(rivals[*won])).pseudonym;
    }
  }

  [[nodiscard]] bool stands(OpRef const& ref) const { return roster_.stands(*ref.entry, ref.index); }

  static RosterOp const& op_of(Rival const& rival) {
    return std::ranges::find(rival.entry->ops, rival.index, [](auto const& op) { return op.first; })->second;
  }
  static std::string name_in(Rival const& rival) {
    auto const& op = op_of(rival);
    if (auto const* rename = std::get_if<wire::DeviceRename>(&op)) return rename->name;
    return std::get<wire::DeviceAdd>(op).name;
  }

  std::span<RosterEntry const> entries_;
  OpRef founding_;
  DeviceId creator_;
  std::vector<OpRef> adds_, removes_, renames_, pauses_, relays_, pseudonyms_;
  std::map<DeviceId, std::vector<OpRef>> adds_by_, removes_by_;  ///< by their author; without those by the recovery key
  using OpCount = std::pair<Seq, std::uint64_t>;                 ///< roster ops of a chain up to a seq
  std::map<ChainNo, std::vector<OpCount>> op_counts_;
  std::map<DeviceId, CountedRemoves> counted_;
  std::map<DeviceId, RankPath> path_;
  std::set<DeviceId> taken_;
  std::set<ChainPlace> bearing_;
  Roster roster_;
};

Roster compute_roster(std::span<RosterEntry const> entries) { return RosterBuilder(entries).build(); }

}  // namespace kith::core
