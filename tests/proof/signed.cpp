#include "core/pairing_code.hpp"
#include "proof/group.hpp"
#include "proof/structures.hpp"
#include "support/raw_seal.hpp"

/// What is signed, tied together by hashes or paid for; and pairs of valid ones to mix. Whoever reads a seal can make
/// one: members of the group are strangers to each other's signatures.
namespace kith::testing {
namespace {

constexpr unsigned kStampBits = 18;

Group const& group() {
  static Group const one;
  return one;
}

/// Bytes of an entry's plaintext, sealed again by another member: u32 length | body | signature.
bool opens_resealed(ByteView body_and_signature) {
  auto const& g = group();
  if (body_and_signature.size() < crypto::Signature::kBytes) return false;
  auto const body = body_and_signature.first(body_and_signature.size() - crypto::Signature::kBytes);
  auto const entry = samples::counted<EntryId>(0x01);
  auto sealed = raw_seal(body, g.id, g.epoch, g.other.sign, entry, samples::counted<crypto::XNonce>(0x02));
  auto plain = sealed.plaintext;
  std::copy(body_and_signature.end() - static_cast<std::ptrdiff_t>(crypto::Signature::kBytes), body_and_signature.end(),
            plain.begin() + 4 + static_cast<std::ptrdiff_t>(body.size()));
  Bytes whole = wire::encode_header(sealed.header);
  crypto::xchacha_seal(sealed.key, sealed.header.nonce, sealed.aad, plain, whole);
  return g.opens(whole);
}
Bytes body_and_signature(std::uint8_t number) {
  auto const& g = group();
  auto body = g.body(number);
  body.ops = wire::encode_ops(Group::ops(number));
  auto const bytes = wire::encode(body);
  auto const sealed = raw_seal(bytes, g.id, g.epoch, g.author.sign, samples::counted<EntryId>(0x01),
                               samples::counted<crypto::XNonce>(0x02));
  Bytes out = bytes;
  append(out, sealed.signature.view());
  return out;
}

bool is_devcert(ByteView bytes) {
  auto const cert = wire::decode<wire::Devcert>(bytes);
  return cert && core::signature_fits(*cert);
}

wire::AclRecord second_record(core::Identity const& more) {
  auto const acl = samples::acl_records();
  auto record = acl[1].value;
  record.pseudonyms = {samples::face_of(samples::laptop()).pseudonym(), samples::face_of(more).pseudonym()};
  std::ranges::sort(record.pseudonyms);
  wire::sign_acl(record, samples::face_of(samples::laptop()).sign);
  return record;
}

/// A hello's proof, as the relay puts it together of what it knows and what the hello says.
Bytes hello_proof(std::uint64_t cursor) {
  auto proof = samples::hello_proofs()[0].value;
  proof.last_cursor = {cursor};
  auto bytes = wire::encode(proof);
  append(bytes, group().face.sign.sign(wire::kHelloLabel, bytes).view());
  return bytes;
}
bool proves(ByteView bytes) {
  if (bytes.size() < crypto::Signature::kBytes) return false;
  auto const covered = bytes.first(bytes.size() - crypto::Signature::kBytes);
  return wire::decode<wire::HelloProof>(covered) &&
         crypto::verify({group().face.pseudonym().bytes}, wire::kHelloLabel, covered,
                        *crypto::Signature::from(bytes.last(crypto::Signature::kBytes)));
}

/// A recovery signature in an op: of an entry at this place, and no other.
Bytes recovery_op(bool add, std::uint8_t number) {
  auto const& g = group();
  auto const sign = [&](auto op) {
    op.recovery = g.words.sign.sign(core::kRecoveryLabel,
                                    core::recovery_message(g.id, g.author.device(), {1}, {1}, wire::Op(op)));
    return samples::as_ops(wire::Op(op));
  };
  if (add)
    return sign(wire::DeviceAdd{g.other.cert, std::string(1, static_cast<char>('a' + number)), {}, std::nullopt});
  return sign(wire::DeviceRemove{samples::counted<DeviceId>(number), wire::RemoveReason::lost, std::nullopt});
}
bool is_recovery_signed(ByteView bytes) {
  auto const& g = group();
  auto const ops = wire::decode_ops(bytes);
  return ops && ops->size() == 1 &&
         core::recovery_signature_fits(g.words.sign.public_key(), g.id, g.author.device(), {1}, {1}, ops->front());
}

/// An identity as the other side shows it in a pairing.
Bytes pairing_identity(core::Identity const& device) {
  auto const transcript = Bytes(90, 4);
  return wire::encode(wire::PairIdentityBox{
      device.cert, "laptop", core::pair_proof(device.sign, wire::PairMessageType::identity, transcript)});
}
bool is_pairing_identity(ByteView bytes) {
  auto const box = wire::decode<wire::PairIdentityBox>(bytes);
  // The name is told and not signed: the box around it is what keeps it.
  return box && box->name == "laptop" && core::check_identity(*box, wire::PairMessageType::identity, Bytes(90, 4));
}

/// The plain bytes behind a signature that any member can seal again, without the padding.
Bytes plain_of(std::string_view subkey, ByteView context, ByteView sealed) {
  auto plain = must(core::open_box(group().world.state(), subkey, context, sealed));
  while (!plain.empty() && plain.back() == 0) plain.pop_back();
  return plain;
}
std::optional<sync::OpenedPresence> resealed_presence(ByteView plain) {
  auto const& world = group().world;
  wire::RelayPresence::Slot slot{world.face, 1, world.sealed("presence", world.presence_context(), plain)};
  auto opened = sync::open_presence(world.state(), world.relay, slot);
  return opened ? std::optional(std::move(*opened)) : std::nullopt;
}
bool is_announcement(ByteView plain) {
  auto const& world = group().world;
  auto const box = world.sealed("object", bytes_of("announcement"), plain);
  return sync::open_announcement(world.state(), world.here(), box).has_value();
}

/// A container with one chunk that does not compress: of others many packed forms mean the same.
Bytes container() {
  SeededRandom random(8);
  Bytes plain(400);
  random.fill(plain);
  sync::ContainerBuilder builder;
  static_cast<void>(builder.add(files::chunk_id(group().world.chunk_key(), plain), {wire::ChunkCodec::raw, plain}));
  return builder.finish();
}
bool holds_its_chunk(ByteView plain) {
  auto const chunks = sync::open_container(group().world.chunk_key(), plain);
  return chunks && chunks->size() == 1;
}

Bytes stamp() {
  auto const channel = samples::channel();
  for (std::uint64_t nonce = 0;; ++nonce) {
    Bytes bytes;
    append_be(bytes, nonce);
    if (wire::stamp_bits(wire::RelayKey{}, channel, bytes) >= kStampBits) return bytes;
  }
}

std::size_t first_record(Bytes const& plain) { return 4 + load_be<std::uint32_t>(plain.data()); }

}  // namespace

std::vector<Structure> signed_structures() {
  auto const channel = samples::channel();
  auto const acl = samples::acl_records();
  auto const& g = group();
  auto const presence = plain_of("presence", g.world.presence_context(), g.presence({}));
  auto const telling = plain_of("presence", g.world.presence_context(), g.presence({Group::taken(), {}}));
  auto const showing = plain_of("presence", g.world.presence_context(), g.presence({std::nullopt, {Group::shown()}}));
  auto const announcement = plain_of("object", bytes_of("announcement"), g.announcement(1));
  auto const packed = container();
  auto const told = Bytes(telling.begin() + static_cast<std::ptrdiff_t>(first_record(telling)), telling.end());
  auto const shown = Bytes(showing.begin() + static_cast<std::ptrdiff_t>(first_record(showing)), showing.end());
  auto const link_text = [] {
    core::PairingLink link{{"7F3K9QDM"}, core::PairPassword(Bytes(32, 5)), {"192.0.2.1:4711"}};
    return core::to_text(link);
  }();
  return {
      {"an entry's body and signature, sealed by another member", body_and_signature(1), opens_resealed},
      {"a devcert", wire::encode(g.author.cert), is_devcert},
      {"a genesis record", wire::encode(samples::genesis()),
       [](ByteView bytes) {
         auto const genesis = wire::decode<wire::Genesis>(bytes);
         return genesis && core::group_id(*genesis) == group().id;
       }},
      {"the first access record", wire::encode(acl[0].value),
       [channel](ByteView bytes) {
         auto const record = wire::decode<wire::AclRecord>(bytes);
         return record && record->channel == channel && wire::begins_acl(*record);
       }},
      {"the next access record", wire::encode(acl[1].value),
       [before = acl[0].value](ByteView bytes) {
         auto const record = wire::decode<wire::AclRecord>(bytes);
         return record && (wire::follows_acl(before, *record) || wire::overrules_acl(before, *record));
       }},
      {"a hello's proof", hello_proof(12), proves},
      {"a device added with the words", recovery_op(true, 1), is_recovery_signed},
      {"a device removed with the words", recovery_op(false, 1), is_recovery_signed},
      {"a device's identity in a pairing", pairing_identity(g.author), is_pairing_identity},
      {"a presence, sealed by another member", presence,
       [](ByteView plain) { return resealed_presence(plain).has_value(); }, first_record(presence), 1, false},
      {"what was taken, sealed by another member", told,
       [presence_of = Bytes(telling.begin(), telling.begin() + static_cast<std::ptrdiff_t>(first_record(telling)))](
           ByteView taken) {
         Bytes plain = presence_of;
         append(plain, taken);
         auto const opened = resealed_presence(plain);
         return opened && opened->extras.taken;
       },
       first_record(told), 1, false},
      {"what relays have shown, sealed by another member", shown,
       [presence](ByteView part) {
         Bytes plain = presence;
         append(plain, part);
         auto const opened = resealed_presence(plain);
         return opened && !opened->extras.shown.empty();
       },
       shown.size(), 1, false},
      {"an announcement, sealed by another member", announcement, is_announcement, first_record(announcement), 1,
       false},
      {"a chunk in a container", packed, holds_its_chunk, first_record(packed) + 400},
      {"a stamp", stamp(),
       [channel](ByteView bytes) {
         return bytes.size() == wire::kStampBytes && wire::stamp_bits(wire::RelayKey{}, channel, bytes) >= kStampBits;
       }},
      // A link is neither sealed nor signed, the password exchange shows whether it is the right one: but it has one
      // spelling only.
      {"a link that means the same", Bytes(link_text.begin(), link_text.end()),
       [](ByteView bytes) {
         auto const link = core::parse_link(text_of(bytes));
         return link && *link && (*link)->lookup.symbols == "7F3K9QDM" && equal((*link)->secret.view(), Bytes(32, 5)) &&
                (*link)->addresses == std::vector<std::string>{"192.0.2.1:4711"};
       }},
  };
}

std::vector<Pair> structure_pairs() {
  auto const& g = group();
  auto const opens = [](ByteView bytes) { return group().opens(bytes); };
  // Magic and suite, epoch, entry id, nonce, commitment; then the ciphertext in three, and the tag.
  auto const parts_of_entry = [](Bytes const& sealed, std::size_t prefix) {
    std::size_t const text = sealed.size() - prefix - wire::EntryHeader::kBytes - crypto::kAeadTagBytes;
    return cut(sealed, {prefix, 3, 16, 16, 24, 32, 64, text - 64 - 100, 100});
  };
  auto const prefix_bytes = must(wire::decode_sealed(g.rotating_entry(1))).prefix_bytes.size();
  auto const record = [](Bytes const& one, Bytes const& other, std::string name,
                         std::function<bool(ByteView)> accepted) {
    return Pair{std::move(name), fields_of(one), fields_of(other), array_of, std::move(accepted)};
  };
  auto const box = [](Bytes const& one, Bytes const& other, std::string name, std::function<bool(ByteView)> accepted) {
    std::size_t const text = one.size() - core::kBoxOverheadBytes;
    auto const lengths = std::vector<std::size_t>{3, 16, 24, 32, text / 2, text - text / 2};
    return Pair{std::move(name), cut(one, lengths), cut(other, lengths), concatenated, std::move(accepted)};
  };
  auto const body = [](std::uint8_t number) {
    auto const bytes = body_and_signature(number);
    ByteView const all = bytes;
    auto fields = fields_of(all.first(all.size() - crypto::Signature::kBytes));
    auto const signature = all.last(crypto::Signature::kBytes);
    fields.emplace_back(signature.begin(), signature.end());
    return fields;
  };
  auto const proof = [](std::uint64_t cursor) {
    auto const bytes = hello_proof(cursor);
    return cut(bytes, {bytes.size() - 64, 32});
  };
  auto const escrow_parts = [&](std::uint8_t number) { return cut(g.escrow(number), {32, 100, 200}); };
  auto const acl = samples::acl_records();
  return {
      {"entries", parts_of_entry(g.entry(1), 0), parts_of_entry(g.entry(2), 0), concatenated, opens},
      {"entries that begin an epoch", parts_of_entry(g.rotating_entry(1), prefix_bytes),
       parts_of_entry(g.rotating_entry(2), prefix_bytes), concatenated, opens},
      {"bodies and signatures", body(1), body(2),
       [](std::vector<Bytes> const& parts) {
         auto whole = array_of({parts.begin(), parts.end() - 1});
         append(whole, parts.back());
         return whole;
       },
       opens_resealed},
      record(wire::encode(g.author.cert), wire::encode(g.other.cert), "devcerts", is_devcert),
      record(wire::encode(second_record(g.other)), wire::encode(second_record(g.world.device.identity)),
             "access records",
             [before = acl[0].value](ByteView bytes) {
               auto const next = wire::decode<wire::AclRecord>(bytes);
               return next && wire::follows_acl(before, *next);
             }),
      {"hellos' proofs", proof(1), proof(2), concatenated, proves},
      record(pairing_identity(g.author), pairing_identity(g.other), "identities in a pairing", is_pairing_identity),
      box(g.announcement(1), g.announcement(2), "announcements",
          [&g](ByteView bytes) { return sync::open_announcement(g.world.state(), g.world.here(), bytes).has_value(); }),
      {"recovery records", escrow_parts(1), escrow_parts(2), concatenated,
       [&g](ByteView bytes) { return core::open_escrow(bytes, g.words, g.world.relay).has_value(); }},
  };
}

}  // namespace kith::testing
