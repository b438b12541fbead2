#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/error.hpp"
#include "wire/frame.hpp"

namespace kith::sync {

/// Where the chunks come from that others ask for.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  /// The plain bytes, checked against the id; nullopt where this device has none.
  [[nodiscard]] virtual Result<std::optional<Bytes>> chunk(ChunkId const& id) = 0;
  /// Whether these plain bytes are what the id names.
  [[nodiscard]] virtual bool fits(ChunkId const& id, ByteView plain) = 0;
};

/// A chunk that was asked for: its plain bytes, or that the other side has none, or sent what does not unpack.
struct ChunkAnswer {
  ChunkId id;
  std::optional<Bytes> bytes;
  bool damaged = false;
};

/// The chunks' side of one session. Serves what the other side wants, as far as its credit reaches, and puts together
/// what comes. Chunks are read and packed one at a time, when there is room to send them.
class ChunkLane {
 public:
  /// What the other side may have under way to us.
  static constexpr std::uint64_t kCreditBytes = std::uint64_t{8} << 20;
  static constexpr std::size_t kMaxAsked = 256;                            ///< chunks under way to us
  static constexpr std::size_t kMaxServed = 16 * kLimits.max_chunk_wants;  ///< wants that wait here

  /// The session is open: grants the first credit.
  void start() { credit_due_ = kCreditBytes; }

  // Serving.
  [[nodiscard]] Result<> on_want(wire::ChunkWant const& want);
  void on_credit(wire::Credit const& credit);
  /// The next piece to send, nullopt when there is none or no credit. @param slow_link  pack harder
  [[nodiscard]] Result<std::optional<wire::FileChunk>> next_piece(ChunkSource& source, bool slow_link);

  // Fetching.
  [[nodiscard]] bool may_ask(std::uint64_t length) const;
  void ask(ChunkId const& id, std::uint64_t length);
  /// @return what is whole now; an error for a piece that nobody asked for, or is out of order
  [[nodiscard]] Result<std::optional<ChunkAnswer>> on_piece(wire::FileChunk piece);
  [[nodiscard]] bool asking() const { return !incoming_.empty(); }
  /// What was asked for and has not come.
  [[nodiscard]] std::vector<ChunkId> asked() const;

  /// CREDIT and CHUNK_WANT that are due.
  [[nodiscard]] std::optional<wire::Frame> next_control();

 private:
  struct Outgoing {
    ChunkId id;
    wire::ChunkCodec codec;
    Bytes sent_form;
    std::size_t offset = 0;
  };
  struct Incoming {
    std::uint64_t length = 0;
    std::uint64_t total = 0;
    wire::ChunkCodec codec = wire::ChunkCodec::raw;
    Bytes sent_form;
  };

  std::deque<ChunkId> serve_;
  std::optional<Outgoing> outgoing_;
  std::uint64_t may_send_ = 0;

  std::map<ChunkId, Incoming> incoming_;
  std::vector<ChunkId> ask_due_;
  std::uint64_t asked_bytes_ = 0;
  std::uint64_t credit_due_ = 0;
};

}  // namespace kith::sync
