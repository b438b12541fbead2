/// Loads a relay as devices would, through WebSockets and Noise, and prints one JSON object: bench/relay runs it.
///
///     bench_relay_load push ADDRESS DEVICES ITEMS SECONDS    each device of a group of its own, ITEMS of 1 KB in a
///     PUSH bench_relay_load pull ADDRESS ITEMS                    one device pulls so many of 1 KB bench_relay_load
///     fanout ADDRESS ITEMS SECONDS          one device pushes ITEMS of 256 B in a PUSH, three others listen
///     bench_relay_load idle ADDRESS DEVICES PID              how much the relay, process PID, grows by devices that
///     wait bench_relay_load sqlite FOLDER ITEMS SECONDS           nothing but rows of 1 KB, ITEMS in a transaction
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "relay/sqlite/database.hpp"
#include "relay_peer.hpp"
#include "store/sqlite/database_file.hpp"

namespace kith::bench {
namespace {

constexpr std::size_t kItemBytes = 1024;
constexpr std::size_t kSmallItemBytes = 256;
constexpr auto kWarmUp = std::chrono::milliseconds{500};

/// Times of single operations, and how many items they carried.
class Figures {
 public:
  void begin() { begin_ = Clock::now(); }
  void add(Instant from, std::size_t items) {
    auto const now = Clock::now();
    if (now < begin_) return;
    took_ms_.push_back(std::chrono::duration<double, std::milli>(now - from).count());
    items_ += items;
    end_ = now;
  }
  void print(std::string_view what) {
    std::ranges::sort(took_ms_);
    auto const at = [&](double part) {
      return took_ms_.empty() ? 0.0
                              : took_ms_[static_cast<std::size_t>(part * static_cast<double>(took_ms_.size() - 1))];
    };
    auto const seconds = std::max(std::chrono::duration<double>(end_ - begin_).count(), 1e-9);
    fmt::print("{{\"what\": \"{}\", \"items\": {}, \"per_s\": {:.0f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}}}\n", what,
               items_, static_cast<double>(items_) / seconds, at(0.5), at(0.99));
  }
  Instant begin_ = Clock::now(), end_ = begin_;

 private:
  std::vector<double> took_ms_;
  std::size_t items_ = 0;
};

/// Pushes one PUSH after the other, each when the one before is on the relay's disk.
class Pusher {
 public:
  Pusher(std::shared_ptr<Peer> peer, std::size_t items, std::size_t bytes, Figures& figures)
      : peer_(std::move(peer)), items_(items), sealed_(bytes, 7), figures_(figures) {
    peer_->said = [this](wire::RelayMessage const& message) { on(message); };
  }
  void push() {
    from_ = Clock::now();
    auto const stamp = static_cast<std::uint64_t>(from_.time_since_epoch().count());
    store_be(sealed_.data(), stamp);
    wire::Push push{1, {seq_ + 1}, {}};
    push.items.reserve(items_);
    for (std::size_t i = 0; i < items_; ++i) push.items.push_back({0, sealed_});
    peer_->say(std::move(push));
  }
  std::function<void(std::uint64_t items)> pushed = [](std::uint64_t) {};
  bool ending = false;

 private:
  void on(wire::RelayMessage const& message) {
    if (!std::holds_alternative<wire::PushAck>(message)) return;
    seq_ += items_;
    figures_.add(from_, items_);
    pushed(seq_);
    if (!ending) push();
  }

  std::shared_ptr<Peer> peer_;
  std::size_t items_;
  Bytes sealed_;
  Figures& figures_;
  std::uint64_t seq_ = 0;
  Instant from_;
};

void run_for(World& world, std::chrono::milliseconds time) {
  auto const alarm = world.loop.make_alarm([&] { world.loop.stop(); });
  alarm->set(Clock::now() + time);
  world.loop.run();
}

int push(World& world, std::size_t devices, std::size_t items, std::chrono::seconds time) {
  auto const groups = world.make_groups(devices, 1);
  Figures figures;
  std::vector<std::unique_ptr<Pusher>> pushers;
  figures.begin_ = Clock::now() + kWarmUp;
  for (auto const& group : groups) {
    pushers.push_back(std::make_unique<Pusher>(group->peers.front(), items, kItemBytes, figures));
    pushers.back()->push();
  }
  run_for(world, kWarmUp + time);
  figures.print("push");
  return 0;
}

int pull(World& world, std::size_t items) {
  constexpr std::size_t kPerPush = 256;
  auto const groups = world.make_groups(1, 2, 1);
  Figures filling, figures;
  Pusher pusher(groups.front()->peers.front(), kPerPush, kItemBytes, filling);
  pusher.pushed = [&](std::uint64_t count) {
    pusher.ending = count >= items;
    if (pusher.ending) world.loop.stop();
  };
  pusher.push();
  world.loop.run();
  auto const reader = world.join(*groups.front(), 1);
  auto from = Clock::now();
  auto const ask = [&](wire::RelayCursor after) {
    from = Clock::now();
    reader->say(wire::Pull{2, after, 512 * 1024});
  };
  reader->said = [&](wire::RelayMessage const& message) {
    auto const* const pulled = std::get_if<wire::PullResponse>(&message);
    if (pulled == nullptr) return;
    figures.add(from, pulled->items.size());
    pulled->has_more ? ask(pulled->next_after) : world.loop.stop();
  };
  figures.begin();
  ask({});
  world.loop.run();
  figures.print("pull");
  return 0;
}

int fan_out(World& world, std::size_t items, std::chrono::seconds time) {
  constexpr std::size_t kListeners = 3;
  auto const groups = world.make_groups(1, kListeners + 1);
  auto& group = *groups.front();
  Figures pushing, figures;
  figures.begin_ = Clock::now() + kWarmUp;
  std::size_t pulls = 0;
  auto const take = [&](Peer& peer, std::vector<wire::RelayItem> const& got) {
    for (auto const& item : got) {
      figures.add(Instant{Instant::duration{static_cast<std::int64_t>(load_be<std::uint64_t>(item.sealed.data()))}}, 1);
    }
    if (!got.empty()) peer.say(wire::RelayAck{0, got.back().cursor});
  };
  for (std::size_t i = 1; i <= kListeners; ++i) {
    auto* const peer = group.peers[i].get();
    auto const taken = std::make_shared<wire::RelayCursor>();
    auto const pulling = std::make_shared<bool>(false);
    auto const ask = [&pulls, peer, taken, pulling] {
      ++pulls;
      *pulling = true;
      peer->say(wire::Pull{2, *taken, 512 * 1024});
    };
    peer->said = [&take, peer, taken, pulling, ask](wire::RelayMessage const& message) {
      if (auto const* const live = std::get_if<wire::LiveItems>(&message); live != nullptr && !*pulling) {
        take(*peer, live->items);
        *taken = live->items.back().cursor;
      } else if (auto const* const pulled = std::get_if<wire::PullResponse>(&message)) {
        *pulling = false;
        take(*peer, pulled->items);
        *taken = pulled->next_after;
        if (pulled->has_more) ask();
      } else if (auto const* const notice = std::get_if<wire::Notify>(&message)) {
        if (!*pulling && notice->head > *taken) ask();
      }
    };
  }
  Pusher pusher(group.peers.front(), items, kSmallItemBytes, pushing);
  pusher.push();
  run_for(world, kWarmUp + time);
  figures.print("fanout");
  std::fprintf(stderr, "pulls: %zu\n", pulls);
  return 0;
}

/// VmRSS, in KiB.
std::size_t resident_kib(std::string const& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

int idle(World& world, std::size_t devices, std::string const& pid) {
  constexpr std::size_t kPerGroup = 100;
  // What the first ones make the relay load is no device's own.
  auto const first = world.make_groups(1, 1);
  run_for(world, std::chrono::seconds{1});
  auto const before = resident_kib(pid);
  auto const groups = world.make_groups(devices / kPerGroup, kPerGroup);
  run_for(world, std::chrono::seconds{3});
  auto const after = resident_kib(pid);
  auto const count = devices / kPerGroup * kPerGroup;
  fmt::print(
      "{{\"what\": \"idle\", \"devices\": {}, \"before_kib\": {}, \"after_kib\": {}, \"per_device_kib\": {:.2f}}}\n",
      count, before, after, static_cast<double>(after - before) / static_cast<double>(count));
  return 0;
}

int rows(std::filesystem::path const& folder, std::size_t items, std::chrono::seconds time) {
  using relay::sqlite::Connection;
  auto const file = store::sqlite::make_file(folder / "rows.db");
  if (!file) return World::give_up("cannot make a database there");
  auto opened = Connection::open(*file, relay::sqlite::Access::read_write, std::chrono::seconds{1});
  if (!opened) return World::give_up("cannot open a database there");
  relay::sqlite::Database database(std::move(*opened));
  Bytes const sealed(kItemBytes, 7);
  bool good = database.connection()
                  .execute(
                      "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "CREATE TABLE row(k INTEGER PRIMARY KEY, p BLOB NOT NULL) STRICT;")
                  .has_value();
  Figures figures;
  for (auto const end = Clock::now() + time; good && Clock::now() < end;) {
    auto const from = Clock::now();
    good = database.run("BEGIN IMMEDIATE").has_value();
    for (std::size_t i = 0; good && i < items; ++i)
      good = database.run("INSERT INTO row(p) VALUES(?1)", sealed).has_value();
    good = good && database.run("COMMIT").has_value();
    figures.add(from, items);
  }
  if (!good) return World::give_up("cannot write");
  figures.print("sqlite");
  return 0;
}

std::size_t number(char const* text) {
  std::size_t value = 0;
  auto const end = text + std::string_view(text).size();
  auto const [at, error] = std::from_chars(text, end, value);
  return error == std::errc{} && at == end && value > 0 ? value : 0;
}

int run(int argc, char** argv) {
  std::string_view const mode = argc > 1 ? argv[1] : "";
  auto const given = [&](int index) { return index < argc ? number(argv[index]) : 0; };
  auto const seconds = [&](int index) { return std::chrono::seconds{given(index)}; };
  if (mode == "sqlite" && argc == 5) return rows(argv[2], given(3), seconds(4));
  auto const address = argc > 2 ? link::parse_relay_address(argv[2]) : Result<link::RelayAddress>(fail(LinkError::io));
  if (!address || !address->key) return World::give_up("usage: see the head of bench/relay_load.cpp");
  World world(*address);
  if (mode == "push" && argc == 6) return push(world, given(3), given(4), seconds(5));
  if (mode == "pull" && argc == 4) return pull(world, given(3));
  if (mode == "fanout" && argc == 5) return fan_out(world, given(3), seconds(4));
  if (mode == "idle" && argc == 5) return idle(world, given(3), argv[4]);
  return World::give_up("usage: see the head of bench/relay_load.cpp");
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) {
  kith::crypto::initialise();
  return kith::bench::run(argc, argv);
}
