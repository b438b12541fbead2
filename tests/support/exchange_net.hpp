#pragma once

#include <memory>

#include "support/test_device.hpp"
#include "sync/exchange/exchange.hpp"

namespace kith::testing {

/// A view of nothing: for exchanges without folders.
struct EmptyView final : core::View {
  Result<> apply(core::OpenedEntry const&, core::EntryRecord const&) override { return {}; }
  Result<> clear() override { return {}; }
  Result<crypto::Hash256> digest() override { return crypto::Hash256{}; }
};

/// A TestDevice whose program runs: an exchange, and a few chunks that it can give.
struct ExchangeDevice : TestDevice, sync::ChunkSource {
  using TestDevice::TestDevice;

  Result<std::optional<Bytes>> chunk(ChunkId const& id) override {
    ++chunk_requests;
    auto const found = chunks.find(id);
    return found == chunks.end() ? std::nullopt : std::optional(found->second);
  }
  bool fits(ChunkId const& id, ByteView plain) override {
    auto const found = contents.find(id);
    return found == contents.end() || std::ranges::equal(found->second, plain);
  }
  /// The events of a kind since take_events() was last called.
  template <class Event>
  [[nodiscard]] std::vector<Event> events() const {
    std::vector<Event> found;
    for (auto const& event : seen) {
      if (auto const* fits = std::get_if<Event>(&event)) found.push_back(*fits);
    }
    return found;
  }

  EmptyView no_folders;
  std::map<ChunkId, Bytes> chunks;
  std::map<ChunkId, Bytes> contents;  ///< what these ids name; of others, anything
  std::size_t chunk_requests = 0;
  std::unique_ptr<sync::Exchange> exchange;
  std::vector<sync::ExchangeEvent> seen;
};

/// Running devices, links between them that the test makes, and one clock.
class ExchangeNet {
 public:
  /// One link: end 0 dialled.
  struct Pipe {
    std::array<ExchangeDevice*, 2> ends;
    std::array<std::optional<sync::LinkId>, 2> links;
    Bytes opening;        ///< towards end 1, until it is whole
    bool silent = false;  ///< nothing gets through, and nobody is told
    bool gone = false;
  };

  [[nodiscard]] Now now() const { return {Instant{} + elapsed_, {1'800'000'000'000 + elapsed_.count()}}; }

  void start(ExchangeDevice& device) {
    device.exchange = std::make_unique<sync::Exchange>(device.replica, device.store, device, device.messages,
                                                       device.no_folders, device.random);
    must(device.exchange->start(now()));
    devices_.push_back(&device);
  }
  /// What pairing leaves behind: the joiner knows who let it in.
  static void pair(ExchangeDevice& inviter, ExchangeDevice& joiner) {
    inviter.invite(joiner);
    auto transaction = must(store::Transaction::begin(joiner.store));
    must(joiner.store.put(store::Table::meta, bytes_of(sync::kInviterKey), inviter.identity.device().view()));
    must(transaction.commit());
  }

  Pipe& dial(ExchangeDevice& from, ExchangeDevice& to, std::string address = "there:1") {
    auto& pipe = *pipes_.emplace_back(std::make_unique<Pipe>(Pipe{{&from, &to}, {}, {}}));
    pipe.links[0] = from.exchange->dialled(to.identity.device(), std::move(address), now());
    return pipe;
  }
  void cut(Pipe& pipe) {
    for (std::size_t end = 0; end < 2; ++end) {
      if (pipe.links[end]) must(pipe.ends[end]->exchange->on_link_closed(*pipe.links[end], now()));
    }
    pipe.gone = true;
    take_events();
  }
  /// A device has written something by itself.
  void changed(ExchangeDevice& device) { must(device.exchange->on_local_change(now())); }

  /// Carries bytes until everybody is silent.
  void pump() {
    while (pump_once()) {
    }
  }
  /// Carries what everybody has to say now, and not yet what that leads to. @return whether there was anything
  bool pump_once() {
    bool moved = false;
    for (std::size_t i = 0; i < pipes_.size(); ++i) {
      for (std::size_t end = 0; end < 2; ++end) moved |= carry(*pipes_[i], end);
    }
    take_events();
    return moved;
  }
  void wait(std::chrono::milliseconds time) {
    for (auto const until = elapsed_ + time; elapsed_ < until;) {
      elapsed_ = std::min(until, elapsed_ + std::chrono::milliseconds{50});
      for (auto* device : devices_) must(device->exchange->on_timer(now()));
      pump();
    }
  }

 private:
  bool carry(Pipe& pipe, std::size_t from) {
    if (pipe.gone || !pipe.links[from]) return false;
    auto& exchange = *pipe.ends[from]->exchange;
    Bytes out;
    while (must(exchange.poll_transmit(*pipe.links[from], out, now()))) {
    }
    bool const done = exchange.link_done(*pipe.links[from]);
    if (pipe.silent) return false;
    if (!out.empty()) deliver(pipe, 1 - from, out);
    if (done && !pipe.gone) cut(pipe);
    return !out.empty() || done;
  }
  void deliver(Pipe& pipe, std::size_t to, ByteView bytes) {
    auto& exchange = *pipe.ends[to]->exchange;
    if (pipe.links[to]) return must(exchange.on_bytes(*pipe.links[to], bytes, now()));
    append(pipe.opening, bytes);
    if (pipe.opening.size() < wire::Opening::kBytes) return;
    auto const opening = must(wire::decode_opening(ByteView{pipe.opening}.first(wire::Opening::kBytes)));
    pipe.links[to] = exchange.accepted(opening, "from somewhere", now());
    must(exchange.on_bytes(*pipe.links[to], ByteView{pipe.opening}.subspan(wire::Opening::kBytes), now()));
  }
  void take_events() {
    for (auto* device : devices_) {
      while (auto event = device->exchange->poll_event()) device->seen.push_back(std::move(*event));
    }
  }

  std::vector<ExchangeDevice*> devices_;
  std::vector<std::unique_ptr<Pipe>> pipes_;
  std::chrono::milliseconds elapsed_{0};
};

}  // namespace kith::testing
