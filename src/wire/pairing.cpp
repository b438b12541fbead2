#include "wire/pairing.hpp"

#include "base/encoding.hpp"

namespace kith::wire {
namespace {

template <class T>
Result<PairMessage> read_as(Reader& reader, std::size_t fields_left) {
  T message{};
  Decoder decoder(reader, fields_left);
  T::fields(decoder, message);
  KITH_CHECK(reader.finish());
  return PairMessage{std::move(message)};
}

}  // namespace

void Lookup::read(Reader& reader) {
  symbols = std::string(reader.str(kSymbols));
  if (reader.ok() && (symbols.size() != kSymbols || normal_crockford(symbols) != symbols)) {
    reader.fail(WireError::bad_value);
  }
}

Bytes encode_pair_message(PairMessage const& message) {
  Bytes out;
  std::visit(
      [&]<class T>(T const& known) {
        Encoder encoder(out, static_cast<std::uint64_t>(T::kType));
        T::fields(encoder, known);
      },
      message);
  return out;
}

Result<PairMessage> decode_pair_message(ByteView in) {
  if (in.size() > kLimits.max_pairing_box_bytes) {
    return fail(WireError::too_large, CountDetail{in.size(), kLimits.max_pairing_box_bytes});
  }
  Reader reader(in);
  std::size_t const count = reader.array();
  std::uint64_t const type = reader.unsigned_integer();
  if (!reader.ok()) return fail(reader.finish().error());
  if (count == 0) return fail(WireError::wrong_length);
  switch (type <= 0xFF ? static_cast<PairMessageType>(type) : PairMessageType{}) {
    case PairMessageType::hello: return read_as<PairHello>(reader, count - 1);
    case PairMessageType::share: return read_as<PairShare>(reader, count - 1);
    case PairMessageType::confirm: return read_as<PairConfirm>(reader, count - 1);
    case PairMessageType::identity: return read_as<PairIdentity>(reader, count - 1);
    case PairMessageType::offer: return read_as<PairOffer>(reader, count - 1);
    case PairMessageType::pseudonyms: return read_as<PairPseudonyms>(reader, count - 1);
    case PairMessageType::welcome: return read_as<PairWelcome>(reader, count - 1);
    case PairMessageType::joined: return read_as<PairJoined>(reader, count - 1);
    case PairMessageType::end: return read_as<PairEnd>(reader, count - 1);
  }
  return fail(WireError::unknown_type, CountDetail{type, 0});
}

}  // namespace kith::wire
