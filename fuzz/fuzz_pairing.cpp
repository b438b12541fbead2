#include "core/pairing_code.hpp"
#include "property.hpp"
#include "wire/pairing.hpp"

/// Pairing messages, what their boxes hold, codes and links: whatever is accepted re-encodes to itself.
namespace {

using namespace kith;

template <class Box>
void check_box(ByteView in) {
  if (auto const box = wire::decode<Box>(in))
    fuzz::require(equal(wire::encode(*box), in), "a box re-encodes to itself");
}

void check_code(std::string_view typed) {
  auto const code = core::parse_code(typed);
  if (!code) return;
  auto const text = core::to_text(*code);
  fuzz::require(text.size() == 19, "a code has 16 symbols and three dashes");
  auto const again = core::parse_code(text);
  fuzz::require(again && again->lookup == code->lookup && equal(again->password.view(), code->password.view()),
                "a code is read as it is printed");
}

void check_link(std::string_view text) {
  auto const link = core::parse_link(text);
  if (link && *link) fuzz::require(core::to_text(**link) == text, "a link has one spelling");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  ByteView const in(data, size);
  if (auto const message = wire::decode_pair_message(in)) {
    fuzz::require(equal(wire::encode_pair_message(*message), in), "a message re-encodes to itself");
    fuzz::require(size <= kLimits.max_pairing_box_bytes, "a message keeps its limit");
  }
  check_box<wire::PairIdentityBox>(in);
  check_box<wire::PairOfferBox>(in);
  check_box<wire::PairPseudonymsBox>(in);
  check_box<wire::PairWelcomeBox>(in);
  check_box<wire::PairJoinedBox>(in);
  check_code(text_of(in));
  check_link(text_of(in));
  return 0;
}
