#pragma once

#include "core/entry.hpp"
#include "core/escrow.hpp"
#include "core/pair_keys.hpp"
#include "core/pairing_code.hpp"
#include "samples.hpp"
#include "support/object_world.hpp"

namespace kith::testing {

/// A group whose things are sealed and signed with fixed keys, twice where two are wanted.
struct Group {
  [[nodiscard]] bool opens(ByteView sealed) const {
    auto const parts = wire::decode_sealed(sealed);
    return parts && core::open(*parts, id, epoch, core::Check::everything);
  }
  [[nodiscard]] wire::EntryBody body(std::uint8_t number) const {
    wire::EntryBody body;
    body.author = author.device();
    body.incarnation = {5};
    body.seq = {number + 1U};
    body.prev.bytes[0] = number;
    body.tips = {samples::tip(number, 1, number)};
    body.hlc = number;
    return body;
  }
  [[nodiscard]] static std::vector<wire::Op> ops(std::uint8_t number) {
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Message{"topic", 0, {Bytes(3, number)}});
    return ops;
  }
  [[nodiscard]] Bytes entry(std::uint8_t number) const { return sealed(body(number), ops(number)); }
  [[nodiscard]] Bytes entry_of(wire::Op op) const {
    std::vector<wire::Op> ops;
    ops.push_back(std::move(op));
    return sealed(body(3), std::move(ops));
  }
  [[nodiscard]] Bytes packed_entry() const {
    std::vector<wire::Op> ops;
    for (int i = 0; i < 5; ++i) ops.emplace_back(wire::Message{"topic", 0, {Bytes(100, 'x')}});
    return sealed(body(1), std::move(ops));
  }
  [[nodiscard]] Bytes rotating_entry(std::uint8_t number) const {
    SeededRandom random(number);
    std::vector<crypto::DhPublicKey> const keys{author.dx.public_key, other.dx.public_key};
    auto prefix = core::make_prefix(id, epoch, keys, random);
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::Rotate{2, {author.device(), other.device()}, core::prefix_hash(prefix), {}});
    return sealed(body(number), std::move(ops), std::move(prefix));
  }
  [[nodiscard]] Bytes prefix_for_one() const {
    SeededRandom random(9);
    std::vector<crypto::DhPublicKey> const keys{author.dx.public_key};
    return core::make_prefix(id, epoch, keys, random).encoding();
  }
  [[nodiscard]] Bytes entry_of_the_prefix() const { return entry(1); }

  [[nodiscard]] Bytes presence(sync::PresenceExtras extras) const {
    SeededRandom random(6);
    wire::Presence told;
    told.counter = 1;
    told.tips = {samples::tip(1, 1, 2)};
    return sync::seal_presence(world.state(), world.device.identity, world.epoch, samples::relay_key(), world.face,
                               told, std::move(extras), random);
  }
  [[nodiscard]] static sync::Taken taken() {
    sync::Taken taken;
    taken.upto = {90};
    taken.open = {{{3}, {3}, {0x05, 0x80}}, {{7}, {20}, {}}};
    return taken;
  }
  [[nodiscard]] static wire::RelayWitness shown() {
    wire::RelayWitness witness;
    witness.cursor = {70};
    witness.tips = {samples::tip(1, 1, 2)};
    return witness;
  }
  [[nodiscard]] Bytes announcement(std::uint8_t number) const {
    SeededRandom random(number);
    sync::Announcement const value{
        1, samples::counted<wire::ObjectId>(number), 700, {samples::counted<ChunkId>(number)}};
    return sync::seal_announcement(writing.device.replica, world.epoch, world.here(), value, random);
  }
  [[nodiscard]] Bytes escrow(std::uint8_t number) const {
    SeededRandom random(number);
    core::Escrow const record{samples::channel(), samples::channel_key().seed(), id, "home"};
    return core::seal_escrow(record, words.dx.public_key, samples::relay_key(), random);
  }

  core::Identity author = samples::laptop(), other = samples::phone();
  core::RelayFace face = samples::face_of(author);
  GroupId id = samples::group();
  wire::EpochSecret epoch = samples::first_epoch();
  core::RecoveryKeys words = samples::recovery();
  ObjectWorld world;
  mutable ObjectWorld writing;

 private:
  [[nodiscard]] Bytes sealed(wire::EntryBody body, std::vector<wire::Op> ops,
                             std::optional<wire::EpochPrefix> prefix = std::nullopt) const {
    SeededRandom random(100 + body.seq.value);
    return must(core::seal({std::move(body), std::move(ops), std::move(prefix)}, id, epoch, author.sign, random)).bytes;
  }
};

}  // namespace kith::testing
