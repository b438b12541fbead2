#include <algorithm>

#include "sim/world.hpp"

/// What happens in a World: what users do, and what fate does.
namespace kith::sim {
namespace {

constexpr std::array kPaths{"a.txt", "b.txt",      "notes/c.txt", "notes/d.txt", "notes/deep/e.txt",
                            "pics",  "pics/f.jpg", "readme"};

}  // namespace

void World::found_group() {
  devices_.push_back(std::make_unique<Device>(0, random_.u64()));
  runs_.push_back(0);
  auto& first = *devices_[0];
  {
    Program founder(first.database, first.disk, first.identity, first.random);
    check(first, founder.replica.create_group("home", "device0", recovery_, now_at(first)));
  }
  first.member = true;
  start(first);
  check(first, first.program->bind_folder(now_at(first)));
  if (!relays_.empty()) enlist(first, *relays_[0]);
  add_device(first);
  for (std::uint64_t more = random_.below(most_devices_ - 1); more > 0; --more) add_device(*any_member());
}

bool World::running_member(Device const& device) const {
  return device.program && device.member && device.program->replica.self_active();
}

Device* World::any_member() {
  std::vector<Device*> members;
  for (auto& device : devices_) {
    if (running_member(*device)) members.push_back(device.get());
  }
  return members.empty() ? nullptr : members[random_.below(members.size())];
}

void World::step() {
  for (auto& device : devices_) {
    if (!device->program && device->member && chance(0.3)) start(*device);
    if (device->program && chance(weather_.crashes)) crash(*device);
    if (chance(weather_.clock_jumps)) {
      auto const before =
          std::exchange(device->clock_skew_ms,
                        static_cast<std::int64_t>(random_.below(20)) * 365LL * 86'400'000 / 10 - 365LL * 86'400'000);
      device->went_ahead |= device->clock_skew_ms > before;
      note(fmt::format("clock of {} is {} ms off", device->index, device->clock_skew_ms));
      count("clock jumps");
    }
    if (device->member && chance(weather_.restores / 2)) take_backup(*device);
    if (device->backup && chance(weather_.restores)) restore_backup(*device);
    if (device->program && chance(weather_.clones)) run_clone(*device);
  }
  if (devices_.size() > 1 && chance(weather_.partitions)) {
    std::size_t const a = random_.below(devices_.size());
    std::size_t const b = random_.below(devices_.size());
    if (a != b) {
      partitions_.insert({std::min(a, b), std::max(a, b)});
      note(fmt::format("{} and {} are parted", a, b));
      count("partitions");
      std::vector<std::size_t> cut;
      for (auto const& [index, pipe] : pipes_) {
        auto const x = pipe.ends[0].device, y = pipe.ends[1].device;
        if ((x == a && y == b) || (x == b && y == a)) cut.push_back(index);
      }
      for (auto const index : cut) break_pipe(index);
    }
  }
  if (!partitions_.empty() && chance(0.15)) partitions_.erase(partitions_.begin());

  relays_step();
  mischief();

  auto* device = any_member();
  if (device == nullptr) return;
  if (apart_ && chance(0.3)) take_turns(*device);
  if (chance(0.5)) push(*device);
  if (chance(weather_.files)) edit_files(*device);
  if (chance(weather_.gossip)) {
    if (auto* other = any_member(); other != nullptr && other != device) gossip(*device, *other);
  }
  if (!recovered_ && chance(weather_.roster / 10)) return recover_with_words(*device);
  if (!chance(weather_.roster)) return;
  switch (random_.below(relays_.empty() ? 5 : 9)) {
    case 0:
    case 1: add_device(*device); break;
    case 2: remove_device(*device); break;
    case 3: rotate(*device); break;
    case 4: rename_device(*device); break;
    case 5:
    case 6: use_relay(*device); break;
    case 7: leave_relay(*device); break;
    default: pause_or_resume(*device); break;
  }
}

void World::push(Device& device) {
  auto const text = fmt::format("message {}", next_text_++);
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::Message{"default", 0, {Bytes(text.begin(), text.end())}});
  auto const written = device.program->replica.write(std::move(ops), now_at(device));
  if (!written) return check(device, kith::fail(written.error()));
  note(fmt::format("{} pushes '{}'", device.index, text));
  count("messages");
  if (auto knew = all_who_know_to_be_removed(device); !knew.empty()) {
    count("messages of devices that all knew to be removed");
    void_[text] = {written->front(), std::move(knew)};
    return serve(device);
  }
  written_[text] = {device.index, written->front()};
  changed(device);
  serve(device);
}

void World::edit_files(Device& device) {
  if (!device.program->bound) return;
  auto& disk = device.disk;
  disk.set_time(now_at(device).wall);
  std::string path = kPaths[random_.below(kPaths.size())];
  auto const existing = disk.files();
  if (!existing.empty() && chance(0.5)) path = existing[random_.below(existing.size())];
  auto const there = disk.look(path);
  auto const knowingly_gone = [&](std::string const& gone) {
    // The user saw this content and decided against it.
    if (auto const old = disk.read_file(gone)) saved_.erase(std::string(text_of(*old)));
  };
  std::uint64_t const kind = random_.below(10);
  if (kind < 2 && there && there->kind == files::Kind::file) {
    knowingly_gone(path);
    note(fmt::format("{} deletes {}", device.index, path));
    disk.remove(path);
  } else if (kind == 2 && there && there->kind == files::Kind::file && !disk.look("moved.txt")) {
    note(fmt::format("{} renames {}", device.index, path));
    disk.move(path, "moved.txt");
  } else {
    // Not below a file, and not over a directory: a user's programs would refuse that too.
    for (auto up = path; up.find('/') != std::string::npos;) {
      up = up.substr(0, up.rfind('/'));
      auto const above = disk.look(up);
      if (above && above->kind != files::Kind::directory) return;
    }
    if (there && there->kind != files::Kind::file) return;
    knowingly_gone(path);
    auto text = fmt::format("content {} ", next_text_++);
    if (chance(0.1)) text.append(random_.below(300'000), 'x');
    note(fmt::format("{} writes {} ({} bytes)", device.index, path, text.size()));
    if (chance(0.5)) {
      disk.write_file(path, bytes_of(text));
    } else {
      disk.replace_file(path, bytes_of(text));
    }
    saved_[text] = {device.index, path};
    if (chance(0.1)) save_again_at_once(device, path, text);
  }
  disk.sync_saved(path);  // by the user's program: a lost write of that is no fault of ours to find here
  count("file edits");
  device.scan_at = clock_ + std::chrono::milliseconds{50 + random_.below(400)};
}

/// A program saves twice within a tick of the disk's clock, and a scan comes in between: size and times stay the same.
void World::save_again_at_once(Device& device, std::string const& path, std::string text) {
  device.disk.sync_saved(path);
  check(device, device.program->scan(now_at(device)));
  changed(device);
  saved_.erase(text);
  text.front() = 'C';
  note(fmt::format("{} writes {} again at once", device.index, path));
  count("files saved twice at once");
  device.disk.write_file(path, bytes_of(text));
  saved_[text] = {device.index, path};
}

void World::add_device(Device& inviter) {
  if (devices_.size() >= most_devices_) return;
  std::size_t const index = devices_.size();
  devices_.push_back(std::make_unique<Device>(index, random_.u64()));
  runs_.push_back(0);
  auto& joiner = *devices_.back();
  if (!pair(inviter, joiner)) return;
  joiner.member = true;
  note(fmt::format("{} lets {} in", inviter.index, index));
  count("devices added");
  changed(inviter);
  serve(inviter);
  start(joiner);
}

void World::remove_device(Device& by) {
  auto const& roster = by.program->replica.state().roster();
  auto const active = roster.active_by_rank();
  if (active.size() < 2) return;
  auto const target = active[random_.below(active.size())];
  if (target == by.identity.device() && !can_say_farewell(by)) return;
  bool const with_recovery = chance(0.3);
  auto const removed = by.program->replica.remove_device(target, wire::RemoveReason::lost,
                                                         with_recovery ? &recovery_ : nullptr, now_at(by));
  if (!removed) return check(by, kith::fail(removed.error()));
  for (auto const& device : devices_) {
    if (device->identity.device() == target) {
      note(fmt::format("{} removes {}{}", by.index, device->index, with_recovery ? " with the recovery key" : ""));
    }
  }
  count("devices removed");
  changed(by);
  serve(by);
}

void World::rotate(Device& device) {
  check(device, device.program->replica.rotate(now_at(device)));
  note(fmt::format("{} rotates", device.index));
  count("rotations");
  changed(device);
  serve(device);
}

void World::rename_device(Device& device) {
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DeviceRename{device.identity.device(), fmt::format("name{}", next_text_++)});
  auto const written = device.program->replica.write(std::move(ops), now_at(device));
  if (!written) return check(device, kith::fail(written.error()));
  changed(device);
  serve(device);
}

void World::start(Device& device) {
  ++runs_[device.index];
  device.program = std::make_unique<Program>(device.database, device.disk, device.identity, device.random);
  check(device, device.program->open(now_at(device)));
  note(fmt::format("{} starts", device.index));
  look_at_relays(device);
  device.timer = clock_;
  if (device.program->replica.self_active() && !device.program->bound && chance(0.8)) {
    check(device, device.program->bind_folder(now_at(device)));
    relays_look(device);
  }
  device.scan_at = clock_ + std::chrono::milliseconds{random_.below(200)};
}

/// Power fails: what was not synced may be gone, and the other ends find out by silence or by a broken link.
void World::crash(Device& device) {
  note(fmt::format("{} crashes", device.index));
  count("crashes");
  device.program.reset();
  device.timer.reset();
  device.scan_at.reset();
  device.database->crash();
  device.disk.crash(device.random);
}

void World::take_backup(Device& device) {
  device.backup = device.database->clone();
  note(fmt::format("{} is backed up", device.index));
}

/// The home's database goes back to an older state; the folder's disk stays as it is. What only this device had is
/// gone.
void World::restore_backup(Device& device) {
  note(fmt::format("{} is restored from its backup", device.index));
  count("restores");
  forget_writes_only_here(device);
  device.restored = true;
  device.program.reset();
  device.timer.reset();
  device.database = std::exchange(device.backup, nullptr);
  // A restored file is another file: the home notices, as it does on a real disk.
  if (chance(0.5)) {
    Program fresh(device.database, device.disk, device.identity, device.random);
    if (fresh.replica.open()) check(device, fresh.replica.start_incarnation());
  }
  start(device);
}

/// A copy of the home writes for a while on its own, and some of what it wrote gets around.
void World::run_clone(Device& device) {
  if (!running_member(device)) return;
  note(fmt::format("a copy of {} runs", device.index));
  count("clones");
  device.copied = true;
  auto const copy = device.database->clone();
  files::MemoryDisk its_disk;
  Program clone(copy, its_disk, device.identity, device.random);
  check(device, clone.replica.open());
  std::vector<Bytes> entries;
  for (std::uint64_t i = 0; i < 1 + random_.below(3); ++i) {
    auto const text = fmt::format("from a copy {}", next_text_++);
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{"default", 0, {Bytes(text.begin(), text.end())}});
    auto const written = clone.replica.write(std::move(ops), now_at(device));
    if (!written) return check(device, kith::fail(written.error()));
    entries.push_back(must(clone.replica.state().sealed(written->front().entry)).value());
  }
  auto* other = any_member();
  if (other == nullptr || other == &device) return;
  std::vector<ByteView> const views(entries.begin(), entries.end());
  auto const received = other->program->replica.receive(views, now_at(*other));
  if (!received) return check(*other, kith::fail(received.error()));
  changed(*other);
  serve(*other);
}

/// Entries reach a device by another way than a session: some of them, in any order, some twice.
void World::gossip(Device& from, Device& to) {
  std::vector<Bytes> entries;
  check(from, from.program->replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
    auto const record = must(from.program->replica.state().record(hash));
    bool const passed_on = record && from.program->replica.state().counting().heads.contains(record->place());
    if (!passed_on || chance(0.5)) return;
    auto const sealed = must(from.program->replica.state().sealed(hash));
    for (std::uint64_t copies = 0; copies < 1 + random_.below(2); ++copies) entries.push_back(*sealed);
  }));
  for (auto const& entry : entries) overhear(entry);
  for (std::size_t i = entries.size(); i > 1; --i) std::swap(entries[i - 1], entries[random_.below(i)]);
  std::vector<ByteView> const views(entries.begin(), entries.end());
  auto const received = to.program->replica.receive(views, now_at(to));
  if (!received) return check(to, kith::fail(received.error()));
  note(fmt::format("{} hears {} entries of {} by another way", to.index, entries.size(), from.index));
  count("gossip");
  to.apply_due = true;
  changed(to);
  serve(to);
}

}  // namespace kith::sim
