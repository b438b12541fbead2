#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/replica.hpp"

namespace kith::core {

/// A message as the view lists it; its content stays in the entry.
struct MessageRow {
  MessageNumber number;  ///< this device's own; see docs/spec/views.md
  OpId id;
  DeviceId author;
  std::uint64_t hlc = 0;
  std::string topic;
  std::uint64_t ttl_s = 0;
  std::uint64_t size_bytes = 0;
  wire::Content content;  ///< references, for a content that is not inline

  void write(wire::Writer& writer) const;  ///< without the number, which is the key
  void read(wire::Reader& reader);
  [[nodiscard]] WallTime written_at() const { return HybridClock::wall_of(hlc); }
  [[nodiscard]] bool expired(WallTime now) const {
    auto const age_s = now.seconds() - written_at().seconds();
    return ttl_s > 0 && age_s >= 0 && static_cast<std::uint64_t>(age_s) >= ttl_s;  // any u64 is a ttl
  }
};

/// The view of messages: what was pushed, numbered 1, 2, 3... as this device came to hold it. Numbers survive a rebuild
/// and are never used twice.
class MessagesView final : public View {
 public:
  explicit MessagesView(Store& store) : store_(store) {}
  [[nodiscard]] Result<> apply(OpenedEntry const& entry, EntryRecord const& record) override;
  [[nodiscard]] Result<> clear() override;
  [[nodiscard]] Result<crypto::Hash256> digest() override;

  /// Messages with a larger number, ascending, at most `most`.
  [[nodiscard]] Result<std::vector<MessageRow>> after(MessageNumber number, std::size_t most);
  [[nodiscard]] Result<std::optional<MessageNumber>> number_of(OpId const& id);
  [[nodiscard]] Result<MessageNumber> last();

 private:
  [[nodiscard]] Result<MessageNumber> number_for(OpId const& id);
  Store& store_;
};

/// The bytes of a message that its entry holds inline.
[[nodiscard]] Result<Bytes> inline_content(GroupState& state, MessageRow const& row);

}  // namespace kith::core
