#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/network.hpp"

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
};

struct Outcome {
  std::optional<std::string> failure;
  std::uint64_t trace = 0;  ///< hash of everything that happened: same seed, same trace
  std::uint64_t events = 0;
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

  // What happens (workload.cpp).
  void found_group();
  void step();
  void push(Device& device);
  void edit_files(Device& device);
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

  // Who belongs to the group (membership.cpp).
  [[nodiscard]] std::vector<std::vector<Device*>> companies();
  [[nodiscard]] core::Roster roster_of(std::vector<Device*> const& holders);
  [[nodiscard]] std::vector<Device*> truly_active();

  // Truth (oracles.cpp).
  void calm_down();
  [[nodiscard]] std::set<VersionId> replaced_by_removed_devices(std::vector<Device*> const& active);
  void check_everything();
  void describe(Device& device);
  void describe_path(Device& device, std::string const& path);
  [[nodiscard]] std::set<std::string> pending_paths(Device& device, std::vector<Device*> const& active);
  void check_convergence(std::vector<Device*> const& active);
  void check_messages(std::vector<Device*> const& active);
  void check_files(std::vector<Device*> const& active);
  void check_secrecy(std::vector<Device*> const& active);
  void check_nobody_stuck(std::vector<Device*> const& active);
  void forget_writes_only_here(Device& device);

  SeededRandom random_;
  std::ostream* log_;
  Weather weather_;
  Instant clock_;
  std::int64_t wall_ms_ = 1'800'000'000'000;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::uint64_t> runs_;  ///< per device: how often its program was started
  std::map<std::size_t, Pipe> pipes_;
  std::size_t next_pipe_ = 0;
  std::set<std::pair<std::size_t, std::size_t>> partitions_;
  core::RecoveryKeys recovery_;
  Outcome outcome_;
  bool calm_ = false;

  /// Messages that a device acknowledged to its user, by text.
  struct Written {
    std::size_t device;
    core::OpId id;
  };
  std::map<std::string, Written> written_;
  std::uint64_t next_text_ = 0;
  /// File contents that a user saved and nobody has knowingly replaced or deleted: content -> where it was saved.
  std::map<std::string, std::pair<std::size_t, std::string>> saved_;
};

}  // namespace kith::sim
