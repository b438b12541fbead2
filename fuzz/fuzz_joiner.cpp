#include "pairing_world.hpp"

/// The joiner against an inviter that may say anything. The first byte decides how far the conversation goes by the
/// book before the input takes over, the second how raw bytes are cut.
namespace {

using namespace kith;
using fuzz::PlayedInviter;
using fuzz::require;
using fuzz::WatchedJoiner;
using testing::prefixed;

/// Bytes of somebody who does not know the password.
void stranger(ByteView bytes, std::uint8_t cut) {
  WatchedJoiner whole, pieces;
  PlayedInviter const honest(whole.sent);
  whole.feed(bytes);
  fuzz::in_pieces(bytes, cut, [&](ByteView piece) { pieces.feed(piece); });
  // A refusal is looked for at the start of what comes at once; cut up, it is a message of a wrong length.
  require(whole.over == pieces.over, "pieces make no difference to the end");
  if (!text_of(bytes).starts_with("KITH"))
    require(whole.story == pieces.story && whole.sent == pieces.sent, "pieces make no difference");
  bool const knows = bytes.size() > 2 && bytes.size() >= 2 + honest.share().size() &&
                     equal(bytes.subspan(2, honest.share().size()), honest.share());
  require(knows || !whole.accepted, "only who knows the password is believed");
  require(!whole.joined || knows, "and nobody else is joined");
  whole.run_out();
  pieces.run_out();
}

/// An inviter with the code whose boxes are the fuzzer's.
void member(int step, ByteView box) {
  using enum wire::PairMessageType;
  WatchedJoiner ours;
  PlayedInviter inviter(ours.sent);
  constexpr std::size_t kOverhead = 64;
  box = box.first(std::min(box.size(), kLimits.max_pairing_box_bytes - kOverhead));
  ours.feed(prefixed(inviter.share()));
  if (step == 0) {
    ours.feed(prefixed(inviter.sealed<identity>(box)));
    auto const said = wire::decode<wire::PairIdentityBox>(box);
    bool const proved = said && core::check_identity(*said, wire::PairMessageType::identity, inviter.before_proofs());
    require(ours.accepted == proved, "an inviter proves its own certificate");
  } else {
    ours.feed(prefixed(inviter.sealed<identity>(inviter.identity())));
    require(ours.accepted && !ours.over, "an honest inviter is waited for");
    if (step == 1) {
      ours.feed(prefixed(inviter.sealed<offer>(box)));
      require(!ours.over == wire::decode<wire::PairOfferBox>(box).has_value(), "an offer that decodes is answered");
    } else {
      ours.feed(prefixed(inviter.sealed<offer>(wire::encode(samples::offer_box()))));
      ours.feed(prefixed(inviter.sealed<welcome>(box)));
      auto const said = wire::decode<wire::PairWelcomeBox>(box);
      require(ours.joined == (said && core::group_id(said->genesis) == samples::group() && !said->secrets.empty()),
              "a welcome to the group that was offered is taken");
    }
  }
  ours.run_out();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input in(data, size);
  auto const mode = in.byte();
  auto const cut = in.byte();
  if (mode % 4 == 0) {
    stranger(in.rest(), cut);
  } else {
    member(mode % 4 - 1, in.rest());
  }
  return 0;
}
