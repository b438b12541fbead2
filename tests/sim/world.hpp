#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/escrow.hpp"
#include "sim/forgery.hpp"
#include "sim/network.hpp"
#include "sim/pairing.hpp"
#include "sim/relay_network.hpp"

namespace kith::sim {

/// How rough one world is: every rate is drawn per world, so that some are calm and some are horrible.
struct Weather {
  double breaks = 0;      ///< part of all links that break before their time
  double slow = 0;        ///< part of all links with long delays
  double partitions = 0;  ///< per step
  double crashes = 0;
  double clock_jumps = 0;
  double restores = 0;
  double clones = 0;
  double roster = 0;  ///< adds, removes, rotations
  double gossip = 0;  ///< entries carried by other ways: out of order, doubled, with gaps
  double files = 0;
  // Of relays, per step and relay.
  double relay_stops = 0;     ///< a crash, or an operator's restart; up again after a while
  double relay_restores = 0;  ///< its disk goes back to an older state
  double relay_wipes = 0;
  double relay_losses = 0;  ///< for good
  double relay_full = 0;
  double relay_habits = 0;  ///< how far those that do not keep to the rules do not
  double away = 0;          ///< per step and device: it loses its network, or has it again
};

struct Outcome {
  std::optional<std::string> failure;
  std::string oracle;       ///< which oracle found it
  std::uint64_t trace = 0;  ///< hash of everything that happened: same seed, same trace
  std::uint64_t events = 0;
  std::int64_t most_memory = 0;                 ///< bytes, of all that the world had in it at a time
  std::map<std::string, std::uint64_t> counts;  ///< what the world had in it
};

/// N devices and a network in one thread, with a virtual clock: everything follows from the seed.
class World {
 public:
  /// @param log  where each event is written, or null
  World(std::uint64_t seed, std::ostream* log);
  ~World();
  [[nodiscard]] Outcome run();

 private:
  // Time and events (world.cpp).
  [[nodiscard]] Now now_at(Device const& device) const;
  void advance_to(Instant when);
  [[nodiscard]] std::optional<Instant> next_event() const;
  void handle_due();
  void serve(Device& device);
  void note(std::string const& what);
  void count(std::string const& what) { ++outcome_.counts[what]; }
  [[nodiscard]] bool chance(double probability);
  void fail(std::string what);
  void check(Device& device, Result<> result);

  // Network (world_network.cpp).
  void pump_links(Device& device);
  void dial(Device& device);
  void deliver(Pipe& pipe, std::size_t end);
  void break_pipe(std::size_t index);
  void end_pipe_side(Pipe& pipe, std::size_t end);
  [[nodiscard]] bool reachable(std::size_t a, std::size_t b) const;

  // Connections to relays, and the relays' own work (world_relays.cpp).
  [[nodiscard]] Now relay_now() const;
  [[nodiscard]] SimRelay* relay_of(wire::RelayKey const& key);
  void dial_relay(Device& device, std::shared_ptr<RelayLink> const& link);
  [[nodiscard]] bool lives(RelayPipe const& pipe) const;
  [[nodiscard]] bool lives_at_relay(RelayPipe const& pipe) const;
  [[nodiscard]] bool takes(RelayPipe const& pipe) const;
  [[nodiscard]] std::optional<Instant> next_of(RelayPipe const& pipe) const;
  void pump_mailboxes(Device& device);
  void close_at_device(RelayPipe& pipe);
  void close_at_relay(RelayPipe& pipe);
  void break_relay_pipe(RelayPipe& pipe);
  void handle_relay_pipes();
  void deliver_to_relay(RelayPipe& pipe);
  void work_between(RelayPipe& pipe);
  [[nodiscard]] bool deliver_to_device(RelayPipe& pipe);
  void serve_relay(SimRelay& relay);
  void handle_relay(SimRelay& relay);
  void enlist(Device& device, SimRelay& relay);

  // What a device's program does with its mailboxes (mailboxes.cpp).
  void look_at_relays(Device& device);
  void relays_look(Device& device);
  void compare_relays(Device& device, sync::DigestArrived const& digest);
  void uploads_soon(Device& device);
  void changed(Device& device);
  void relays_timer(Device& device);
  void serve_away(Device& device);
  [[nodiscard]] bool pass_over(Device& device, std::vector<ChunkId> const& wanted);
  [[nodiscard]] bool settle_relays(Device& device);
  void tell(Device& device, RelayLink& link, sync::MailboxEvent const& event);
  [[nodiscard]] std::optional<Instant> relays_deadline(Device const& device) const;

  // What happens to relays, and to devices' ways to them (relay_weather.cpp).
  void draw_relays();
  void relays_step();
  void stop_relay(SimRelay& relay);
  void restart_in(SimRelay& relay, std::chrono::milliseconds time);
  void lose_relay(SimRelay& relay);
  [[nodiscard]] bool everybody_uses_another(SimRelay const& relay);
  [[nodiscard]] bool can_be_followed_from(Device const& device, core::Roster::Relay const& left);
  void go_online(Device& device);
  void go_offline(Device& device);
  void take_turns(Device& device);
  void use_relay(Device& device);
  void leave_relay(Device& device);
  [[nodiscard]] bool can_say_farewell(Device& device);
  void pause_or_resume(Device& by);
  void calm_relays();
  void resume_all();

  // What happens (workload.cpp).
  void found_group();
  void step();
  void push(Device& device);
  void edit_files(Device& device);
  void save_again_at_once(Device& device, std::string const& path, std::string text);
  void add_device(Device& inviter);
  void remove_device(Device& by);
  void rotate(Device& device);
  void rename_device(Device& device);
  void crash(Device& device);
  void start(Device& device);
  void take_backup(Device& device);
  void restore_backup(Device& device);
  void run_clone(Device& device);
  void gossip(Device& from, Device& to);
  [[nodiscard]] Device* any_member();
  [[nodiscard]] bool running_member(Device const& device) const;

  // How devices are let in (pairing.cpp).
  [[nodiscard]] bool pair(Device& inviter, Device& joiner);
  [[nodiscard]] core::PairingCode new_code(Device& inviter);
  [[nodiscard]] bool join(Device& inviter, Device& joiner, core::PairingCode const& code, PairingCarrier const& carry);
  void let_in(Device& inviter, core::PairCommit const& commit, core::PairInviter& machine);
  void adopt(Device& joiner, Device const& inviter, core::PairWelcomed const& welcomed);
  void play_trick(PairingTrick trick, Device& inviter, Device& joiner, core::PairingCode const& code);
  void answer_falsely(Device& joiner, core::PairingCode const& code);
  void come_uninvited(Device& inviter, core::PairingCode code);
  void repeat_pairing(Device& inviter, std::vector<Bytes> const& said);

  // Who comes with the recovery words (recovery.cpp).
  struct Escrowed {
    SimRelay* relay;
    core::Escrow escrow;
  };
  template <class Machine>
  [[nodiscard]] Result<> talk_to_relay(SimRelay& relay, Machine& machine);
  [[nodiscard]] std::optional<core::Escrow> escrow_at(SimRelay& relay, wire::ChannelId const& channel);
  [[nodiscard]] std::optional<std::vector<Escrowed>> relays_for_words(std::vector<core::Roster::Relay> const& used);
  void recover_with_words(Device& from);
  [[nodiscard]] bool left_under_other_epochs(std::vector<Device*> const& active);

  // Who may not, and does (mischief.cpp).
  void draw_mischief();
  void mischief();
  [[nodiscard]] Device* any_running();
  [[nodiscard]] Device* any_thief();
  [[nodiscard]] Loot loot_for(Device& target, Device& knower);
  void forge_for(Device& target);
  void write_as_removed(Device& thief);
  void leave_false_presence(SimRelay& relay, Device& thief);
  void hand_over(Device& target, std::vector<Bytes> const& entries, std::optional<DeviceId> const& from);
  void judge_presence(Device const& device, RelayLink const& link, sync::RelayPresenceHeard const& heard);

  // What leaves devices (canaries.cpp).
  void draw_ears(std::uint64_t seed);
  void overhear(ByteView bytes);
  void check_canaries(std::vector<Device*> const& active);
  void check_nonces(std::vector<Device*> const& active);

  // What relays' lies have to be followed by (alarms.cpp).
  void note_false_ack(RelayPipe const& pipe);
  void watch_contact(Device& device, DeviceId const& other);
  void look_at_watches();
  void watch_word(Device& device, RelayLink& link, DeviceId const& teller, wire::RelayWitness const& word);
  [[nodiscard]] std::vector<Tip> lacks_at(Device& device, Device& other, SimRelay& relay);
  [[nodiscard]] std::vector<Tip> lacks_of(Device& device, sync::Mailbox& mailbox, wire::RelayWitness const& witness);
  void check_list(Device& device, RelayLink const& link);
  void check_forks(Device& device);
  void check_alarms(std::vector<Device*> const& active);
  void check_forged(std::vector<Device*> const& active);

  // Who belongs to the group (membership.cpp).
  [[nodiscard]] std::vector<std::size_t> all_who_know_to_be_removed(Device const& device) const;
  [[nodiscard]] bool gone_unheard(Device const& device) const;
  [[nodiscard]] std::vector<std::vector<Device*>> companies();
  [[nodiscard]] core::Roster roster_of(std::vector<Device*> const& holders);
  [[nodiscard]] std::vector<Device*> truly_active();

  // Truth (oracles.cpp).
  void calm_down();
  void wait_calmly(std::chrono::milliseconds time);
  [[nodiscard]] std::set<VersionId> replaced_by_removed_devices(std::vector<Device*> const& active);
  void check_everything();
  void describe(Device& device);
  void describe_path(Device& device, std::string const& path);
  [[nodiscard]] std::set<std::string> pending_paths(Device& device, std::vector<Device*> const& active);
  void check_convergence(std::vector<Device*> const& active);
  void check_messages(std::vector<Device*> const& active);
  void check_removed(std::vector<Device*> const& active);
  void check_files(std::vector<Device*> const& active);
  void check_secrecy(std::vector<Device*> const& active);
  void check_nobody_stuck(std::vector<Device*> const& active);
  void forget_writes_only_here(Device& device);

  // Memory (growth.cpp).
  std::size_t break_everything();
  void check_memory(std::vector<Device*> const& active);

  // Truth of relays (relay_oracles.cpp).
  void judge_trouble(Device& device, RelayLink const& link, sync::RelayTroubled const& troubled);
  void check_relays(std::vector<Device*> const& active);
  void check_access(SimRelay& relay, core::Roster::Relay const& used, std::vector<Device*> const& active);
  void check_mailbox(SimRelay& relay, core::Roster::Relay const& used, std::vector<Device*> const& active);
  void check_shut_out(SimRelay& relay, core::Roster::Relay const& used);
  [[nodiscard]] bool parted_by_removed(std::vector<Device*> const& active);
  [[nodiscard]] bool nobody_knows(SimRelay& relay, core::Roster::Relay const& used, std::vector<Device*> const& active);
  [[nodiscard]] bool taken_over(SimRelay& relay, core::Roster::Relay const& used, std::vector<Device*> const& active);

  std::uint64_t seed_;
  SeededRandom random_;
  std::ostream* log_;
  Weather weather_;
  Instant clock_;
  std::int64_t wall_ms_ = 1'800'000'000'000;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::uint64_t> runs_;  ///< per device: how often its program was started
  std::vector<std::unique_ptr<SimRelay>> relays_;
  std::size_t most_devices_ = 2;
  bool direct_ = true;  ///< devices can reach each other
  bool apart_ = false;  ///< they are never online together
  std::map<std::size_t, Pipe> pipes_;
  std::map<std::size_t, RelayPipe> relay_pipes_;
  std::size_t next_pipe_ = 0;
  std::set<std::pair<std::size_t, std::size_t>> partitions_;
  core::RecoveryKeys recovery_;
  Outcome outcome_;
  bool calm_ = false;
  bool recovered_ = false;                        ///< somebody came with the words: once is enough for a world
  std::string_view judging_ = "no device fails";  ///< the oracle that is asked

  /// Messages that a device acknowledged to its user, by text.
  struct Written {
    std::size_t device;
    core::OpId id;
  };
  std::map<std::string, Written> written_;
  /// Messages of devices that had been removed, as all others knew.
  struct Void {
    core::OpId id;
    std::vector<std::size_t> knew;
  };
  std::map<std::string, Void> void_;
  /// What forgers do follows from a seed of its own: it changes nothing of what else is drawn.
  SeededRandom mischief_;
  double forging_ = 0;  ///< per step
  /// Entries that no device made, by the digest of their bytes.
  std::map<ItemDigest, std::string_view> forged_;
  /// Entries of a removed device's own making, and of a device that it would bring in.
  struct Intrusion {
    std::vector<EntryHash> entries;
    std::optional<DeviceId> accomplice;
    std::vector<std::size_t> knew;
  };
  std::vector<Intrusion> intrusions_;
  /// By hearer, its run, mailbox, and author: the number of the last presence.
  std::map<std::tuple<std::size_t, std::uint64_t, wire::ChannelId, DeviceId>, std::uint64_t> heard_counters_;
  /// Device and relay: from some time on it believes that the relay has stored what it has not.
  struct Fooled {
    std::uint64_t run = 0;  ///< of the device's program
    Instant from;
  };
  std::map<std::pair<std::size_t, std::size_t>, Fooled> fooled_;
  /// Device and relay: in which run it said that the relay withholds something, and not since then that all is well.
  std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> alarmed_;
  /// Two devices have met of which a relay has shown one what it kept from the other one.
  struct Watch {
    std::size_t device, other, relay;
    std::vector<std::size_t> pipes;  ///< theirs, to each other and to the relay
    Instant until;
    std::vector<Tip> lacked;
    std::optional<wire::RelayWitness> word;  ///< they have not met: it was left at another relay
  };
  std::vector<Watch> watches_;
  /// What has left devices, where it is listened to, and was not looked through yet.
  std::optional<Bytes> heard_;
  /// What others do to pairings follows from a seed of its own.
  SeededRandom pairing_;
  /// By inviter.
  struct Invited {
    testing::TestInvites book;
    std::vector<core::PairingCode> used;     ///< codes by which somebody was let in
    std::vector<std::vector<Bytes>> joined;  ///< what those had said
  };
  std::map<std::size_t, Invited> invited_;
  std::vector<Bytes> passwords_;
  std::uint64_t next_text_ = 0;
  /// File contents that a user saved and nobody has knowingly replaced or deleted: content -> where it was saved.
  std::map<std::string, std::pair<std::size_t, std::string>> saved_;
};

}  // namespace kith::sim
