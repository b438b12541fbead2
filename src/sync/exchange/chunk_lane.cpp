#include "sync/exchange/chunk_lane.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "sync/files/chunk_pack.hpp"

namespace kith::sync {
namespace {

/// Grants smaller than this wait until they add up, so that not each piece costs a frame.
constexpr std::uint64_t kLeastGrant = ChunkLane::kCreditBytes / 8;
/// The largest sent form: a raw chunk.
constexpr std::uint64_t kMaxSentBytes = kLimits.max_chunk_bytes;

}  // namespace

Result<> ChunkLane::on_want(wire::ChunkWant const& want) {
  if (serve_.size() + want.ids.size() > kMaxServed) return fail(core::CoreError::protocol_violation);
  serve_.insert(serve_.end(), want.ids.begin(), want.ids.end());
  return {};
}

void ChunkLane::on_credit(wire::Credit const& credit) {
  may_send_ = std::min(may_send_ + std::min(credit.bytes, kCreditBytes * 16), kCreditBytes * 16);
}

Result<std::optional<wire::FileChunk>> ChunkLane::next_piece(ChunkSource& source, bool slow_link) {
  if (!outgoing_) {
    if (serve_.empty()) return std::nullopt;
    ChunkId const id = serve_.front();
    KITH_TRY(plain, source.chunk(id));
    serve_.pop_front();
    if (!plain) return std::optional(wire::FileChunk{id, 0, 0, wire::ChunkCodec::not_held, {}});
    auto [codec, sent_form] = files::pack_chunk(std::move(*plain), slow_link);
    outgoing_ = Outgoing{id, codec, std::move(sent_form), 0};
  }
  std::size_t const left = outgoing_->sent_form.size() - outgoing_->offset;
  std::size_t const size = std::min(left, kLimits.max_chunk_frame_bytes);
  if (size > may_send_) return std::nullopt;
  may_send_ -= size;
  auto const bytes = ByteView{outgoing_->sent_form}.subspan(outgoing_->offset, size);
  wire::FileChunk piece{outgoing_->id, outgoing_->offset, outgoing_->sent_form.size(), outgoing_->codec,
                        Bytes(bytes.begin(), bytes.end())};
  outgoing_->offset += size;
  if (outgoing_->offset == outgoing_->sent_form.size()) outgoing_.reset();
  return std::optional(std::move(piece));
}

bool ChunkLane::may_ask(std::uint64_t length) const {
  return incoming_.size() < kMaxAsked && (asked_bytes_ == 0 || asked_bytes_ + length <= kCreditBytes);
}

void ChunkLane::ask(ChunkId const& id, std::uint64_t length) {
  if (!incoming_.try_emplace(id, Incoming{length, 0, wire::ChunkCodec::raw, {}}).second) return;
  asked_bytes_ += length;
  ask_due_.push_back(id);
}

Result<std::optional<ChunkAnswer>> ChunkLane::on_piece(wire::FileChunk piece) {
  auto const found = incoming_.find(piece.id);
  if (found == incoming_.end()) return fail(core::CoreError::protocol_violation);
  auto& chunk = found->second;
  credit_due_ += piece.bytes.size();
  bool const first = chunk.sent_form.empty();
  if (first) {
    chunk.total = piece.total;
    chunk.codec = piece.codec;
  }
  bool const fits = piece.offset == chunk.sent_form.size() && piece.total == chunk.total &&
                    piece.codec == chunk.codec && piece.total <= kMaxSentBytes &&
                    piece.bytes.size() <= piece.total - piece.offset;
  bool const moves = !piece.bytes.empty() || piece.total == 0;
  if (!fits || !moves) return fail(core::CoreError::protocol_violation);
  append(chunk.sent_form, piece.bytes);
  if (chunk.sent_form.size() < chunk.total) return std::nullopt;

  asked_bytes_ -= chunk.length;
  auto const codec = chunk.codec;
  Bytes sent_form = std::move(chunk.sent_form);
  incoming_.erase(found);
  if (codec == wire::ChunkCodec::not_held) return std::optional(ChunkAnswer{piece.id, std::nullopt});
  auto plain = files::unpack_chunk(codec, std::move(sent_form));
  bool const damaged = !plain;
  return std::optional(ChunkAnswer{piece.id, std::move(plain), damaged});
}

std::vector<ChunkId> ChunkLane::asked() const {
  std::vector<ChunkId> ids;
  for (auto const& [id, chunk] : incoming_) ids.push_back(id);
  return ids;
}

std::optional<wire::Frame> ChunkLane::next_control() {
  if (credit_due_ >= kLeastGrant) return wire::Credit{std::exchange(credit_due_, 0)};
  if (ask_due_.empty()) return std::nullopt;
  wire::ChunkWant want;
  std::size_t const count = std::min(ask_due_.size(), kLimits.max_chunk_wants);
  want.ids.assign(ask_due_.begin(), ask_due_.begin() + static_cast<std::ptrdiff_t>(count));
  ask_due_.erase(ask_due_.begin(), ask_due_.begin() + static_cast<std::ptrdiff_t>(count));
  return want;
}

}  // namespace kith::sync
