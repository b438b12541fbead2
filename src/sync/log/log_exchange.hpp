#pragma once

#include <deque>
#include <map>
#include <set>

#include "sync/log/entry_stream.hpp"

namespace kith::sync {

/// What to ask for of a tip that is not held: all after what is held of its log; with each attempt eight times further
/// back, because the tip's branch may have left ours earlier.
[[nodiscard]] Seq first_wanted(core::GroupState const& state, Tip const& tip, unsigned attempts);

/// The entries' side of one session: says tips, asks for what is missing, answers the other side, and passes on what
/// comes to be known, until heads are equal, and from then on live. Frames in, frames out; the replica does the rest.
///
/// Frames are pulled, so that a long catch-up waits in the store and not in memory: the caller asks for the next one
/// when the session's queue has room. @see docs/spec/session.md, "Replication"
class LogExchange {
 public:
  explicit LogExchange(core::Replica& replica) : replica_(replica) {}

  /// The session is open: tips are due. @param peer  whom it is with: answers for what has to wait here
  void start(std::optional<DeviceId> const& peer = std::nullopt) {
    peer_ = peer;
    tips_due_ = true;
  }

  /// TIPS or ACK: what the other side has durably applied. @return whether a tip of our own log, beyond what we know of
  /// it, was among them, so that this device now writes into a new one
  [[nodiscard]] Result<bool> on_peer_tips(std::vector<Tip> const& tips);
  /// @return CoreError::protocol_violation for one that asks on and on and does not wait for answers
  [[nodiscard]] Result<> on_want(wire::Want const& want);
  /// DATA: takes the entries in. An ACK follows when something was applied.
  [[nodiscard]] Result<core::Received> on_data(wire::Data const& data, Now now);

  /// The replica holds more than before, by our own writing, another process's or another session's. Own entries are
  /// pushed, others announced.
  [[nodiscard]] Result<> on_local_change();

  /// The next frame to send, nullopt when there is none.
  [[nodiscard]] Result<std::optional<wire::Frame>> next_frame();

  /// Whether the other side is known to have every entry that we have, and the other way round.
  [[nodiscard]] Result<bool> equal();
  /// What the other side has said that it has durably applied: its tips and acknowledgements.
  [[nodiscard]] std::set<Tip> const& peer_tips() const { return peer_tips_; }

 private:
  /// What the last answers left to be done, handed from the end of one WANT to the plan of the next: how often in a row
  /// answers helped and yet did not bring an entry, or brought it to wait for others of its log.
  struct Attempts {
    std::map<EntryHash, unsigned> not_brought;
    std::map<LogId, unsigned> brought_to_wait;
    [[nodiscard]] unsigned of(Tip const& tip) const;
  };
  struct Asked {
    Tip tip;
    unsigned attempts = 0;
  };

  [[nodiscard]] bool reaches_back(Tip const& tip, unsigned attempts) const;
  void try_again();
  [[nodiscard]] Result<> plan_wants(Attempts const& attempts = {});
  [[nodiscard]] Result<std::vector<Tip>> wanted();
  [[nodiscard]] Result<> on_answer_end();
  [[nodiscard]] Result<> skip_to_end();

  core::Replica& replica_;
  std::optional<DeviceId> peer_;
  std::set<Tip> peer_tips_;  ///< the latest of each branch that the peer named
  bool peer_spoke_ = false;  ///< its first TIPS came
  bool said_once_ = false;   ///< our first TIPS went out
  bool tips_due_ = false;
  bool ack_due_ = false;
  bool want_open_ = false;       ///< a WANT is being answered
  bool answer_helped_ = false;   ///< the answer so far brought something new
  bool came_unopened_ = false;   ///< or what is here and cannot be opened
  std::set<EntryHash> in_vain_;  ///< asked for and not received; asked again when something changes
  /// Ends of logs that came whole and cannot be opened, and how often something changed since.
  std::map<EntryHash, unsigned> closed_;
  std::size_t secrets_ = 0;   ///< of epochs, that were known then
  std::vector<Asked> asked_;  ///< by the WANT that is being answered
  std::optional<wire::Want> want_due_;
  std::deque<EntryStream> answers_;
  std::uint64_t seen_position_ = 0;  ///< entries up to here have been pushed or announced
  std::deque<EntryHash> push_;       ///< own entries to send live
  std::set<Tip> said_tips_;          ///< our tips as the peer last heard them
};

}  // namespace kith::sync
