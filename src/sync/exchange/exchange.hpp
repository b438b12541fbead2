#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "core/messages.hpp"
#include "core/session.hpp"
#include "sync/exchange/chunk_lane.hpp"
#include "sync/exchange/dialler.hpp"
#include "sync/exchange/hearing.hpp"
#include "sync/exchange/peer_book.hpp"
#include "sync/log/log_exchange.hpp"

namespace kith::sync {

/// Names one link of this process.
struct LinkId {
  std::uint64_t value = 0;
  friend auto operator<=>(LinkId const&, LinkId const&) = default;
};

struct PeerUp {
  DeviceId device;
  std::string endpoint;
  std::chrono::seconds clock_ahead;
};
struct PeerDown {
  DeviceId device;
};
/// A link ended before it was a session: the dialled device, if one was meant, and why.
struct LinkFailed {
  std::optional<DeviceId> device;
  std::string endpoint;
  Error reason;
};
/// Entries were applied: views may have changed.
struct EntriesApplied {
  std::size_t count;
};
/// What another device durably holds has changed.
struct PeerMoved {
  DeviceId device;
};
/// The bytes are what the id names.
struct ChunkArrived {
  ChunkId id;
  Bytes bytes;
};
/// No connected device has the chunk now. It is asked for again as long as it is wanted.
struct ChunkMissing {
  ChunkId id;
};
/// Another device has contents that it had not.
struct ContentsMoved {
  DeviceId device;
};
struct DigestArrived {
  DeviceId device;
  wire::Digest digest;
};
/// Another device says that this one was removed. Anybody can say so: what counts is the roster, and the entries that
/// come with it if it is true.
struct RemovedNotice {
  DeviceId by;
};
/// Another copy of this home is connecting in our name: networking has stopped.
struct ClonedNotice {};
using ExchangeEvent = std::variant<PeerUp, PeerDown, LinkFailed, EntriesApplied, PeerMoved, ChunkArrived, ChunkMissing,
                                   ContentsMoved, DigestArrived, RemovedNotice, ClonedNotice>;

/// How far this device has the contents of what it knows.
enum class Contents {
  unknown,   ///< a folder has not been looked at yet
  lacking,   ///< some are on their way, or missing
  complete,  ///< all are here, but for those of paths that are left alone
};

/// One device's side of all its conversations: sessions over links, replication, chunks, presence, the group's upkeep,
/// and when to dial whom. No sockets, clock or threads: the caller brings bytes and time, and carries away what is to
/// be sent.
///
/// Links come from outside (TCP, a simulated pipe) and are named by numbers. Errors of the store end everything: they
/// are returned by on_timer() or whichever call met them.
class Exchange final : public core::Membership {
 public:
  /// Bytes of frames that may wait in one session; beyond that, sources are not asked for more.
  static constexpr std::size_t kQueueBytes = 256 * 1024;
  /// More than this waiting for one device, and its session ends: it asks and does not read.
  static constexpr std::size_t kMostQueuedBytes = 4 * 1024 * 1024;
  /// One unwelcome device is heard at a time, and after one that was heard in vain none for so long.
  static constexpr auto kHearingPause = std::chrono::seconds{10};
  /// Of entries that show a removed device its removal, in one session; what is beyond comes when it dials again.
  static constexpr std::size_t kFarewellBytes = 1024 * 1024;
  static constexpr auto kPresenceAfter = std::chrono::milliseconds{200};
  static constexpr auto kDigestEvery = std::chrono::milliseconds{200};
  static constexpr std::size_t kMostDigestsDue = 16;
  /// Who is asked what relays have shown it asks back, but not more often.
  static constexpr auto kWitnessesEvery = std::chrono::seconds{5};
  static constexpr auto kCrossingPing = std::chrono::seconds{1};
  static constexpr auto kNotHeldFor = std::chrono::seconds{10};
  /// Who sent something else than a chunk is not asked for it for so long, and each time for twice as long.
  static constexpr auto kDamagedFor = std::chrono::seconds{30};
  static constexpr auto kDamagedForMost = std::chrono::hours{1};
  /// Who is asked for chunks and sends none of any for so long counts as one who sends damaged ones.
  static constexpr auto kChunkPatience = std::chrono::seconds{60};
  static constexpr auto kCloneWindow = std::chrono::minutes{5};
  static constexpr std::size_t kCloneHits = 3;
  /// A session that replaces another one may have told an incarnation that this device has just left: as long as an
  /// opening and the last answer of the session that gives way may take.
  static constexpr auto kIncarnationLinger = std::chrono::seconds{30};

  /// Everything outlives the exchange. `messages` and `folders` are the views whose digests are told.
  Exchange(core::Replica& replica, store::Store& store, ChunkSource& chunks, core::View& messages, core::View& folders,
           RandomSource& random);

  /// Loads peers and begins to want their company.
  [[nodiscard]] Result<> start(Now now);

  // Links.
  [[nodiscard]] LinkId dialled(std::optional<DeviceId> device, std::string endpoint, Now now);
  [[nodiscard]] LinkId accepted(wire::Opening const& opening, std::string endpoint, Now now);
  [[nodiscard]] Result<> on_bytes(LinkId link, ByteView bytes, Now now);
  [[nodiscard]] Result<> on_link_closed(LinkId link, Now now);
  /// Appends what the link is to send. @return false where there is nothing now
  [[nodiscard]] Result<bool> poll_transmit(LinkId link, Bytes& out, Now now);
  [[nodiscard]] bool link_done(LinkId link) const;
  /// Whether the other side has proved that it is a device of the group.
  [[nodiscard]] bool link_open(LinkId link) const;
  /// Links that have got something to send, or are done, since this was last asked.
  [[nodiscard]] std::set<LinkId> take_woken() { return std::exchange(woken_, {}); }

  // Time.
  [[nodiscard]] Result<> on_timer(Now now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::optional<ExchangeEvent> poll_event();

  // Dialling.
  struct Dial {
    DeviceId device;
    std::vector<std::string> addresses;
  };
  [[nodiscard]] std::optional<Dial> poll_dial(Now now);
  void dial_failed(DeviceId const& device, Now now);
  /// Try everybody again now: the network changed, or somebody asks.
  void hurry(Now now) { dialler_.hurry_all(now.mono); }
  /// Keeps addresses for a device: ahead of what is known, or, when they are hearsay, behind it.
  enum class Source { first_hand, hearsay };
  void learn_addresses(DeviceId const& device, std::vector<std::string> const& addresses, Source source, Now now);

  // The home.
  /// The database has changed, by this process or another: pushes, announces, cuts removed devices off.
  [[nodiscard]] Result<> on_local_change(Now now);
  void set_addresses(std::vector<std::string> addresses, Now now);
  /// Which folders this device keeps, and how far it has their contents; told to others. What is said here holds until
  /// entries come: from then on others hear only of what was whole before, until it is said again.
  /// @param held  paths that are left alone, whose contents are therefore not here
  void set_contents(std::vector<FolderId> folders, Contents contents, std::size_t held, Now now);
  void want_chunks(std::vector<std::pair<ChunkId, std::uint64_t>> const& chunks);
  /// What is on its way already is dropped when it comes.
  void unwant_chunks(std::vector<ChunkId> const& chunks);
  void ask_digests();

  // Devices that are met at relays.
  /// What this device leaves there for the others.
  [[nodiscard]] Result<wire::Presence> presence();
  /// What another device left there. One that is connected is heard first hand.
  [[nodiscard]] Result<> hear_presence(DeviceId const& device, wire::Presence const& presence, Now now);
  /// Chunks that are wanted, and that no connected device was asked for.
  [[nodiscard]] std::vector<ChunkId> unasked() const;
  /// A chunk that came another way. @return whether the bytes are what the id names; those of one that is not wanted
  /// any more are dropped
  [[nodiscard]] bool take_chunk(ChunkId const& id, Bytes bytes);
  void close_all(wire::CloseCode code);
  /// The same, because this process ends: but each device that is owed it hears first what this one holds by now. It
  /// may be waiting for nothing else.
  void leave(Now now);

  // Looking.
  [[nodiscard]] PeerBook const& peers() const { return peers_; }
  [[nodiscard]] std::vector<DeviceId> connected() const;
  [[nodiscard]] std::string endpoint_of(DeviceId const& device) const;
  /// Whether a connected device has exactly our entries, as far as it has told.
  [[nodiscard]] Result<bool> equal_with(DeviceId const& device);
  [[nodiscard]] bool cloned() const { return cloned_; }
  [[nodiscard]] std::size_t chunks_wanted() const { return wants_.size(); }
  /// Who says what relays have shown this device, where it uses any.
  struct Shown {
    std::vector<wire::RelayWitness> relays;
    bool more_soon = false;  ///< one of them is dialled, or shows something just now
  };
  using Witnesses = std::function<Result<Shown>()>;
  void set_witnesses(Witnesses witnesses) { witnesses_ = std::move(witnesses); }
  /// Asks the connected devices what relays have shown them: a relay has shown this one all that it has. Who connects
  /// is asked by itself.
  void ask_witnesses(Now now);
  /// Says to those who asked what could not be said then, where it can be said now. For whenever a relay has said
  /// something.
  [[nodiscard]] Result<> tell_owed_witnesses();
  /// Answers a DIGEST_WANT, here and for this device itself.
  [[nodiscard]] Result<wire::Digest> digest(std::uint64_t token);

  // core::Membership
  [[nodiscard]] GroupId group() const override;
  [[nodiscard]] Incarnation incarnation() const override { return incarnation_; }
  [[nodiscard]] std::vector<EpochId> epochs_for(std::optional<DeviceId> const& dialled) const override;
  [[nodiscard]] std::vector<EpochId> epochs_for_hello() const override;
  [[nodiscard]] crypto::noise::Psk psk(EpochId const& epoch) const override;
  [[nodiscard]] Verdict judge(wire::Devcert const& cert) const override;

 private:
  struct Link {
    Link(core::Session opened, core::Replica& replica) : session(std::move(opened)), log(replica) {}
    core::Session session;
    LogExchange log;
    ChunkLane chunks;
    std::optional<DeviceId> device;          ///< once open
    std::optional<wire::Devcert> unwelcome;  ///< of one that does not belong to the group as far as is known here
    std::vector<Tip> said_tips;              ///< its
    Incarnation incarnation;                 ///< the other side's, once open
    std::optional<DeviceId> dialled;
    std::string endpoint;
    std::uint64_t presence_counter = 0;
    std::uint64_t heard_presence = 0;
    std::optional<Instant> presence_due;
    std::vector<wire::Contact> contacts;  ///< of its last presence: some may become known to the roster later
    Instant chunks_moved;                 ///< when it last sent of a chunk, or was asked with nothing under way
    Instant next_digest;                  ///< a DIGEST_WANT before it is not answered
    Instant next_witnesses;               ///< the same of one that is about relays alone
    Instant asked_witnesses;              ///< when this side asked for those last
    bool asks_witnesses = false;          ///< and whether it is to
    bool owes_witnesses = false;          ///< it was asked for them, and not all could be said
    std::size_t said_witnesses = 0;       ///< how many could
    std::size_t digests_due = 0;          ///< DIGESTs that the other side may send: more are not looked at
    std::size_t witnesses_due = 0;        ///< the same of those that are about relays alone
  };
  struct Want {
    std::uint64_t length = 0;
    std::optional<LinkId> asked;
    std::map<DeviceId, Instant> not_held_until;
    struct Damaged {
      Instant until;
      unsigned times = 0;
    };
    std::map<DeviceId, Damaged> damaged_by;  ///< outlasts links, and whatever the device says of its contents
    [[nodiscard]] std::optional<Instant> not_before(DeviceId const& device) const;
  };
  /// Two sessions with one device, dialled from both sides: `keep` stays if it answers in time.
  struct Crossing {
    LinkId keep;
    LinkId other;
    Instant since;
    Instant until;
  };

  [[nodiscard]] Result<> work_events(LinkId id, Now now);
  [[nodiscard]] Result<> on_opened(LinkId id, core::SessionPeer const& peer, Now now);
  [[nodiscard]] Result<> on_frame(LinkId id, wire::Frame frame, Now now);
  [[nodiscard]] Result<> on_closed(LinkId id, core::SessionClosed const& closed, Now now);
  [[nodiscard]] Result<> on_digest_want(Link& link, wire::DigestWant const& want, Now now);
  void ask_witnesses(Link& link, Now now);
  [[nodiscard]] Result<> say_witnesses(Link& link);
  [[nodiscard]] Result<> on_peer_tips(LinkId id, std::vector<Tip> const& tips, Now now);
  [[nodiscard]] Result<> on_presence(LinkId id, wire::Presence const& presence, Now now);
  [[nodiscard]] Result<> on_piece(LinkId id, wire::FileChunk piece, Now now);
  void note_damaged(LinkId id, ChunkId const& chunk, Now now);
  [[nodiscard]] std::optional<Instant> patience_ends(Link const& link) const;
  [[nodiscard]] Result<> give_up_on_chunks(LinkId id, Now now);
  void settle_double(LinkId id, Now now);
  [[nodiscard]] Result<> take_incarnation(Now now);
  void count_replacement(std::string const& incarnation, Now now);
  [[nodiscard]] Result<> pump(Link& link, Now now);
  [[nodiscard]] Result<> after_change(bool roster_changed, std::optional<LinkId> from, Now now);
  [[nodiscard]] Result<> refuse_frame(LinkId id, Error const& error, Now now);
  [[nodiscard]] Result<> cut_removed(Now now);
  void hear(LinkId id, wire::Devcert const& cert, Now now);
  [[nodiscard]] Result<> on_unwelcome_frame(LinkId id, wire::Frame const& frame, Now now);
  [[nodiscard]] Result<> say_farewell(Link& link, DeviceId const& device, std::vector<Tip> const& tips);
  [[nodiscard]] Result<> do_upkeep(Now now);
  void plan_upkeep(Now now);
  void assign_wants(Now now);
  [[nodiscard]] bool nobody_has(Want const& want, Now now) const;
  void refresh_dialling(Now now);
  [[nodiscard]] Result<wire::Presence> presence_for(std::optional<DeviceId> const& device);
  [[nodiscard]] Result<> send_presence(Link& link, Now now);
  void presence_soon(Now now);
  void learn_contacts(Link const& link, Now now);
  [[nodiscard]] std::optional<LinkId> open_link(DeviceId const& device,
                                                std::optional<LinkId> except = std::nullopt) const;
  void wake(LinkId id) { woken_.insert(id); }
  void wake_all();
  LinkId add_link(core::Session session, std::optional<DeviceId> dialled, std::string endpoint);

  core::Replica& replica_;
  store::Store& store_;
  ChunkSource& chunk_source_;
  core::View& messages_;
  core::View& folders_;
  RandomSource& random_;
  Witnesses witnesses_;
  PeerBook peers_;
  Dialler dialler_;
  Incarnation incarnation_;
  struct Before {
    Incarnation incarnation;
    Instant left;
  };
  std::optional<Before> before_;  ///< the incarnation before this one, which sessions that were being opened have told
  std::optional<DeviceId> inviter_;  ///< who may be talked to before the roster is here

  std::map<LinkId, Link> links_;
  std::uint64_t last_link_ = 0;
  std::set<LinkId> woken_;
  std::deque<ExchangeEvent> events_;
  std::vector<Crossing> crossings_;
  std::optional<std::pair<LinkId, Hearing>> hearing_;
  Instant next_hearing_;
  std::map<ChunkId, Want> wants_;
  std::vector<std::string> addresses_;
  std::vector<FolderId> kept_folders_;
  Contents contents_ = Contents::unknown;
  bool contents_stale_ = false;  ///< entries have come since, and may lack theirs
  std::uint16_t held_ = 0;
  std::vector<Tip> content_tips_;  ///< when nothing was lacking last, of paths that are left alone neither
  std::optional<core::Upkeep::Kind> upkeep_;
  bool upkeep_by_age_ = false;
  Instant upkeep_due_;
  std::deque<Instant> replacements_;
  bool cloned_ = false;
};

inline constexpr std::string_view kInviterKey = "inviter";  ///< Table::meta: the device that let this one in

}  // namespace kith::sync
