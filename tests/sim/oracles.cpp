#include <algorithm>

#include "base/encoding.hpp"
#include "core/entry.hpp"
#include "sim/world.hpp"

/// What must be true of a World once it is calm.
namespace kith::sim {
namespace {

constexpr auto kPatience = std::chrono::minutes{10};
/// Of devices that are never online together: how often, and how long each of them is.
constexpr int kRounds = 8;
constexpr auto kTurn = std::chrono::seconds{70};

std::string short_hex(ByteView bytes) { return to_hex(bytes.first(4)); }

bool is_copy_of(std::string const& path, std::string const& main) {
  return path.starts_with(main.substr(0, main.rfind('.')) + ".conflict-");
}

}  // namespace

/// The weather ends: everybody runs, everybody can reach everybody, and time passes.
void World::calm_down() {
  note("calm");
  calm_ = true;
  partitions_.clear();
  for (auto& [index, pipe] : pipes_) pipe.breaks_at.reset();
  calm_relays();
  for (auto& device : devices_) {
    if (!device->program && device->member) start(*device);
    if (device->program && direct_) {
      for (auto const& other : devices_) {  // what a user could do with --peer
        if (other->index == device->index) continue;
        device->program->exchange.learn_addresses(other->identity.device(), {fmt::format("sim{}:1", other->index)},
                                                  sync::Exchange::Source::first_hand, now_at(*device));
      }
      device->program->exchange.hurry(now_at(*device));
      device->scan_at = clock_ + std::chrono::milliseconds{500};
    }
  }
  if (!apart_) return wait_calmly(kPatience);
  for (int round = 0; round < kRounds; ++round) {
    for (auto& device : devices_) {
      if (outcome_.failure || !device->program) continue;
      take_turns(*device);
      wait_calmly(kTurn);
    }
  }
}

void World::wait_calmly(std::chrono::milliseconds time) {
  auto const end = clock_ + time;
  while (clock_ < end && !outcome_.failure) {
    advance_to(clock_ + std::chrono::seconds{5});
    resume_all();
    for (auto& device : devices_) {
      if (!device->program) continue;
      bool const waits = !device->program->bound && device->program->replica.self_active();
      if (waits) {
        check(*device, device->program->bind_folder(now_at(*device)));
        relays_look(*device);
      }
      if (!device->scan_at) device->scan_at = clock_ + std::chrono::seconds{20};
      serve(*device);
    }
  }
}

void World::check_everything() {
  auto const active = truly_active();
  if (active.empty()) return;  // the last ones removed each other with the recovery key
  if (parted_by_removed(active)) return count("worlds parted by removed devices");
  if (left_under_other_epochs(active)) return count("worlds in which somebody left unread");
  using Oracle = void (World::*)(std::vector<Device*> const&);
  static constexpr std::pair<std::string_view, Oracle> kOracles[] = {
      {"forged", &World::check_forged},           {"alarms", &World::check_alarms},
      {"convergence", &World::check_convergence}, {"nobody stuck", &World::check_nobody_stuck},
      {"messages", &World::check_messages},       {"files", &World::check_files},
      {"removed devices", &World::check_removed}, {"relays", &World::check_relays},
      {"memory", &World::check_memory},           {"secrecy", &World::check_secrecy},
      {"canaries", &World::check_canaries},       {"nonces", &World::check_nonces}};
  for (auto const& [name, judge] : kOracles) {
    if (outcome_.failure) return;
    judging_ = name;
    (this->*judge)(active);
  }
}

/// For the log: where a device stands.
void World::describe(Device& device) {
  auto& program = *device.program;
  std::string text = fmt::format("{} ({}):", device.index, short_hex(device.identity.device().view()));
  for (auto const& tip : must(program.replica.tips())) {
    text += fmt::format(" {}/{:04x}:{}#{}", short_hex(tip.log.device.view()), tip.log.incarnation.value & 0xFFFF,
                        tip.seq.value, short_hex(tip.hash.view()));
  }
  text += "  missing:";
  for (auto const& tip : must(program.replica.missing(10)))
    text += fmt::format(" {}:{}", short_hex(tip.log.device.view()), tip.seq.value);
  text += "  connected:";
  for (auto const& peer : program.exchange.connected()) {
    text += fmt::format(" {}{}", short_hex(peer.view()), must(program.exchange.equal_with(peer)) ? "=" : "!");
  }
  text += "  removed:";
  for (auto const& [id, member] : program.replica.state().roster().members()) {
    if (!member.removes.empty()) text += fmt::format(" {}", short_hex(id.view()));
  }
  text += "  epochs:";
  for (auto const& epoch : program.replica.state().book().valid()) {
    text += fmt::format(" {}:{}", epoch.number, short_hex(epoch.id.view()));
  }
  if (!relays_.empty()) text += fmt::format("  wants {} chunks", program.exchange.unasked().size());
  for (auto const& [key, link] : program.relays) {
    auto const& mailbox = link->mailbox;
    std::size_t announced = 0;
    for (auto const& chunk : program.exchange.unasked())
      announced += must(mailbox.has_chunk(chunk, now_at(device).wall)) ? 1 : 0;
    text += fmt::format("  relay {}: {} trouble {}, at {}, {} of them are there{}", relay_of(key)->index,
                        mailbox.live() ? "live" : "-", static_cast<int>(mailbox.trouble()),
                        mailbox.record().position.value, announced, mailbox.uploading() ? ", uploading" : "");
  }
  note(text);
}

void World::check_convergence(std::vector<Device*> const& active) {
  auto const first = must(active[0]->program->exchange.digest(0));
  for (auto* device : active) describe(*device);
  for (auto* device : active) {
    auto const other = must(device->program->exchange.digest(0));
    auto const compare = [&](char const* what, crypto::Hash256 const& a, crypto::Hash256 const& b) {
      if (a != b) {
        fail(fmt::format("{} of {} and {} differ: {} {}", what, active[0]->index, device->index, short_hex(a.view()),
                         short_hex(b.view())));
      }
    };
    compare("heads", first.heads, other.heads);
    compare("rosters", first.roster, other.roster);
    compare("messages", first.messages, other.messages);
    compare("folders", first.folders, other.folders);
  }
}

/// Entries may wait for good, or stay sealed, only where nobody who belongs to the group counts them or what they wait
/// for, and either their author is no more, or what they wait for is nowhere to be had: its author was restored and
/// forgot it, or a copy of its author's home wrote it, and showed it only to devices that are no more or forgot it.
/// Such entries are not passed on, and no entry that counts can need one.
void World::check_nobody_stuck(std::vector<Device*> const& active) {
  auto const belongs = [&](DeviceId const& author) {
    return std::ranges::any_of(active, [&](Device* other) { return other->identity.device() == author; });
  };
  auto const author_active = [&](DeviceId const& author) {
    return std::ranges::any_of(active, [&](Device* other) {
      return other->identity.device() == author && !other->restored && !other->copied;
    });
  };
  auto const counts = [&](EntryHash const& hash) {
    return std::ranges::any_of(active, [&](Device* other) {
      auto& state = other->program->replica.state();
      auto const record = must(state.record(hash));
      return record && state.counting().heads.contains(record->place());
    });
  };
  for (auto* device : active) {
    auto& program = *device->program;
    check(*device, program.store.scan(store::Table::unopened, {}, {}, [&](ByteView key, ByteView row) {
      auto const epoch = *EpochId::from(key.first(EpochId::kBytes));
      auto const sealed = row.subspan(DeviceId::kBytes);  // behind whom it came from
      for (auto* other : active) {
        auto const& state = other->program->replica.state();
        auto const* secret = state.secret(epoch);
        if (secret == nullptr) continue;
        auto const opened =
            core::open(must(wire::decode_sealed(sealed)), state.group(), *secret, core::Check::everything);
        if (!opened) continue;  // a forger's
        auto const& entry = *opened;
        if (author_active(entry.body.author) || counts(entry.hash)) {
          fail(fmt::format("{} holds {}:{}, which {} could open", device->index, short_hex(entry.body.author.view()),
                           entry.body.seq.value, other->index));
        }
      }
      return store::Store::Next::go_on;
    }));
    check(*device, program.store.scan(store::Table::pending, {}, {}, [&](ByteView, ByteView value) {
      auto const waiting = must(core::decode_record<core::PendingRecord>(value));
      bool const matters = belongs(waiting.self.log.device) || counts(waiting.self.hash);
      for (auto const& need : waiting.needs) {
        if (must(program.replica.holds(need.hash))) continue;
        bool const others_have = counts(need.hash);
        if (!others_have && !(matters && author_active(need.log.device))) continue;
        fail(fmt::format("{} waits for {}:{} with {}:{}, which {}", device->index, short_hex(need.log.device.view()),
                         need.seq.value, short_hex(waiting.self.log.device.view()), waiting.self.seq.value,
                         others_have ? "others have" : "nobody has"));
      }
      return store::Store::Next::go_on;
    }));
    auto const epoch = program.replica.sealing_epoch();
    auto const roster = program.replica.state().roster().active_by_rank();
    if (!epoch || !program.replica.state().book().recipients_are(*epoch, roster)) {
      fail(fmt::format("the epoch of {} is not that of exactly the active devices", device->index));
    }
  }
}

void World::check_messages(std::vector<Device*> const& active) {
  for (auto const& [text, written] : written_) {
    auto const& author = *devices_[written.device];
    if (std::ranges::find(active, &author) == active.end()) continue;
    // By name, because clang 14 captures no structured binding.
    bool const held = std::ranges::any_of(
        active, [&entry = written.id.entry](Device* device) { return must(device->program->replica.has(entry)); });
    if (!held && author.restored) continue;  // only devices outside the group had it
    for (auto* device : active) {
      if (!must(device->program->messages.number_of(written.id))) {
        fail(fmt::format("'{}' of {} is lost on {}", text, written.device, device->index));
      }
    }
  }
}

/// What a removed device wrote when everybody knew does not count. Not where one of those was itself removed since: its
/// own removals may count no more. And not where a database was restored: it may have gone back behind the removal. Nor
/// where somebody came with the words, who had not heard of the removal, and vouched for what was written.
void World::check_removed(std::vector<Device*> const& active) {
  if (recovered_) return;
  if (std::ranges::any_of(devices_, [](auto const& device) { return device->restored; })) return;
  for (auto const& [text, written] : void_) {
    bool const all_stayed = std::ranges::all_of(written.knew, [&](std::size_t index) {
      return std::ranges::find(active, index, [](Device* device) { return device->index; }) != active.end();
    });
    if (!all_stayed) continue;
    for (auto* device : active) {
      if (must(device->program->messages.number_of(written.id)))
        fail(fmt::format("'{}' counts on {}, and its author had been removed as all knew", text, device->index));
    }
  }
}

/// For the log: what was ever written at a path and at its conflict copies, in the order in which a device learned of
/// it.
void World::describe_path(Device& device, std::string const& path) {
  auto& replica = device.program->replica;
  auto const ids = [](std::vector<VersionId> const& versions) {
    std::string text;
    for (auto const& version : versions) text += " " + short_hex(version.view());
    return text;
  };
  check(device, replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
    auto const opened = must(replica.state().open_stored(hash));
    for (std::uint32_t i = 0; i < opened.ops.size(); ++i) {
      auto const version = files::version_id(hash, i);
      auto const say = [&](auto const& op, char const* what, std::string const& content) {
        if (op.path != path && !is_copy_of(op.path, path)) return;
        note(fmt::format("  {}:{} {} {} {} is {}, replaces{}", short_hex(opened.body.author.view()),
                         opened.body.seq.value, what, op.path, content, short_hex(version.view()), ids(op.parents)));
      };
      if (auto const* set = std::get_if<wire::FileSet>(&opened.ops[i])) {
        say(*set, "sets", set->content.refs.empty() ? "" : "to " + short_hex(set->content.refs[0].id.view()));
      } else if (auto const* gone = std::get_if<wire::FileRemove>(&opened.ops[i])) {
        say(*gone, "removes", "");
      }
    }
  }));
}

/// Versions that a device replaced or removed, and everybody with it, before it came out that the device itself had
/// been removed: they are in force again, and their contents are in the trash.
std::set<VersionId> World::replaced_by_removed_devices(std::vector<Device*> const& active) {
  std::set<VersionId> replaced;
  for (auto* device : active) {
    auto& replica = device->program->replica;
    check(*device, replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
      auto const opened = must(replica.state().open_stored(hash));
      auto const* author = replica.state().roster().find(opened.body.author);
      if (author == nullptr || author->removes.empty()) return;
      for (auto const& op : opened.ops) {
        if (auto const* set = std::get_if<wire::FileSet>(&op))
          replaced.insert(set->parents.begin(), set->parents.end());
        if (auto const* gone = std::get_if<wire::FileRemove>(&op)) {
          replaced.insert(gone->parents.begin(), gone->parents.end());
        }
      }
    }));
  }
  return replaced;
}

/// Paths of a device whose content is not all here. What nobody holds because its author is no more, or was restored,
/// stays so, with the paths whose conflict copies it would be; everything else must have come by now.
std::set<std::string> World::pending_paths(Device& device, std::vector<Device*> const& active) {
  auto& program = *device.program;
  auto const paths = must(files::open_work(program.store, program.folder->id()));
  if (must(files::work_left(program.store, program.folder->id().view())) == files::WorkLeft::held) {
    fail(fmt::format("{} holds paths back, with nothing in their way", device.index));
  }
  auto const taken_away = replaced_by_removed_devices(active);
  std::set<std::string> excused;
  for (auto const& path : paths) {
    for (auto const& version : must(program.folders.versions(program.folder->id(), path))) {
      bool const held = std::ranges::any_of(active, [&](Device* other) {
        return std::ranges::all_of(version.content.refs, [&](auto const& ref) {
          return must(other->program->chunks->find(ref.id)).has_value();
        });
      });
      bool const accountable = !taken_away.contains(version.id) && std::ranges::any_of(active, [&](Device* other) {
        return other->identity.device() == version.author && !other->restored;
      });
      note(fmt::format("{} waits at {} for {} of {} ({}{} bytes){}", device.index, path.text(),
                       short_hex(version.id.view()), short_hex(version.author.view()),
                       version.removed ? "removal, " : "", version.size, held ? "" : ", which nobody holds"));
      if (held) continue;
      if (accountable && !outcome_.failure) describe_path(device, path.text());
      if (accountable)
        fail(fmt::format("nobody holds what {} wrote at {}", short_hex(version.author.view()), path.text()));
      excused.insert(path.text());
    }
  }
  std::set<std::string> waiting;
  for (auto const& path : paths) {
    bool const for_copy =
        std::ranges::any_of(excused, [&](std::string const& main) { return is_copy_of(path.text(), main); });
    bool const for_what_is_in_it =
        std::ranges::any_of(excused, [&](std::string const& inner) { return inner.starts_with(path.text() + "/"); });
    bool const for_days = !direct_ && device.went_ahead;  // until others leave it at a relay once more
    if (for_days) count("contents forgotten by a clock that jumped");
    if (!for_copy && !for_what_is_in_it && !for_days && !excused.contains(path.text())) {
      fail(fmt::format("{} still waits for {}, which others have", device.index, path.text()));
    }
    waiting.insert(path.text());
  }
  return waiting;
}

void World::check_files(std::vector<Device*> const& active) {
  auto const& reference = active[0]->disk;
  std::set<std::string> waiting;
  for (auto* device : active) waiting.merge(pending_paths(*device, active));
  // A file that is where one of these needs a directory moves aside when that comes.
  for (auto const& path : std::set(waiting)) {
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/', slash - 1))
      waiting.insert(path.substr(0, slash));
  }
  auto const unsettled = [&](std::string const& path) {  // a path that waits, and its conflict copies
    return std::ranges::any_of(waiting,
                               [&](std::string const& each) { return path == each || is_copy_of(path, each); });
  };
  auto const settled = [&](files::MemoryDisk const& disk) {
    auto paths = disk.files();
    std::erase_if(paths, unsettled);
    return paths;
  };
  for (auto* device : active) {
    if (settled(device->disk) != settled(reference)) {
      fail(fmt::format("files of {} and {} differ: [{}] and [{}]", active[0]->index, device->index,
                       fmt::join(reference.files(), " "), fmt::join(device->disk.files(), " ")));
      return;
    }
    for (auto const& path : settled(reference)) {
      if (device->disk.read_file(path) != reference.read_file(path)) {
        fail(fmt::format("{} differs on {} and {}", path, active[0]->index, device->index));
      }
    }
  }
  // What a user saved, and nobody who saw it decided against, is still there for everybody, but for those who wait for
  // it.
  std::set<std::string> contents;
  for (auto* device : active) {
    for (auto const& path : device->disk.files()) {
      if (device == active[0] || unsettled(path)) contents.insert(std::string(text_of(*device->disk.read_file(path))));
    }
  }
  for (auto const& [text, place] : saved_) {
    auto const& author = *devices_[place.first];
    if (std::ranges::find(active, &author) == active.end()) continue;
    if (contents.contains(text)) continue;
    // Its database is older than its disk: what it had put in place of this, with a copy of this beside it, it takes
    // for an edit of its user's, and the copy goes to the trash.
    if (std::ranges::any_of(active, [](Device* device) { return device->restored; })) {
      count("contents in the trash of who was restored");
    } else {
      fail(fmt::format("what {} saved as {} is lost: '{}'", place.first, place.second, text.substr(0, 24)));
    }
  }
}

/// A removed device, however it collects what others seal, learns nothing sealed by one who knew of its removal.
void World::check_secrecy(std::vector<Device*> const& active) {
  auto& honest = *active[0]->program;
  auto const& roster = honest.replica.state().roster();
  for (auto& device : devices_) {
    auto const* member = roster.find(device->identity.device());
    if (member == nullptr || member->removes.empty() || !device->program) continue;
    auto& thief = device->program->replica;
    std::vector<Bytes> all;
    check(*active[0], honest.replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
      all.push_back(*must(honest.replica.state().sealed(hash)));
    }));
    std::vector<ByteView> const views(all.begin(), all.end());
    must(thief.receive(views, now_at(*device)));
    check(*active[0], honest.replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
      auto const record = must(honest.replica.state().record(hash));
      bool const knew = std::ranges::any_of(member->removes, [&](core::CountedRemove const& remove) {
        return hash != remove.entry && record->past.contains(remove.place);
      });
      // Who comes with the words says so under an epoch that the others have: they are to read it.
      auto const by_words = std::ranges::any_of(devices_, [&](auto const& other) {
        return other->has_words && other->identity.device() == record->log.device && record->seq == Seq{1};
      });
      if (by_words) return;
      bool const intruded = std::ranges::any_of(intrusions_, [&](Intrusion const& each) {
        return std::ranges::find(each.entries, hash) != each.entries.end();
      });
      if (knew && !intruded && record->log.device != device->identity.device() &&
          thief.state().secret(record->epoch) != nullptr) {
        fail(fmt::format("removed {} can open {}:{} by one who knew, of epoch {}", device->index,
                         short_hex(record->log.device.view()), record->seq.value, short_hex(record->epoch.view())));
      }
    }));
  }
}

/// Before a restore: what no other device holds yet goes with the old state, and nobody promised otherwise.
void World::forget_writes_only_here(Device& device) {
  std::erase_if(written_, [&](auto const& each) {
    auto const& written = each.second;
    if (written.device != device.index) return false;
    return std::ranges::none_of(devices_, [&](auto const& other) {
      return other->index != device.index && other->program && must(other->program->replica.has(written.id.entry));
    });
  });
}

}  // namespace kith::sim
