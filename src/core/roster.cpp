#include "core/roster.hpp"

#include <algorithm>
#include <tuple>

#include "core/entry.hpp"
#include "core/identity.hpp"
#include "crypto/hash.hpp"

namespace kith::core {
namespace {

/// One op, found again in its entry.
struct OpRef {
  RosterEntry const* entry = nullptr;
  std::uint32_t index = 0;
  RosterOp const* op = nullptr;

  [[nodiscard]] bool by_recovery() const { return entry->recovery_signed.contains(index); }
  [[nodiscard]] auto order() const { return std::tie(entry->hash, index); }
  [[nodiscard]] bool before(OpRef const& other) const {
    return entry == other.entry ? index < other.index : entry->in_past_of(*other.entry);
  }
  [[nodiscard]] Rival rival() const { return {entry, index}; }
};

/// An op is in the past of another when its entry is, or when it stands before it in the same entry.
bool op_in_past(RosterEntry const& entry, std::uint32_t index, CountedRemove const& remove) {
  if (entry.hash == remove.entry) return index < remove.index;
  return remove.past.contains(entry.place);
}

CountedRemove counted(OpRef const& remove) {
  return {remove.entry->hash, remove.index, remove.entry->place, remove.entry->past, std::nullopt};
}

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
        if (std::holds_alternative<wire::RelaySet>(op) || std::holds_alternative<wire::RelayRemove>(op)) relays_.push_back(ref);
      }
    }
    auto const by_order = [](OpRef const& a, OpRef const& b) { return a.order() < b.order(); };
    for (auto* ops : {&adds_, &removes_, &renames_, &pauses_, &relays_}) std::ranges::sort(*ops, by_order);
    if (founding_.op != nullptr) creator_ = std::get<Founding>(*founding_.op).creator.device;
  }

  /// A device joins once: an add that knows of another add of its device is void. It would give the device another rank,
  /// and so decide again, long after, which of two that removed each other was the senior. And no device adds itself but
  /// with the recovery key.
  void drop_idle_adds() {
    std::erase_if(adds_, [](OpRef const& add) { return !add.by_recovery() && add.entry->author == cert_of(add).device; });
    std::vector<OpRef> first_adds;
    for (auto const& add : adds_) {
      auto const& device = cert_of(add).device;
      bool const repeated = (device == creator_ && founding_.before(add)) || std::ranges::any_of(adds_, [&](OpRef const& other) {
                              return cert_of(other).device == device && other.before(add);
                            });
      if (!repeated) first_adds.push_back(add);
    }
    adds_ = std::move(first_adds);
  }

  void count_removes_by_recovery() {
    for (auto const& remove : removes_) {
      if (remove.by_recovery()) count(remove);
    }
  }

  void count(OpRef const& remove) {
    counted_[target_of(remove)].push_back(counted(remove));
    bearing_.insert(remove.entry->place);
  }

  [[nodiscard]] bool stands_now(OpRef const& ref, DeviceId const& author) const {
    auto const found = counted_.find(author);
    return found == counted_.end() || std::ranges::all_of(found->second, [&](CountedRemove const& remove) {
             return op_in_past(*ref.entry, ref.index, remove);
           });
  }

  /// One pass over the devices, the most senior one not yet taken first. Its removes that stand now count for good, and its
  /// adds that stand now give paths, so that a junior can never decide over a senior.
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
        for (auto const& remove : removes_) {
          if (remove.entry->author != device || remove.by_recovery() || (target_of(remove) == device) != of_itself) continue;
          if (stands_now(remove, device)) count(remove);
        }
      }
      for (auto const& add : adds_) {
        if (add.entry->author != device || add.by_recovery() || !stands_now(add, device)) continue;
        found(cert_of(add).device, extended(path, step(add)));
        bearing_.insert(add.entry->place);
      }
    }
  }

  /// x of a path: how many roster ops are in the past of the add, then what makes it unique.
  [[nodiscard]] RankStep step(OpRef const& add) const {
    std::uint64_t count = 0;
    for (auto const& entry : entries_) {
      if (entry.in_past_of(*add.entry)) count += entry.ops.size();
    }
    return {count, add.entry->hash, add.index};
  }

  /// With all removes counted: which adds stand, which devices they reach, and what voided the adds of the others.
  void settle_adds() {
    auto& members = roster_.members_;
    members[creator_].cert = std::get<Founding>(*founding_.op).creator;
    members[creator_].rooted = true;
    std::set<DeviceId> reached{creator_};
    for (bool grown = true; grown;) {
      grown = false;
      for (auto const& add : adds_) {
        bool const stands = add.by_recovery() || (reached.contains(add.entry->author) && stands_now(add, add.entry->author));
        if (stands && reached.insert(cert_of(add).device).second) grown = true;
      }
    }
    for (auto const& add : adds_) {
      auto& member = members[cert_of(add).device];
      member.add_entries.push_back(add.entry->hash);
      bool const stands = add.by_recovery() || (reached.contains(add.entry->author) && stands_now(add, add.entry->author));
      bool const first = member.add_entries.size() == 1 && !member.rooted;
      if (stands && add.by_recovery()) member.rooted = true;
      if (stands && !add.by_recovery()) member.adders.push_back(add.entry->author);
      if (first || stands) {
        if (cert_of(add).device != creator_) member.cert = cert_of(add);
        member.add_epoch = std::get<wire::DeviceAdd>(*add.op).epoch;
      }
    }
    for (auto& [device, removes] : counted_) {
      if (auto const found = members.find(device); found != members.end()) found->second.removes = removes;
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

  /// Entries of devices that only void adds brought are treated as removed by what voided those of the adds that they know.
  void inherit_removes(std::map<DeviceId, Member>& members) const {
    for (bool grown = true; grown;) {
      grown = false;
      for (auto const& add : adds_) {
        auto& member = members[cert_of(add).device];
        if (member.state != MemberState::unfounded) continue;
        auto const removes = members[add.entry->author].removes;  // a copy: `member` grows, and might be the same
        for (auto const& remove : removes) {
          bool const concerns_add = !remove.through || add.entry->past.contains(*remove.through);
          bool const known = std::ranges::any_of(member.removes, [&](CountedRemove const& other) {
            return other.entry == remove.entry && other.index == remove.index && other.through == add.entry->place;
          });
          if (!concerns_add || known || op_in_past(*add.entry, add.index, remove)) continue;
          member.removes.push_back(remove);
          member.removes.back().through = add.entry->place;
          grown = true;
        }
      }
    }
  }

  void fill_members() {
    roster_.group_name_ = std::get<Founding>(*founding_.op).group_name;
    for (auto& [device, member] : roster_.members_) {
      std::vector<Rival> names;
      std::vector<Rival> pauses;
      for (auto const& add : adds_) {
        bool const names_it = cert_of(add).device == device && (member.state == MemberState::unfounded || stands(add));
        if (names_it) names.push_back(add.rival());
      }
      for (auto const& rename : renames_) {
        if (std::get<wire::DeviceRename>(*rename.op).device == device && stands(rename)) names.push_back(rename.rival());
      }
      for (auto const& pause : pauses_) {
        if (std::get<wire::DevicePause>(*pause.op).device == device && stands(pause)) pauses.push_back(pause.rival());
      }
      if (auto const won = winner(names)) member.name = name_in(names[*won]);
      if (auto const won = winner(pauses)) member.paused = std::get<wire::DevicePause>(op_of(pauses[*won])).on;
    }
    bearing_.insert(founding_.entry->place);
    roster_.bearing_.assign(bearing_.begin(), bearing_.end());
  }

  void fill_relays() {
    // For one relay key, the relay_sets in no other's past; among those the smallest entry hash. A standing relay_remove
    // undoes the relay_sets of its channel that are in its past.
    std::map<wire::RelayKey, OpRef> chosen;
    for (auto const& ref : relays_) {
      auto const* set = std::get_if<wire::RelaySet>(ref.op);
      if (set == nullptr || !stands(ref)) continue;
      bool const undone = std::ranges::any_of(relays_, [&](OpRef const& other) {
        if (!stands(other)) return false;
        if (auto const* remove = std::get_if<wire::RelayRemove>(other.op)) {
          return remove->relay == set->relay && remove->channel == set->channel && ref.entry->in_past_of(*other.entry);
        }
        return std::get<wire::RelaySet>(*other.op).relay == set->relay && ref.entry->in_past_of(*other.entry);
      });
      if (!undone) chosen.try_emplace(set->relay, ref);  // ops are sorted by entry hash
    }
    for (auto const& [relay, ref] : chosen) {
      auto const& set = std::get<wire::RelaySet>(*ref.op);
      roster_.relays_.push_back({set.url, set.relay, set.channel});
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
  std::vector<OpRef> adds_, removes_, renames_, pauses_, relays_;
  std::map<DeviceId, std::vector<CountedRemove>> counted_;
  std::map<DeviceId, RankPath> path_;
  std::set<DeviceId> taken_;
  std::set<ChainPlace> bearing_;
  Roster roster_;
};

Member const* Roster::find(DeviceId const& device) const {
  auto const found = members_.find(device);
  return found == members_.end() ? nullptr : &found->second;
}

bool Roster::active(DeviceId const& device) const {
  auto const* member = find(device);
  return member != nullptr && member->state == MemberState::active;
}

bool Roster::above(DeviceId const& senior, DeviceId const& junior) const {
  auto const* one = find(senior);
  auto const* other = find(junior);
  if (one == nullptr || other == nullptr || one->rank.empty() || other->rank.empty()) return false;
  return std::tie(one->rank, senior) < std::tie(other->rank, junior);
}

std::vector<DeviceId> Roster::epoch_recipients() const {
  auto recipients = active_by_rank();
  if (recipients.size() > kLimits.max_recipients) recipients.resize(kLimits.max_recipients);
  return recipients;
}

std::vector<DeviceId> Roster::active_by_rank() const {
  std::vector<DeviceId> devices;
  for (auto const& [device, member] : members_) {
    if (member.state == MemberState::active) devices.push_back(device);
  }
  std::ranges::sort(devices, [&](DeviceId const& a, DeviceId const& b) {
    return std::tie(members_.at(a).rank, a) < std::tie(members_.at(b).rank, b);
  });
  return devices;
}

bool Roster::stands(RosterEntry const& entry, std::uint32_t index) const {
  if (entry.recovery_signed.contains(index)) return true;
  auto const* author = find(entry.author);
  return author != nullptr && std::ranges::all_of(author->removes, [&](CountedRemove const& remove) {
           bool const concerns_entry = !remove.through || entry.past.contains(*remove.through);
           return !concerns_entry || op_in_past(entry, index, remove);
         });
}

std::set<DeviceId> Roster::founded_without(DeviceId const& device) const {
  std::set<DeviceId> founded;
  for (auto const& [id, member] : members_) {
    if (member.rooted && id != device) founded.insert(id);
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (auto const& [id, member] : members_) {
      bool const brought = std::ranges::any_of(member.adders, [&](DeviceId const& adder) { return founded.contains(adder); });
      if (id != device && brought && founded.insert(id).second) grown = true;
    }
  }
  return founded;
}

crypto::Hash256 Roster::digest() const {
  crypto::Hasher hasher("kith/roster-view/1");
  hasher.part(bytes_of(group_name_));
  for (auto const& [device, member] : members_) {
    if (member.state == MemberState::unfounded) continue;  // may be known from entries that others need not hold
    std::uint8_t const state[] = {static_cast<std::uint8_t>(member.state), static_cast<std::uint8_t>(member.paused)};
    hasher.part(device.view()).part(member.cert.dx.view()).part(state).part(bytes_of(member.name));
  }
  for (auto const& relay : relays_) hasher.part(relay.relay.view()).part(relay.channel.view()).part(bytes_of(relay.url));
  return hasher.finish();
}

std::optional<RosterOp> roster_op(GroupId const& group, wire::Op const& op) {
  auto const epochs = [&](std::vector<wire::EpochSecret> const& secrets) {
    std::vector<EpochId> ids;
    for (auto const& secret : secrets) ids.push_back(epoch_id(group, secret));
    return ids;
  };
  return std::visit(
      [&]<class T>(T const& known) -> std::optional<RosterOp> {
        if constexpr (std::is_same_v<T, wire::GenesisOp>) {
          return Founding{known.record.creator, known.record.name};
        } else if constexpr (std::is_same_v<T, wire::Rotate>) {
          return Rotation{known.epoch_no, known.recipients, epochs(known.replaced)};
        } else if constexpr (std::is_same_v<T, wire::EpochSecrets>) {
          return HandedOn{epochs(known.secrets)};
        } else if constexpr (std::is_same_v<T, wire::DeviceAdd>) {
          return signature_fits(known.cert) ? std::optional<RosterOp>(known) : std::nullopt;
        } else if constexpr (std::is_constructible_v<RosterOp, T>) {
          return known;
        } else {
          return std::nullopt;
        }
      },
      op);
}

Roster compute_roster(std::span<RosterEntry const> entries) { return RosterBuilder(entries).build(); }

std::optional<std::size_t> winner(std::span<Rival const> rivals) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < rivals.size(); ++i) {
    bool const superseded = std::ranges::any_of(rivals, [&](Rival const& other) {
      return rivals[i].entry->hash == other.entry->hash ? rivals[i].index < other.index
                                                        : rivals[i].entry->in_past_of(*other.entry);
    });
    if (superseded) continue;
    auto const key = [](Rival const& rival) { return std::tie(rival.entry->hlc, rival.entry->hash, rival.index); };
    if (!best || key(rivals[*best]) < key(rivals[i])) best = i;
  }
  return best;
}

}  // namespace kith::core
