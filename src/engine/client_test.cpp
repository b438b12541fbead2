#include "engine/client.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "disk/posix_file_system.hpp"
#include "engine/engine_testing.hpp"
#include "support/must.hpp"
#include "sync/files/chunk_id.hpp"
#include "sync/files/folder_sync.hpp"

namespace kith::engine {
namespace {

using kith::testing::must;
using testing::TempDir;
using namespace std::chrono_literals;

constexpr auto kPatience = 60s;  // a sanitized program on a loaded machine; what goes right takes milliseconds

/// A home in a directory of its own, listening at any free port of the loopback.
class Home {
 public:
  explicit Home(std::string name) : name_(std::move(name)) {
    paths_ = must(find_home({dir_.path() / "home", std::nullopt, std::nullopt}, Environment{}));
    must(prepare_home(paths_));
    identity_ = core::Identity::generate(random_, current_time().wall);
  }
  void found_group() {
    auto client = open(Instance::Need::nothing);
    auto const recovery = core::RecoveryKeys::from_entropy(random_.secret<crypto::MnemonicEntropy>());
    must(client->instance().replica.create_group("home", name_, recovery, current_time()));
  }
  [[nodiscard]] std::unique_ptr<Client> open(Instance::Need need = Instance::Need::group) {
    ClientOptions options{paths_, {}, "test " + name_};
    options.config.device_name = name_;
    options.config.listen = link::HostPort{"127.0.0.1", 0};
    return must(Client::open(identity_->clone(), options, need));
  }
  [[nodiscard]] std::string const& name() const { return name_; }
  [[nodiscard]] HomePaths const& paths() const { return paths_; }

 private:
  TempDir dir_;
  std::string name_;
  crypto::SystemRandom random_;
  HomePaths paths_;
  std::optional<core::Identity> identity_;
};

/// Asks until it is so. @return whether it came to be within the patience
template <class Condition>
bool eventually(Condition&& condition) {
  auto const until = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() >= until) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

template <class Event>
std::optional<Event> next(Subscription& subscription) {
  auto const until = Clock::now() + kPatience;
  while (Clock::now() < until) {
    auto const event = must(subscription.next(1s));
    if (event && std::holds_alternative<Event>(*event)) return std::get<Event>(*event);
  }
  return std::nullopt;
}

class Clients : public ::testing::Test {
 protected:
  Clients() : laptop_home("laptop"), phone_home("phone") {
    laptop_home.found_group();
    laptop = laptop_home.open();
  }

  OwnerRow wait_for_owner() {
    std::optional<OwnerRow> owner;
    EXPECT_TRUE(eventually([&] { return (owner = must(laptop->owner())).has_value(); }));
    return *owner;
  }

  /// The phone joins by a code that needs no consent.
  void pair() {
    must(laptop->connect());
    auto const owner = wait_for_owner();
    StoredInvites invites(laptop->instance().store(), laptop->identity().storage, [] { return current_time().wall; });
    auto created = must(invites.create(10min, true, laptop->instance().random));
    phone = phone_home.open(Instance::Need::nothing);
    JoinRequest const request{created.code.clone(), {fmt::format("127.0.0.1:{}", owner.port)}, "phone"};
    auto const joined = must(phone->join_group(request));
    EXPECT_EQ(joined.inviter, laptop->device_id());
    EXPECT_EQ(joined.inviter_name, "laptop");
    must(phone->connect());
    ASSERT_TRUE(eventually([&] {
      must(phone->refresh());
      return phone->instance().replica.self_active();
    }));
  }

  Home laptop_home, phone_home;
  std::unique_ptr<Client> laptop, phone;
};

TEST_F(Clients, NeedAGroup) {
  auto opened = Client::open(core::Identity::generate(laptop->instance().random, current_time().wall),
                             {phone_home.paths(), {}, "test"});
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(EngineError::not_initialised));
}

TEST_F(Clients, StoreWhatIsPushedBeforeAnybodyIsThere) {
  auto const first = must(laptop->push(bytes_of("one"), {"notes", 0s}));
  auto const second = must(laptop->push(bytes_of("two"), {}));
  EXPECT_EQ(first.cursor, 1U);
  EXPECT_EQ(second.cursor, 2U);
  EXPECT_EQ(must(laptop->last_cursor()), 2U);
  EXPECT_EQ(must(laptop->delivery(first.blob_id)).state, DeliveryState::pending);
  laptop.reset();
  laptop = laptop_home.open();
  auto const pulled = must(laptop->pull({}));
  ASSERT_EQ(pulled.blobs.size(), 2U);
  EXPECT_EQ(text_of(pulled.blobs[0].data), "one");
  EXPECT_EQ(pulled.blobs[0].topic, "notes");
  EXPECT_EQ(pulled.blobs[0].sender, laptop->device_id());
  EXPECT_EQ(pulled.max_cursor, 2U);
  EXPECT_FALSE(pulled.has_more);
  EXPECT_TRUE(must(laptop->pull({.after_cursor = 0, .topic = std::nullopt, .own = false, .most = 10})).blobs.empty());
  EXPECT_EQ(must(laptop->pull({.after_cursor = 0, .topic = "notes", .own = true, .most = 10})).blobs.size(), 1U);
  auto const one = must(laptop->pull({.after_cursor = 0, .topic = std::nullopt, .own = true, .most = 1}));
  EXPECT_TRUE(one.has_more);
  EXPECT_EQ(one.max_cursor, 1U);
}

TEST_F(Clients, RefuseWhatIsTooLarge) {
  auto const refused = laptop->push(Bytes(kMaxMessageBytes + 1));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(EngineError::message_too_large));
}

TEST_F(Clients, ReadOnFromWhereTheyWere) {
  EXPECT_EQ(must(laptop->read_cursor()), 0U);
  must(laptop->advance_read_cursor(5));
  must(laptop->advance_read_cursor(3));
  EXPECT_EQ(must(laptop->read_cursor()), 5U);
}

TEST_F(Clients, JoinAndTellEachOther) {
  pair();
  auto events = must(phone->subscribe());
  auto const connected = next<Connected>(*events);
  ASSERT_TRUE(connected);
  EXPECT_EQ(connected->info.peer, laptop->device_id());

  auto const pushed = must(laptop->push(bytes_of("hello")));
  auto const available = next<BlobAvailable>(*events);
  ASSERT_TRUE(available);
  EXPECT_EQ(available->id, pushed.blob_id);
  EXPECT_EQ(available->sender, laptop->device_id());
  EXPECT_EQ(text_of(must(phone->pull({})).blobs.back().data), "hello");
  EXPECT_TRUE(eventually([&] { return must(laptop->delivery(pushed.blob_id)).state == DeliveryState::seen; }));
  EXPECT_EQ(must(laptop->delivery(pushed.blob_id)).seen_by, std::vector{phone->device_id()});

  // A content of several pieces takes another way.
  Bytes large(1'000'000);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  must(laptop->push(large));
  PullResult pulled;
  ASSERT_TRUE(eventually([&] {
    pulled = must(phone->pull({.after_cursor = available->cursor, .topic = std::nullopt, .own = true, .most = 10}));
    return !pulled.blobs.empty();
  }));
  EXPECT_EQ(pulled.blobs.front().data, large);

  auto const status = must(phone->status());
  EXPECT_TRUE(status.running);
  ASSERT_EQ(status.peers.size(), 1U);
  EXPECT_EQ(status.peers.front().peer, laptop->device_id());

  laptop->disconnect();
  EXPECT_TRUE(next<Disconnected>(*events));
  EXPECT_EQ(must(phone->status()).peers.size(), 0U);
}

/// By what the phone said last: everything, all but for what it leaves alone, or something from before.
TEST_F(Clients, KnowWhatAnotherDeviceHolds) {
  pair();
  laptop->disconnect();
  phone->disconnect();
  must(laptop->refresh());
  auto& instance = laptop->instance();
  auto const tips = must(instance.replica.tips());
  auto const said = [&](std::vector<Tip> content, std::uint16_t held) {
    sync::PeerRecord record;
    record.content = std::move(content);
    record.held = held;
    auto transaction = must(store::Transaction::begin(instance.store()));
    must(instance.store().put(store::Table::peers, phone->device_id().view(), core::encode_record(record)));
    must(transaction.commit());
    auto const book = must(DeliveryBook::load(instance.replica, instance.store()));
    return std::pair{book.holds_all_contents(phone->device_id()), book.held_back(phone->device_id())};
  };
  EXPECT_EQ(said(tips, 0), (std::pair{true, std::size_t{0}}));
  EXPECT_EQ(said(tips, 3), (std::pair{false, std::size_t{3}}));
  must(laptop->push(bytes_of("one more")));
  EXPECT_EQ(said(tips, 0), (std::pair{false, std::size_t{0}}));
  EXPECT_EQ(said(tips, 3), (std::pair{false, std::size_t{0}}));
  EXPECT_EQ(must(DeliveryBook::load(instance.replica, instance.store())).held_back(DeviceId{}), 0U);
}

/// Names and versions are one thing, what is in files and long messages another.
TEST_F(Clients, KnowWhatIsOnThisDiskOnly) {
  auto& instance = laptop->instance();
  auto const book = [&] { return must(DeliveryBook::load(instance.replica, instance.store())); };
  auto const first = book().own_only_here();
  EXPECT_GT(first, 0U);
  EXPECT_TRUE(must(book().contents_elsewhere())) << "there are none";
  must(laptop->push(bytes_of("short")));
  EXPECT_EQ(book().own_only_here(), first + 1);
  EXPECT_TRUE(must(book().contents_elsewhere()));

  pair();
  laptop->disconnect();
  phone->disconnect();
  must(laptop->refresh());
  auto const said = [&](std::vector<Tip> acked, std::vector<Tip> content, std::uint16_t held,
                        std::vector<FolderId> folders) {
    sync::PeerRecord record;
    record.acked = std::move(acked);
    record.content = std::move(content);
    record.held = held;
    record.folders = std::move(folders);
    auto transaction = must(store::Transaction::begin(instance.store()));
    must(instance.store().put(store::Table::peers, phone->device_id().view(), core::encode_record(record)));
    must(transaction.commit());
  };
  auto const before = must(instance.replica.tips());
  said(before, before, 0, {});
  EXPECT_EQ(book().own_only_here(), 0U);

  must(laptop->push(Bytes(Client::kMaxInlineBytes + 1)));
  EXPECT_EQ(book().own_only_here(), 1U);
  EXPECT_FALSE(must(book().contents_elsewhere())) << "a message in pieces";
  auto const with_message = must(instance.replica.tips());
  said(with_message, before, 0, {});
  EXPECT_EQ(book().own_only_here(), 0U);
  EXPECT_FALSE(must(book().contents_elsewhere())) << "its entry is there, and its pieces are not";
  said(with_message, with_message, 0, {});
  EXPECT_TRUE(must(book().contents_elsewhere()));

  FolderId folder{};
  folder.bytes[0] = 7;
  wire::FileSet file;
  file.folder = folder;
  file.path = "a";
  file.size = 1;
  file.mode = 0600;
  file.content.refs.push_back({1, ChunkId{}});
  std::vector<wire::Op> ops;
  ops.emplace_back(file);
  must(instance.replica.write(std::move(ops), current_time()));
  auto const all = must(instance.replica.tips());
  said(all, with_message, 0, {folder});
  EXPECT_FALSE(must(book().contents_elsewhere()));
  said(all, all, 1, {folder});
  EXPECT_FALSE(must(book().contents_elsewhere())) << "it leaves something alone";
  said(all, all, 0, {folder});
  EXPECT_TRUE(must(book().contents_elsewhere()));
}

TEST_F(Clients, ReconnectByThemselves) {
  pair();
  laptop->disconnect();
  ASSERT_TRUE(eventually([&] { return must(phone->sessions()).empty(); }));
  auto const pushed = must(phone->push(bytes_of("while you were away")));
  EXPECT_EQ(must(phone->delivery(pushed.blob_id)).state, DeliveryState::pending);
  must(laptop->connect());
  EXPECT_TRUE(eventually([&] { return must(phone->delivery(pushed.blob_id)).state != DeliveryState::pending; }));
  EXPECT_EQ(text_of(must(laptop->pull({})).blobs.back().data), "while you were away");
}

TEST_F(Clients, ShareOneHome) {
  pair();
  auto second = laptop_home.open();
  must(second->connect());  // the first is on the network; this one waits
  auto const pushed = must(second->push(bytes_of("from the second")));
  EXPECT_TRUE(eventually([&] { return must(second->delivery(pushed.blob_id)).state != DeliveryState::pending; }));
  EXPECT_EQ(text_of(must(laptop->pull({})).blobs.back().data), "from the second");
  // The one that was on the network leaves, and the other takes over.
  laptop.reset();
  auto const again = must(second->push(bytes_of("after the first has gone")));
  EXPECT_TRUE(eventually([&] { return must(second->delivery(again.blob_id)).state != DeliveryState::pending; }));
}

/// The phone has said that the laptop was removed. Nothing follows, and it is forgotten once the phone talks again.
TEST_F(Clients, TellOfAClaimThatTheyWereRemovedAndGoOn) {
  pair();
  auto const claimer = phone->device_id();
  laptop->disconnect();
  phone->disconnect();
  auto& store = laptop->instance().store();
  auto events = must(laptop->subscribe());
  must(put_control(store, SaidRemovedRow{1}, claimer.view()));
  must(put_control(store, SaidRemovedRow{1}, DeviceId{}.view()));  // of no device of the group
  EXPECT_EQ(must(laptop->said_removed_by()), std::vector{claimer});
  laptop->bell().ring();
  auto const trouble = next<Trouble>(*events);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->code, "said-removed");
  EXPECT_EQ(trouble->subject, to_hex(claimer.view()));
  EXPECT_TRUE(laptop->push(bytes_of("goes on")));

  must(laptop->connect());
  must(phone->connect());
  EXPECT_TRUE(eventually([&] { return must(laptop->sessions()).size() == 1; }));
  EXPECT_TRUE(must(laptop->said_removed_by()).empty());
}

/// They are no work any more, and a later run looks again at those alone that the row names.
TEST_F(Clients, CountOnWhatAnEarlierRunRefused) {
  constexpr std::uint64_t kFiles = SkippedRow::kMost + 8;
  TempDir const directory;
  auto const& root = directory.path().native();
  auto& instance = laptop->instance();
  auto const disk = must(disk::PosixFileSystem::open(root));
  auto const folder = must(files::bind_folder(instance.store(), instance.replica, instance.folders, *disk, "notes",
                                              root, false, current_time()));
  std::vector<wire::Op> ops;
  auto transaction = must(store::Transaction::begin(instance.store()));
  for (std::uint8_t i = 0; i < kFiles; ++i) {
    Bytes const no_node{0xC1, i};
    auto const id = files::chunk_id(instance.chunks->key(), no_node);
    must(instance.chunks->put_blob(id, no_node));
    wire::FileSet set;
    set.folder = folder;
    set.path = fmt::format("{}.txt", i);
    set.mode = 0644;
    set.size = 10;
    set.content = {wire::HashAlg::blake2b_256_keyed, 1, {{10, id}}};
    ops.emplace_back(std::move(set));
  }
  must(transaction.commit());
  must(instance.replica.write(std::move(ops), current_time()));

  auto const row = [&] {
    return must(core::get_record<files::FolderRow>(laptop->instance().store(), core::Table::folders, folder.view()))
        .value();
  };
  auto const refused = [&] {
    auto const skipped = must(get_control<SkippedRow>(laptop->instance().store(), folder.view()));
    return skipped ? skipped->total() : 0;
  };
  /// Keeps the folder in step until it has been scanned and everything that is work was looked at.
  auto const run_once = [&] {
    auto const before = row().last_scan_ms;
    must(laptop->connect());
    must(put_control(laptop->instance().store(), InterestRow{ProcessId::self(), {}}, folder.view()));
    laptop->bell().ring();
    return eventually([&] { return row().last_scan_ms > before && row().state == files::FolderState::in_step; });
  };
  ASSERT_TRUE(run_once());
  EXPECT_EQ(refused(), kFiles);
  for (int runs = 0; runs < 2; ++runs) {
    laptop.reset();
    laptop = laptop_home.open();
    ASSERT_TRUE(run_once());
    EXPECT_EQ(refused(), kFiles);
  }
}

TEST_F(Clients, EndWithAPairingOpen) {
  must(laptop->connect());
  auto const owner = wait_for_owner();
  link::Loop loop;
  struct Silent final : link::StreamMachine {
    Bytes out = wire::encode(wire::Opening{.purpose = wire::Purpose::pairing});
    void on_bytes(ByteView) override {}
    void on_closed() override {}
    bool poll_transmit(Bytes& to) override {
      if (out.empty()) return false;
      append(to, out);
      out.clear();
      return true;
    }
    bool done() const override { return false; }
  };
  link::dial(
      loop, {fmt::format("127.0.0.1:{}", owner.port)}, 5s,
      [](std::string const&) { return std::make_shared<Silent>(); }, [](Error const&) { ADD_FAILURE(); });
  auto const enough = loop.make_alarm([&] { loop.stop(); });
  enough->set(Clock::now() + 300ms);
  loop.run();
  laptop.reset();  // with the stranger still connected
}

TEST_F(Clients, AreToldOfAWrongCode) {
  must(laptop->connect());
  auto const owner = wait_for_owner();
  StoredInvites invites(laptop->instance().store(), laptop->identity().storage, [] { return current_time().wall; });
  auto created = must(invites.create(10min, true, laptop->instance().random));
  phone = phone_home.open(Instance::Need::nothing);
  auto wrong = created.code.clone();
  wrong.password = core::PairPassword(Bytes(8, 'X'));
  JoinRequest request{wrong.clone(), {fmt::format("127.0.0.1:{}", owner.port)}, "phone"};
  for (std::uint64_t left = 2;; --left) {
    auto const refused = phone->join_group(request);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(core::CoreError::wrong_code)) << refused.error().name();
    EXPECT_EQ(std::get<CountDetail>(refused.error().detail()).count, left);
    if (left == 0) break;
  }
  request.code = created.code.clone();
  auto const burnt = phone->join_group(request);
  ASSERT_FALSE(burnt);
  EXPECT_TRUE(burnt.error().is(core::CoreError::invite_void)) << burnt.error().name();
  auto unknown = core::PairingCode::generate(phone->instance().random);
  request.code = unknown.clone();
  auto const nobody = phone->join_group(request);
  ASSERT_FALSE(nobody);
  EXPECT_TRUE(nobody.error().is(EngineError::invite_unknown)) << nobody.error().name();
}

}  // namespace
}  // namespace kith::engine
