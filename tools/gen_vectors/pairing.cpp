#include "core/pair_inviter.hpp"
#include "core/pair_joiner.hpp"
#include "samples.hpp"
#include "support/must.hpp"
#include "support/one_invite.hpp"
#include "support/seeded_random.hpp"
#include "vectors.hpp"

namespace kith::vectors {
namespace {

using testing::must;
using testing::SeededRandom;

constexpr std::uint64_t kJoinerSeed = 31, kInviterSeed = 32;

core::PairingCode code() { return core::parse_code("7F3K-9QDM-2XHB-T6WP").value(); }

Json codes() {
  Json list = Json::array();
  for (std::string_view const typed :
       {"7F3K-9QDM-2XHB-T6WP", "7f3k 9qdm 2xhb t6wp", "7F3K9QDM2XHBT6WP", " o0iL-1lI0-zzzz-ZZZZ ", "7F3K-9QDM-2XHB-T6W",
        "7F3K-9QDM-2XHB-T6WPA", "7F3U-9QDM-2XHB-T6WP", "7F3K_9QDM_2XHB_T6WP", ""}) {
    auto const parsed = core::parse_code(typed);
    Json row{{"typed", typed}, {"valid", parsed.has_value()}};
    if (parsed) {
      row["text"] = core::to_text(*parsed);
      row["lookup"] = parsed->lookup.symbols;
      row["password"] = parsed->password.text();
    }
    list.push_back(row);
  }
  return list;
}

Json links() {
  Json list = Json::array();
  using Texts = std::vector<std::string>;
  Texts const both{"192.0.2.1:4711", "[2001:db8::1]:4711"};
  Texts const relay{"wss://sync.example.org/kith/#key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"};
  for (auto const& [addresses, relays] : std::vector<std::pair<Texts, Texts>>{{{}, {}}, {both, {}}, {both, relay}}) {
    auto const secret = samples::counted<Secret<32>>(0x91);
    core::PairingLink const link{
        {"7F3K9QDM"}, core::PairPassword(Bytes(secret.view().begin(), secret.view().end())), addresses, relays};
    list.push_back({{"lookup", link.lookup.symbols},
                    {"secret", hex(link.secret.view())},
                    {"addresses", addresses},
                    {"relays", relays},
                    {"text", core::to_text(link)}});
  }
  return list;
}

/// The keys that both sides derive, from the seeds as the machines draw from them.
Json derived(Bytes const& opening, Bytes const& hello_bytes) {
  SeededRandom joiner(kJoinerSeed), inviter(kInviterSeed);
  auto const joiner_nonce = joiner.id<wire::PairNonce>();
  auto const generator = core::pair_generator(code().password.view(), code().lookup, joiner_nonce);
  auto const a = crypto::cpace::make_share(generator, joiner);
  auto const b = crypto::cpace::make_share(generator, inviter);
  auto const inviter_nonce = inviter.id<wire::PairNonce>();
  auto const isk = must(crypto::cpace::derive(a.scalar, b.share, joiner_nonce.view(), {a.share, {}, b.share, {}}));
  Bytes salt(joiner_nonce.bytes.begin(), joiner_nonce.bytes.end());
  append(salt, inviter_nonce.view());
  auto const subkey = [&](std::string_view name) {
    Bytes info;
    append(info, bytes_of("kith/pair-keys/1"));
    info.push_back(0);
    append(info, bytes_of(name));
    return crypto::hkdf<Secret<32>>(salt, isk.view(), info);
  };
  Bytes before_tag = opening;
  append(before_tag, hello_bytes);
  append(before_tag, b.share.view());
  append(before_tag, inviter_nonce.view());
  wire::PairShare share{b.share, inviter_nonce, crypto::hmac_sha256(subkey("confirm-i").view(), before_tag)};
  Bytes transcript = opening;
  append(transcript, hello_bytes);
  append(transcript, wire::encode_pair_message(share));
  auto const joiner_tag = crypto::hmac_sha256(subkey("confirm-j").view(), transcript);
  Bytes before_proofs = transcript;
  append(before_proofs, joiner_tag.view());
  return {
      {"channel_identifier", to_hex(bytes_of("kith/pair/1")) + "00" + to_hex(bytes_of(code().lookup.symbols))},
      {"session_id", hex(joiner_nonce)},
      {"generator", hex(generator)},
      {"joiner_scalar", hex(a.scalar)},
      {"inviter_scalar", hex(b.scalar)},
      {"joiner_share", hex(a.share)},
      {"inviter_share", hex(b.share)},
      {"isk", hex(isk)},
      {"salt", hex(salt)},
      {"confirm_i", hex(subkey("confirm-i"))},
      {"confirm_j", hex(subkey("confirm-j"))},
      {"box_i", hex(subkey("box-i"))},
      {"box_j", hex(subkey("box-j"))},
      {"before_inviter_tag", hex(before_tag)},
      {"inviter_tag", hex(share.tag)},
      {"before_joiner_tag", hex(transcript)},
      {"joiner_tag", hex(joiner_tag)},
      {"before_proofs", hex(before_proofs)},
      {"joiner_proof", hex(core::pair_proof(samples::phone().sign, wire::PairMessageType::confirm, before_proofs))},
      {"inviter_proof", hex(core::pair_proof(samples::laptop().sign, wire::PairMessageType::identity, before_proofs))}};
}

/// Plays both machines against each other and writes down what they say.
class Conversation {
 public:
  Conversation()
      : joiner_random_(kJoinerSeed),
        inviter_random_(kInviterSeed),
        joiner_(phone_, "phone", code(), joiner_random_, {}),
        inviter_(laptop_, "laptop", invite_, wire::Opening{.purpose = wire::Purpose::pairing}, inviter_random_, {}) {}

  Json play() {
    while (!joiner_.done() || !inviter_.done()) {
      Bytes out;
      if (joiner_.poll_transmit(out)) {
        if (opening_.empty()) {
          opening_.assign(out.begin(), out.begin() + wire::Opening::kBytes);
          out.erase(out.begin(), out.begin() + wire::Opening::kBytes);
        }
        write_down("joiner", out);
        inviter_.on_bytes(out, {});
      } else if (inviter_.poll_transmit(out)) {
        write_down("inviter", out);
        joiner_.on_bytes(out, {});
      } else {
        answer_events();
      }
    }
    return {{"opening", hex(opening_)}, {"messages", messages_}, {"derived", derived(opening_, hello_)}};
  }

 private:
  void write_down(std::string_view from, Bytes const& sent) {
    Bytes const message(sent.begin() + 2, sent.end());
    if (hello_.empty()) hello_ = message;
    messages_.push_back({{"from", from},
                         {"fields", testing::to_json(must(wire::decode_pair_message(message)))},
                         {"message", hex(message)}});
  }

  void answer_events() {
    bool something = false;
    while (auto event = inviter_.poll_event()) {
      something = true;
      if (std::holds_alternative<core::PairRequested>(*event)) inviter_.approve(samples::offer_box(), {});
      if (std::holds_alternative<core::PairCommit>(*event)) inviter_.welcome(samples::welcome_box(), {});
      KITH_ASSERT(!std::holds_alternative<core::PairFailed>(*event));
    }
    while (auto event = joiner_.poll_event()) {
      something = true;
      if (std::holds_alternative<core::PairWelcomed>(*event)) joiner_.stored();
      KITH_ASSERT(!std::holds_alternative<core::JoinFailed>(*event));
    }
    KITH_ASSERT(something);
  }

  core::Identity laptop_ = samples::laptop();
  core::Identity phone_ = samples::phone();
  testing::OneInvite invite_{code()};
  SeededRandom joiner_random_, inviter_random_;
  core::PairJoiner joiner_;
  core::PairInviter inviter_;
  Bytes opening_, hello_;
  Json messages_ = Json::array();
};

Json side(core::Identity const& identity, std::string_view name, std::uint64_t seed) {
  return {{"sign_seed", hex(identity.sign.seed())},
          {"dx_secret", hex(identity.dx.secret_key)},
          {"root", hex(identity.root)},
          {"created_s", identity.cert.created_s},
          {"name", name},
          {"random_seed", seed}};
}

Json identity(core::Identity const& of, std::string name, std::string const& proof) {
  return testing::to_json(
      wire::PairIdentityBox{of.cert, std::move(name), crypto::Signature::from(from_hex(proof).value()).value()});
}

}  // namespace

Json pairing() {
  Json conversation{{"name", "a phone joins"},
                    {"code", core::to_text(code())},
                    {"joiner", side(samples::phone(), "phone", kJoinerSeed)},
                    {"inviter", side(samples::laptop(), "laptop", kInviterSeed)},
                    {"joiner_draws", {"nonce, 32 bytes", "scalar before its reduction, 64 bytes"}},
                    {"inviter_draws", {"scalar before its reduction, 64 bytes", "nonce, 32 bytes"}},
                    {"offer", testing::to_json(samples::offer_box())},
                    {"pseudonyms", testing::to_json(samples::pseudonyms_box())},
                    {"welcome", testing::to_json(samples::welcome_box())}};
  conversation.update(Conversation().play());
  auto const& derived = conversation.at("derived");
  conversation["identity_of_inviter"] = identity(samples::laptop(), "laptop", derived.at("inviter_proof"));
  conversation["identity_of_joiner"] = identity(samples::phone(), "phone", derived.at("joiner_proof"));
  return {
      {"note", std::string(kSeededRandom) +
                   " In the stream the opening comes first and each message follows its length as u16. A box is "
                   "XChaCha20-Poly1305 "
                   "under box_j (the joiner's) or box_i with a counter from 0 as nonce (16 zeros | u64) and, as aad, "
                   "'kith/pair-box/1' 0x00 and the message's type."},
      {"codes", codes()},
      {"links", links()},
      {"conversations", Json::array({conversation})}};
}

}  // namespace kith::vectors
