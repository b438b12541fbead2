#include "core/escrow.hpp"
#include "core/vault.hpp"
#include "crypto/hash.hpp"
#include "engine/key_codec.hpp"
#include "proof/group.hpp"
#include "proof/structures.hpp"
#include "samples.hpp"

/// What is sealed: entries, boxes at relays, messages on a link, secrets on a disk.
namespace kith::testing {
namespace {

constexpr crypto::Argon2Cost kCheap{1, 8};
constexpr std::size_t kMostFrameBytes = 1000;
constexpr std::string_view kPassphrase = "correct horse";

void add_entries(std::vector<Structure>& list, Group const& group) {
  auto const add = [&](std::string name, Bytes sealed) {
    list.push_back({std::move(name), std::move(sealed), [&group](ByteView bytes) { return group.opens(bytes); }});
  };
  add("an entry", group.entry(1));
  add("an entry of several ops, packed", group.packed_entry());
  add("an entry that begins an epoch", group.rotating_entry(1));
  for (auto& sample : samples::ops()) {
    if (std::holds_alternative<wire::Rotate>(sample.value)) continue;  // needs a prefix, as above
    add("an entry with " + sample.name, group.entry_of(std::move(sample.value)));
  }
  // What this device stored it verified before; the seal still holds.
  list.push_back({"a stored entry", group.entry(2), [&group](ByteView bytes) {
                    auto const parts = wire::decode_sealed(bytes);
                    return parts && core::open(*parts, group.id, group.epoch, core::Check::own_storage);
                  }});
  list.push_back({"an epoch's secret in a prefix for one", group.prefix_for_one(), [&group](ByteView bytes) {
                    Bytes whole(bytes.begin(), bytes.end());
                    append(whole, group.entry_of_the_prefix());
                    auto const parts = wire::decode_sealed(whole);
                    return parts && parts->prefix && core::unwrap(group.id, *parts->prefix, group.author.dx);
                  }});
}

void add_boxes(std::vector<Structure>& list, Group const& group) {
  auto const& world = group.world;
  list.push_back({"an object", world.sealed("object", samples::counted<wire::ObjectId>(1).view(), Bytes(300, 7)),
                  [&world](ByteView bytes) {
                    return sync::open_object(world.state(), samples::counted<wire::ObjectId>(1), bytes).has_value();
                  }});
  list.push_back({"a presence", group.presence({Group::taken(), {Group::shown()}}), [&world](ByteView bytes) {
                    wire::RelayPresence::Slot slot{world.face, 1, Bytes(bytes.begin(), bytes.end())};
                    return sync::open_presence(world.state(), world.relay, slot).has_value();
                  }});
  list.push_back({"an announcement", group.announcement(1), [&world](ByteView bytes) {
                    return sync::open_announcement(world.state(), world.here(), bytes).has_value();
                  }});
  list.push_back({"a recovery record", group.escrow(1), [&group](ByteView bytes) {
                    return core::open_escrow(bytes, group.words, group.world.relay).has_value();
                  }});
}

void add_secrets(std::vector<Structure>& list, Group const& group) {
  SeededRandom random(31);
  list.push_back(
      {"a secret at rest", core::seal_at_rest(group.author.storage, "row", Bytes(32, 9), random),
       [&group](ByteView bytes) { return core::open_at_rest(group.author.storage, "row", bytes).has_value(); }});
  auto const plain = engine::encode_key_file(group.author);
  auto const file = must(engine::encode_key_file(group.author, bytes_of(kPassphrase), random, kCheap));
  auto const copy = [](SecretBytes const& bytes) { return Bytes(bytes.view().begin(), bytes.view().end()); };
  list.push_back({"a key file", copy(plain), [](ByteView bytes) {
                    return engine::KeyFile::parse(SecretBytes(Bytes(bytes.begin(), bytes.end()))).has_value();
                  }});
  auto const open = [](Bytes bytes) {
    auto const parsed = engine::KeyFile::parse(SecretBytes(std::move(bytes)));
    // One that asks for a gigabyte and gives another key is as much work as it asks for.
    if (!parsed || parsed->cost().memory_kib > 1024 || parsed->protection() == engine::KeyProtection::plain)
      return false;
    return parsed->open(bytes_of(kPassphrase)).has_value();
  };
  list.push_back({"a key file under a passphrase", copy(file),
                  [open](ByteView bytes) { return open(Bytes(bytes.begin(), bytes.end())); }});
  // Who changes it on purpose puts its check right.
  auto without_check = copy(file);
  without_check.resize(without_check.size() - 16);
  list.push_back({"a key file under a passphrase, with its check put right", without_check, [open](ByteView bytes) {
                    Bytes whole(bytes.begin(), bytes.end());
                    append(whole, crypto::hash128("kith/key-file-check/1", {bytes}).view());
                    return open(std::move(whole));
                  }});
}

void add_transport(std::vector<Structure>& list) {
  auto const key = samples::counted<crypto::AeadKey>(0x40);
  auto const add = [&](std::string name, ByteView plain) {
    crypto::noise::CipherState sender(crypto::AeadKey(key.view()), 5);
    Bytes message;
    must(sender.encrypt_with_ad({}, plain, message));
    list.push_back({std::move(name), std::move(message), [](ByteView bytes) {
                      crypto::noise::CipherState receiver(samples::counted<crypto::AeadKey>(0x40), 5);
                      Bytes opened;
                      return receiver.decrypt_with_ad({}, bytes, opened).has_value();
                    }});
  };
  for (auto const& sample : samples::frames()) {
    Bytes frame;
    wire::encode_frame(frame, sample.value);
    if (frame.size() <= kMostFrameBytes) add("a session's " + sample.name, frame);
  }
  for (auto const& sample : samples::relay_messages()) {
    Bytes message;
    wire::encode_relay_message(message, sample.value);
    if (message.size() <= kMostFrameBytes) add("a relay's " + sample.name, message);
  }
  core::BoxSealer sealer(crypto::AeadKey(key.view()));
  list.push_back({"a box of a pairing", sealer.seal(wire::PairMessageType::offer, Bytes(60, 3)), [](ByteView bytes) {
                    core::BoxSealer opener(samples::counted<crypto::AeadKey>(0x40));
                    return opener.open(wire::PairMessageType::offer, bytes).has_value();
                  }});
}

}  // namespace

std::vector<Structure> sealed_structures() {
  static Group const group;
  std::vector<Structure> list;
  add_entries(list, group);
  add_boxes(list, group);
  add_secrets(list, group);
  add_transport(list);
  return list;
}

}  // namespace kith::testing
