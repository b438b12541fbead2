#include <algorithm>

#include "engine/log.hpp"
#include "engine/network_machines.hpp"

/// How a Network gives the group to whoever has its recovery words. @see docs/spec/recovery.md
namespace kith::engine {

Network::RecoveryMachine::RecoveryMachine(Network& network, wire::Opening const& opening, std::string remote)
    : network_(network),
      remote_(std::move(remote)),
      entries_(network.instance_->replica, network.instance_->store()),
      giver_(network.identity_, network.instance_->replica.state().genesis(), entries_, opening,
             network.instance_->random, Clock::now()) {}

Network::RecoveryMachine::~RecoveryMachine() {
  if (network_.giving_ == this) network_.giving_ = nullptr;
}

void Network::RecoveryMachine::on_bytes(ByteView bytes) {
  bool const before = giver_.proved();
  giver_.on_bytes(bytes, Clock::now());
  if (giver_.failed_proof()) network_.note_failed_proof(remote_);
  if (before || !giver_.proved()) return;
  // One at a time, and the one that came last is there for certain.
  if (auto* other = std::exchange(network_.giving_, this)) {
    other->giver_.end();
    other->wake();
  }
  network_.check(network_.note_words_used(remote_));
  network_.settle();
}

bool Network::RecoveryMachine::poll_transmit(Bytes& out) {
  if (!network_.exchange_) return false;
  auto const polled = giver_.poll_transmit(out, Clock::now());
  if (!polled) network_.fail_with(polled.error());
  return polled && *polled;
}

bool Network::may_show_words(std::string const& remote) const {
  auto const failed = failed_proofs_.find(host_of(remote));
  return failed == failed_proofs_.end() || Clock::now() >= failed->second;
}

void Network::note_failed_proof(std::string const& remote) {
  auto const now = Clock::now();
  std::erase_if(failed_proofs_, [&](auto const& each) { return each.second <= now; });
  if (failed_proofs_.size() >= kMostFailedProofs) {
    failed_proofs_.erase(std::ranges::min_element(failed_proofs_, {}, [](auto const& each) { return each.second; }));
  }
  failed_proofs_[host_of(remote)] = now + kFailedProofPause;
}

/// People are told, here and by `kith status`: if it was none of them, somebody else has the words.
Result<> Network::note_words_used(std::string const& remote) {
  log::warn("recovery.words_used", {{"from", log::Endpoint{remote}}});
  ring_due_ = true;
  auto& store = instance_->store();
  KITH_TRY(transaction, store::Transaction::begin(store));
  KITH_TRY(rows, all_control<WordsUsedRow>(store));
  std::ranges::sort(rows, {}, [](auto const& each) { return each.second.at_ms; });
  for (std::size_t i = 0; i + WordsUsedRow::kMost <= rows.size(); ++i)
    KITH_CHECK(erase_control<WordsUsedRow>(store, rows[i].first));
  KITH_CHECK(put_control(store, WordsUsedRow{remote, current_time().wall.ms}, bytes_of(host_of(remote))));
  return transaction.commit();
}

}  // namespace kith::engine
