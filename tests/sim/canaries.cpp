#include "sim/canaries.hpp"

#include <algorithm>

#include "core/entry.hpp"
#include "sim/world.hpp"

namespace kith::sim {
namespace {

constexpr std::uint64_t kWindow = (std::uint64_t{1} << 56U) - 1;
static_assert(Canaries::kLeast == 7);

std::size_t slot_of(std::uint64_t window) { return (window * 0x9E3779B97F4A7C15ULL) >> 48U; }

}  // namespace

void Canaries::add(ByteView canary, std::string what) {
  if (canary.size() < kLeast) return;
  std::uint64_t window = 0;
  for (std::size_t i = 0; i < kLeast; ++i) window = window << 8U | canary[i];
  auto const beginning = canary.first(std::min(canary.size(), kMost));
  by_beginning_.emplace(window, needles_.size());
  needles_.push_back({Bytes(beginning.begin(), beginning.end()), std::move(what)});
  may_begin_[slot_of(window)] = true;
}

std::optional<std::string> Canaries::find_in(ByteView bytes) const {
  std::uint64_t window = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    window = (window << 8U | bytes[i]) & kWindow;
    if (i + 1 < kLeast || !may_begin_[slot_of(window)]) continue;
    auto const rest = bytes.subspan(i + 1 - kLeast);
    auto const [first, last] = by_beginning_.equal_range(window);
    for (auto each = first; each != last; ++each) {
      auto const& needle = needles_[each->second];
      if (rest.size() >= needle.bytes.size() && std::ranges::equal(rest.first(needle.bytes.size()), needle.bytes))
        return needle.what;
    }
  }
  return std::nullopt;
}

/// Of one world in so many all that leaves a device is looked through: that takes time.
constexpr std::uint64_t kListenedTo = 8;
constexpr std::size_t kMostHeard = 32U << 20U;

void World::draw_ears(std::uint64_t seed) {
  if (seed % kListenedTo == 0) heard_.emplace();
}

/// Bytes that leave a device, as they are on the way or as a relay has them when it has opened its channel.
void World::overhear(ByteView bytes) {
  if (!heard_) return;
  append(*heard_, bytes);
  if (heard_->size() > kMostHeard) check_canaries({});
}

/// No text, topic, path, name or content, and no secret key, has left a device.
void World::check_canaries(std::vector<Device*> const&) {
  if (!heard_) return;
  Canaries canaries;
  auto const text = [&](std::string_view words) { canaries.add(bytes_of(words), std::string(words)); };
  for (auto const* words : {"message ", "content ", "Content ", "from a copy ", "forged ", "default", "moved.txt",
                            "notes/c.txt", "notes/d.txt", "notes/deep", "pics/f.jpg", ".conflict-"})
    text(words);
  canaries.add(recovery_.sign.seed().view(), "the recovery key");
  canaries.add(recovery_.dx.secret_key.view(), "the recovery key");
  canaries.add(recovery_.locator.view(), "the locator secret");
  for (auto const& password : passwords_) canaries.add(password, "the password of an invite");
  for (auto const& device : devices_) {
    text(fmt::format("device{}", device->index));
    auto const& identity = device->identity;
    canaries.add(identity.sign.seed().view(), "a signing key");
    canaries.add(identity.dx.secret_key.view(), "a device's dx key");
    canaries.add(identity.root.view(), "a device's root");
    canaries.add(identity.storage.view(), "a storage key");
    if (!device->program) continue;
    auto const& state = device->program->replica.state();
    canaries.add(state.genesis().content_secret.view(), "the content secret");
    for (auto const& [epoch, secret] : state.secrets()) {
      canaries.add(secret.view(), "an epoch secret");
      for (auto const* name : {"entry", "object", "presence", "noise-psk"})
        canaries.add(core::epoch_subkey(state.group(), secret, name).view(), "an epoch's subkey");
    }
  }
  if (auto const found = canaries.find_in(*heard_)) fail(fmt::format("{} has left a device, in the clear", *found));
  outcome_.counts["canaries"] += canaries.size();
  outcome_.counts["KiB looked through"] += heard_->size() / 1024;
  heard_->clear();
}

/// No two entries are sealed with one nonce under one epoch.
void World::check_nonces(std::vector<Device*> const& active) {
  std::set<std::pair<EpochId, crypto::XNonce>> used;
  auto& replica = active[0]->program->replica;
  check(*active[0], replica.scan_applied(0, [&](std::uint64_t, EntryHash const& hash) {
    auto const sealed = *must(replica.state().sealed(hash));
    auto const header = must(wire::decode_sealed(sealed)).header;
    if (!used.insert({header.epoch, header.nonce}).second) fail("two entries have one nonce");
  }));
}

}  // namespace kith::sim
