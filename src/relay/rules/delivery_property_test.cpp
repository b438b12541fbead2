// Whatever comes between them, pushes reach every other member once and in order.
#include "relay/rules/relay_testing.hpp"

namespace kith::relay {
namespace {

using namespace std::chrono_literals;

/// A relay whose store has a writer and a reader that answer when they like, and devices whose links deliver when they
/// like, lose what is on its way, and dial again.
class Delivery {
 public:
  static constexpr std::size_t kDevices = 4;

  explicit Delivery(std::uint64_t seed) : world_(settings(seed), seed), dice_(seed) {
    world_.make(group_, {0, 1, 2, 3});
    world_.held = true;
    for (std::size_t i = 0; i < kDevices; ++i) join(i);
  }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) step();
  }

  /// Everything comes to rest: then everybody must have everything.
  void settle() {
    for (int i = 0; i < 3000 && !::testing::Test::HasFailure(); ++i) {
      bool moved = ask_reader(SIZE_MAX) || ask_writer(SIZE_MAX) || answer(writer_) || answer(reader_);
      for (auto& device : devices_) moved = deliver(device) || pull(device) || moved;
      if (!moved && time_is_up_) return;
      time_is_up_ = !moved;
      if (!moved) pass(200ms);  // a notice may be due
    }
    ADD_FAILURE() << "no rest";
  }
  void expect_all_delivered() const {
    auto const all = world_.store.items(group_.channel());
    for (auto const& device : devices_) {
      std::vector<std::uint64_t> foreign;
      for (auto const& item : all) {
        if (item.sender != group_.pseudonym(device.index)) foreign.push_back(item.cursor.value);
      }
      ASSERT_EQ(device.got, foreign) << "device " << device.index;
    }
    EXPECT_GT(all.size(), 20u);
  }
  [[nodiscard]] Figures figures() const { return world_.relay.figures(); }

 private:
  struct Device {
    std::size_t index = 0;
    RelayWorld::Link* link = nullptr;
    std::deque<Bytes> on_the_way;  ///< from the relay
    bool welcome = false;
    bool pulling = false;
    std::uint64_t head = 0;      ///< the highest it was told
    std::uint64_t position = 0;  ///< it has all up to here
    std::uint64_t acked = 0;
    std::uint64_t next_seq = 1;
    std::vector<std::uint64_t> got;  ///< cursors of foreign items, as they came
  };

  static Settings settings(std::uint64_t seed) {
    auto settings = RelayWorld::defaults();
    settings.credit_bytes = 600 + seed % 5 * 700;
    settings.device_orders = {1000, 100'000};
    if (seed % 3 == 0) settings.max_queued_bytes = 2000;
    return settings;
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(dice_.below(bound)); }

  void join(std::size_t index) {
    auto& device = devices_[index];
    if (device.link != nullptr) world_.relay.on_closed(device.link->id, world_.now);
    device.index = index;
    device.on_the_way.clear();
    device.welcome = device.pulling = false;
    device.link = &world_.dial();
    device.link->reads = false;
    crypto::Hash128 last_item;
    for (auto const& item : world_.store.items(group_.channel())) {
      if (item.cursor.value == device.position) last_item = wire::item_hash(item.sealed);
    }
    say(device, world_.hello(*device.link, group_, index, {device.position}, last_item));
  }
  void say(Device& device, wire::RelayMessage const& message) { device.link->channel.send(message); }

  void step() {
    auto& device = devices_[below(kDevices)];
    switch (below(12)) {
      case 0: return push(device);
      case 1: return static_cast<void>(pull(device));
      case 2: return ack(device);
      case 3:
      case 4: return static_cast<void>(deliver(device));
      case 5:
      case 6: return static_cast<void>(ask_writer(1 + below(3)));
      case 7: return static_cast<void>(ask_reader(1));
      case 8: return static_cast<void>(answer(writer_));
      case 9: return static_cast<void>(answer(reader_));
      case 10: return pass(std::chrono::milliseconds{below(60)});
      default:
        if (below(20) == 0) join(device.index);
    }
  }

  void push(Device& device) {
    if (!device.welcome || below(2) == 0) return;
    wire::Push push{1, {device.next_seq}, {}};
    for (auto left = 1 + below(4); left > 0; --left) {
      push.items.push_back({below(4) == 0 ? 3600u : 0u, Bytes(below(500), static_cast<std::uint8_t>(left))});
    }
    device.next_seq += push.items.size();
    say(device, push);
  }
  bool pull(Device& device) {
    if (!device.welcome || device.pulling || device.head <= device.position) return false;
    device.pulling = true;
    say(device, wire::Pull{2, {device.position}, static_cast<std::uint32_t>(below(2000))});
    return true;
  }
  void ack(Device& device) {
    if (device.welcome && device.position > device.acked)
      say(device, wire::RelayAck{0, {device.acked = device.position}});
  }

  /// Carries what the device says, and some of what the relay says.
  bool deliver(Device& device) {
    bool moved = false;
    auto const id = device.link->id;
    for (Bytes bytes; world_.relay.reading(id) && device.link->channel.poll_transmit(bytes); bytes.clear()) {
      world_.relay.on_bytes(id, bytes, world_.now);
      moved = true;
    }
    if (Bytes bytes; world_.relay.poll_transmit(id, bytes, world_.now)) {
      device.link->channel.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
      device.link->got.clear();
      testing::must(device.link->channel.on_bytes(bytes, device.link->got));
      for (auto const& message : device.link->got) hear(device, message);
      moved = true;
    }
    EXPECT_FALSE(world_.relay.done(id));
    return moved;
  }
  void hear(Device& device, wire::RelayMessage const& message) {
    if (auto const* const welcome = std::get_if<wire::Welcome>(&message)) {
      device.welcome = true;
      device.head = welcome->head.value;
      device.next_seq = welcome->last_push_seq.value + 1;
    } else if (auto const* const live = std::get_if<wire::LiveItems>(&message)) {
      EXPECT_FALSE(device.pulling) << "live items while it pulls";
      for (auto const& item : live->items) take(device, item);
    } else if (auto const* const pulled = std::get_if<wire::PullResponse>(&message)) {
      for (auto const& item : pulled->items) take(device, item);
      device.position = std::max(device.position, pulled->next_after.value);
      device.pulling = false;
      if (pulled->has_more) device.head = std::max(device.head, device.position + 1);
    } else if (auto const* const notice = std::get_if<wire::Notify>(&message)) {
      device.head = std::max(device.head, notice->head.value);
    } else if (auto const* const failure = std::get_if<wire::RelayFailure>(&message)) {
      ADD_FAILURE() << "refused: " << static_cast<int>(failure->code);
    }
  }
  void take(Device& device, wire::RelayItem const& item) {
    device.position = std::max(device.position, item.cursor.value);
    if (item.sender != group_.pseudonym(device.index)) device.got.push_back(item.cursor.value);
  }

  void collect() {
    while (auto request = world_.relay.poll_request()) {
      (only_reads(request->task) ? to_reader_ : to_writer_).push_back(std::move(*request));
    }
  }
  bool ask(std::deque<StoreRequest>& from, std::deque<StoreReply>& to, std::size_t most) {
    collect();
    std::vector<StoreRequest> batch;
    for (; !from.empty() && batch.size() < most; from.pop_front()) batch.push_back(std::move(from.front()));
    for (auto& reply : world_.store.work(batch)) to.push_back(std::move(reply));
    return !batch.empty();
  }
  bool ask_writer(std::size_t most) { return ask(to_writer_, writer_, most); }
  bool ask_reader(std::size_t most) { return ask(to_reader_, reader_, most); }
  bool answer(std::deque<StoreReply>& from) {
    if (from.empty()) return false;
    world_.relay.on_reply(std::move(from.front()), world_.now);
    from.pop_front();
    return true;
  }
  void pass(std::chrono::milliseconds time) {
    world_.now.mono += time;
    world_.now.wall.ms += time.count();
    world_.relay.on_timer(world_.now);
  }

  RelayWorld world_;
  testing::SeededRandom dice_;
  TestGroup group_{world_.random, kDevices};
  std::array<Device, kDevices> devices_;
  std::deque<StoreRequest> to_writer_, to_reader_;
  std::deque<StoreReply> writer_, reader_;
  bool time_is_up_ = false;
};

TEST(DeliveryProperty, EveryForeignItemComesOnceAndInOrder) {
  Figures sum;
  for (std::uint64_t seed = 1; seed <= 300 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Delivery delivery(seed);
    delivery.run(1500);
    delivery.settle();
    delivery.expect_all_delivered();
    auto const figures = delivery.figures();
    sum.items_delivered += figures.items_delivered;
    sum.items_pulled += figures.items_pulled;
    sum.notices += figures.notices;
    sum.dropped_to_pull += figures.dropped_to_pull;
  }
  // Both ways were gone, and changed between, often.
  EXPECT_GT(sum.items_delivered, 5000u);
  EXPECT_GT(sum.items_pulled, 5000u);
  EXPECT_GT(sum.notices, 1000u);
  EXPECT_GT(sum.dropped_to_pull, 1000u);
}

}  // namespace
}  // namespace kith::relay
