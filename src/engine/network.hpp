#pragma once

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "core/pair_inviter.hpp"
#include "engine/doorbell.hpp"
#include "engine/file_lock.hpp"
#include "engine/instance.hpp"
#include "engine/invites.hpp"
#include "link/tcp/tcp.hpp"
#include "sync/away/stalled_wants.hpp"
#include "sync/exchange/exchange.hpp"
#include "sync/relays/mailbox.hpp"

namespace kith::engine {

class FolderLooks;
class FolderService;

struct NetworkOptions {
  HomePaths paths;
  std::string command;                                 ///< what the user sees as running: "kith sync ~/notes"
  std::optional<link::HostPort> listen{{"::", 7427}};  ///< nullopt: do not listen; port 0: any free one
  std::string device_name;
  std::int64_t trash_days = 30;
  bool folders = false;  ///< keep folders in step too, for every process that wants one
};

/// The home's network, on a thread of its own: waits until no other process of the home has it, then listens, dials,
/// replicates, answers invites, and shows in the database how it goes. One process per home does so at a time.
///
/// Talks to everybody else through the database and the doorbell only. Failures of the database end it; `failure()`
/// tells.
class Network {
 public:
  static constexpr auto kBeat = std::chrono::seconds{2};
  static constexpr auto kLockRetry = std::chrono::milliseconds{250};
  /// How long others are not told which folders are kept, until disks have answered: seldom needed, as they do at once.
  static constexpr auto kFirstLook = std::chrono::milliseconds{100};
  static constexpr auto kDialTime = std::chrono::seconds{5};
  /// Between looks at what devices that are away lack: a device that is there may have fetched it meanwhile.
  static constexpr auto kUploadsEvery = std::chrono::seconds{2};
  /// What is held and wanted changes with each chunk: relays hear of it at most so often.
  static constexpr auto kTellRelaysEvery = std::chrono::milliseconds{50};
  /// Chunks that came from relays and are on their way to the folders.
  static constexpr std::size_t kMostGiven = 65536;
  static constexpr std::size_t kMaxConnections = 256;
  static constexpr std::size_t kMaxStrangers = 64;       ///< connections that have not proved yet that they belong here
  static constexpr std::size_t kMaxStrangersOfOne = 16;  ///< of one address
  static constexpr std::size_t kMaxPairings = 16;
  static constexpr std::size_t kMaxPairingsOfOne = 4;  ///< of one address, so that it does not keep others out
  /// Of all who come through one relay. They are counted apart from those who come by themselves: neither way is closed
  /// by who is at the other.
  static constexpr std::size_t kMaxPairingsOfRelay = 8;
  /// Relays that an invite names, and that the group's newcomers are told of.
  static constexpr std::size_t kMaxInviteRelays = 8;
  /// Who knows the group and shows words that are not its is not heard for so long; of so many addresses that is known.
  static constexpr auto kFailedProofPause = std::chrono::seconds{10};
  static constexpr std::size_t kMostFailedProofs = 64;
  /// How long a relay that did not take an invite is left alone.
  static constexpr auto kInviteRetry = std::chrono::seconds{5};
  /// What a relay is given to hear that invites are over.
  static constexpr auto kRevokeTime = std::chrono::milliseconds{300};

  /// @param identity  outlives the network
  Network(core::Identity const& identity, NetworkOptions options);
  ~Network();
  Network(Network const&) = delete;

  void start();
  /// Says goodbye to the others, gives what is queued up to `grace` to go out, and ends the thread.
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds{500});
  [[nodiscard]] std::optional<Error> failure() const;
  [[nodiscard]] bool owns_network() const { return owner_; }

  /// For the folder service of this process; any thread.
  void want_chunks(std::vector<std::pair<ChunkId, std::uint64_t>> chunks);
  void unwant_chunks(std::vector<ChunkId> chunks);
  void end_with(Error error);

 private:
  class LinkMachine;
  class PairMachine;
  class OpeningMachine;
  class RecoveryMachine;
  class RelayMachine;
  struct RelayLink;
  struct InviteAtRelay;
  friend class LinkMachine;
  friend class PairMachine;
  friend class OpeningMachine;
  friend class RecoveryMachine;
  friend class RelayMachine;

  /// Reads chunks for others.
  struct Source final : sync::ChunkSource {
    explicit Source(files::ChunkStore& store) : chunks(store) {}
    Result<std::optional<Bytes>> chunk(ChunkId const& id) override { return chunks.find(id); }
    bool fits(ChunkId const& id, ByteView plain) override { return files::chunk_id(chunks.key(), plain) == id; }
    files::ChunkStore& chunks;
  };

  // Thread and ownership (network.cpp).
  void run();
  [[nodiscard]] Result<> work();
  void try_to_own();
  [[nodiscard]] Result<> take_over();
  [[nodiscard]] Result<> listen();
  [[nodiscard]] std::vector<std::string> own_addresses() const;
  void give_up_ownership();
  void fail_with(Error error);
  [[nodiscard]] Result<> beat();
  void on_bell();
  void on_alarm();
  /// After anything was done with the exchange: tells what happened, wakes links, dials, and sets the alarm.
  void settle();
  void check(Result<> result) {
    if (!result) fail_with(std::move(result).error());
  }

  // Connections (network_links.cpp).
  [[nodiscard]] std::shared_ptr<link::StreamMachine> accept(std::string const& remote);
  void dial(sync::Exchange::Dial dial);
  void dial_address(std::string const& address);
  [[nodiscard]] std::shared_ptr<link::StreamMachine> attach(sync::LinkId id);
  void detach(sync::LinkId id);

  // Somebody who has the recovery words and reads the group (network_recovery.cpp).
  [[nodiscard]] bool may_show_words(std::string const& remote) const;
  void note_failed_proof(std::string const& remote);
  [[nodiscard]] Result<> note_words_used(std::string const& remote);

  // Relays (network_relays.cpp).
  [[nodiscard]] Result<> look_at_relays();
  void dial_relay(std::shared_ptr<RelayLink> const& relay);
  [[nodiscard]] bool uses(std::shared_ptr<RelayLink> const& relay) const;
  [[nodiscard]] Result<> relays_look();
  [[nodiscard]] Result<> relays_timer();
  [[nodiscard]] std::optional<Instant> relays_deadline() const;
  [[nodiscard]] Result<> settle_relays();
  void leave_relays();
  [[nodiscard]] bool relays_busy() const;
  [[nodiscard]] std::vector<sync::Mailbox*> mailboxes() const;
  [[nodiscard]] Result<> serve_away();
  void uploads_soon();
  void tell_relays_soon();
  [[nodiscard]] Result<> tell_relays();
  [[nodiscard]] Result<> pass_over(std::vector<ChunkId> const& wanted);
  [[nodiscard]] Result<sync::Exchange::Shown> witnesses();
  [[nodiscard]] Result<> compare_relays(DeviceId const& other, std::vector<wire::RelayWitness> const& theirs);
  [[nodiscard]] Result<> tell(RelayLink& relay, sync::MailboxEvent const& event);
  [[nodiscard]] Result<> show(RelayLink& relay, wire::RelayKey const& key);

  // Invites at relays (network_invites.cpp).
  [[nodiscard]] std::vector<core::Roster::Relay> invite_relays() const;
  [[nodiscard]] Result<> look_at_invites();
  void open_invite(std::string const& lookup, core::Roster::Relay const& relay, InviteAtRelay& invite);
  [[nodiscard]] Result<> show(InviteAtRelay& invite);
  void leave_invites();

  // What the exchange tells and others ask (network_events.cpp).
  [[nodiscard]] Result<> tell(sync::ExchangeEvent const& event);
  [[nodiscard]] Result<> look_at_requests();
  [[nodiscard]] Result<> look_at_pairings();
  [[nodiscard]] Result<bool> has_come_in(DeviceId const& device);
  [[nodiscard]] bool may_pair(std::string const& remote) const;
  [[nodiscard]] Result<> answer(PairMachine& machine);
  [[nodiscard]] Result<> ask_about(PairMachine& machine, bool agreed);
  [[nodiscard]] Result<> on_pair_event(PairMachine& machine, core::InviterEvent const& event);
  [[nodiscard]] Result<> commit_pair(PairMachine& machine, core::PairCommit const& commit);
  [[nodiscard]] Result<> begin_looks();
  [[nodiscard]] Result<> look_at_contents();
  [[nodiscard]] Result<bool> want_message_contents();
  [[nodiscard]] Result<> introduce(DeviceId const& device, std::string const& endpoint);
  [[nodiscard]] Result<> note_claim(DeviceId const& by);
  [[nodiscard]] Result<> note_problem(std::string_view code, std::string subject);

  core::Identity const& identity_;
  NetworkOptions options_;
  std::thread thread_;
  std::atomic<bool> owner_{false};
  mutable std::mutex failure_mutex_;
  std::optional<Error> failure_;
  bool stopping_ = false;

  // On the network's thread only:
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Doorbell> bell_;
  std::unique_ptr<link::Loop::Watch> bell_watch_;
  std::unique_ptr<link::Loop::Alarm> alarm_;
  std::unique_ptr<link::Loop::Alarm> lock_alarm_;
  std::optional<FileLock> lock_;
  std::unique_ptr<StoredInvites> invites_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<sync::Exchange> exchange_;
  std::unique_ptr<link::TcpListener> listener_;
  std::string listen_host_;
  std::shared_ptr<FolderLooks> looks_;
  std::shared_ptr<FolderService> folders_;
  std::map<sync::LinkId, std::weak_ptr<LinkMachine>> machines_;
  std::map<wire::RelayKey, std::shared_ptr<RelayLink>> relays_;
  std::set<wire::RelayKey> said_all_;       ///< relays that this device has left because it was removed
  std::optional<Instant> relays_told_due_;  ///< when they hear of what is held and wanted here
  sync::StalledWants stalled_wants_;
  std::optional<Instant> uploads_due_;  ///< when to look what devices that are away lack
  std::chrono::milliseconds uploads_wait_ = kUploadsEvery;
  std::set<ChunkId> given_by_relays_;
  std::map<std::pair<std::string, wire::RelayKey>, std::shared_ptr<InviteAtRelay>> invites_at_relays_;  ///< by lookup
  Instant revoked_at_;              ///< the last time that a relay was told of an invite's end
  std::uint64_t last_relayed_ = 0;  ///< numbers the connections through relays
  std::set<PairMachine*> pairings_;
  std::uint64_t last_pairing_ = 0;
  std::map<std::string, std::size_t> strangers_;  ///< by address without port
  RecoveryMachine* giving_ = nullptr;             ///< to whom the group is being given, if to anybody
  std::map<std::string, Instant> failed_proofs_;  ///< until when somebody is not heard, by address without port
  std::map<DeviceId, std::string> coming_;  ///< open sessions whose device has not said yet what it holds: endpoints
  std::set<std::string> dialling_;          ///< addresses asked for by DialRows, under way
  std::map<ChunkId, std::uint64_t> message_chunks_;  ///< wanted for messages, with their lengths
  MessageNumber messages_looked_at_;
  std::int64_t answered_verify_ms_ = 0;
  Instant next_beat_;
  std::int64_t since_ms_ = 0;
  bool ring_due_ = false;
  bool settling_ = false;
  /// Last, so that it goes first: it holds the machines, and they refer to what is above.
  link::Loop loop_;
};

}  // namespace kith::engine
