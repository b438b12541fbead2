#include "core/recovery_stream.hpp"
#include "engine/recovery.hpp"
#include "sync/exchange/peer_book.hpp"

/// Reading a group from one of its devices. @see docs/spec/recovery.md
namespace kith::engine {
namespace {

/// A device can go on for ever with what is no news. So much of it in a row, and it is left; each entry counts so much
/// more.
constexpr std::size_t kMostInVain = 64 * 1024 * 1024;
constexpr std::size_t kEntryBytes = 64;

/// A connection that was made and is closed again.
class Knock final : public OneConversation {
 public:
  [[nodiscard]] bool poll_transmit(Bytes&) override { return false; }

 private:
  void connected() override { connected_ = true; }
  Result<> take(ByteView) override { return {}; }
  [[nodiscard]] bool finished() const override { return connected_; }
  bool connected_ = false;
};

}  // namespace

Result<> look_for_device(std::string const& peer, Waiting const& waiting) {
  return OneConversation::run(std::make_shared<Knock>(), peer, waiting);
}

/// The conversation, and what becomes of what comes.
class Recovery::PeerReading final : public OneConversation {
 public:
  using Accept = std::function<Result<>(NamedGroup const&)>;
  PeerReading(Recovery& recovery, Accept const& accept)
      : recovery_(recovery), accept_(accept), reader_(recovery.words_, recovery.random_) {}
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return reader_.poll_transmit(out); }
  [[nodiscard]] core::RecoveryReader const& reader() const { return reader_; }

 private:
  Result<> take(ByteView bytes) override {
    KITH_CHECK(reader_.on_bytes(bytes, Clock::now()));
    if (auto const entries = reader_.take_entries(); !entries.empty()) KITH_CHECK(take_in(entries));
    all_taken_ = reader_.done();
    return {};
  }
  [[nodiscard]] bool finished() const override { return all_taken_; }

  Result<> take_in(std::vector<Bytes> const& entries) {
    if (!std::exchange(began_, true)) {
      KITH_CHECK(accept_({reader_.giver()->group, reader_.genesis()->name}));
      KITH_CHECK(recovery_.begin_with(*reader_.genesis()));
    }
    std::vector<ByteView> const items(entries.begin(), entries.end());
    KITH_TRY(received, recovery_.instance_->replica.receive(items, current_time()));
    recovery_.taken_in_ += received.applied;
    if (recovery_.progress_) recovery_.progress_(recovery_.taken_in_);
    for (auto const& item : items) in_vain_ += item.size() + kEntryBytes;
    if (received.applied + received.pending + received.unopened > 0) in_vain_ = 0;
    if (in_vain_ > kMostInVain) return fail(core::CoreError::protocol_violation);
    return {};
  }

  Recovery& recovery_;
  Accept const& accept_;
  core::RecoveryReader reader_;
  bool began_ = false;
  bool all_taken_ = false;  ///< kept, and not only read
  std::size_t in_vain_ = 0;
};

Result<> Recovery::read_from(Instance& instance, std::string const& peer,
                             std::function<Result<>(NamedGroup const&)> const& accept) {
  instance_ = &instance;
  peer_ = peer;
  auto const reading = std::make_shared<PeerReading>(*this, accept);
  auto const read = OneConversation::run(reading, peer, waiting_);
  auto const& reader = reading->reader();
  if (!read) {
    auto const& error = read.error();
    using enum core::CoreError;
    bool const ended = error.is(closed);
    bool const unfit =
        error.is(handshake_failed) || error.holds<wire::WireError>() || error.holds<crypto::CryptoError>();
    // Who does not know the words closes without a word, as does who is no kith at all, or says something else.
    if (!reader.giver() && (ended || unfit)) return fail(EngineError::words_unanswered, SubjectDetail{peer});
    if (ended) return fail(EngineError::address_unreachable, SubjectDetail{peer});
    if (error.is(wrong_recovery) || error.is(protocol_violation) || unfit)
      return fail(EngineError::words_unfit, SubjectDetail{peer});
    return read;
  }
  group_ = reader.giver()->group;
  giver_ = reader.giver()->cert.device;
  given_tips_ = reader.tips();
  return read_other_relays();
}

/// The device that gave, if it is kept: it is met again where it was reached.
Result<> Recovery::keep_address() {
  if (!giver_ || !instance_->replica.state().roster().active(*giver_)) return {};
  sync::PeerRecord record;
  record.addresses.push_back(peer_);
  record.endpoint = peer_;
  record.last_seen_ms = current_time().wall.ms;
  auto& store = instance_->store();
  KITH_TRY(transaction, store::Transaction::begin(store));
  KITH_CHECK(store.put(store::Table::peers, giver_->view(), core::encode_record(record)));
  return transaction.commit();
}

}  // namespace kith::engine
