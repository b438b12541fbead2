#include "core/messages.hpp"

namespace kith::core {
namespace {

constexpr std::string_view kLastNumber = "last_message";

Bytes key_of(OpId const& id) {
  Bytes key(id.entry.bytes.begin(), id.entry.bytes.end());
  append_be(key, id.index);
  return key;
}

std::uint64_t total_length(wire::Content const& content) {
  std::uint64_t total = 0;
  for (auto const& ref : content.refs) total += ref.length;
  return total;
}

}  // namespace

void MessageRow::write(wire::Writer& writer) const {
  write_row(writer, id.entry, id.index, author, hlc, wire::text(topic, kLimits.max_name_bytes), ttl_s, size_bytes,
            content);
}

void MessageRow::read(wire::Reader& reader) {
  read_row(reader, id.entry, id.index, author, hlc, wire::text(topic, kLimits.max_name_bytes), ttl_s, size_bytes,
           content);
}

Result<> MessagesView::apply(OpenedEntry const& entry, EntryRecord const& record) {
  for (std::uint32_t index = 0; index < entry.ops.size(); ++index) {
    auto const* message = std::get_if<wire::Message>(&entry.ops[index]);
    if (message == nullptr) continue;
    MessageRow row;
    row.id = {entry.hash, index};
    row.author = record.log.device;
    row.hlc = record.hlc;
    row.topic = message->topic;
    row.ttl_s = message->ttl_s;
    if (auto const* bytes = std::get_if<Bytes>(&message->content.value)) {
      row.size_bytes = bytes->size();
    } else {
      row.content = std::get<wire::Content>(message->content.value);
      row.size_bytes = total_length(row.content);
    }
    KITH_TRY(number, number_for(row.id));
    KITH_CHECK(store_.put(Table::messages, core::key_of(number.value), encode_record(row)));
  }
  return {};
}

Result<MessageNumber> MessagesView::number_for(OpId const& id) {
  KITH_TRY(known, number_of(id));
  if (known) return *known;
  KITH_TRY(last_number, last());
  MessageNumber const number{last_number.value + 1};
  KITH_CHECK(put_number(store_, kLastNumber, number.value));
  KITH_CHECK(store_.put(Table::numbers, key_of(id), core::key_of(number.value)));
  return number;
}

Result<> MessagesView::clear() { return store_.clear(Table::messages); }

Result<crypto::Hash256> MessagesView::digest() {
  crypto::Hasher hasher("kith/messages-view/1");
  std::optional<Error> error;
  KITH_CHECK(store_.scan(Table::numbers, {}, {}, [&](ByteView id, ByteView number) {
    auto const shown = store_.get(Table::messages, number);  // a number may belong to a message that counts no longer
    if (!shown) error = shown.error();
    if (shown && *shown) hasher.part(id);
    return error ? Store::Next::stop : Store::Next::go_on;
  }));
  if (error) return fail(*error);
  return hasher.finish();
}

Result<std::vector<MessageRow>> MessagesView::after(MessageNumber number, std::size_t most) {
  std::vector<MessageRow> rows;
  std::optional<Error> error;
  KITH_CHECK(store_.scan(Table::messages, {}, core::key_of(number.value + 1), [&](ByteView key, ByteView value) {
    auto row = decode_record<MessageRow>(value);
    if (!row || key.size() != sizeof(std::uint64_t)) {
      error = CoreError::corrupt_record;
      return Store::Next::stop;
    }
    row->number = {load_be<std::uint64_t>(key.data())};
    rows.push_back(std::move(*row));
    return rows.size() < most ? Store::Next::go_on : Store::Next::stop;
  }));
  if (error) return fail(*error);
  return rows;
}

Result<std::optional<MessageNumber>> MessagesView::number_of(OpId const& id) {
  KITH_TRY(row, store_.get(Table::numbers, key_of(id)));
  if (!row) return std::nullopt;
  if (row->size() != sizeof(std::uint64_t)) return fail(CoreError::corrupt_record);
  return std::optional(MessageNumber{load_be<std::uint64_t>(row->data())});
}

Result<MessageNumber> MessagesView::last() {
  KITH_TRY(number, get_number(store_, kLastNumber));
  return MessageNumber{number};
}

Result<Bytes> inline_content(GroupState& state, MessageRow const& row) {
  KITH_TRY(entry, state.open_stored(row.id.entry));
  if (row.id.index >= entry.ops.size()) return fail(CoreError::corrupt_record);
  auto* message = std::get_if<wire::Message>(&entry.ops[row.id.index]);
  auto* bytes = message == nullptr ? nullptr : std::get_if<Bytes>(&message->content.value);
  if (bytes == nullptr) return fail(CoreError::corrupt_record);
  return std::move(*bytes);
}

}  // namespace kith::core
