#include <set>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "support/relay_net.hpp"
#include "sync/files/chunk_id.hpp"

/// What devices and relays say to each other, with the Noise channel opened: nothing of it is anybody's to read.
namespace kith::sync {
namespace {

using namespace std::chrono_literals;
using testing::must;
using testing::RelayDevice;
using testing::RelayNet;
using testing::TestRelay;
using wire::RelayMessageType;

struct OnTheWire : ::testing::Test {
  OnTheWire() {
    net.overhear = [this](wire::RelayMessage const& message, ByteView encoded, bool from_device) {
      seen.insert({wire::type_of(message), from_device});
      heard.push_back(Bytes(encoded.begin(), encoded.end()));
    };
    net.add(relay);
    for (auto* device : {&a, &b, &c}) net.add(*device);
  }
  std::string mark() {
    marks.push_back("canary " + std::to_string(marks.size()) + " " + to_hex(source.id<ChunkId>().view()).substr(0, 12));
    return marks.back();
  }
  void write(RelayDevice& device, wire::Op op) {
    std::vector<wire::Op> ops;
    ops.push_back(std::move(op));
    must(device.replica.write(std::move(ops), net.now()));
  }
  void only(RelayDevice& device, std::chrono::milliseconds time) {
    for (auto* other : {&a, &b, &c}) {
      if (other != &device) net.go_offline(*other);
    }
    device.online = true;
    for (auto& [key, mailbox] : device.mailboxes) mailbox->hurry(net.now());
    net.wait(time);
  }
  /// A message, a folder, a file in it, a name, and presence, of strings that are found nowhere else.
  void say_everything(RelayDevice& device) {
    auto& state = device.replica.state();
    for (int i = 0; i < 4; ++i) device.push(mark(), mark());
    write(device, wire::FolderAdd{source.id<FolderId>(), mark()});
    wire::FileSet file;
    file.folder = source.id<FolderId>();
    file.path = mark() + "/" + mark() + ".txt";
    auto& content = chunks[&device];
    auto const text = mark();
    content.assign(text.begin(), text.end());
    auto const id = files::chunk_id(files::chunk_key(state.genesis().content_secret), content);
    file.size = content.size();
    file.content.refs = {{content.size(), id}};
    write(device, std::move(file));
    write(device, wire::DeviceRename{device.identity.device(), mark()});
    auto& mailbox = device.at(relay);
    mailbox.set_chunk_reader([&content](ChunkId const&) -> Result<std::optional<Bytes>> { return content; });
    wire::Presence presence;
    presence.addresses = {{mark()}};
    presence.contacts = {{c.identity.device(), {{mark()}}}};
    must(mailbox.set_presence(std::move(presence), {}, net.now()));
    net.changed(device);
    must(mailbox.upload({id}, net.now()));
    net.wait(3s);
    uploaded.push_back(id);
  }
  [[nodiscard]] bool is_heard(ByteView secret) const {
    return std::ranges::any_of(heard, [&](Bytes const& message) {
      return std::search(message.begin(), message.end(), secret.begin(), secret.end()) != message.end();
    });
  }

  testing::SeededRandom source{77};
  std::vector<std::string> marks;
  std::string group_name = mark();
  RelayNet net;
  TestRelay relay{100};
  RelayDevice a{1, mark()}, b{2, mark()}, c{3, mark()};
  std::map<RelayDevice*, Bytes> chunks;
  std::vector<ChunkId> uploaded;
  std::vector<Bytes> heard;
  std::set<std::pair<RelayMessageType, bool>> seen;
};

TEST_F(OnTheWire, NoMessageHoldsAnythingThatCouldBeRead) {
  testing::SeededRandom words(9);
  auto const entropy = words.secret<crypto::MnemonicEntropy>();
  must(a.replica.create_group(group_name, a.name, core::RecoveryKeys::from_entropy(entropy), net.now()));
  auto const registered = net.enlist(a, relay);
  net.wait(1s);
  net.let_in(a, b);
  net.let_in(a, c);
  net.wait(3s);
  only(a, 3s);
  say_everything(a);
  for (auto* device : {&b, &c}) {
    only(*device, 10s);
    must(device->at(relay).want(uploaded, net.now()));
    net.wait(3s);
    say_everything(*device);
  }
  a.online = b.online = true;  // together, so that what is pushed comes live
  net.wait(60s);
  for (int i = 0; i < 16; ++i) b.push(mark());
  net.changed(b);
  net.wait(5s);
  ASSERT_GE(marks.size(), 64u);
  ASSERT_EQ(a.texts().size(), 28u) << "all of it went over the wire";

  using enum RelayMessageType;
  for (auto const& wanted : std::set<std::pair<RelayMessageType, bool>>{{hello, true},
                                                                        {push, true},
                                                                        {pull, true},
                                                                        {ack, true},
                                                                        {presence, true},
                                                                        {acl_put, true},
                                                                        {rec_put, true},
                                                                        {obj_put, true},
                                                                        {obj_get, true},
                                                                        {welcome, false},
                                                                        {push_ack, false},
                                                                        {pull_response, false},
                                                                        {presence, false},
                                                                        {blob, false},
                                                                        {obj_part, false},
                                                                        {done, false}}) {
    EXPECT_TRUE(seen.contains(wanted)) << static_cast<int>(wanted.first) << wanted.second;
  }
  // It is the messages themselves that are searched: what a relay is to see is in them.
  for (auto const& entry : a.sealed_entries()) ASSERT_TRUE(is_heard(entry));
  ASSERT_TRUE(is_heard(registered.channel.view()));

  for (auto const& each : marks) {
    EXPECT_FALSE(is_heard(bytes_of(each))) << each;
    EXPECT_FALSE(is_heard(bytes_of(to_hex(bytes_of(each))))) << each;
  }
  auto const& genesis = a.replica.state().genesis();
  std::vector<std::pair<std::string, Bytes>> secrets;
  auto const keep = [&](std::string name, ByteView bytes) {
    secrets.emplace_back(std::move(name), Bytes(bytes.begin(), bytes.end()));
  };
  keep("the words", entropy.view());
  keep("content secret", genesis.content_secret.view());
  keep("locator secret", genesis.locator_secret.view());
  keep("group id", a.replica.state().group().view());
  for (auto* device : {&a, &b, &c}) {
    auto const& identity = device->identity;
    auto const face = core::relay_face(identity.root, relay.relay_key(), a.replica.state().group());
    keep("device id", identity.device().view());
    keep("signing key", identity.sign.seed().view());
    keep("key agreement key", identity.dx.secret_key.view());
    keep("its public key", identity.dx.public_key.view());
    keep("root", identity.root.view());
    keep("storage key", identity.storage.view());
    keep("face's signing key", face.sign.seed().view());
    keep("face's static key", face.dx.secret_key.view());
    for (auto const& secret : device->replica.secrets_for_newcomer()) keep("epoch secret", secret.view());
  }
  for (auto const& chunk : uploaded) keep("chunk id", chunk.view());
  for (auto const& [name, bytes] : secrets) EXPECT_FALSE(is_heard(bytes)) << name;
}

}  // namespace
}  // namespace kith::sync
