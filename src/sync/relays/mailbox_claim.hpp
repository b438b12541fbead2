#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "core/escrow.hpp"
#include "relay/channel/channel.hpp"

namespace kith::sync {

/// Why a relay gave nothing to somebody who has only the recovery words.
enum class RecoveryError {
  no_record,     ///< it has no record for these words: wrong words, or another relay
  none_opens,    ///< it has records, and none opens with the words: somebody else left them there
  mailbox_gone,  ///< the record opens, and the mailbox that it names is not there
  off_chain,     ///< its access records are not those of the channel
  contested,     ///< others changed the list of whom it serves as often as it was put right
  no_beginning,  ///< the group's first entry is not in the mailbox: it holds that back, or the log was cut
  no_room,       ///< it stores no more, not even whom it is to serve
  refused,       ///< for another reason; the detail has its words
};
[[nodiscard]] ErrorDomain const& error_domain(RecoveryError);

/// Fetches the recovery records that a relay has for a group's words. Every device can: only who has the words can open
/// them. Bytes in, bytes out.
///
///     Handshake --Noise--> Asked --REC_RECORDS--> Done
class RecordFetch {
 public:
  RecordFetch(wire::LocatorSecret const& locator, wire::RelayKey const& relay, RandomSource& random);

  /// @return RecoveryError::refused; ChannelError and what it returns
  [[nodiscard]] Result<> on_bytes(ByteView bytes);
  [[nodiscard]] bool poll_transmit(Bytes& out) { return channel_.poll_transmit(out); }
  [[nodiscard]] bool done() const { return done_; }
  /// As they came, once it is done; of any number that a relay keeps for one locator.
  [[nodiscard]] std::vector<Bytes> const& records() const { return records_; }

 private:
  wire::RecoveryLocator locator_;
  relay::Channel channel_;
  bool asked_ = false;
  bool done_ = false;
  std::vector<Bytes> records_;
};

/// Fetches them and opens them with the words.
class RecordLookup {
 public:
  /// @param words  outlive it
  RecordLookup(core::RecoveryKeys const& words, wire::RelayKey const& relay, RandomSource& random);

  /// @return RecoveryError::no_record, none_opens; as of RecordFetch
  [[nodiscard]] Result<> on_bytes(ByteView bytes);
  [[nodiscard]] bool poll_transmit(Bytes& out) { return fetch_.poll_transmit(out); }
  [[nodiscard]] bool done() const { return !opened_.empty(); }
  /// Those that opened, once it is done: at least one. Who was a member once can have made some of them.
  [[nodiscard]] std::vector<core::Escrow>& opened() { return opened_; }

 private:
  core::RecoveryKeys const& words_;
  wire::RelayKey relay_;
  RecordFetch fetch_;
  std::vector<core::Escrow> opened_;
};

/// Makes a relay serve this device, by the channel's key, which overrules whoever is on its list. Either beside those
/// who are there, to find the group's genesis record; or with exactly the group's devices, leaving a fresh recovery
/// record. Or, where that was given up, has it serve again whom it served before. Bytes in, bytes out.
///
///     Handshake --Noise--> Probing --STALE_ACL--> Reading the chain --all--> Putting --DONE--> Greeting --WELCOME-->
///                                          ^            others were quicker    |                    |
///                                          +-----------------------------------+--- not allowed ----+
///       --> Searching --found--> Done            or --> Leaving the record --DONE--> Done
///
/// What gives back is done with the DONE of its record, or when it has read that others have put theirs.
///
/// @see docs/spec/objects.md, "Recovery"
class MailboxClaim {
 public:
  /// The genesis record stands in one of the first items that honest devices pushed. So much of what others may have
  /// put before it is looked through.
  static constexpr std::size_t kMostSearchedBytes = 64 * 1024 * 1024;
  /// What an item counts there besides its content, and an answer: also one that holds nothing comes to an end.
  static constexpr std::size_t kItemBytes = 64;
  static constexpr std::size_t kAnswerBytes = 4096;
  /// Somebody who changes the list all the time is overruled; what a relay makes up is given up after that.
  static constexpr std::chrono::seconds kContestedTime{60};
  /// From the third try on the version is so much higher, and the record names the first one of the chain: what others
  /// put meanwhile does not reach it, and no state that the relay was put back to lacks what it names.
  static constexpr std::uint64_t kJump = 1'000'000;
  static constexpr unsigned kTriesByOne = 2;
  /// Who is taken off the list again so often before it could read lets nobody else on it while it reads.
  static constexpr unsigned kTriesBesideOthers = 2;

  /// To read what is there. @param words, escrow  outlive it
  MailboxClaim(core::RecoveryKeys const& words, core::Escrow const& escrow, wire::RelayKey const& relay,
               core::RelayFace face, RandomSource& random);
  /// Whom the relay is to serve from then on: ascending, this device among them. Nobody else can extend that list.
  void serve_exactly(std::vector<wire::Pseudonym> pseudonyms) { wanted_ = std::move(pseudonyms); }
  /// Puts back whom the relay served before this device came: of one that is given up, and shuts others out. What
  /// others put afterwards may be a contest, by somebody who wants to be served alone.
  void give_back() { gives_back_ = true; }
  /// After a connection that ended with RecoveryError::contested: a relay lets nobody say much before HELLO.
  void expect_contest() {
    tries_ = kTriesByOne;
    shut_out_ = kTriesBesideOthers;
  }

  /// @return RecoveryError; ChannelError and what it returns
  [[nodiscard]] Result<> on_bytes(ByteView bytes, Instant now);
  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return ready_at_; }
  [[nodiscard]] bool poll_transmit(Bytes& out) { return channel_.poll_transmit(out); }
  [[nodiscard]] bool done() const { return step_ == Step::done; }
  /// The group's beginning, once it is done, of one that was to read.
  [[nodiscard]] std::optional<wire::Genesis>& genesis() { return genesis_; }
  /// Whether others may be served no more, by what this device asked for, or by what it found and had put itself.
  [[nodiscard]] bool shuts_others_out() const { return shuts_others_out_; }
  /// The recovery record that was left there, of one that was not to read.
  [[nodiscard]] Bytes const& record() const { return record_; }

 private:
  enum class Step { handshake, probing, pausing, reading, putting, greeting, searching, leaving_record, done };
  template <class Message>
  void ask(Step step, Message message);
  void read_chain();
  void probe();
  void greet();
  [[nodiscard]] Result<> put();
  [[nodiscard]] std::vector<wire::Pseudonym> list() const;
  [[nodiscard]] Result<> again();
  [[nodiscard]] Result<> on_message(wire::RelayMessage const& message);
  [[nodiscard]] Result<> on_chain(wire::AclRecords const& answer);
  [[nodiscard]] Result<> on_welcome(wire::Welcome const& welcome);
  [[nodiscard]] Result<> on_items(wire::PullResponse const& answer);
  [[nodiscard]] Result<> on_failure(wire::RelayFailure const& failure);

  core::RecoveryKeys const& words_;
  core::Escrow const& escrow_;
  wire::RelayKey relay_;
  core::RelayFace face_;
  RandomSource& random_;
  crypto::SigningKey channel_key_;
  Bytes record_;  ///< to be left there
  relay::Channel channel_;
  Step step_ = Step::handshake;
  std::uint64_t request_ = 0;
  unsigned tries_ = 0;     ///< that others were quicker than
  unsigned shut_out_ = 0;  ///< times that others took it off the list before its HELLO
  Instant now_;
  std::optional<Instant> contested_since_;
  std::optional<Instant> ready_at_;  ///< the end of a pause
  std::optional<std::vector<wire::Pseudonym>> wanted_;
  bool gives_back_ = false;
  bool shuts_others_out_ = false;
  std::optional<wire::AclRecord> last_;  ///< of the chain
  std::vector<wire::Pseudonym> others_;  ///< whom the last record named that does not name this device
  bool came_ = false;                    ///< a record of the chain named this device
  std::vector<wire::Pseudonym> former_;  ///< whom the last one named before that
  crypto::Hash256 first_hash_;           ///< of the chain's first record
  wire::RelayCursor position_;
  std::size_t searched_bytes_ = 0;
  std::optional<wire::Genesis> genesis_;
};

}  // namespace kith::sync
