#include "pairing_world.hpp"

/// The inviter against a joiner that may say anything. The first byte decides how far the conversation goes by the book
/// before the input takes over, the second how raw bytes are cut.
namespace {

using namespace kith;
using fuzz::PlayedJoiner;
using fuzz::require;
using fuzz::WatchedInviter;
using testing::prefixed;

/// Bytes of somebody who knows the lookup at most.
void stranger(bool after_share, ByteView bytes, std::uint8_t cut) {
  WatchedInviter whole, pieces;
  PlayedJoiner honest;
  if (after_share) {
    whole.feed(prefixed(honest.hello()));
    pieces.feed(prefixed(honest.hello()));
  }
  whole.feed(bytes);
  fuzz::in_pieces(bytes, cut, [&](ByteView piece) { pieces.feed(piece); });
  // Once the user is asked, it matters whether the answer comes before the next message or after it.
  require(whole.requested == pieces.requested, "pieces make no difference to who gets in");
  if (!whole.requested) require(whole.story == pieces.story && whole.sent == pieces.sent, "pieces make no difference");
  require(whole.invite.tries == pieces.invite.tries && whole.invite.tries <= 1, "one conversation is one try at most");
  if (after_share) {
    honest.on_share(whole.sent.size() > 2 ? ByteView{whole.sent}.subspan(2, load_be<std::uint16_t>(whole.sent.data()))
                                          : ByteView{});
    wire::MessageSplitter splitter;
    splitter.feed(bytes);
    auto const first = splitter.next(kLimits.max_pairing_box_bytes);
    auto const message = first && *first ? wire::decode_pair_message(**first) : fail(wire::WireError::truncated);
    auto const* confirm = message ? std::get_if<wire::PairConfirm>(&*message) : nullptr;
    bool const knows = confirm != nullptr && confirm->tag == honest.tag();
    require(knows || (!whole.requested && whole.invite.tries == 1), "whoever does not know the password burns a try");
  }
  require(!whole.finished || whole.committed, "nobody joins who was not let in");
  whole.run_out();
  pieces.run_out();
}

/// Somebody with the code whose boxes are the fuzzer's.
void member(int step, ByteView box) {
  WatchedInviter ours;
  PlayedJoiner joiner;
  ours.feed(prefixed(joiner.hello()));
  joiner.on_share(ours.last_message());
  constexpr std::size_t kOverhead = 64;
  box = box.first(std::min(box.size(), kLimits.max_pairing_box_bytes - kOverhead));
  if (step == 0) {
    ours.feed(prefixed(joiner.confirm(box)));
    auto const said = wire::decode<wire::PairIdentityBox>(box);
    bool const proved = said && core::check_identity(*said, wire::PairMessageType::confirm, joiner.before_proofs());
    require(ours.requested == (proved && said->cert.device != samples::laptop().device()),
            "the user is asked about devices that prove themselves, and no others");
    require(ours.invite.tries == 0, "who knows the password burns no try");
  } else {
    ours.feed(prefixed(joiner.confirm(joiner.identity())));
    require(ours.requested, "the user is asked");
    if (step == 1) {
      ours.feed(prefixed(joiner.sealed<wire::PairMessageType::pseudonyms>(box)));
      auto const said = wire::decode<wire::PairPseudonymsBox>(box);
      bool const fits = said && said->pseudonyms.size() == samples::pseudonyms_box().pseudonyms.size();
      require(ours.committed == fits, "a name for each relay of the offer is committed, and nothing else");
    } else {
      ours.feed(prefixed(joiner.sealed<wire::PairMessageType::pseudonyms>(wire::encode(samples::pseudonyms_box()))));
      ours.feed(prefixed(joiner.sealed<wire::PairMessageType::joined>(box)));
      require(ours.finished == wire::decode<wire::PairJoinedBox>(box).has_value(), "the last box is an empty one");
    }
  }
  ours.run_out();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input in(data, size);
  auto const mode = in.byte();
  auto const cut = in.byte();
  switch (mode % 5) {
    case 0: stranger(false, in.rest(), cut); break;
    case 1: stranger(true, in.rest(), cut); break;
    default: member(mode % 5 - 2, in.rest()); break;
  }
  return 0;
}
