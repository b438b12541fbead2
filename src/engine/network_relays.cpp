#include "engine/folder_service.hpp"
#include "engine/log.hpp"
#include "engine/network_machines.hpp"
#include "engine/offered_relays.hpp"
#include "engine/relay_status.hpp"
#include "link/ws/websocket.hpp"
#include "sync/away/away.hpp"
#include "sync/relays/attending.hpp"

/// The relays of a Network: one mailbox for each that the group uses, and the connections to them.
namespace kith::engine {
namespace {

constexpr auto kRelayDialTime = std::chrono::seconds{15};
/// A relay that is used no more is told so for so long: devices that meet nowhere else hear of it there.
constexpr auto kPartingTime = std::chrono::seconds{10};

}  // namespace

/// One relay that the group uses, and what the others see of it.
struct Network::RelayLink {
  RelayLink(Instance& instance, core::Roster::Relay const& relay)
      : mailbox(instance.replica, instance.store(), relay, instance.random) {}

  /// Whether something is on its way there.
  [[nodiscard]] bool busy() const { return mailbox.live() && (mailbox.pushing() || mailbox.uploading()); }

  sync::Mailbox mailbox;
  /// Whether what this device wrote, that the relay is used no more above all, is to be told there before it is left.
  [[nodiscard]] bool parts(Instant now) {
    if (mailbox.holds_own() || mailbox.trouble() != sync::RelayTrouble::none) return false;
    if (!parting_until) parting_until = now + kPartingTime;
    return now < *parting_until;
  }

  /// Writes down what is wrong, for when nobody is on the network. @return whether that is new
  Result<bool> note_trouble(Store& store, wire::RelayKey const& key) {
    // Being there shows that it can be reached; that it has room shows when all that is to be left there is.
    bool const open = noted && is_want_of_room(noted->code) && row.leaving;
    auto now = noted_trouble(noted, relay_code(row), row.caught_up && !open && !busy(), current_time().wall.ms);
    if (now == noted) return false;
    KITH_CHECK(now ? put_control(store, *now, key.view()) : erase_control<RelayTroubleRow>(store, key.view()));
    noted = std::move(now);
    return true;
  }

  std::optional<Instant> parting_until;  ///< it is left
  std::weak_ptr<RelayMachine> machine;
  RelayRow row;
  RelayRow shown;
  std::optional<RelayTroubleRow> noted;  ///< as it stands in the database
};

/// What runs over the connection to a relay.
class Network::RelayMachine final : public link::StreamMachine {
 public:
  RelayMachine(Network& network, std::shared_ptr<RelayLink> relay) : network_(network), relay_(std::move(relay)) {}
  void on_bytes(ByteView bytes) override {
    network_.check(relay_->mailbox.on_bytes(bytes, current_time()));
    network_.settle();
  }
  void on_closed() override {
    network_.check(relay_->mailbox.on_closed(current_time()));
    network_.settle();
  }
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return relay_->mailbox.poll_transmit(out); }
  [[nodiscard]] bool done() const override {
    return relay_->mailbox.link_done() || (network_.stopping_ && !relay_->busy()) || !network_.uses(relay_);
  }

 private:
  Network& network_;
  std::shared_ptr<RelayLink> relay_;
};

/// One mailbox for each relay of the roster; those that it names no more are left, once nobody is to be heard there any
/// more and they have what this device wrote, or after a while. A device that has just been let in has no roster yet,
/// and goes by what its inviter said; one that is no member any more stays until it has told what it wrote last.
Result<> Network::look_at_relays() {
  auto& store = instance_->store();
  auto const& roster = instance_->replica.state().roster();
  auto const removed = roster.removed(instance_->replica.self());
  auto wanted = roster.relays();
  if (roster.find(instance_->replica.self()) == nullptr) {
    KITH_TRY(offered, offered_relays(store));
    wanted = std::move(offered);
  }
  KITH_TRY(former, sync::attended_relays(roster, instance_->replica.self(), store));
  std::set<wire::RelayKey> attended;
  for (auto& relay : former) {
    attended.insert(relay.relay);
    wanted.push_back(std::move(relay));
  }
  for (auto one = relays_.begin(); one != relays_.end();) {
    auto const& known = one->second->mailbox.relay();
    bool const stays = std::ranges::any_of(wanted, [&](core::Roster::Relay const& relay) {
      return relay.relay == known.relay && relay.channel == known.channel && relay.url == known.url;
    });
    // Under another address it is the same mailbox: what waits goes there.
    bool const moved = !stays && std::ranges::any_of(wanted, [&](core::Roster::Relay const& relay) {
      return relay.relay == known.relay && relay.channel == known.channel;
    });
    if (stays) one->second->parting_until.reset();
    bool const owes = removed ? stays && one->second->mailbox.owes_words() : !moved && one->second->parts(Clock::now());
    if (owes || (stays && !removed)) {
      ++one;
      continue;
    }
    if (removed) said_all_.insert(known.relay);
    KITH_CHECK(one->second->mailbox.flush());
    KITH_CHECK(one->second->mailbox.on_closed(current_time()));
    KITH_CHECK(erase_control<RelayRow>(store, known.relay.view()));
    KITH_CHECK(erase_control<RelayTroubleRow>(store, known.relay.view()));
    ring_due_ = true;
    auto const machine = one->second->machine.lock();
    one = relays_.erase(one);
    if (machine) machine->wake();  // it is done
  }
  for (auto const& relay : wanted) {
    auto known = relays_.find(relay.relay);
    if (known == relays_.end()) {
      if (removed && said_all_.contains(relay.relay)) continue;
      auto made = std::make_shared<RelayLink>(*instance_, relay);
      made->mailbox.set_chunk_reader([this](ChunkId const& id) { return source_->chunk(id); });
      made->mailbox.set_chunk_holder([this](ChunkId const& id) { return instance_->chunks->holds(id); });
      KITH_CHECK(made->mailbox.start(current_time()));
      made->row.since_ms = current_time().wall.ms;
      KITH_TRY(noted, get_control<RelayTroubleRow>(store, relay.relay.view()));
      made->noted = std::move(noted);
      known = relays_.emplace(relay.relay, std::move(made)).first;
    }
    known->second->mailbox.set_attended(attended.contains(relay.relay), current_time());
  }
  return {};
}

void Network::dial_relay(std::shared_ptr<RelayLink> const& relay) {
  auto& mailbox = relay->mailbox;
  auto const address = link::parse_relay_address(mailbox.relay().url);
  if (!address) return mailbox.dial_failed(address.error(), current_time());
  mailbox.dialling(current_time());
  link::dial_websocket(
      loop_, *address, kRelayDialTime,
      [this, relay](std::string const&) -> std::shared_ptr<link::StreamMachine> {
        if (!exchange_ || stopping_ || !uses(relay)) return nullptr;
        relay->mailbox.on_connected(current_time());
        auto machine = std::make_shared<RelayMachine>(*this, relay);
        relay->machine = machine;
        return machine;
      },
      [this, relay](Error const& error) {
        if (!exchange_ || stopping_ || !uses(relay)) return;
        relay->mailbox.dial_failed(error, current_time());
        settle();
      });
}

bool Network::uses(std::shared_ptr<RelayLink> const& relay) const {
  auto const found = relays_.find(relay->mailbox.relay().relay);
  return found != relays_.end() && found->second == relay;
}

/// Something has changed in the database, by a relay, a device, or this home's own writing.
Result<> Network::relays_look() {
  KITH_CHECK(look_at_relays());
  for (auto const& [key, relay] : relays_) KITH_CHECK(relay->mailbox.on_local_change(current_time()));
  uploads_soon();
  return {};
}

void Network::uploads_soon() {
  if (!uploads_due_ && !relays_.empty()) uploads_due_ = Clock::now() + uploads_wait_;
}

std::vector<sync::Mailbox*> Network::mailboxes() const {
  std::vector<sync::Mailbox*> all;
  for (auto const& [key, relay] : relays_) all.push_back(&relay->mailbox);
  return all;
}

/// Leaves at the relays what devices that are away lack of contents.
Result<> Network::serve_away() {
  uploads_due_.reset();
  sync::ContentSources const sources{instance_->replica, instance_->messages, instance_->folders, *instance_->chunks};
  auto const began = Clock::now();
  KITH_TRY(served, sync::serve_away(mailboxes(), sources, *exchange_, current_time()));
  // Of very many contents a look takes a while: most of the time is for other things.
  if (served.looked) {
    uploads_wait_ = std::max<std::chrono::milliseconds>(
        kUploadsEvery, std::chrono::duration_cast<std::chrono::milliseconds>(4 * (Clock::now() - began)));
  }
  if (served.again) uploads_soon();
  return {};
}

void Network::tell_relays_soon() {
  if (!relays_told_due_ && !relays_.empty()) relays_told_due_ = Clock::now() + kTellRelaysEvery;
}

/// What this device holds, for the others, and which chunks it wants that no device gives.
Result<> Network::tell_relays() {
  relays_told_due_.reset();
  KITH_TRY(presence, exchange_->presence());
  auto const wanted = exchange_->unasked();
  for (auto const& [key, relay] : relays_) {
    if (!relay->mailbox.live()) continue;
    KITH_TRY(shown, sync::shown_elsewhere(mailboxes(), relay->mailbox));
    KITH_CHECK(relay->mailbox.set_presence(presence, std::move(shown), current_time()));
    KITH_CHECK(relay->mailbox.want(wanted, current_time()));
  }
  return pass_over(wanted);
}

/// What is asked for and lies nowhere gives way to what lies at a relay.
Result<> Network::pass_over(std::vector<ChunkId> const& wanted) {
  KITH_TRY(gives_way, stalled_wants_.give_way(mailboxes(), wanted, *exchange_, current_time()));
  if (auto const due = stalled_wants_.next_deadline()) relays_told_due_ = due;
  if (!gives_way || !folders_) return {};
  for (auto const& chunk : wanted) folders_->deliver_missing(chunk);
  return {};
}

Result<sync::Exchange::Shown> Network::witnesses() {
  sync::Exchange::Shown shown;
  for (auto const& [key, relay] : relays_) {
    if (shown.relays.size() >= wire::RelayWitness::kMost) break;
    KITH_TRY(witness, relay->mailbox.witness());
    if (witness) shown.relays.push_back(std::move(*witness));
    shown.more_soon = shown.more_soon || relay->mailbox.showing();
  }
  return shown;
}

/// What relays have shown a device that answers for it.
Result<> Network::compare_relays(DeviceId const& other, std::vector<wire::RelayWitness> const& theirs) {
  for (auto const& witness : theirs) {
    auto const relay = relays_.find(witness.relay);
    if (relay != relays_.end()) KITH_CHECK(relay->second->mailbox.compare(other, witness, current_time()));
  }
  return theirs.empty() ? Result<>{} : settle_relays();  // shown before the answer is
}

Result<> Network::relays_timer() {
  if (relays_told_due_ && *relays_told_due_ <= Clock::now()) KITH_CHECK(tell_relays());
  if (uploads_due_ && *uploads_due_ <= Clock::now()) KITH_CHECK(serve_away());
  for (auto const& [key, relay] : relays_) KITH_CHECK(relay->mailbox.on_timer(current_time()));
  return {};
}

std::optional<Instant> Network::relays_deadline() const {
  auto next = uploads_due_;
  if (relays_told_due_ && (!next || *relays_told_due_ < *next)) next = relays_told_due_;
  for (auto const& [key, relay] : relays_) {
    for (auto const due : {relay->mailbox.next_deadline(), relay->parting_until}) {
      if (due && (!next || *due < *next)) next = due;
    }
  }
  return next;
}

/// Tells what the mailboxes have told, wakes their connections, and dials.
Result<> Network::settle_relays() {
  bool applied = false;
  bool const leaves =
      instance_->replica.state().roster().removed(instance_->replica.self()) ||
      std::ranges::any_of(relays_, [](auto const& each) { return each.second->parting_until.has_value(); });
  if (leaves) KITH_CHECK(look_at_relays());
  auto const links = relays_;                            // what is told may change which there are
  for (bool told = true; std::exchange(told, false);) {  // what one tells may make another one tell
    for (auto const& [key, relay] : links) {
      while (auto const event = relay->mailbox.poll_event()) {
        KITH_CHECK(tell(*relay, *event));
        tell_relays_soon();
        told = true;
        applied = applied || std::holds_alternative<sync::RelayApplied>(*event);
      }
    }
  }
  if (applied) {
    // The devices that are connected hear of it, and so do the other relays.
    KITH_CHECK(exchange_->on_local_change(current_time()));
    KITH_CHECK(tell(sync::EntriesApplied{1}));
    KITH_CHECK(relays_look());
  }
  for (auto const& [key, relay] : links) {
    if (!uses(relay)) continue;
    if (!stopping_ && relay->mailbox.wants_link(current_time())) dial_relay(relay);
    KITH_CHECK(show(*relay, key));
    KITH_CHECK(exchange_->tell_owed_witnesses());
    if (auto const machine = relay->machine.lock()) machine->wake();
  }
  return {};
}

bool Network::relays_busy() const {
  return std::ranges::any_of(relays_,
                             [](auto const& each) { return each.second->busy() && !each.second->machine.expired(); });
}

void Network::leave_relays() {
  for (auto const& [key, relay] : relays_) {
    // What could not be written down is found out again: it is pulled or pushed once more.
    static_cast<void>(relay->mailbox.flush());
    static_cast<void>(erase_control<RelayRow>(instance_->store(), key.view()));
  }
  relays_.clear();
}

Result<> Network::tell(RelayLink& relay, sync::MailboxEvent const& event) {
  auto& row = relay.row;
  if (std::holds_alternative<sync::RelayUp>(event)) {
    row.connected = true;
    row.failure.clear();
    row.failure_text.clear();
    row.failure_errno = 0;
    row.since_ms = current_time().wall.ms;
    uploads_soon();  // whether there is room for it again shows then
    log::info("relay.up", {});
  } else if (auto const* down = std::get_if<sync::RelayDown>(&event)) {
    // That the connection is closed follows from what went wrong on it, and says less.
    bool const follows =
        !row.connected && !row.failure.empty() && down->reason && down->reason->is(core::CoreError::closed);
    if (follows) return {};
    if (row.connected) row.since_ms = current_time().wall.ms;
    row.connected = false;
    row.failure = down->reason ? down->reason->name() : std::string{};
    row.failure_text = down->reason ? std::string(down->reason->subject()) : std::string{};
    auto const* system = down->reason ? std::get_if<SystemDetail>(&down->reason->detail()) : nullptr;
    row.failure_errno = system == nullptr ? 0 : system->number;
    if (down->reason) log::info("relay.down", {{"reason", *down->reason}});
  } else if (auto const* troubled = std::get_if<sync::RelayTroubled>(&event)) {
    if (troubled->trouble != sync::RelayTrouble::none)
      log::info("relay.trouble", {{"trouble", static_cast<std::uint64_t>(troubled->trouble)}});
    row.trouble = troubled->trouble;
    row.number = troubled->number;
  } else if (auto const* heard = std::get_if<sync::RelayPresenceHeard>(&event)) {
    KITH_CHECK(exchange_->hear_presence(heard->device, heard->presence, current_time()));
    for (auto const& witness : heard->shown) {
      auto const other = relays_.find(witness.relay);
      if (other != relays_.end())
        KITH_CHECK(other->second->mailbox.compare_left(heard->device, witness, current_time()));
    }
    uploads_soon();
  } else if (auto const* chunk = std::get_if<sync::RelayChunk>(&event)) {
    given_by_relays_.insert(chunk->id);
    if (given_by_relays_.size() > kMostGiven) given_by_relays_.clear();  // of contents that nobody wanted any more
    static_cast<void>(exchange_->take_chunk(chunk->id, chunk->bytes));   // it has been checked
  } else if (std::holds_alternative<sync::RelayObjectsMoved>(event)) {
    if (folders_) folders_->contents_moved();
  } else if (std::holds_alternative<sync::RelayMoved>(event)) {
    uploads_soon();
  } else if (std::holds_alternative<sync::RelayCompareAgain>(event)) {
    exchange_->ask_witnesses(current_time());
  }
  return {};
}

/// Shows a relay to the other processes, when something about it is new. What it has come to hold they read in its
/// record, so that is written first.
Result<> Network::show(RelayLink& relay, wire::RelayKey const& key) {
  auto& row = relay.row;
  if (!row.caught_up && relay.mailbox.live()) exchange_->ask_witnesses(current_time());
  row.caught_up = relay.mailbox.live();
  row.comparing = relay.mailbox.comparing();
  row.leaving = row.caught_up && (uploads_due_ || relay.mailbox.uploading());
  // That the connection ends because this process does is no trouble.
  if (!stopping_) {
    KITH_TRY(noted, relay.note_trouble(instance_->store(), key));
    ring_due_ = ring_due_ || noted;
  }
  if (row == relay.shown) return {};
  KITH_CHECK(relay.mailbox.flush());
  relay.shown = row;
  ring_due_ = true;
  return put_control(instance_->store(), row, key.view());
}

}  // namespace kith::engine
