#include <fmt/format.h>

#include "core/pairing_code.hpp"
#include "corpus.hpp"
#include "entry_world.hpp"
#include "samples.hpp"
#include "sync/files/chunk_id.hpp"
#include "sync/files/chunker.hpp"
#include "sync/files/content.hpp"
#include "wire/msgpack.hpp"

/// Corpora of the targets that decode one value.
namespace kith::fuzz {
namespace {

constexpr std::size_t kMostBytes = 4000;

/// Numbered, so that names are unique and files sort as they were made.
void add(Corpus& corpus, std::string_view name, Bytes bytes) {
  if (bytes.size() > kMostBytes) return;
  std::string file = fmt::format("{:02}-", corpus.size());
  for (char const c : name.substr(0, 40))
    file += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
  corpus.push_back({std::move(file), std::move(bytes)});
}

template <class T>
void add_records(Corpus& corpus, samples::Samples<T> const& list) {
  for (auto const& sample : list) add(corpus, sample.name, wire::encode(sample.value));
}

Bytes sealed_body(wire::EntryBody body, std::vector<wire::Op> const& ops) {
  body.ops = wire::encode_ops(ops);
  return wire::encode(body);
}

template <class... Ops>
std::vector<wire::Op> list(Ops... ops) {
  std::vector<wire::Op> out;
  (out.push_back(std::move(ops)), ...);
  return out;
}

}  // namespace

Corpus msgpack_corpus() {
  Corpus corpus;
  Bytes every;
  wire::Writer writer(every);
  writer.array(9);
  for (auto const number : {0x7FULL, 0xFFULL, 0xFFFFULL, 0xFFFFFFFFULL, 0xFFFFFFFFFFULL})
    writer.unsigned_integer(number);
  writer.integer(-33);
  writer.boolean(true);
  writer.str("caf\xC3\xA9");
  writer.bin(Bytes(3, 9));
  add(corpus, "every kind", every);
  Bytes deep(15, 0x91);
  deep.push_back(0x90);
  add(corpus, "sixteen deep", deep);
  for (std::size_t const length : {31U, 32U, 256U}) {
    Bytes text, bytes;
    wire::Writer(text).str(std::string(length, 'a'));
    wire::Writer(bytes).bin(Bytes(length, 1));
    add(corpus, "text", text);
    add(corpus, "bytes", bytes);
  }
  Bytes long_list;
  wire::Writer(long_list).array(16);
  for (int i = 0; i < 16; ++i) wire::Writer(long_list).integer(-(std::int64_t{1} << (4 * i)));
  add(corpus, "sixteen negative numbers", long_list);
  add(corpus, "a body", wire::encode(samples::bodies().back().value));
  return corpus;
}

Corpus sealed_corpus() {
  Corpus corpus;
  EntryWorld const world;
  auto const header = wire::encode_header(samples::headers()[0].value);
  add(corpus, "K1 without plaintext", behind({}, [&] {
        auto out = header;
        out.resize(out.size() + 16);
        return out;
      }()));
  auto prefix = samples::prefixes()[1].value;
  prefix.epoch = samples::headers()[0].value.epoch;
  Bytes k2 = prefix.encoding();
  append(k2, header);
  k2.resize(k2.size() + 16);
  add(corpus, "K2", k2);
  add_records(corpus, samples::bodies());
  for (auto const& sample : samples::ops()) add(corpus, sample.name, samples::as_ops(sample.value));
  return corpus;
}

Corpus frame_corpus() {
  Corpus corpus;
  Bytes all;
  for (auto const& sample : samples::frames()) {
    Bytes frame;
    wire::encode_frame(frame, sample.value);
    append(all, frame);
    add(corpus, sample.name, behind({static_cast<std::uint8_t>(corpus.size())}, frame));
  }
  add(corpus, "all", behind({7}, all));
  return corpus;
}

Corpus handshake_corpus() {
  Corpus corpus;
  for (auto const& sample : samples::openings()) add(corpus, sample.name, wire::encode(sample.value));
  add_records(corpus, samples::handshakes());
  add_records(corpus, samples::devcerts());
  return corpus;
}

Corpus pairing_corpus() {
  Corpus corpus;
  for (auto const& sample : samples::pair_messages()) add(corpus, sample.name, wire::encode_pair_message(sample.value));
  add(corpus, "identity box", wire::encode(samples::identity_box()));
  add(corpus, "offer box", wire::encode(samples::offer_box()));
  add(corpus, "pseudonyms box", wire::encode(samples::pseudonyms_box()));
  add(corpus, "welcome box", wire::encode(samples::welcome_box()));
  for (std::string_view const code : {"7F3K-9QDM-2XHB-T6WP", "7f3k 9qdm oi1l t6wp"})
    add(corpus, "code", Bytes(code.begin(), code.end()));
  core::PairingLink const link{{"7F3K9QDM"}, core::PairPassword(Bytes(32, 5)), {"192.0.2.1:4711"}};
  auto const text = core::to_text(link);
  add(corpus, "link", Bytes(text.begin(), text.end()));
  return corpus;
}

Corpus relay_message_corpus() {
  Corpus corpus;
  Bytes some;
  for (auto const& sample : samples::relay_messages()) {
    Bytes message;
    wire::encode_relay_message(message, sample.value);
    if (message.size() < 200) append(some, message);
    add(corpus, sample.name, behind({static_cast<std::uint8_t>(corpus.size())}, message));
  }
  add(corpus, "a stream of them", behind({7}, some));
  Bytes all_but_one(some.begin(), some.end() - 1);
  add(corpus, "a stream that ends early", behind({9}, all_but_one));
  Bytes too_long;
  append_be(too_long, static_cast<std::uint32_t>(wire::kRelayLimits.max_message_bytes + 1));
  add(corpus, "a length above the limit", behind({0}, too_long));
  return corpus;
}

Corpus open_entry_corpus() {
  Corpus corpus;
  EntryWorld const world;
  auto const first = samples::bodies()[0].value;
  auto later = samples::bodies()[2].value;
  later.compression = wire::Compression::none;
  for (auto& sample : samples::ops()) {
    if (corpus.size() % 2 == 0)
      add(corpus, sample.name, behind({0}, sealed_body(first, list(std::move(sample.value)))));
    else
      add(corpus, sample.name, behind({0}, sealed_body(later, list(std::move(sample.value)))));
  }
  wire::Rotate rotate{1, {world.author.device()}, core::prefix_hash(world.prefix), {}};
  add(corpus, "genesis and rotate",
      behind({1},
             sealed_body(first, list(wire::Op(wire::GenesisOp{samples::genesis()}), wire::Op(std::move(rotate))))));
  auto compressed = first;
  compressed.compression = wire::Compression::lz4;
  compressed.ops = {0x10, 0x90};
  add(corpus, "compressed", behind({0}, wire::encode(compressed)));
  auto stranger = first;
  stranger.author = samples::phone().device();
  add(corpus, "another author", behind({0}, sealed_body(stranger, {})));
  return corpus;
}

Corpus content_corpus() {
  Corpus corpus;
  for (auto const& sample : samples::nodes()) add(corpus, sample.name, wire::encode(sample.value));
  auto const key = files::chunk_key(samples::counted<wire::ContentSecret>(0xE0));
  for (std::size_t const count : {0U, 3U, 65U, 90U}) {
    std::vector<wire::ChunkRef> chunks;
    for (std::size_t i = 0; i < count; ++i)
      chunks.push_back({files::kMinChunkBytes + i, samples::counted<ChunkId>(static_cast<std::uint8_t>(i))});
    auto const built = files::build_content(key, chunks).value();
    Bytes blobs;
    auto const add_blob = [&](Bytes const& blob) {
      append_be(blobs, static_cast<std::uint16_t>(blob.size()));
      append(blobs, blob);
    };
    add_blob(wire::encode(built.content));
    for (auto node = built.nodes.rbegin(); node != built.nodes.rend(); ++node) add_blob(node->bytes);
    add(corpus, fmt::format("{} chunks", count), behind({0}, blobs));
  }
  for (std::size_t const bytes : {3U, 66U, 900U}) {
    Bytes list(bytes);
    for (std::size_t i = 0; i < bytes; ++i) list[i] = static_cast<std::uint8_t>(i * 37);
    add(corpus, "a list to build", behind({1}, list));
  }
  return corpus;
}

Corpus path_corpus() {
  Corpus corpus;
  for (std::string_view const path : {"a", "a/b/c.txt",
                                      "2026/\xC3\xBC"
                                      "ber.txt",
                                      "u\xCC\x88"
                                      "ber",
                                      "..", "/etc/passwd", "a//b", ".kith/x", ".KITH", "a\xFF",
                                      "\xE2\x84\xAA"
                                      "ith",
                                      ".k\xE2\x80\x8Dith", "CON", "a b. ", "\xF0\x9F\x93\xB1/\xEA\xB0\x80"}) {
    add(corpus, "path", Bytes(path.begin(), path.end()));
  }
  add(corpus, "a part of 255", Bytes(255, 'x'));
  add(corpus, "a part of 256", Bytes(256, 'x'));
  return corpus;
}

}  // namespace kith::fuzz
