#include "engine/client.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace kith::engine {
namespace {

constexpr std::size_t kPullBytes = 16 * 1024 * 1024;  ///< of contents in one answer, beyond its first
constexpr std::size_t kRowsAtOnce = 256;
constexpr std::string_view kReadCursor = "read_cursor";  ///< Table::meta

NetworkOptions network_options(ClientOptions const& options, core::Roster const& roster, DeviceId const& self) {
  NetworkOptions network;
  network.paths = options.paths;
  network.command = options.command;
  network.listen = options.config.listen;
  auto const* known = roster.find(self);
  network.device_name = known != nullptr ? known->name : options.config.device_name;
  network.trash_days = options.config.trash_days.count();
  network.folders = true;  // whoever is on the network keeps folders in step for every process that wants one
  return network;
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(core::Identity identity, ClientOptions options, Instance::Need need) {
  std::unique_ptr<Client> client(new Client(std::move(identity), std::move(options)));
  KITH_TRY(instance, Instance::open(client->options_.paths, client->identity_, need));
  client->instance_ = std::move(instance);
  KITH_TRY(bell, Doorbell::open(client->options_.paths.bell_dir));
  client->bell_ = std::move(bell);
  return client;
}

Client::~Client() { disconnect(); }

Result<> Client::connect() {
  if (network_) return {};
  KITH_CHECK(refresh());
  network_ =
      std::make_unique<Network>(identity_, network_options(options_, instance_->replica.state().roster(), device_id()));
  network_->start();
  return {};
}

void Client::disconnect(std::chrono::milliseconds grace) {
  if (!network_) return;
  network_->stop(grace);
  network_.reset();
}

std::optional<Error> Client::network_failure() const { return network_ ? network_->failure() : std::nullopt; }

Result<Joined> Client::join_group(JoinRequest const& request, JoinWatcher const& watcher, FileLock const* held) {
  KITH_TRY(joined, engine::join_group(*instance_, identity_, options_.paths, request, watcher, held));
  instance_->prepare_folders();
  bell_->ring();
  return joined;
}

/// A large message is cut into pieces of one size, kept like the chunks of files and fetched by whoever lacks them.
Result<wire::MessageContent> Client::content_of(ByteView data) {
  if (data.size() <= kMaxInlineBytes) return wire::MessageContent{Bytes(data.begin(), data.end())};
  auto& chunks = *instance_->chunks;
  wire::Content content;
  for (std::size_t at = 0; at < data.size(); at += kPieceBytes) {
    auto const piece = data.subspan(at, std::min(kPieceBytes, data.size() - at));
    auto const id = files::chunk_id(chunks.key(), piece);
    KITH_CHECK(chunks.put_blob(id, piece));
    content.refs.push_back({piece.size(), id});
  }
  return wire::MessageContent{std::move(content)};
}

Result<PushResult> Client::push(ByteView data, PushRequest const& request) {
  if (data.size() > kMaxMessageBytes)
    return fail(EngineError::message_too_large, CountDetail{data.size(), kMaxMessageBytes});
  auto& replica = instance_->replica;
  KITH_TRY(transaction, store::Transaction::begin(instance_->store()));
  auto const write = [&]() -> Result<core::OpId> {
    KITH_TRY(content, content_of(data));
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{request.topic, static_cast<std::uint64_t>(request.ttl.count()), std::move(content)});
    KITH_TRY(ids, replica.write(std::move(ops), current_time()));
    KITH_CHECK(transaction.commit());
    return ids.front();
  };
  auto const id = write();
  if (!id) {
    replica.invalidate();
    return fail(id.error());
  }
  bell_->ring();
  KITH_TRY(number, instance_->messages.number_of(*id));
  return PushResult{*id, number ? number->value : 0};
}

Result<std::optional<Bytes>> Client::bytes_of_message(core::MessageRow const& row) {
  if (row.content.refs.empty()) {
    KITH_TRY(bytes, core::inline_content(instance_->replica.state(), row));
    return std::optional<Bytes>(std::move(bytes));
  }
  Bytes whole;
  for (auto const& ref : row.content.refs) {
    KITH_TRY(piece, instance_->chunks->find_blob(ref.id));
    if (!piece) return std::nullopt;
    append(whole, *piece);
  }
  return std::optional<Bytes>(std::move(whole));
}

Result<PullResult> Client::pull(PullRequest const& request) {
  KITH_CHECK(refresh());
  auto const now = current_time().wall;
  PullResult result;
  result.max_cursor = request.after_cursor;
  std::size_t bytes = 0;
  for (;;) {
    KITH_TRY(rows, instance_->messages.after({result.max_cursor}, kRowsAtOnce));
    for (auto const& row : rows) {
      bool const wanted = (request.own || row.author != device_id()) && !row.expired(now) && has_plain_content(row) &&
                          (!request.topic || row.topic == *request.topic);
      if (!wanted) {
        result.max_cursor = row.number.value;
        continue;
      }
      if (result.blobs.size() == request.most || bytes > kPullBytes) {
        result.has_more = true;
        return result;
      }
      KITH_TRY(data, bytes_of_message(row));
      if (!data) {
        result.waiting_for = row.number.value;
        return result;
      }
      bytes += data->size();
      result.max_cursor = row.number.value;
      result.blobs.push_back({row.id, row.number.value, row.author, row.topic, std::move(*data), row.written_at()});
    }
    if (rows.size() < kRowsAtOnce) return result;
  }
}

Result<std::uint64_t> Client::last_cursor() {
  KITH_TRY(last, instance_->messages.last());
  return last.value;
}

Result<std::uint64_t> Client::read_cursor() { return core::get_number(instance_->store(), kReadCursor); }

Result<> Client::advance_read_cursor(std::uint64_t cursor) {
  KITH_TRY(transaction, store::Transaction::begin(instance_->store()));
  KITH_TRY(saved, read_cursor());
  if (cursor <= saved) return {};
  KITH_CHECK(core::put_number(instance_->store(), kReadCursor, cursor));
  return transaction.commit();
}

Result<Delivery> Client::delivery(core::OpId const& id) {
  KITH_CHECK(refresh());
  KITH_TRY(book, DeliveryBook::load(instance_->replica, instance_->store()));
  KITH_TRY(number, instance_->messages.number_of(id));
  if (number) {
    KITH_TRY(rows, instance_->messages.after({number->value - 1}, 1));
    if (!rows.empty() && rows.front().id == id) return book.of(rows.front());
  }
  return book.of(id.entry);
}

std::vector<DeviceId> Client::other_devices() const {
  auto devices = instance_->replica.state().roster().active_by_rank();
  std::erase(devices, device_id());
  return devices;
}

Result<std::vector<std::pair<DeviceId, SessionRow>>> Client::sessions() {
  std::vector<std::pair<DeviceId, SessionRow>> sessions;
  KITH_TRY(holder, owner());
  if (!holder) return sessions;  // rows of an owner that died mean nothing
  KITH_TRY(rows, all_control<SessionRow>(instance_->store()));
  for (auto const& [key, row] : rows) {
    if (auto const device = DeviceId::from(key)) sessions.emplace_back(*device, row);
  }
  return sessions;
}

Result<std::optional<OwnerRow>> Client::owner() {
  KITH_TRY(row, get_control<OwnerRow>(instance_->store()));
  if (row && !row->process.alive()) return std::nullopt;
  return row;
}

Result<> Client::ask_dial(std::string const& address) {
  KITH_CHECK(put_control(instance_->store(), DialRow{current_time().wall.ms, {}, 0}, bytes_of(address)));
  bell_->ring();
  return {};
}

Result<ConnectionStatus> Client::status() {
  KITH_CHECK(refresh());
  ConnectionStatus status;
  KITH_TRY(holder, owner());
  status.running = holder.has_value();
  KITH_TRY(last, last_cursor());
  KITH_TRY(rows, sessions());
  std::uint64_t pending = 0;
  if (!rows.empty()) {
    KITH_TRY(book, DeliveryBook::load(instance_->replica, instance_->store()));
    KITH_TRY(count, count_pending_messages(instance_->messages, device_id(), book));
    pending = count;
  }
  for (auto const& [device, row] : rows) status.peers.push_back({device, row.endpoint, last, pending});
  return status;
}

Result<std::vector<DeviceId>> Client::said_removed_by() {
  auto const& roster = instance_->replica.state().roster();
  std::vector<DeviceId> by;
  if (roster.removed(device_id())) return by;
  KITH_TRY(rows, all_control<SaidRemovedRow>(instance_->store()));
  for (auto const& [key, row] : rows) {
    auto const device = DeviceId::from(key);
    if (device && roster.active(*device)) by.push_back(*device);
  }
  return by;
}

Result<std::unique_ptr<Subscription>> Client::subscribe() {
  KITH_TRY(bell, Doorbell::open(options_.paths.bell_dir));
  std::unique_ptr<Subscription> made(new Subscription(*this, std::move(bell)));
  KITH_TRY(last, last_cursor());
  made->cursor_ = last;
  KITH_CHECK(made->look());
  return made;
}

Result<> Subscription::look() {
  auto& store = client_.instance().store();
  KITH_CHECK(client_.refresh());
  KITH_TRY(status, client_.status());
  std::set<DeviceId> connected;
  for (auto const& peer : status.peers) {
    connected.insert(peer.peer);
    if (!connected_.contains(peer.peer)) ready_.emplace_back(Connected{peer});
  }
  for (auto const& device : connected_) {
    if (!connected.contains(device)) ready_.emplace_back(Disconnected{device});
  }
  connected_ = std::move(connected);
  KITH_TRY(rows, client_.instance().messages.after({cursor_}, kRowsAtOnce));
  for (auto const& row : rows) {
    cursor_ = row.number.value;
    ready_.emplace_back(BlobAvailable{row.id, row.number.value, row.author});
  }
  KITH_TRY(problems, all_control<ProblemRow>(store));
  std::set<std::string> troubles;
  for (auto const& [key, row] : problems) {
    std::string code(text_of(key));
    if (!troubles_.contains(code)) ready_.emplace_back(Trouble{code, row.subject});
    troubles.insert(std::move(code));
  }
  KITH_TRY(claims, client_.said_removed_by());
  for (auto const& device : claims) {
    auto const subject = to_hex(device.view());
    if (!troubles_.contains(subject)) ready_.emplace_back(Trouble{"said-removed", subject});
    troubles.insert(subject);
  }
  troubles_ = std::move(troubles);
  return {};
}

Result<std::optional<SyncEvent>> Subscription::next(std::chrono::milliseconds most) {
  auto const until = Clock::now() + most;
  for (;;) {
    if (!ready_.empty()) {
      auto event = std::move(ready_.front());
      ready_.pop_front();
      return std::optional<SyncEvent>(std::move(event));
    }
    bell_->take();
    KITH_CHECK(look());
    if (!ready_.empty()) continue;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    bell_->wait(left);
  }
}

}  // namespace kith::engine
