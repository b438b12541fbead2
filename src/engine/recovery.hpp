#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/instance.hpp"
#include "engine/one_conversation.hpp"
#include "sync/relays/mailbox_claim.hpp"

/// How a group comes back from nothing but its words, and a relay or a device of it. @see docs/spec/objects.md,
/// "Recovery"
namespace kith::engine {

/// A group that records at the relay name, or a device.
struct NamedGroup {
  GroupId id;
  std::string name;
  friend bool operator==(NamedGroup const&, NamedGroup const&) = default;
};

/// A relay that the group uses and that this device could not be let in to.
struct RelayLeftOut {
  std::string url;
  Error reason;
};

/// EngineError::relay_unreachable for whatever keeps a relay from answering; other errors as they are.
/// @param where  its address, as people are shown it
[[nodiscard]] Error relay_away(Error const& error, std::string const& where);

/// A mailbox of several that has to be told whom alone it serves.
struct LastWord {
  std::size_t mailbox = 0;  ///< which of those that were read
  std::string url;          ///< of its relay, as the group calls it
  bool decides = false;     ///< where it fails, the recovery does
};

/// Whom a recovery has the last word with, in this order. Only mailboxes that the group uses get one: the others that
/// records led to anybody can have made, and nothing that is written from now on goes there. Those at the relay that
/// the user named come first, and decide; a relay that only the log names may be a hostile member's, and decides
/// nothing.
/// @param read  the mailboxes that were read
/// @param used  the group's, as its log says afterwards
/// @param named  none where a device was named
[[nodiscard]] std::vector<LastWord> last_words(std::vector<core::Roster::Relay> const& read,
                                               std::vector<core::Roster::Relay> const& used,
                                               std::optional<wire::RelayKey> const& named);

/// One of the group's devices, as the log tells of it.
struct FoundDevice {
  DeviceId id;
  std::string name;
  bool paused = false;
  std::optional<WallTime> wrote_at;  ///< its last entry, by its own clock
};

/// A folder's files, and how many have contents that no relay holds.
struct FoundFolder {
  FolderId id;
  std::string name;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t missing_files = 0;
  std::uint64_t missing_bytes = 0;
  std::set<DeviceId> wrote_missing;  ///< whose changes these are
};

/// Whether something listens there. @param peer  HOST:PORT @return LinkError; EngineError::interrupted
[[nodiscard]] Result<> look_for_device(std::string const& peer, Waiting const& waiting);

/// Brings a group back, step by step: look() for records, choose one group, read() what relays hold of it, or
/// read_from() a device, and, when it is clear which devices are kept, come_back(). Where a step fails, or the user
/// says no, give_up(). Each step blocks; before the last, nothing changes on any relay but this device's place on the
/// list, and, where others contest that, theirs.
class Recovery {
 public:
  /// @param waiting   for each word of a relay
  /// @param progress  told how many entries were taken in
  /// @param skips     asked when `waiting` was cancelled while a relay was talked to that only the log names: whether
  ///                  to go on without it, this once
  Recovery(core::RecoveryKeys words, core::Identity const& identity, Waiting waiting,
           std::function<void(std::size_t)> progress, std::function<bool(std::string const& url)> skips);
  Recovery(Recovery const&) = delete;
  ~Recovery();

  /// Asks a relay for the words' records. The first one asked is the one that the user trusts to be the group's.
  /// @param address  with its key
  /// @return RecoveryError; LinkError, ChannelError, EngineError::interrupted, as everywhere here
  [[nodiscard]] Result<std::vector<NamedGroup>> look(link::RelayAddress const& address);
  /// Leaves out groups whose mailbox is not there or does not begin with what the words fit: made up by somebody.
  [[nodiscard]] Result<std::vector<NamedGroup>> without_false_ones(std::vector<NamedGroup> groups);
  /// Reads the group's mailboxes at that relay, and at the others that it names, into an empty database.
  /// @param instance  outlives this
  [[nodiscard]] Result<> read(Instance& instance, GroupId const& group);
  /// Reads what a device of the group holds into an empty database, and then, as read() does, what is at the relays
  /// that it names, as far as they answer.
  /// @param peer    HOST:PORT
  /// @param accept  told which group it is before anything of it is kept; its error ends it
  /// @return EngineError::words_unanswered, address_unreachable, words_unfit; LinkError; CoreError::version_mismatch
  [[nodiscard]] Result<> read_from(Instance& instance, std::string const& peer,
                                   std::function<Result<>(NamedGroup const&)> const& accept);

  [[nodiscard]] Result<std::vector<FoundDevice>> devices();
  [[nodiscard]] Result<std::vector<FoundFolder>> folders();
  /// Entries that others name and that nobody gave.
  [[nodiscard]] Result<std::size_t> missing_entries();

  /// Makes this device a member, removes all others but those, and has the relays serve exactly who is left.
  /// @return how many devices were removed
  [[nodiscard]] Result<std::size_t> come_back(std::string name, std::set<DeviceId> const& keep);
  /// Has the relays that serve this device alone serve again whom they did before. What cannot be reached is in
  /// shut_out(). @param waiting  what remains of the user's patience
  void give_up(Waiting waiting);
  /// By the device's clock that founded it. Whoever makes a group up can make that up as well.
  [[nodiscard]] WallTime founded_at() const;
  /// Of the group's relays, those that this device has no place at.
  [[nodiscard]] std::vector<RelayLeftOut> const& left_out() const { return left_out_; }
  /// Relays that may go on serving nobody but this device, although it has no place in the group: by their address as
  /// people are shown it.
  [[nodiscard]] std::vector<RelayLeftOut> const& shut_out() const { return shut_out_; }

 private:
  /// A mailbox that a record led to.
  struct Source {
    link::RelayAddress address;
    wire::RelayKey relay;
    core::Escrow escrow;
    bool read = false;
    bool shuts_others_out = false;  ///< its mailbox may serve nobody but whom this device named there
  };
  [[nodiscard]] Result<std::optional<wire::Genesis>> claim(Source& source,
                                                           std::optional<std::vector<wire::Pseudonym>> exactly,
                                                           bool contested = false);
  class PeerReading;
  [[nodiscard]] Result<> begin_with(wire::Genesis const& genesis);
  [[nodiscard]] Result<> keep_address();
  [[nodiscard]] Result<> take_in(Source& source);
  [[nodiscard]] Result<> take_in_once(Source& source, bool contested);
  [[nodiscard]] Result<> read_other_relays();
  [[nodiscard]] std::optional<Error> read_other(std::string const& url, link::RelayAddress const& address);
  void begin_other();
  void give_back(Source& source, Waiting waiting);
  void drop_unread();
  [[nodiscard]] Waiting waiting_for(wire::RelayKey const& relay) const;
  /// Whether it is a reason to give up the whole, and not only that other relay.
  [[nodiscard]] bool ends_all(std::string const& url, Error const& reason);
  void leave_out(std::string const& url, Error const& reason);

  core::RecoveryKeys words_;
  core::Identity const& identity_;
  Waiting waiting_;
  std::function<void(std::size_t)> progress_;
  std::function<bool(std::string const&)> skips_;
  std::optional<wire::RelayKey> named_;  ///< the relay that the user named
  std::string peer_;                     ///< or the device: where it was reached
  std::optional<DeviceId> giver_;        ///< who that was
  std::vector<Tip> given_tips_;          ///< what it said that it holds
  Instant other_ends_at_;                ///< a relay that only the log names is waited for so long
  crypto::SystemRandom random_;
  std::vector<Source> sources_;
  Instance* instance_ = nullptr;
  GroupId group_;
  std::size_t taken_in_ = 0;
  std::vector<RelayLeftOut> left_out_;
  std::vector<RelayLeftOut> shut_out_;
};

}  // namespace kith::engine
