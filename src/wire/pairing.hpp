#pragma once

#include <string>
#include <variant>
#include <vector>

#include "crypto/cpace.hpp"
#include "crypto/kdf.hpp"
#include "wire/ops.hpp"

/// What an inviter (I) and a joiner (J) say to each other. @see docs/spec/pairing.md
namespace kith::wire {

/// A code's public half: 8 Crockford characters. It finds the invite and proves nothing.
struct Lookup {
  static constexpr std::size_t kSymbols = 8;
  std::string symbols;
  void write(Writer& writer) const { writer.str(symbols); }
  void read(Reader& reader);
  friend auto operator<=>(Lookup const&, Lookup const&) = default;
};

using PairNonce = ByteId<struct PairNonceTag, 32>;

enum class PairMessageType : std::uint8_t {
  hello = 1,
  share = 2,
  confirm = 3,
  identity = 4,
  offer = 5,
  pseudonyms = 6,
  welcome = 7,
  joined = 8,
  end = 9,
};

/// J -> I
struct PairHello {
  static constexpr PairMessageType kType = PairMessageType::hello;
  Lookup lookup;
  crypto::cpace::Share share;  ///< Ya
  PairNonce nonce;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.lookup, s.share, s.nonce);
  }
  friend bool operator==(PairHello const&, PairHello const&) = default;
};

/// I -> J
struct PairShare {
  static constexpr PairMessageType kType = PairMessageType::share;
  crypto::cpace::Share share;  ///< Yb
  PairNonce nonce;
  crypto::Mac256 tag;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.share, s.nonce, s.tag);
  }
  friend bool operator==(PairShare const&, PairShare const&) = default;
};

/// J -> I; `box` holds a PairIdentityBox.
struct PairConfirm {
  static constexpr PairMessageType kType = PairMessageType::confirm;
  crypto::Mac256 tag;
  Bytes box;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.tag, blob(s.box, kLimits.max_pairing_box_bytes));
  }
  friend bool operator==(PairConfirm const&, PairConfirm const&) = default;
};

/// A message that is nothing but a sealed box.
template <PairMessageType type>
struct PairSealed {
  static constexpr PairMessageType kType = type;
  Bytes box;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(blob(s.box, kLimits.max_pairing_box_bytes));
  }
  friend bool operator==(PairSealed const&, PairSealed const&) = default;
};
using PairIdentity = PairSealed<PairMessageType::identity>;      ///< I -> J, a PairIdentityBox
using PairOffer = PairSealed<PairMessageType::offer>;            ///< I -> J, a PairOfferBox, once I's user agreed
using PairPseudonyms = PairSealed<PairMessageType::pseudonyms>;  ///< J -> I, a PairPseudonymsBox
using PairWelcome = PairSealed<PairMessageType::welcome>;        ///< I -> J, a PairWelcomeBox
using PairJoined = PairSealed<PairMessageType::joined>;          ///< J -> I, an empty box: J holds everything durably

enum class PairEndCode : std::uint8_t {
  wrong_code = 1,  ///< the other side's tag did not fit
  expired = 2,     ///< the invite's time is over
  used = 3,        ///< a device has joined with it
  voided = 4,      ///< three wrong tries
  cancelled = 5,   ///< the inviter took it back
  denied = 6,      ///< the inviter's user said no
  failed = 7,      ///< a fault of the sender's own
};
constexpr bool valid(PairEndCode code) { return code >= PairEndCode::wrong_code && code <= PairEndCode::failed; }

/// Either way, in the clear: a courtesy that tells people why it ended. Nothing is decided by it.
struct PairEnd {
  static constexpr PairMessageType kType = PairMessageType::end;
  PairEndCode code = PairEndCode::failed;
  std::uint8_t tries_left = 0;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.code, s.tries_left);
  }
  friend bool operator==(PairEnd const&, PairEnd const&) = default;
};

using PairMessage = std::variant<PairHello, PairShare, PairConfirm, PairIdentity, PairOffer, PairPseudonyms,
                                 PairWelcome, PairJoined, PairEnd>;

/// [type, fields...]
[[nodiscard]] Bytes encode_pair_message(PairMessage const& message);
[[nodiscard]] Result<PairMessage> decode_pair_message(ByteView in);

/// Who a side is. A devcert can be shown by anybody who has seen it: the proof is what only its device can make.
struct PairIdentityBox {
  Devcert cert;
  std::string name;
  crypto::Signature proof;  ///< by the cert's key, over this conversation and this side of it: core::pair_proof()
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.cert, text(s.name, kLimits.max_name_bytes), s.proof);
  }
  friend bool operator==(PairIdentityBox const&, PairIdentityBox const&) = default;
};

struct PairOfferBox {
  GroupId group;
  std::string name;
  struct Relay {
    std::string url;
    RelayKey relay;
    ChannelId channel;
    template <class Archive, class Self>
    static void fields(Archive& a, Self& s) {
      a(text(s.url, kLimits.max_name_bytes), s.relay, s.channel);
    }
    friend bool operator==(Relay const&, Relay const&) = default;
  };
  std::vector<Relay> relays;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.group, text(s.name, kLimits.max_name_bytes), list(s.relays, 8));
  }
  friend bool operator==(PairOfferBox const&, PairOfferBox const&) = default;
};

/// J's pseudonym for each relay of the offer, in its order.
struct PairPseudonymsBox {
  std::vector<Pseudonym> pseudonyms;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(list(s.pseudonyms, 8));
  }
  friend bool operator==(PairPseudonymsBox const&, PairPseudonymsBox const&) = default;
};

/// All that a new device needs to open and check the whole log.
struct PairWelcomeBox {
  Genesis genesis;
  std::vector<EpochSecret> secrets;  ///< of the largest epoch, first, and of those that it does not carry
  EntryHash device_add;              ///< the entry that lets J in
  std::vector<Address> addresses;    ///< where I can be dialled
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.genesis, list(s.secrets, kLimits.max_secrets), s.device_add, list(s.addresses, kLimits.max_addresses));
  }
};

/// Says that the joiner has stored everything.
struct PairJoinedBox {
  template <class Archive, class Self>
  static void fields(Archive& a, Self&) {
    a();
  }
};

}  // namespace kith::wire
