#include "core/vault.hpp"
#include "crypto/hash.hpp"
#include "engine/key_codec.hpp"
#include "property.hpp"
#include "samples.hpp"

/// Key files, and secrets that lie in a database. Each input is tried as it is, and with the check at its end put
/// right: what is accepted is a plain file that is written the same again, and no passphrase opens what it did not
/// seal.
namespace {

using namespace kith;

constexpr std::size_t kCheckBytes = 16;
/// A file that asks for more would only cost time here.
constexpr std::uint32_t kMostKib = 64;

void check_file(Bytes const& in) {
  auto const parsed = engine::KeyFile::parse(SecretBytes(in));
  if (!parsed) return;
  fuzz::require(in.size() <= engine::kMaxKeyFileBytes, "a key file keeps its limit");
  if (parsed->protection() == engine::KeyProtection::plain) {
    auto const identity = parsed->open();
    fuzz::require(identity.has_value(), "a plain file that is whole opens");
    fuzz::require(equal(engine::encode_key_file(*identity).view(), in), "a plain file re-encodes to itself");
    return;
  }
  auto const cost = parsed->cost();
  fuzz::require(cost.passes <= engine::kMostKeyCost.passes && cost.memory_kib <= engine::kMostKeyCost.memory_kib,
                "no file asks for more than there may be");
  fuzz::require(!parsed->open(), "without a passphrase it stays closed");
  if (cost.memory_kib <= kMostKib && cost.passes <= 2)
    fuzz::require(!parsed->open(bytes_of("wrong")), "a wrong passphrase opens nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  Bytes in(data, data + size);
  check_file(in);
  if (size >= kCheckBytes) {
    auto const check = crypto::hash128("kith/key-file-check/1", {ByteView(in).first(size - kCheckBytes)});
    std::ranges::copy(check.bytes, in.end() - kCheckBytes);
    check_file(in);
  }
  fuzz::require(!core::open_at_rest(samples::laptop().storage, "another row", ByteView(data, size)),
                "no secret opens that was not sealed for this row");
  return 0;
}
