#include "sim/pairing.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "sim/world.hpp"

/// How devices are let in: by the machines that ship, over whoever carries their words.
namespace kith::sim {
namespace {

constexpr int kMostTricks = 4;  ///< against one pairing
constexpr std::uint64_t kMostTurns = 6;

/// The inviter's end of a connection.
struct Door {
  core::Identity const& identity;
  core::InviteBook& book;
  RandomSource& random;
  std::optional<core::PairInviter> machine = {};

  void on_bytes(ByteView bytes, std::string const& name, Now now) {
    if (!machine) {
      auto const opening = wire::decode_opening(bytes.first(std::min(bytes.size(), wire::Opening::kBytes)));
      if (!opening || opening->purpose != wire::Purpose::pairing) return;
      machine.emplace(identity, name, book, *opening, random, now);
      bytes = bytes.subspan(wire::Opening::kBytes);
    }
    machine->on_bytes(bytes, now);
  }
};

template <class Machine>
Bytes said_by(Machine& machine) {
  Bytes out;
  while (machine.poll_transmit(out)) continue;
  return out;
}

/// Until both are silent, or the connection ends.
void talk(Door& door, core::PairJoiner& joiner, Now now, PairingCarrier const& carry,
          std::function<void(core::InviterEvent const&)> const& at_inviter,
          std::function<void(core::JoinerEvent const&)> const& at_joiner) {
  auto const tell = [&] {
    bool told = false;
    for (; auto const event = door.machine ? door.machine->poll_event() : std::nullopt; told = true) at_inviter(*event);
    for (; auto const event = joiner.poll_event(); told = true) at_joiner(*event);
    return told;
  };
  for (bool spoke = true, open = true; std::exchange(spoke, false) && open;) {
    auto bytes = said_by(joiner);
    if (!bytes.empty()) {
      spoke = true;
      open = carry(bytes, true);
      if (open) door.on_bytes(bytes, "inviter", now);
    }
    bytes = open && door.machine ? said_by(*door.machine) : Bytes{};
    if (!bytes.empty()) {
      spoke = true;
      open = carry(bytes, false);
      if (open) joiner.on_bytes(bytes, now);
    }
    spoke |= tell();
  }
  if (door.machine) door.machine->on_closed(now);
  joiner.on_closed(now);
  tell();
}

core::PairingCode guess(core::PairingCode const& code, RandomSource& random) {
  auto guessed = core::PairingCode::generate(random);
  guessed.lookup = code.lookup;
  return guessed;
}

}  // namespace

core::PairingCode World::new_code(Device& inviter) {
  auto code = core::PairingCode::generate(pairing_);
  invited_[inviter.index].book.add(code);
  passwords_.emplace_back(code.password.view().begin(), code.password.view().end());
  return code;
}

/// Whoever is between the two tries a few things first. None of them lets anybody in who was not meant, or the joiner
/// into anything else, and none keeps the two apart for good.
bool World::pair(Device& inviter, Device& joiner) {
  auto const before = std::exchange(judging_, "pairing");
  auto code = new_code(inviter);
  auto const& book = invited_[inviter.index].book;
  auto const kinds = static_cast<std::uint64_t>(PairingTrick::kinds);
  joiner.offered = inviter.program->replica.state().roster().relays();
  for (int i = 0; i < kMostTricks && !joiner.member && !outcome_.failure; ++i) {
    auto const drawn = pairing_.below(2 * kinds);
    if (drawn >= kinds) break;
    play_trick(PairingTrick{drawn}, inviter, joiner, code);
    if (book.invites.at(code.lookup).tries >= core::InviteBook::kMaxTries) code = new_code(inviter);
  }
  if (!joiner.member && !outcome_.failure) {
    bool const joined = join(inviter, joiner, code, [](Bytes const&, bool) { return true; });
    if (!joined && !outcome_.failure) fail(fmt::format("{} could not let {} in", inviter.index, joiner.index));
  }
  if (outcome_.failure) return false;
  judging_ = before;
  return true;
}

/// One conversation between those who are meant. @return whether the joiner has all that it needs
bool World::join(Device& inviter, Device& joiner, core::PairingCode const& code, PairingCarrier const& carry) {
  auto& invited = invited_[inviter.index];
  auto const now = now_at(inviter);
  Door door{inviter.identity, invited.book, pairing_};
  core::PairJoiner machine(joiner.identity, fmt::format("device{}", joiner.index), code.clone(), pairing_, now);
  std::vector<Bytes> said;
  auto const heard = [&](Bytes& bytes, bool by_joiner) {
    if (by_joiner) said.push_back(bytes);
    overhear(bytes);
    return carry(bytes, by_joiner);
  };
  auto const at_inviter = [&](core::InviterEvent const& event) {
    if (auto const* requested = std::get_if<core::PairRequested>(&event)) {
      if (requested->cert != joiner.identity.cert) fail("somebody else asks to be let in by the joiner's code");
      wire::PairOfferBox offer{inviter.program->replica.state().group(), "home", {}};
      for (auto const& relay : joiner.offered) offer.relays.push_back({relay.url, relay.relay, relay.channel});
      door.machine->approve(offer, now);
    } else if (auto const* commit = std::get_if<core::PairCommit>(&event)) {
      let_in(inviter, *commit, *door.machine);
    } else if (std::holds_alternative<core::PairDone>(event)) {
      invited.used.push_back(code.clone());
      invited.joined.push_back(said);
    }
  };
  auto const at_joiner = [&](core::JoinerEvent const& event) {
    auto const* welcomed = std::get_if<core::PairWelcomed>(&event);
    if (welcomed == nullptr) return;
    adopt(joiner, inviter, *welcomed);
    machine.stored();
  };
  talk(door, machine, now, heard, at_inviter, at_joiner);
  return joiner.member;
}

void World::let_in(Device& inviter, core::PairCommit const& commit, core::PairInviter& machine) {
  auto& replica = inviter.program->replica;
  auto& invite = invited_[inviter.index].book.invites.at(commit.lookup);
  invite.state = core::InviteState::used;
  invite.used_by = commit.cert.device;
  wire::PairWelcomeBox welcome;
  auto const* known = replica.state().roster().find(commit.cert.device);
  if (known != nullptr && !known->add_entries.empty()) {  // an earlier conversation broke off
    welcome.device_add = known->add_entries.front();
  } else {
    auto const epoch = replica.usable_epoch(now_at(inviter));
    if (!epoch) return check(inviter, kith::fail(epoch.error()));
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::DeviceAdd{commit.cert, commit.name, *epoch, std::nullopt});
    auto const& offered = devices_.back()->offered;
    for (std::size_t i = 0; i < offered.size(); ++i)
      ops.emplace_back(wire::DeviceRelay{commit.cert.device, offered[i].relay, commit.pseudonyms[i]});
    auto const added = replica.write(std::move(ops), now_at(inviter));
    if (!added) return check(inviter, kith::fail(added.error()));
    welcome.device_add = added->front().entry;
  }
  welcome.genesis = must(wire::decode<wire::Genesis>(wire::encode(replica.state().genesis())));
  welcome.secrets = replica.secrets_for_newcomer();
  machine.welcome(welcome, now_at(inviter));
}

void World::adopt(Device& joiner, Device const& inviter, core::PairWelcomed const& welcomed) {
  auto const& state = inviter.program->replica.state();
  bool const meant = welcomed.inviter.cert == inviter.identity.cert && welcomed.offer.group == state.group() &&
                     wire::encode(welcomed.welcome.genesis) == wire::encode(state.genesis());
  if (!meant) fail(fmt::format("{} is in something that {} did not let it in to", joiner.index, inviter.index));
  Program fresh(joiner.database, joiner.disk, joiner.identity, joiner.random);
  auto const device = welcomed.inviter.cert.device;
  check(joiner, fresh.replica.adopt_group(welcomed.welcome, now_at(joiner)));
  auto transaction = must(store::Transaction::begin(fresh.store));
  check(joiner, fresh.store.put(store::Table::meta, bytes_of(sync::kInviterKey), device.view()));
  sync::PeerRecord record;
  record.addresses = {fmt::format("sim{}:1", inviter.index)};
  check(joiner, fresh.store.put(store::Table::peers, device.view(), core::encode_record(record)));
  check(joiner, transaction.commit());
  joiner.member = true;
}

void World::play_trick(PairingTrick trick, Device& inviter, Device& joiner, core::PairingCode const& code) {
  auto const& invited = invited_[inviter.index];
  bool const none_before = invited.used.empty();
  auto const turn = pairing_.below(2 * kMostTurns);
  std::uint64_t turns = 0;
  switch (trick) {
    case PairingTrick::answers_itself: answer_falsely(joiner, code); break;
    case PairingTrick::comes_uninvited:
      for (auto guesses = 1 + pairing_.below(core::InviteBook::kMaxTries); guesses > 0; --guesses)
        come_uninvited(inviter, guess(code, pairing_));
      break;
    case PairingTrick::alters:
      static_cast<void>(join(inviter, joiner, code, [&](Bytes& bytes, bool) {
        if (turns++ == turn) bytes[pairing_.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << pairing_.below(8));
        return true;
      }));
      break;
    case PairingTrick::breaks_off:
      static_cast<void>(join(inviter, joiner, code, [&](Bytes const&, bool) { return turns++ != turn; }));
      break;
    case PairingTrick::repeats:
      if (none_before) return;
      repeat_pairing(inviter, invited.joined[pairing_.below(invited.joined.size())]);
      break;
    case PairingTrick::comes_late:
      if (none_before) return;
      come_uninvited(inviter, invited.used[pairing_.below(invited.used.size())].clone());
      break;
    case PairingTrick::kinds: return;
  }
  note(fmt::format("somebody disturbs a pairing of {} and {} ({})", inviter.index, joiner.index,
                   static_cast<int>(trick)));
  count("pairings disturbed");
}

/// The joiner meets a stranger in the inviter's place.
void World::answer_falsely(Device& joiner, core::PairingCode const& code) {
  auto const stranger = core::Identity::generate(pairing_, {0});
  testing::TestInvites book;
  book.add(guess(code, pairing_));
  Door door{stranger, book, pairing_};
  auto const now = now_at(joiner);
  core::PairJoiner machine(joiner.identity, fmt::format("device{}", joiner.index), code.clone(), pairing_, now);
  auto const carry = [&](Bytes const& bytes, bool) {
    overhear(bytes);
    return true;
  };
  talk(
      door, machine, now, carry,
      [&](core::InviterEvent const& event) {
        if (!std::holds_alternative<core::PairFailed>(event)) fail("a false inviter has learnt who would join");
      },
      [&](core::JoinerEvent const& event) {
        if (!std::holds_alternative<core::JoinFailed>(event)) fail("a false inviter was believed");
      });
}

/// A stranger knocks, with a code that is wrong or used.
void World::come_uninvited(Device& inviter, core::PairingCode code) {
  auto const stranger = core::Identity::generate(pairing_, {0});
  Door door{inviter.identity, invited_[inviter.index].book, pairing_};
  auto const now = now_at(inviter);
  core::PairJoiner machine(stranger, "a stranger", std::move(code), pairing_, now);
  talk(
      door, machine, now, [](Bytes const&, bool) { return true; },
      [&](core::InviterEvent const& event) {
        if (!std::holds_alternative<core::PairFailed>(event)) fail("somebody asks to be let in who was not invited");
      },
      [&](core::JoinerEvent const& event) {
        if (!std::holds_alternative<core::JoinFailed>(event)) fail("somebody was let in who was not invited");
      });
}

void World::repeat_pairing(Device& inviter, std::vector<Bytes> const& said) {
  Door door{inviter.identity, invited_[inviter.index].book, pairing_};
  auto const now = now_at(inviter);
  for (auto const& bytes : said) {
    door.on_bytes(bytes, "inviter", now);
    if (!door.machine) return;
    static_cast<void>(said_by(*door.machine));
    while (auto const event = door.machine->poll_event()) {
      if (!std::holds_alternative<core::PairFailed>(*event)) fail("words that were said before let somebody in");
    }
  }
}

}  // namespace kith::sim
