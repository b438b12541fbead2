#include "property.hpp"
#include "recovery_world.hpp"

/// A hostile relay, or what members planted there, against somebody who has the recovery words. The first byte says
/// what the rest is: the plaintext of a record, or what the relay says.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kith;
  enum Mode : std::uint8_t { plaintext, lookup, reading, last_word };
  fuzz::Input input(data, size);
  auto const mode = static_cast<Mode>(input.byte() % 4);
  if (mode == plaintext) {
    auto const escrow = wire::decode<core::Escrow>(input.rest());
    if (escrow) fuzz::require(equal(wire::encode(*escrow), input.rest()), "a record re-encodes to itself");
    return 0;
  }
  fuzz::RecoveryWorld world;
  if (mode == lookup) {
    sync::RecordLookup machine(world.words, world.relay_key(), world.random);
    auto const [heard, said] = world.play(machine, input.rest());
    fuzz::require(heard <= 1, "it asks once");
    if (!machine.done()) return 0;
    fuzz::require(!machine.opened().empty(), "done is with a record that opened");
    for (auto const& escrow : machine.opened()) {
      fuzz::require(crypto::SigningKey(escrow.channel_key).public_key().bytes == escrow.channel.bytes,
                    "a record has its channel's key");
    }
    return 0;
  }
  auto machine = world.claim();
  if (mode == last_word) machine.serve_exactly({world.face().pseudonym()});
  auto const [heard, said] = world.play(machine, input.rest());
  fuzz::require(heard <= said + 1, "it speaks first, and then answers");
  if (!machine.done()) return 0;
  if (mode == last_word) {
    fuzz::require(!machine.genesis(), "the last word looks for nothing");
  } else {
    fuzz::require(machine.genesis() && core::group_id(*machine.genesis()) == world.escrow.group,
                  "what is found founds the group");
  }
  return 0;
}
