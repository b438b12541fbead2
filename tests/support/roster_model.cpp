#include "support/roster_model.hpp"

#include <algorithm>

namespace kith::testing {
namespace {

/// Compared element by element; a prefix is senior.
bool senior(ModelPath const& a, ModelPath const& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] != b[i]) return a[i] < b[i];
  }
  return a.size() < b.size();
}

bool in_past_of(History const& history, ModelOp op, ModelOp of) {
  return op.event == of.event ? op.index < of.index : history.past(of.event).test(op.event);
}

/// Every device_add of a device, and the genesis of the creator. A device cannot add itself but with the recovery key.
std::vector<ModelOp> adds_of(History const& history, DeviceId const& device) {
  std::vector<ModelOp> adds;
  for (EventNo i = 0; i < history.size(); ++i) {
    for (std::uint32_t index = 0; index < history.at(i).ops.size(); ++index) {
      auto const* add = std::get_if<wire::DeviceAdd>(&history.at(i).ops[index]);
      auto const* founding = std::get_if<core::Founding>(&history.at(i).ops[index]);
      bool const by_itself = history.at(i).author == device && !history.at(i).recovery_signed.contains(index);
      if (add != nullptr && add->cert.device == device && !by_itself) adds.push_back({i, index});
      if (founding != nullptr && founding->creator.device == device) adds.push_back({i, index});
    }
  }
  return adds;
}

/// A device joins once: an add that knows of another one is void.
bool idle_add(History const& history, ModelOp add) {
  auto const& device = std::get<wire::DeviceAdd>(history.at(add.event).ops.at(add.index)).cert.device;
  auto const adds = adds_of(history, device);
  return !std::ranges::count(adds, add) ||
         std::ranges::any_of(adds, [&](ModelOp other) { return in_past_of(history, other, add); });
}

class Model {
 public:
  Model(History const& history, EventSet const& held) : history_(history) {
    for (EventNo i = 0; i < history.size(); ++i) {
      if (!held.test(i)) continue;
      for (std::uint32_t op = 0; op < history.at(i).ops.size(); ++op) ops_.push_back({i, op});
    }
    // "by entry hash, index"
    std::ranges::sort(ops_, [&](ModelOp a, ModelOp b) {
      return std::tie(history.at(a.event).hash, a.index) < std::tie(history.at(b.event).hash, b.index);
    });
  }

  ModelRoster run() {
    auto const* founding = std::get_if<core::Founding>(&history_.at(0).ops.at(0));
    creator_ = founding->creator.device;
    result_.resting_on.insert({0, 0});
    for (auto const op : ops_) {
      if (is_remove(op) && by_recovery(op)) count(op);
    }
    one_pass();
    reach();
    say_what_stands();
    return result_;
  }

 private:
  core::RosterOp const& content(ModelOp op) const { return history_.at(op.event).ops.at(op.index); }
  DeviceId const& author(ModelOp op) const { return history_.at(op.event).author; }
  bool is_add(ModelOp op) const { return std::holds_alternative<wire::DeviceAdd>(content(op)); }
  bool is_remove(ModelOp op) const { return std::holds_alternative<wire::DeviceRemove>(content(op)); }
  DeviceId const& added(ModelOp op) const { return std::get<wire::DeviceAdd>(content(op)).cert.device; }
  DeviceId const& removed(ModelOp op) const { return std::get<wire::DeviceRemove>(content(op)).device; }
  bool by_recovery(ModelOp op) const { return history_.at(op.event).recovery_signed.contains(op.index); }
  bool in_past(ModelOp op, ModelOp of) const { return in_past_of(history_, op, of); }
  void count(ModelOp remove) {
    result_.counted_removes.insert(remove);
    result_.removed_by[removed(remove)].insert(remove);
    result_.resting_on.insert(remove);
  }
  bool stands_against(ModelOp op, std::set<ModelOp> const& removes) const {
    return std::ranges::all_of(removes, [&](ModelOp remove) { return in_past(op, remove); });
  }
  bool stands_now(ModelOp op) const {
    if (is_add(op) && idle_add(history_, op)) return false;
    if (by_recovery(op)) return true;
    auto const found = result_.removed_by.find(author(op));
    return found == result_.removed_by.end() || stands_against(op, found->second);
  }
  ModelPath path_through(ModelOp add) const {
    ModelPath path = by_recovery(add) ? ModelPath{{0, EntryHash{}, 0}} : paths_.at(author(add));
    std::uint64_t count = 0;
    for (auto const op : ops_) count += history_.before(op.event, add.event) ? 1 : 0;
    path.emplace_back(count, history_.at(add.event).hash, add.index);
    return path;
  }
  void offer(DeviceId const& device, ModelPath const& path) {
    auto const known = paths_.find(device);
    if (known == paths_.end()) {
      paths_[device] = path;
    } else if (senior(path, known->second)) {
      known->second = path;
    }
  }

  void one_pass() {
    paths_[creator_] = {{1, EntryHash{}, 0}};
    for (auto const op : ops_) {
      if (!is_add(op) || !by_recovery(op) || !stands_now(op)) continue;
      offer(added(op), path_through(op));
      result_.resting_on.insert(op);
    }
    std::set<DeviceId> taken;
    for (;;) {
      std::optional<DeviceId> most_senior;
      for (auto const& [device, path] : paths_) {
        if (!taken.contains(device) && (!most_senior || senior(path, paths_.at(*most_senior)))) most_senior = device;
      }
      if (!most_senior) return;
      taken.insert(*most_senior);
      for (auto const op : ops_) {
        if (is_remove(op) && author(op) == most_senior && removed(op) != most_senior && !by_recovery(op) &&
            stands_now(op)) {
          count(op);
        }
      }
      for (auto const op : ops_) {
        if (is_remove(op) && author(op) == most_senior && removed(op) == most_senior && !by_recovery(op) &&
            stands_now(op)) {
          count(op);
        }
      }
      for (auto const op : ops_) {
        if (!is_add(op) || by_recovery(op) || author(op) != most_senior || !stands_now(op)) continue;
        if (!taken.contains(added(op))) offer(added(op), path_through(op));
        result_.resting_on.insert(op);
      }
    }
  }

  void reach() {
    std::set<DeviceId> reached{creator_};
    for (std::size_t before = 0; before != reached.size();) {
      before = reached.size();
      for (auto const op : ops_) {
        if (is_add(op) && stands_now(op) && (by_recovery(op) || reached.contains(author(op))))
          reached.insert(added(op));
      }
    }
    result_.known = {creator_};
    for (auto const op : ops_) {
      if (is_add(op)) result_.known.insert(added(op));
    }
    for (auto const& device : reached) {
      result_.paths[device] = paths_.at(device);
      if (!result_.removed_by.contains(device)) result_.active.insert(device);
    }
  }

  void say_what_stands() {
    for (auto const op : ops_) {
      auto const removes = removes_against(history_, result_, op.event);
      bool const founded = by_recovery(op) || result_.paths.contains(author(op));
      if (founded ? stands_now(op) : stands_against(op, removes)) result_.standing.insert(op);
    }
  }

  History const& history_;
  std::vector<ModelOp> ops_;
  DeviceId creator_;
  std::map<DeviceId, ModelPath> paths_;
  ModelRoster result_;
};

/// Devices that standing adds reach from the creator and the recovery key when no add by `without` is taken.
std::set<DeviceId> founded_without(History const& history, ModelRoster const& roster, DeviceId const& without) {
  std::set<DeviceId> founded{std::get<core::Founding>(history.at(0).ops.at(0)).creator.device};
  founded.erase(without);
  for (std::size_t before = std::size_t(-1); before != founded.size();) {
    before = founded.size();
    for (auto const op : roster.standing) {
      auto const& event = history.at(op.event);
      auto const* add = std::get_if<wire::DeviceAdd>(&event.ops.at(op.index));
      if (add == nullptr || add->cert.device == without) continue;
      if (event.recovery_signed.contains(op.index) || founded.contains(event.author)) founded.insert(add->cert.device);
    }
  }
  return founded;
}

}  // namespace

std::set<ModelOp> removes_against(History const& history, ModelRoster const& roster, EventNo entry) {
  auto const& author = history.at(entry).author;
  auto const counted = roster.removed_by.find(author);
  std::set<ModelOp> removes = counted == roster.removed_by.end() ? std::set<ModelOp>{} : counted->second;
  if (roster.paths.contains(author)) return removes;
  for (auto const add : adds_of(history, author)) {
    if (!history.past(entry).test(add.event) || idle_add(history, add)) continue;
    for (auto const remove : removes_against(history, roster, add.event)) {
      if (!in_past_of(history, add, remove)) removes.insert(remove);
    }
  }
  return removes;
}

ModelRoster model_roster(History const& history, EventSet const& held) { return Model(history, held).run(); }

ModelCounting model_counting(History const& history, EventSet const& held, ModelRoster const& roster) {
  ModelCounting result;
  std::map<DeviceId, std::set<DeviceId>> independent;
  for (auto const& device : roster.known) independent[device] = founded_without(history, roster, device);

  auto const counts = [&](EventNo entry) {
    auto const& author = history.at(entry).author;
    return std::ranges::all_of(removes_against(history, roster, entry), [&](ModelOp remove) {
      if (history.past(remove.event).test(entry)) return true;
      for (EventNo witness = 0; witness < history.size(); ++witness) {
        auto const& by = history.at(witness).author;
        if (result.counted.test(witness) && history.past(witness).test(entry) &&
            !history.past(witness).test(remove.event) && by != author && independent.at(author).contains(by)) {
          return true;
        }
      }
      return false;
    });
  };
  for (bool grown = true; grown;) {
    grown = false;
    for (EventNo i = 0; i < history.size(); ++i) {
      if (!held.test(i) || result.counted.test(i) || !counts(i)) continue;
      result.counted.set(i);
      grown = true;
    }
  }
  for (EventNo i = 0; i < history.size(); ++i) {
    if (result.counted.test(i)) result.heads |= history.past(i);
  }
  for (auto const op : roster.resting_on) result.heads |= history.past(op.event);
  return result;
}

}  // namespace kith::testing
