#pragma once

#include <functional>
#include <memory>

#include "core/entry.hpp"
#include "core/session.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"
#include "wire/opening.hpp"

namespace kith::testing {

/// A group as one device sees it: the epochs it holds, and whom it lets in.
struct TestMembership final : core::Membership {
  [[nodiscard]] GroupId group() const override { return group_id; }
  [[nodiscard]] Incarnation incarnation() const override { return {77}; }
  [[nodiscard]] std::vector<EpochId> epochs_for(std::optional<DeviceId> const&) const override {
    return epochs_for_hello();
  }
  [[nodiscard]] std::vector<EpochId> epochs_for_hello() const override {
    std::vector<EpochId> ids;
    for (auto const& secret : secrets) ids.push_back(core::epoch_id(group_id, secret));
    return ids;
  }
  [[nodiscard]] crypto::noise::Psk psk(EpochId const& epoch) const override {
    ++asked;
    for (auto const& secret : secrets) {
      if (core::epoch_id(group_id, secret) != epoch) continue;
      auto const subkey = core::epoch_subkey(group_id, secret, "noise-psk");
      return crypto::noise::Psk{subkey.view()};
    }
    std::abort();
  }
  [[nodiscard]] Verdict judge(wire::Devcert const& cert) const override { return verdict(cert); }

  GroupId group_id;
  std::vector<core::EpochSecret> secrets;
  std::function<Verdict(wire::Devcert const&)> verdict = [](wire::Devcert const&) { return Verdict::welcome; };
  mutable int asked = 0;
};

/// One end of a link in memory: bytes go into `sent` until the test carries them over.
struct SessionEnd {
  explicit SessionEnd(std::uint64_t seed) : random(seed), identity(core::Identity::generate(random, {0})) {}

  /// Takes what is ready to go.
  Bytes transmit(Now now) {
    Bytes out;
    while (session && session->poll_transmit(out, now)) {
    }
    return out;
  }
  /// Everything that happened since the last call.
  std::vector<core::SessionEvent> events() {
    std::vector<core::SessionEvent> events;
    while (session) {
      auto event = session->poll_event();
      if (!event) break;
      events.push_back(std::move(*event));
    }
    return events;
  }

  SeededRandom random;
  core::Identity identity;
  TestMembership membership;
  std::optional<core::Session> session;
};

/// Two devices that share one epoch, with a link between them.
struct SessionPair {
  SessionPair() {
    a.membership.group_id = b.membership.group_id = a.random.id<GroupId>();
    auto const secret = a.random.secret<core::EpochSecret>();
    a.membership.secrets.push_back(secret.clone());
    b.membership.secrets.push_back(secret.clone());
  }

  [[nodiscard]] Now now() const { return {Instant{} + elapsed, {1'800'000'000'000 + elapsed.count()}}; }
  void dial(std::optional<DeviceId> dialled = std::nullopt) {
    b.session.reset();
    a.session.emplace(core::Session::initiate(a.identity, a.membership, dialled, binding_a, a.random, now()));
  }
  /// What a listener does with the first bytes of a connection. @return whether a session began
  bool accept(ByteView bytes) {
    if (bytes.size() < wire::Opening::kBytes) return false;
    auto const opening = wire::decode_opening(bytes.first(wire::Opening::kBytes));
    if (!opening || opening->purpose != wire::Purpose::session) return false;
    b.session.emplace(core::Session::accept(b.identity, b.membership, *opening, binding_b, b.random, now()));
    b.session->on_bytes(bytes.subspan(wire::Opening::kBytes), now());
    return true;
  }
  /// Carries bytes both ways until both are silent.
  void pump() {
    for (bool moved = true; moved;) {
      auto const to_b = a.transmit(now());
      if (!to_b.empty()) b.session ? deliver(*b.session, to_b) : static_cast<void>(accept(to_b));
      auto const to_a = b.transmit(now());
      if (!to_a.empty()) deliver(*a.session, to_a);
      moved = !to_b.empty() || !to_a.empty();
    }
  }
  void deliver(core::Session& session, Bytes const& bytes) {
    for (std::size_t start = 0; start < bytes.size(); start += piece) {
      session.on_bytes(ByteView{bytes}.subspan(start, std::min(piece, bytes.size() - start)), now());
    }
  }
  void connect() {
    dial(b.identity.device());
    pump();
  }

  SessionEnd a{1}, b{2};
  Bytes binding_a, binding_b;
  std::size_t piece = 1 << 20;  ///< how many bytes the link hands over at once
  std::chrono::milliseconds elapsed{0};
};

/// The one event of a kind, if there is exactly one.
template <class Event>
std::optional<Event> only(std::vector<core::SessionEvent> events) {
  std::optional<Event> found;
  for (auto& event : events) {
    if (auto* fits = std::get_if<Event>(&event)) {
      if (found) return std::nullopt;
      found = std::move(*fits);
    }
  }
  return found;
}

}  // namespace kith::testing
