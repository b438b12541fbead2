#include <vector>

#include "property.hpp"
#include "wire/frame.hpp"

/// A stream of frames: the same comes out whether it is fed whole or in pieces, and what is accepted re-encodes to
/// itself. The first byte of the input decides the pieces.
namespace {

using namespace kith;

struct Split {
  std::vector<Bytes> frames;
  std::optional<Error> error;
  friend bool operator==(Split const&, Split const&) = default;
};

void drain(wire::FrameSplitter& splitter, Split& split) {
  while (!split.error) {
    auto next = splitter.next();
    if (!next) split.error = next.error();
    if (!next || !*next) break;
    split.frames.push_back(std::move(**next));
  }
  fuzz::require(split.error || splitter.held_bytes() < 4 + kLimits.max_frame_bytes,
                "a splitter holds less than one frame");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input in(data, size);
  auto const seed = in.byte();
  Split whole, pieces;
  wire::FrameSplitter splitter;
  splitter.feed(in.rest());
  drain(splitter, whole);
  wire::FrameSplitter other;
  fuzz::in_pieces(in.rest(), seed, [&](ByteView piece) {
    if (pieces.error) return;
    other.feed(piece);
    drain(other, pieces);
  });
  fuzz::require(pieces == whole, "pieces make no difference");
  for (auto const& bytes : whole.frames) {
    auto const frame = wire::decode_frame(bytes);
    if (!frame) continue;
    Bytes out;
    wire::encode_frame(out, *frame);
    fuzz::require(equal(ByteView{out}.subspan(4), bytes), "a frame re-encodes to itself");
  }
  return 0;
}
