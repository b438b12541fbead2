#include "wire/ops.hpp"

namespace kith::wire {
namespace {

template <class... Visitors>
struct overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
overloaded(Visitors...) -> overloaded<Visitors...>;  // clang has implicit guides for aggregates from version 17 on

template <class T>
Op read_op(Reader& reader, std::size_t fields_left) {
  T op{};
  Decoder decoder(reader, fields_left);
  T::fields(decoder, op);
  return op;
}

Op read_known(OpKind kind, Reader& reader, std::size_t fields_left) {
  switch (kind) {
    case OpKind::genesis: return read_op<GenesisOp>(reader, fields_left);
    case OpKind::device_add: return read_op<DeviceAdd>(reader, fields_left);
    case OpKind::device_remove: return read_op<DeviceRemove>(reader, fields_left);
    case OpKind::device_rename: return read_op<DeviceRename>(reader, fields_left);
    case OpKind::device_pause: return read_op<DevicePause>(reader, fields_left);
    case OpKind::rotate: return read_op<Rotate>(reader, fields_left);
    case OpKind::epoch_secrets: return read_op<EpochSecrets>(reader, fields_left);
    case OpKind::incarnation: return read_op<IncarnationOp>(reader, fields_left);
    case OpKind::relay_set: return read_op<RelaySet>(reader, fields_left);
    case OpKind::relay_remove: return read_op<RelayRemove>(reader, fields_left);
    case OpKind::device_relay: return read_op<DeviceRelay>(reader, fields_left);
    case OpKind::message: return read_op<Message>(reader, fields_left);
    case OpKind::folder_add: return read_op<FolderAdd>(reader, fields_left);
    case OpKind::file_set: return read_op<FileSet>(reader, fields_left);
    case OpKind::file_remove: return read_op<FileRemove>(reader, fields_left);
  }
  return UnknownOp{};  // a number that names no enumerator: not a bug, a later version wrote it
}

Op read_op(Reader& reader) {
  ByteView const encoding = reader.value();
  Reader op(encoding);
  std::size_t const count = op.array();
  if (op.ok() && count == 0) op.fail(WireError::wrong_length);
  std::uint64_t const kind = op.unsigned_integer();
  if (kind > 0xFFFF) op.fail(WireError::bad_value);
  if (!op.ok()) {
    reader.fail(op.finish().error());
    return UnknownOp{};
  }
  Op result = read_known(static_cast<OpKind>(kind), op, count - 1);
  if (auto* unknown = std::get_if<UnknownOp>(&result)) {
    unknown->kind = static_cast<std::uint16_t>(kind);
    unknown->encoding.assign(encoding.begin(), encoding.end());
  } else if (auto const finished = op.finish(); !finished) {
    reader.fail(finished.error());
  }
  return result;
}

}  // namespace

void MessageContent::write(Writer& writer) const {
  if (auto const* bytes = std::get_if<Bytes>(&value)) {
    writer.bin(*bytes);
  } else {
    writer.raw(encode(std::get<Content>(value)));
  }
}

void MessageContent::read(Reader& reader) {
  if (reader.next_kind() == Reader::Kind::bin) {
    auto const bytes = reader.bin(kLimits.max_inline_message_bytes);
    value = Bytes(bytes.begin(), bytes.end());
    return;
  }
  Content content;
  Decoder decoder(reader);
  Content::fields(decoder, content);
  value = std::move(content);
}

void encode_op(Bytes& out, Op const& op) {
  std::visit(overloaded{[&](UnknownOp const& unknown) { append(out, unknown.encoding); },
                        [&]<class T>(T const& known) {
                          Encoder encoder(out, static_cast<std::uint64_t>(T::kKind));
                          T::fields(encoder, known);
                        }},
             op);
}

Bytes encode_ops(std::vector<Op> const& ops) {
  Bytes out;
  Writer(out).array(ops.size());
  for (auto const& op : ops) encode_op(out, op);
  return out;
}

Result<std::vector<Op>> decode_ops(ByteView in) {
  Reader reader(in);
  std::vector<Op> ops;
  for (std::size_t left = reader.array(); left > 0 && reader.ok(); --left) ops.push_back(read_op(reader));
  if (auto const finished = reader.finish(); !finished) return kith::fail(finished.error());
  return ops;
}

bool is_roster_op(Op const& op) {
  return !std::holds_alternative<Message>(op) && !std::holds_alternative<FolderAdd>(op) &&
         !std::holds_alternative<FileSet>(op) && !std::holds_alternative<FileRemove>(op) &&
         !std::holds_alternative<UnknownOp>(op);
}

}  // namespace kith::wire
