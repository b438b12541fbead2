#include <gtest/gtest.h>

#include "support/seeds.hpp"
#include "support/test_device.hpp"
#include "sync/files/folder_view.hpp"

/// Views are the same in whatever order entries come, and come to count.
namespace kith::files {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::must;
using testing::TestDevice;

/// The strictest view: it notes how much of its past had been shown before each entry, and so tells any entry that was
/// shown behind an effect of it.
class CausalView final : public core::View {
 public:
  Result<> apply(core::OpenedEntry const& entry, core::EntryRecord const& record) override {
    std::size_t causes = 0;
    for (auto const& [hash, place] : shown_) causes += record.past.contains(place) ? 1 : 0;
    shown_.emplace(entry.hash, record.place());
    causes_[entry.hash] = causes;
    return {};
  }
  Result<> clear() override {
    shown_.clear();
    causes_.clear();
    return {};
  }
  Result<crypto::Hash256> digest() override {
    crypto::Hasher hasher("kith/causal-view/1");
    for (auto const& [hash, causes] : causes_) {
      Bytes count;
      append_be(count, static_cast<std::uint64_t>(causes));
      hasher.part(hash.view()).part(count);
    }
    return hasher.finish();
  }

 private:
  std::map<EntryHash, core::ChainPlace> shown_;
  std::map<EntryHash, std::size_t> causes_;
};

/// A device that shows its entries to three views.
struct ViewDevice : TestDevice {
  explicit ViewDevice(std::uint64_t seed, std::string device_name)
      : TestDevice(seed, std::move(device_name)), folders(store, replica.state()) {
    replica.add_view(folders);
    replica.add_view(causal);
  }
  [[nodiscard]] FolderId folder() { return folder_id(replica.state().genesis().content_secret, "notes"); }
  [[nodiscard]] std::vector<VersionRow> versions(std::string const& path) {
    return must(folders.versions(folder(), *RelPath::parse(path)));
  }
  VersionId write_file(std::string const& path, std::vector<VersionId> parents, std::uint16_t mode) {
    wire::FileSet set;
    set.folder = folder();
    set.path = path;
    set.mode = mode;
    set.parents = std::move(parents);
    std::vector<wire::Op> ops;
    ops.emplace_back(std::move(set));
    auto const id = must(replica.write(std::move(ops), now())).front();
    return version_id(id.entry, id.index);
  }
  [[nodiscard]] std::vector<crypto::Hash256> digests() {
    return {must(messages.digest()), must(folders.digest()), must(causal.digest())};
  }
  void remove(TestDevice& other) {
    must(replica.remove_device(other.replica.self(), wire::RemoveReason::lost, nullptr, now()));
  }

  FolderView folders;
  CausalView causal;
};

/// `a` removes B and hears of what D, who hangs on B, wrote on top of B's last entry, before it hears of the witness
/// for it.
TEST(ViewOrder, AnEntryThatIsVouchedForLateIsShownBeforeItsEffects) {
  ViewDevice a(1, "a"), b(2, "b"), d(3, "d"), e(4, "e");
  must(a.replica.create_group("home", "a", testing::test_recovery(7), a.now()));
  a.invite(e), e.pull_from(a);
  a.invite(b), b.pull_from(a);
  b.invite(d), d.pull_from(b);
  a.pull_from(b), a.pull_from(d), e.pull_from(a), b.pull_from(a), d.pull_from(a);

  auto const first = b.write_file("x.txt", {}, 0644);
  e.pull_from(b);
  e.push("vouches for it");
  d.pull_from(b);
  d.write_file("x.txt", {first}, 0600);
  a.remove(b);
  a.pull_from(d);
  EXPECT_EQ(a.versions("x.txt").size(), 1U) << "the second counts already, the first does not";
  a.receive(e.all_entries());
  e.receive(d.all_entries());
  e.receive(a.all_entries());
  EXPECT_EQ(must(a.replica.heads()), must(e.replica.heads()));
  EXPECT_EQ(a.versions("x.txt").size(), 1U) << "the second replaces the first";
  EXPECT_EQ(a.digests(), e.digests());
}

/// A few devices that write files on top of what they know, remove and add each other, and meet now and then.
struct Life {
  explicit Life(std::uint64_t number) : seed(number), dice(number) {
    must(join("creator").replica.create_group("home", "creator", testing::test_recovery(seed), devices.front()->now()));
    std::size_t const many = dice.between(3, 5);
    while (devices.size() < many) add_device(*dice.pick(devices));
    for (int i = 0; i < 2; ++i) {
      for (auto const& one : devices) meet(*one, *devices.front());
    }
  }
  ViewDevice& join(std::string name) {
    return *devices.emplace_back(std::make_unique<ViewDevice>(seed * 100 + devices.size(), std::move(name)));
  }
  void add_device(ViewDevice& inviter) {
    if (!inviter.replica.self_active()) return;
    auto& added = join("device " + std::to_string(devices.size()));
    inviter.invite(added);
    added.pull_from(inviter);
  }
  void meet(ViewDevice& one, ViewDevice& other) {
    one.receive(dice.chance(20) ? other.all_entries() : other.sealed_entries());
    if (dice.chance(60)) other.pull_from(one);
  }
  void step() {
    auto& by = *dice.pick(devices);
    if (dice.chance(45)) return meet(by, *dice.pick(devices));
    if (!by.replica.self_active()) return;
    if (dice.chance(12)) {
      auto& other = *dice.pick(devices);
      if (&other != &by && by.replica.state().roster().active(other.replica.self())) by.remove(other);
      return;
    }
    std::string const path = dice.chance(50) ? "one.txt" : "two.txt";
    std::vector<VersionId> parents;
    for (auto const& version : by.versions(path)) {
      if (dice.chance(80)) parents.push_back(version.id);
    }
    by.write_file(path, std::move(parents), static_cast<std::uint16_t>(dice.below(0777)));
    if (dice.chance(20)) by.push("a message");
  }

  std::uint64_t seed;
  testing::Dice dice;
  std::vector<std::unique_ptr<ViewDevice>> devices;
};

AssertionResult as_rebuilt(ViewDevice& device) {
  auto const found = device.digests();
  must(device.replica.rebuild_views());
  auto const rebuilt = device.digests();
  if (found == rebuilt) return AssertionSuccess();
  auto const at = static_cast<std::size_t>(std::ranges::mismatch(found, rebuilt).in1 - found.begin());
  return AssertionFailure() << device.name << ": view " << at << " is another after a rebuild";
}

TEST(ViewOrder, AnyLifeAndAnyOrderOfDeliveryGiveWhatARebuildGives) {
  testing::for_each_seed(60, [](std::uint64_t seed) -> AssertionResult {
    Life life(seed);
    for (std::size_t steps = life.dice.between(20, 60); steps > 0; --steps) life.step();

    std::vector<Bytes> everything;
    for (auto const& device : life.devices) {
      for (auto const& entry : device->all_entries()) {
        if (std::ranges::find(everything, entry) == everything.end()) everything.push_back(entry);
      }
    }
    for (auto const& device : life.devices) {
      if (auto same = as_rebuilt(*device); !same) return same << " while they live";
    }
    // Observers that hold all secrets are shown everything, one by one in any order.
    std::optional<std::vector<crypto::Hash256>> expected;
    for (std::uint64_t number = 0; number < 3; ++number) {
      ViewDevice observer(seed * 100 + 50 + number, "observer " + std::to_string(number));
      wire::PairWelcomeBox welcome;
      auto const& genesis = life.devices.front()->replica.state().genesis();
      welcome.genesis = must(wire::decode<wire::Genesis>(wire::encode(genesis)));
      for (auto const& device : life.devices) {
        for (auto const& [epoch, secret] : device->replica.state().secrets()) welcome.secrets.push_back(secret.clone());
      }
      must(observer.replica.adopt_group(welcome, observer.now()));
      life.dice.shuffle(everything);
      for (auto const& entry : everything) observer.receive({entry});
      auto const found = observer.digests();
      if (auto same = as_rebuilt(observer); !same) return same;
      if (!expected) expected = found;
      if (found != *expected) return AssertionFailure() << "views depend on the order of delivery";
    }
    return AssertionSuccess();
  });
}

}  // namespace
}  // namespace kith::files
