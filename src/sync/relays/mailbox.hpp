#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/replica.hpp"
#include "relay/channel/channel.hpp"
#include "sync/relays/acl_chain.hpp"
#include "sync/relays/mailbox_events.hpp"
#include "sync/relays/object_book.hpp"
#include "sync/relays/relay_record.hpp"
#include "sync/relays/taken.hpp"
#include "wire/frame.hpp"

namespace kith::sync {

/// This device's side of its group's mailbox at one relay: pulls what is there, pushes what is not, keeps the relay's
/// list of whom it serves, and says when to dial. No sockets, clock or threads: the caller dials, brings bytes and
/// time, and carries away what is to be sent. Errors of the store end everything and are returned.
///
///     Idle --dialled--> Handshake --Noise--> Hello --WELCOME--> Catching up --all pulled--> Live
///       ^                                      |  LOG_RESET: once more, from 0
///       |                                      |  not allowed: shows the relay the chain of access records, once
///       +---- closed, error, silence ----------+
///
/// The mailbox is kept causally closed: an entry goes there only behind its whole past. This device's own entries go at
/// once, those of others after a while, when their authors have had time to bring them. @see docs/spec/relay.md
class Mailbox {
 public:
  static constexpr auto kFirstWait = std::chrono::seconds{1};
  static constexpr auto kLongestWait = std::chrono::seconds{60};
  /// Where the relay is only attended: that may be for good, and it may be gone for good.
  static constexpr auto kLongestAttendedWait = std::chrono::minutes{10};
  /// Between two tries of a device that the relay does not serve yet and that has not seen the group's log, the first
  /// kNewcomerTries times.
  static constexpr auto kNewcomerWait = std::chrono::milliseconds{500};
  static constexpr unsigned kNewcomerTries = 40;
  static constexpr auto kHandshakeTime = std::chrono::seconds{20};
  static constexpr auto kAnswerTime = std::chrono::seconds{60};
  /// The slowest line that an object, or the answer to a PULL, gets through on.
  static constexpr std::size_t kSlowestBytesPerSecond = 8 * 1024;
  /// A PULL is answered within this, whatever else the relay says meanwhile.
  static constexpr auto kPullTime =
      kAnswerTime + std::chrono::seconds{wire::kRelayLimits.max_message_bytes / kSlowestBytesPerSecond};
  /// A connection is made anew after so long, for fresh keys.
  static constexpr auto kLifetime = std::chrono::hours{24};
  /// A list by the recovery words stands for so long, although it names somebody of whom nothing is known here.
  static constexpr auto kWordsPatience = std::chrono::hours{24};
  /// All is pulled once more where something was passed over, but not more often.
  static constexpr auto kPullAnewEvery = std::chrono::hours{24};
  static constexpr auto kFlushAfter = std::chrono::milliseconds{100};
  /// After a refusal for want of room.
  static constexpr auto kFullWait = std::chrono::seconds{60};
  /// Entries of others are brought after between the first and the second.
  static constexpr auto kOthersFirst = std::chrono::seconds{5};
  static constexpr auto kOthersLast = std::chrono::seconds{30};
  static constexpr std::uint32_t kPullBytes = 512 * 1024;
  /// Another history of a mailbox that others tell of is two minutes old before it shows that the relay has two.
  static constexpr auto kHistoryPatience = std::chrono::minutes{2};
  /// Objects live so long at most, and no longer than the relay says.
  static constexpr auto kObjectTime = std::chrono::hours{7 * 24};
  /// A chunk whose object expires sooner counts as not there when it is to be uploaded.
  static constexpr auto kObjectMargin = std::chrono::hours{1};
  /// Whether an object that is relied on is there is asked again, when it is relied on anew; and by itself.
  static constexpr auto kRelyTime = std::chrono::seconds{30};
  static constexpr auto kAskAgain = std::chrono::minutes{10};
  static constexpr std::size_t kObjectPieceBytes = 128 * 1024;
  /// Chunks of containers that came along with wanted ones, and may be wanted next.
  static constexpr std::size_t kCacheBytes = 16 * 1024 * 1024;
  /// What has expired is forgotten so often.
  static constexpr auto kSweepEvery = std::chrono::hours{24};
  static constexpr auto kPresenceEvery = std::chrono::seconds{1};
  /// Between looks whether chunks that were given out are durably here by now.
  static constexpr auto kGivenEvery = std::chrono::seconds{1};
  static constexpr std::size_t kMostLookedAt = 512;  ///< of what is wanted, for what lies nowhere
  /// Between looks whether any others of what lies there are.
  static constexpr auto kStoredEvery = std::chrono::seconds{30};
  /// Chunks that are looked for at a time, and the pause before the next ones: with all that one device may announce
  /// the caller's thread is held up no longer than with little.
  static constexpr std::size_t kMostStoredLooks = 2048;
  static constexpr auto kStoredPause = std::chrono::seconds{1};
  /// A relay that had no room for the recovery record is asked again.
  static constexpr auto kRecordAgain = std::chrono::minutes{10};

  /// Everything outlives the mailbox.
  Mailbox(core::Replica& replica, store::Store& store, core::Roster::Relay relay, RandomSource& random);

  [[nodiscard]] Result<> start(Now now);
  [[nodiscard]] core::Roster::Relay const& relay() const { return relay_; }
  /// Whether the group uses the mailbox no more and this device still looks at it (attending.hpp): then no presence is
  /// left there, and the caller leaves no contents. Where it is used again, it is dialled now.
  void set_attended(bool attended, Now now);
  [[nodiscard]] bool attended() const { return attended_; }

  // The connection.
  [[nodiscard]] bool wants_link(Now now) const;
  void dialling(Now now);  ///< the caller is at it
  void dial_failed(Error reason, Now now);
  void on_connected(Now now);  ///< there is a link: the handshake is ready to be sent
  [[nodiscard]] Result<> on_bytes(ByteView bytes, Now now);
  [[nodiscard]] Result<> on_closed(Now now);  ///< the link is gone
  [[nodiscard]] bool poll_transmit(Bytes& out);
  [[nodiscard]] bool link_done() const { return state_ == State::ending; }  ///< close it
  void hurry(Now now);  ///< dial now: the network changed, or somebody asks

  [[nodiscard]] Result<> on_timer(Now now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::optional<MailboxEvent> poll_event();
  /// The replica holds more than before.
  [[nodiscard]] Result<> on_local_change(Now now);
  [[nodiscard]] Result<> flush();  ///< writes down what would be written soon

  // Presence.
  /// What the others are to know of this device; sent when it has changed. Its counter is set here. Nothing is left
  /// where the relay is only attended.
  /// @param shown  what other relays have shown this device
  [[nodiscard]] Result<> set_presence(wire::Presence presence, std::vector<wire::RelayWitness> shown, Now now);

  // Contents.
  /// Reads a chunk of this device's; nullopt where it has none.
  using ChunkReader = std::function<Result<std::optional<Bytes>>(ChunkId const&)>;
  void set_chunk_reader(ChunkReader reader) { read_chunk_ = std::move(reader); }
  /// Leaves chunks at the relay for devices that are away, those that are not there yet.
  [[nodiscard]] Result<> upload(std::vector<ChunkId> const& chunks, Now now);
  [[nodiscard]] bool uploading() const;
  /// What is to be left there waits for room, or until the relay takes more; it goes on by itself.
  [[nodiscard]] bool upload_waits() const { return upload_not_before_.has_value(); }
  /// The chunks that are wanted and that no device gives; replaces what was said before.
  [[nodiscard]] Result<> want(std::vector<ChunkId> const& chunks, Now now);
  /// What this device left there can go, but for what holds one of these chunks.
  [[nodiscard]] Result<> drop_objects(std::set<ChunkId> const& lacked, Now now);
  /// Tells whether a chunk is durably on this device: only then it has been taken.
  void set_chunk_holder(ObjectBook::Holds holds) {
    if (!holds) return;
    // What is wanted is not here, whatever was noted once.
    holds_chunk_ = [this, holds = std::move(holds)](ChunkId const& chunk) -> Result<bool> {
      if (wanted_.contains(chunk)) return false;
      return holds(chunk);
    };
  }
  struct Traces {
    bool ours = false;             ///< in an object that this device left and that is there
    std::set<DeviceId> taken_by;   ///< who has taken it out of an object that is, or was, there
    std::set<DeviceId> lacked_by;  ///< who says to want it, whatever it has taken
  };
  /// What is known of a chunk at this relay.
  [[nodiscard]] Result<Traces> traces(ChunkId const& chunk, WallTime now) const;
  /// Whether something lies there that another device left and that is not here.
  [[nodiscard]] bool offers_more() const;
  /// Nothing more is to be left there of what is known now.
  void note_left(core::Past const& heads, Now now);
  [[nodiscard]] Result<bool> has_chunk(ChunkId const& chunk, WallTime now) const;
  /// Likewise where it is not uploaded for that: the relay is asked whether it still has the object. RelayMoved tells
  /// when it has not.
  [[nodiscard]] Result<bool> rely_on_chunk(ChunkId const& chunk, Now now);

  // Comparing with other devices (mailbox_witness.cpp).
  /// What the relay has shown this device; nullopt while it is not connected, or catches up.
  [[nodiscard]] Result<std::optional<wire::RelayWitness>> witness();
  /// The same, or what it was last.
  [[nodiscard]] Result<std::optional<wire::RelayWitness>> last_witness();
  /// What it has shown another device must have been shown here too, or come when it is asked for. Of each
  /// device the last word counts, until all that it names is there.
  [[nodiscard]] Result<> compare(DeviceId const& other, wire::RelayWitness theirs, Now now);
  /// The same of what a device has left at another relay, maybe long ago. It counts over connections. Of another
  /// history of the mailbox it shows something only where it builds upon what this device wrote on this connection.
  [[nodiscard]] Result<> compare_left(DeviceId const& other, wire::RelayWitness theirs, Now now);
  /// Whether witness() may soon say what it cannot say while the relay is dialled or shows something.
  [[nodiscard]] bool showing() const {
    return state_ == State::live ? pull_request_ != 0 : state_ != State::idle && state_ != State::ending;
  }
  [[nodiscard]] bool comparing() const { return compares_; }

  // Looking.
  [[nodiscard]] bool live() const { return state_ == State::live; }
  [[nodiscard]] RelayTrouble trouble() const { return trouble_; }
  [[nodiscard]] RelayRecord const& record() const { return record_; }
  /// Whether the relay is known to hold every entry that this device would pass on.
  [[nodiscard]] bool holds_all() const;
  [[nodiscard]] bool holds_own() const;  ///< likewise of this device's own
  /// Whether a device that is no member any more has still to tell its last words there: it may have removed itself.
  [[nodiscard]] bool owes_words() const { return !holds_own() && trouble_ != RelayTrouble::not_allowed; }
  /// Whether something that was pushed is still to be acknowledged.
  [[nodiscard]] bool pushing() const { return !record_.outbox.empty(); }

 private:
  enum class State { idle, dialling, handshake, hello, catching_up, live, ending };

  // Connection and dispatch (mailbox.cpp).
  void end(Error reason, Now now);
  void misbehaved(Error reason, Now now);
  void off_chain(Now now);
  [[nodiscard]] bool answer_owed() const;
  [[nodiscard]] std::optional<Instant> silence_ends() const;
  void set_trouble(RelayTrouble trouble, std::uint64_t number = 0);
  void note_room();
  void say_hello();
  template <class Message>
  void send(Message message);
  [[nodiscard]] Result<> on_message(wire::RelayMessage message, Now now);
  [[nodiscard]] Result<> on_welcome(wire::Welcome const& welcome, Now now);

  // What is known to be there (mailbox_account.cpp).
  [[nodiscard]] Result<> reconcile(wire::Welcome const& welcome);
  [[nodiscard]] Result<> forget();

  // What is refused (mailbox_failures.cpp).
  [[nodiscard]] Result<> on_failure(wire::RelayFailure const& failure, Now now);
  [[nodiscard]] Result<> on_no_object(wire::RelayErrorCode code, Now now);
  [[nodiscard]] Result<> upload_later(wire::RelayFailure const& failure, Now now);
  void push_later(std::chrono::milliseconds least, wire::RelayFailure const& failure, Now now);
  [[nodiscard]] Result<> on_not_allowed(wire::RelayFailure const& failure, Now now);
  [[nodiscard]] Result<> on_stale_acl(wire::RelayFailure const& failure, Now now);
  void begin_stamp(wire::RelayFailure const& failure, Now now);
  void not_served(Now now);
  [[nodiscard]] bool usurped() const;

  // Pulling (mailbox_pull.cpp).
  void pull(Now now);
  [[nodiscard]] Result<> on_pulled(wire::PullResponse response, Now now);
  [[nodiscard]] Result<> take_items(std::vector<wire::RelayItem> const& items, wire::RelayCursor upto, Now now);
  [[nodiscard]] Result<std::optional<core::EntryRecord>> entry_of(UnresolvedItems::Item const& item) const;
  [[nodiscard]] Result<bool> note_there(UnresolvedItems::Item const& item);
  [[nodiscard]] Result<> take_note(std::vector<wire::RelayItem> const& items, core::Received const& received, Now now);
  [[nodiscard]] Result<> resolve();
  [[nodiscard]] Result<bool> pull_what_was_passed_over(Now now);
  [[nodiscard]] Result<> write_down();

  // Comparing.
  enum class Shown { no, unknown, yes };
  enum class Way { met, left };  ///< the other device says so itself, or has left it at another relay
  struct Told;
  [[nodiscard]] Result<> judge(Now now);
  void note_told(DeviceId const& other, Way way, wire::RelayWitness theirs);
  [[nodiscard]] bool can_judge(Told const& told, Way way) const;
  [[nodiscard]] Result<Shown> was_shown(Told& told, Way way, Now now);
  [[nodiscard]] Result<Shown> was_shown_later(Told& told, Now now);
  [[nodiscard]] Result<bool> builds_on_ours(wire::RelayWitness const& theirs) const;
  [[nodiscard]] Result<bool> all_placed();

  // The recovery record, where this device made it (mailbox_record.cpp).
  [[nodiscard]] Result<> look_after_record();
  [[nodiscard]] Result<> on_records(wire::RecRecords const& answer);

  // What is said to lie there (mailbox_announcements.cpp).
  [[nodiscard]] Result<> take_announcement(wire::RelayItem const& item, Now now);
  [[nodiscard]] Result<> note_announcement(wire::RelayItem const& item, Result<OpenedAnnouncement> opened, Now now);
  [[nodiscard]] Result<> retry_kept(Now now);
  [[nodiscard]] Result<> note_announced(OutboxItem const& item, wire::RelayCursor cursor, Now now);

  // Objects and presence (mailbox_objects.cpp).
  [[nodiscard]] Result<std::optional<EpochId>> box_epoch();
  [[nodiscard]] Result<> work_objects(Now now);
  [[nodiscard]] Result<> next_upload(Now now);
  [[nodiscard]] Result<> on_uploaded(Now now);
  [[nodiscard]] Result<> next_download();
  [[nodiscard]] Result<> on_part(wire::ObjPart part, Now now);
  [[nodiscard]] Result<> on_object(ByteView sealed, Now now);
  [[nodiscard]] Result<> forget_object(wire::ObjectId const& object, Now now);
  [[nodiscard]] Result<> sweep(Now now);
  void ask_for_objects(Now now);
  [[nodiscard]] Result<> on_held(wire::ObjHeld const& held, Now now);
  [[nodiscard]] Result<> send_presence(Now now);
  [[nodiscard]] Result<std::optional<ObjectBook::Place>> lasting_place(ChunkId const& chunk, WallTime now) const;
  void catch_up_with_own_slot();
  [[nodiscard]] Result<> hear_presence(wire::RelayPresence const& presence, Now now);

  // What was taken out of objects (mailbox_taken.cpp).
  [[nodiscard]] Result<> look_at_taken(Now now);
  [[nodiscard]] Result<> hear_taken(DeviceId const& device, std::optional<Taken> taken);
  void on_given(ChunkId const& chunk, Now now);
  [[nodiscard]] Result<std::optional<Taken>> taken() const;
  [[nodiscard]] Result<std::vector<std::uint64_t>> lacked_there() const;
  [[nodiscard]] std::set<DeviceId> takers_of(wire::ObjectId const& object) const;
  [[nodiscard]] Result<> drop_unannounced(Now now);
  [[nodiscard]] Result<> send_drops();
  [[nodiscard]] Result<> on_dropped(Now now);

  // Pushing (mailbox_push.cpp).
  [[nodiscard]] Result<> push(Now now);
  [[nodiscard]] Result<core::Past> due(Now now);
  [[nodiscard]] Result<std::vector<OutboxItem>> choose(core::Past const& target);
  [[nodiscard]] Result<Bytes> bytes_of_item(OutboxItem const& item) const;
  [[nodiscard]] Result<> send_outbox();
  [[nodiscard]] Result<> on_pushed(wire::PushAck const& ack, Now now);
  [[nodiscard]] Result<> acknowledge(std::vector<wire::RelayCursor> const& cursors, Now now);
  [[nodiscard]] bool in_reach(core::EntryRecord const& record) const;

  // Whom the relay serves (mailbox_acl.cpp).
  void ask_acl();
  void ask_branch();
  void ask_acl_from(std::uint64_t version);
  [[nodiscard]] Result<> on_acl(wire::AclRecords const& answer, Now now);
  [[nodiscard]] Result<> settle_acl(Now now);
  [[nodiscard]] Result<> leave_to_the_words(std::vector<wire::Pseudonym>& wanted, Now now);
  [[nodiscard]] bool doubts_history(DeviceId const& teller, wire::LogEpoch const& other, Now now);
  [[nodiscard]] Result<> show_chain(std::uint64_t from);
  [[nodiscard]] Result<> on_acl_put(Now now);
  [[nodiscard]] Result<> put_acl_later(std::chrono::milliseconds time, Now now);
  [[nodiscard]] Result<> name_ourselves(Now now);
  void stamp_more();

  core::Replica& replica_;
  store::Store& store_;
  core::Roster::Relay relay_;
  RandomSource& random_;
  core::RelayFace face_;
  AclChain chain_;
  RelayRecord record_;
  std::deque<MailboxEvent> events_;
  RelayTrouble trouble_ = RelayTrouble::none;
  bool attended_ = false;

  State state_ = State::idle;
  std::optional<relay::Channel> channel_;
  Instant since_;          ///< of this state
  unsigned failures_ = 0;  ///< in a row
  Instant dial_at_;
  std::uint64_t last_request_ = 0;
  std::uint64_t hello_request_ = 0;
  bool reset_once_ = false;         ///< LOG_RESET came on this connection
  std::uint64_t pull_request_ = 0;  ///< 0: none under way
  Instant pulled_at_;
  std::uint64_t all_shown_ = 0;  ///< the last PULL that was answered with all that there was
  std::uint64_t push_request_ = 0;
  std::size_t pushed_items_ = 0;  ///< in the PUSH under way
  std::uint64_t acl_request_ = 0;
  /// `branching` reads the relay's whole chain, which is another than the one known here.
  enum class AclStep { none, reading, branching, putting, showing } acl_step_ = AclStep::none;
  std::uint64_t read_version_ = 0;  ///< the next to be read, when branching
  std::optional<Instant> acl_not_before_;
  std::optional<std::pair<std::uint64_t, Instant>>
      words_list_;  ///< version of a list by the words, until when it stands
  std::uint64_t record_request_ = 0;
  std::optional<Instant> record_due_;
  std::array<std::uint64_t, 2> drop_requests_{};  ///< of announcements and their objects, under way
  std::vector<wire::ObjectId> dropped_;           ///< in them
  bool drop_again_ = false;                       ///< what an earlier connection left undone
  std::uint64_t shown_version_ = 0;               ///< of the chain, in the ACL_PUT under way
  std::optional<wire::AclRecord> put_;
  std::optional<Bytes> stamp_;  ///< being looked for, or found, for the channel's first record
  unsigned stamp_bits_ = 0;
  std::optional<Bytes> found_stamp_;   ///< good for this channel at this relay for good
  bool showed_chain_ = false;          ///< on this connection
  bool branched_ = false;              ///< likewise: the relay's chain was read from its beginning
  bool compares_ = false;              ///< something of what others told of it (told_) is new
  core::Past known_at_welcome_;        ///< what this device held then
  wire::RelayCursor notified_;         ///< the relay gave notice of items up to it
  std::optional<Instant> answer_due_;  ///< of handshake and HELLO
  Instant heard_;
  std::optional<Instant> asked_at_;  ///< when an answer began to be owed; seen by on_timer(), which is due then
  std::optional<Instant> others_due_;
  std::optional<Instant> push_not_before_;
  std::optional<Instant> flush_due_;
  wire::RelayCursor acked_cursor_;  ///< the relay was told
  UnresolvedItems unresolved_;
  bool unresolved_moved_ = false;  ///< and was not written down yet
  std::optional<Instant> pull_anew_not_before_;
  wire::RelayCursor pushed_upto_;  ///< of this device's own items, on this connection
  /// What another device was shown, and this one not yet.
  struct Told {
    wire::RelayWitness witness;
    std::uint64_t last_request = 0;  ///< that this device had sent when it was told
    bool alarmed = false;            ///< its user has been told
    /// Another history: since when it is known to build upon what this device wrote on this connection.
    std::optional<Instant> built_on_since;
  };
  std::map<std::pair<DeviceId, Way>, Told> told_;
  std::optional<wire::RelayWitness> last_witness_;
  core::Past last_witness_of_;                                              ///< what was known to be there
  std::map<DeviceId, std::pair<wire::LogEpoch, Instant>> other_histories_;  ///< that others tell of, and since when
  std::optional<Instant> compare_again_;

  ObjectBook book_;
  /// By what announcements and presences that are kept were last tried.
  struct KeptTried {
    std::map<DeviceId, std::pair<core::MemberState, wire::Pseudonym>> members;
    std::set<EpochId> epochs;
    friend bool operator==(KeptTried const&, KeptTried const&) = default;
  };
  std::optional<KeptTried> kept_tried_;
  Instant sweep_due_;
  std::map<wire::ObjectId, Instant> relied_;   ///< objects that are said to hold what is not uploaded, and since when
  std::set<wire::ObjectId> doubted_;           ///< those of them that the relay is to be asked for
  std::vector<wire::ObjectId> asked_objects_;  ///< in the OBJ_HAVE under way
  std::uint64_t have_request_ = 0;
  std::optional<Instant> ask_again_;
  ChunkReader read_chunk_;
  std::chrono::seconds object_ttl_{0};  ///< the relay's
  std::deque<ChunkId> uploads_;
  struct Upload {
    std::uint64_t request = 0;
    Instant since;
    Announcement announcement;
  };
  std::optional<Upload> object_;  ///< under way
  std::optional<Instant> upload_not_before_;
  std::deque<OutboxItem> announcements_;  ///< to be pushed
  std::set<ChunkId> wanted_;
  struct Download {
    std::uint64_t request = 0;
    wire::ObjectId object;
    Bytes bytes;
  };
  std::optional<Download> download_;
  std::map<ChunkId, Bytes> cache_;
  std::deque<ChunkId> cache_order_;
  std::size_t cache_bytes_ = 0;

  std::optional<wire::Presence> presence_;
  std::vector<wire::RelayWitness> shown_;  ///< by other relays: told beside it
  bool presence_due_ = false;
  Instant presence_not_before_;
  std::set<wire::Pseudonym> heard_presence_;  ///< on this connection
  /// On this connection, what could not be opened: its device or its epoch may become known.
  std::map<wire::Pseudonym, wire::RelayPresence::Slot> unheard_;
  /// What this home left there before it was put back to an older state: until its counter is taken over.
  std::optional<wire::RelayPresence::Slot> own_slot_;

  ObjectBook::Holds holds_chunk_;
  struct TakenBy {
    Taken taken;
    std::set<ChunkId> chunks;  ///< out of objects of which not all was taken
  };
  std::map<DeviceId, TakenBy> taken_by_;
  std::set<ChunkId> given_;  ///< handed out, and not durably here when it was looked last
  std::optional<Instant> given_due_;
  Instant stored_due_;                         ///< when everything is looked at again
  std::optional<wire::ObjectId> stored_next_;  ///< where a look goes on
  bool taken_moved_ = false;                   ///< and was not told yet
};

/// What is told at a mailbox of all others.
[[nodiscard]] Result<std::vector<wire::RelayWitness>> shown_elsewhere(std::vector<Mailbox*> const& all,
                                                                      Mailbox const& at);

}  // namespace kith::sync
