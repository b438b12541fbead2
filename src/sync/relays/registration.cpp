#include "sync/relays/registration.hpp"

#include "base/assert.hpp"

namespace kith::sync {
namespace {

constexpr std::uint64_t kMostStampBits = 25;

Bytes find_stamp(wire::RelayKey const& relay, wire::ChannelId const& channel, unsigned bits) {
  Bytes stamp(wire::kStampBytes, 0);
  for (std::uint64_t counter = 0; wire::stamp_bits(relay, channel, stamp) < bits; store_be(stamp.data(), ++counter)) {
  }
  return stamp;
}

}  // namespace

ErrorDomain const& error_domain(RegistrationError) {
  static constexpr ErrorDomain domain{"registration", [](int value) -> std::string_view {
                                        switch (static_cast<RegistrationError>(value)) {
                                          case RegistrationError::token_needed: return "token_needed";
                                          case RegistrationError::token_wrong: return "token_wrong";
                                          case RegistrationError::full: return "full";
                                          case RegistrationError::too_dear: return "too_dear";
                                          case RegistrationError::refused: return "refused";
                                        }
                                        KITH_UNREACHABLE();
                                      }};
  return domain;
}

Registration::Registration(core::Identity const& identity, wire::Genesis const& genesis, GroupId const& group,
                           wire::RelayKey const& relay, std::string token, RandomSource& random)
    : relay_(relay),
      face_(core::relay_face(identity.root, relay, group)),
      channel_key_(crypto::SigningKey::generate(random)),
      token_(std::move(token)),
      locator_(core::recovery_locator(genesis.locator_secret, relay)),
      channel_(relay::Channel::initiate(relay, face_.dx, random)) {
  result_.channel = {channel_key_.public_key().bytes};
  result_.first.channel = result_.channel;
  result_.first.pseudonyms = {face_.pseudonym()};
  wire::sign_acl(result_.first, channel_key_);
  core::Escrow escrow;
  escrow.channel = result_.channel;
  escrow.channel_key = channel_key_.seed();
  escrow.group = group;
  escrow.name = genesis.name;
  record_ = core::seal_escrow(escrow, genesis.recovery_dx, relay, random);
}

void Registration::register_with(Bytes stamp) {
  channel_.send(wire::AclPut{++request_, result_.first, std::move(stamp)});
}

Result<> Registration::on_bytes(ByteView bytes) {
  std::vector<wire::RelayMessage> messages;
  KITH_CHECK(channel_.on_bytes(bytes, messages));
  if (step_ == Step::handshake && channel_.open()) {
    channel_.set_max_message_bytes(wire::kRelayLimits.max_message_bytes);
    step_ = Step::registering;
    register_with(Bytes(token_.begin(), token_.end()));
  }
  for (auto const& message : messages) KITH_CHECK(on_message(message));
  return {};
}

Result<> Registration::on_message(wire::RelayMessage const& message) {
  if (auto const* failure = std::get_if<wire::RelayFailure>(&message)) return on_failure(*failure);
  // What a relay tells its members unasked.
  if (std::holds_alternative<wire::RelayPresence>(message) && step_ > Step::greeting) return {};
  if (wire::request_of(message) != request_) return fail(relay::ChannelError::out_of_place);
  if (std::holds_alternative<wire::Done>(message) && step_ == Step::registering) {
    step_ = Step::greeting;
    wire::Hello hello;
    hello.request = ++request_;
    hello.channel = result_.channel;
    hello.pseudonym = face_.pseudonym();
    wire::HelloProof const proof{relay_, result_.channel, channel_.handshake_hash(), {}};
    hello.proof = face_.sign.sign(wire::kHelloLabel, wire::encode(proof));
    channel_.send(hello);
    return {};
  }
  if (std::holds_alternative<wire::Welcome>(message) && step_ == Step::greeting) {
    step_ = Step::leaving_record;
    channel_.send(wire::RecPut{++request_, locator_, record_});
    return {};
  }
  if (std::holds_alternative<wire::Done>(message) && step_ == Step::leaving_record) {
    step_ = Step::done;
    return {};
  }
  return fail(relay::ChannelError::out_of_place);
}

Result<> Registration::on_failure(wire::RelayFailure const& failure) {
  using enum wire::RelayErrorCode;
  bool const asked = failure.request == request_;
  if (failure.code == stamp_needed && asked && step_ == Step::registering) {
    if (failure.number == 0)
      return fail(token_.empty() ? RegistrationError::token_needed : RegistrationError::token_wrong);
    if (failure.number > kMostStampBits || std::exchange(stamped_, true)) {
      return fail(RegistrationError::too_dear, CountDetail{failure.number, kMostStampBits});
    }
    register_with(find_stamp(relay_, result_.channel, static_cast<unsigned>(failure.number)));
    return {};
  }
  bool const no_room = failure.code == storage_full || failure.code == quota || failure.code == rate_limited;
  if (no_room && asked && step_ == Step::leaving_record) {
    words_lead_here_ = false;
    step_ = Step::done;
    return {};
  }
  if (no_room) return fail(RegistrationError::full);
  return fail(RegistrationError::refused, SubjectDetail{failure.text});
}

}  // namespace kith::sync
