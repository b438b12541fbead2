#pragma once

#include <functional>
#include <memory>
#include <variant>

#include "engine/config.hpp"
#include "engine/delivery.hpp"
#include "engine/instance.hpp"
#include "engine/join.hpp"
#include "engine/network.hpp"

/// What programs and bindings use: one home, its group, its messages, and the connections to the group's other devices.
namespace kith::engine {

struct ClientOptions {
  HomePaths paths;
  Config config;
  std::string command = "kith";  ///< what other processes of the home show as running
};

struct PushRequest {
  std::string topic = "default";
  std::chrono::seconds ttl{0};  ///< readers stop seeing it this long after; 0: never
};
struct PushResult {
  core::OpId blob_id;
  std::uint64_t cursor = 0;  ///< this device's number for it
};

/// A message as it was pushed.
struct Blob {
  core::OpId id;
  std::uint64_t cursor = 0;
  DeviceId sender;
  std::string topic;
  Bytes data;
  WallTime timestamp;  ///< what the sender's clock said; informational
};
struct PullRequest {
  std::uint64_t after_cursor = 0;
  std::optional<std::string> topic;  ///< only this one
  bool own = true;                   ///< also what this device pushed
  std::size_t most = 256;            ///< blobs in one answer
};
struct PullResult {
  std::vector<Blob> blobs;
  std::uint64_t max_cursor = 0;  ///< where the next pull goes on: behind everything that was looked at
  bool has_more = false;         ///< there is more to pull at once
  /// The message behind max_cursor is known, but its content is still on another device.
  std::optional<std::uint64_t> waiting_for;
};

/// Another device that this home has a session with.
struct ConnectionInfo {
  DeviceId peer;
  std::string endpoint;
  std::uint64_t max_cursor = 0;     ///< of this device, when it was asked
  std::uint64_t pending_count = 0;  ///< own messages that no other device has acknowledged
};
struct ConnectionStatus {
  bool running = false;  ///< some process of the home is on the network
  std::vector<ConnectionInfo> peers;
};

struct Connected {
  ConnectionInfo info;
};
struct Disconnected {
  DeviceId peer;
};
struct BlobAvailable {
  core::OpId id;
  std::uint64_t cursor = 0;
  DeviceId sender;
};
/// Something that needs a person. Connections that fail are tried again without it, after 1, 2, 4, 8, 16 and then every
/// 30 seconds, with jitter.
struct Trouble {
  std::string code;     ///< as in failure_codes(); "said-removed", as in warning_codes()
  std::string subject;  ///< of said-removed: the whole id of the device that says so
};
using SyncEvent = std::variant<Connected, Disconnected, BlobAvailable, Trouble>;

class Client;

/// What happens from the moment it was subscribed to, whichever process of the home makes it happen. One thread.
class Subscription {
 public:
  /// Waits for the next event. @return nullopt when the time is over
  [[nodiscard]] Result<std::optional<SyncEvent>> next(std::chrono::milliseconds most);
  /// Readable when next() may have something, for poll(); level-triggered until next() returns nullopt.
  [[nodiscard]] int descriptor() const { return bell_->descriptor(); }

 private:
  friend class Client;
  Subscription(Client& client, std::unique_ptr<Doorbell> bell) : client_(client), bell_(std::move(bell)) {}
  [[nodiscard]] Result<> look();
  Client& client_;
  std::unique_ptr<Doorbell> bell_;
  std::deque<SyncEvent> ready_;
  std::set<DeviceId> connected_;
  std::set<std::string> troubles_;
  std::uint64_t cursor_ = 0;
};

/// One home, used from one thread. Several clients, in this or other processes, may use the same home at once: all of
/// them see the same state, and one of those that called connect() is on the network for all.
class Client {
 public:
  static constexpr std::size_t kMaxInlineBytes = 32 * 1024;
  static constexpr std::size_t kPieceBytes = 256 * 1024;

  /// @return EngineError::not_initialised where the home has no group (unless `need` says that it may), StoreError
  [[nodiscard]] static Result<std::unique_ptr<Client>> open(core::Identity identity, ClientOptions options,
                                                            Instance::Need need = Instance::Need::group);
  ~Client();
  Client(Client const&) = delete;

  /// Goes on the network, and stays there: dials the group's devices, listens, and reconnects by itself. A second call
  /// does nothing. Another process of the home that is there already does the work until it ends.
  [[nodiscard]] Result<> connect();
  /// Says goodbye to the others and leaves.
  void disconnect(std::chrono::milliseconds grace = std::chrono::milliseconds{500});

  /// Joins a group by an invite; this home must not have one. @see engine::join_group
  [[nodiscard]] Result<Joined> join_group(JoinRequest const& request, JoinWatcher const& watcher = {},
                                          FileLock const* held = nullptr);

  /// Stores a message and its id on this device's disk, durable when it returns; it goes out when there is a
  /// connection.
  /// @return EngineError::message_too_large, CoreError::removed_self, StoreError
  [[nodiscard]] Result<PushResult> push(ByteView data, PushRequest const& request = {});
  /// Messages behind a cursor, in the order in which this device came to hold them.
  [[nodiscard]] Result<PullResult> pull(PullRequest const& request);
  /// Tells what happens from now on. The client must outlive it.
  [[nodiscard]] Result<std::unique_ptr<Subscription>> subscribe();
  [[nodiscard]] Result<ConnectionStatus> status();
  /// The largest cursor there is on this device.
  [[nodiscard]] Result<std::uint64_t> last_cursor();
  /// Behind which a reader that keeps no cursor of its own goes on. Moves forward only: a position behind it is
  /// somebody reading again.
  [[nodiscard]] Result<std::uint64_t> read_cursor();
  [[nodiscard]] Result<> advance_read_cursor(std::uint64_t cursor);
  [[nodiscard]] DeviceId device_id() const { return identity_.device(); }

  /// pending: on this disk only. safe: another device has it on its disk. seen: another device has taken it in.
  [[nodiscard]] Result<Delivery> delivery(core::OpId const& id);

  // For the command line, which looks deeper.
  [[nodiscard]] Instance& instance() { return *instance_; }
  [[nodiscard]] core::Identity const& identity() const { return identity_; }
  [[nodiscard]] ClientOptions const& options() const { return options_; }
  [[nodiscard]] Doorbell& bell() { return *bell_; }
  [[nodiscard]] Network* network() { return network_.get(); }
  /// What ended the network, if anything did.
  [[nodiscard]] std::optional<Error> network_failure() const;
  /// Takes in what other threads and processes have written.
  [[nodiscard]] Result<> refresh() { return instance_->replica.refresh(); }
  /// Other devices of the group that are active.
  [[nodiscard]] std::vector<DeviceId> other_devices() const;
  /// Devices that the home has a session with.
  [[nodiscard]] Result<std::vector<std::pair<DeviceId, SessionRow>>> sessions();
  /// Devices of the group that say that this one was removed, while nothing here proves it. They may lie.
  [[nodiscard]] Result<std::vector<DeviceId>> said_removed_by();
  /// The live process that is on the network.
  [[nodiscard]] Result<std::optional<OwnerRow>> owner();
  /// Asks the process that is on the network to dial an address.
  [[nodiscard]] Result<> ask_dial(std::string const& address);

 private:
  Client(core::Identity identity, ClientOptions options)
      : identity_(std::move(identity)), options_(std::move(options)) {}
  [[nodiscard]] Result<wire::MessageContent> content_of(ByteView data);
  [[nodiscard]] Result<std::optional<Bytes>> bytes_of_message(core::MessageRow const& row);

  core::Identity identity_;
  ClientOptions options_;
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Doorbell> bell_;
  std::unique_ptr<Network> network_;
};

}  // namespace kith::engine
