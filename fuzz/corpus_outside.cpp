#include <fmt/format.h>

#include "corpus.hpp"
#include "engine/config.hpp"
#include "engine/control.hpp"
#include "engine/join.hpp"
#include "engine/key_codec.hpp"
#include "engine/relay_status.hpp"
#include "relay/server/config.hpp"
#include "support/object_world.hpp"
#include "sync/exchange/peer_book.hpp"
#include "sync/files/folder_work.hpp"
#include "sync/files/rows.hpp"
#include "sync/files/trash_look.hpp"
#include "sync/relays/relay_record.hpp"

/// Corpora of the targets that read what comes from a disk, from a user and from a relay's neighbours.
namespace kith::fuzz {
namespace {

using samples::counted;

void add(Corpus& corpus, std::string_view name, Bytes bytes) {
  corpus.push_back({fmt::format("{:02}-{}", corpus.size(), name), std::move(bytes)});
}
void add(Corpus& corpus, std::string_view name, std::string_view text) {
  add(corpus, name, Bytes(text.begin(), text.end()));
}

/// As containers, presences and announcements begin.
Bytes counted_record(ByteView record) {
  Bytes out;
  append_be(out, static_cast<std::uint32_t>(record.size()));
  append(out, record);
  return out;
}

sync::Taken some_taken() {
  sync::Taken taken;
  taken.log_epoch = counted<wire::LogEpoch>(1);
  taken.upto = {90};
  taken.open = {{{3}, {3}, {0x05, 0x80}}, {{7}, {20}, {}}, {{90}, {90}, {0x01}}};
  taken.lacked = {0x0102030405060708};
  return taken;
}

sync::PresenceExtras some_extras() {
  wire::RelayWitness witness;
  witness.cursor = {70};
  witness.tips = {samples::tip(1, 1, 2)};
  return {some_taken(), {witness}};
}

wire::Content some_content() { return samples::contents().back().value; }

}  // namespace

Corpus rows_corpus() {
  Corpus corpus;
  auto const put = [&](std::string_view name, auto const& row) { add(corpus, name, core::encode_record(row)); };
  core::Past past;
  for (std::uint32_t chain = 1; chain < 4; ++chain) past.include({{chain}, {chain * 10}});
  LogId const log{counted<DeviceId>(1), {1}};
  put("entry", core::EntryRecord{log, {3}, {1}, 9, counted<EpochId>(2), 77, true, past});
  put("chain", core::ChainRecord{log, {1}, {}, {9}, counted<EntryHash>(3), {8}});
  put("pending",
      core::PendingRecord{samples::tip(1, 1, 5), {samples::tip(2, 1, 4)}, counted<DeviceId>(4), Bytes(8, 1)});
  put("alarm", core::Alarm{core::AlarmKind::fork, log, {4}, 1'800'000'000'000});
  core::MessageRow message;
  message.topic = "default";
  message.content = some_content();
  put("message", message);
  files::VersionRow version;
  version.path = "a/b.txt";
  version.content = some_content();
  put("version", version);
  files::LocalFile file;
  file.path = "a/b.txt";
  file.stat = {files::Kind::file, 9, -1, 2, 3, 4, 0644};
  file.stands_for = {counted<VersionId>(5)};
  put("local_file", file);
  put("folder",
      files::FolderRow{"notes", "/home/ana/notes", files::FolderState::stopped, "disk_full", "/", 1, 2, 3, 4, 5, 6});
  put("work", files::FolderWork{"a/b", 2, true});
  put("trash_look", files::TrashLook{{5}, {-5}});
  sync::RelayRecord relay;
  relay.outbox = {{counted<EntryHash>(1), 0, {}}, {{}, 60, Bytes(5, 5)}};
  relay.there = past;
  relay.heard = {{counted<wire::Pseudonym>(6), 4}};
  put("relay_record", relay);
  put("object_place", sync::ObjectBook::Place{counted<wire::ObjectId>(7), 5, counted<DeviceId>(1)});
  put("object",
      sync::ObjectBook::Noted{
          counted<DeviceId>(1), 5, {6}, {counted<ChunkId>(8)}, {counted<DeviceId>(9), counted<DeviceId>(10)}});
  put("peer",
      sync::PeerRecord{{"192.0.2.1:7427"}, {samples::tip(1, 1, 5)}, {}, {}, 1, {counted<FolderId>(2)}, 3, "", -4});
  engine::ProcessId const process{100, 200};
  put("owner", engine::OwnerRow{process, "kith sync", 1, 2, 7427, {"192.0.2.1:7427"}});
  put("session", engine::SessionRow{"192.0.2.1:7427", 5});
  put("interest", engine::InterestRow{process, {50, 25, false}, true});
  put("invite",
      engine::InviteRow{Bytes(40, 1), "7F3K9QDM", core::InviteState::used, 5, 1, counted<DeviceId>(1), true, process});
  put("pair", engine::PairRow{engine::PairState::approved, counted<DeviceId>(1), "phone", "relay h:1:2"});
  put("dial", engine::DialRow{5, "refused", -111, 1, 2});
  put("verify", engine::VerifyRow{5});
  put("digest", engine::DigestRow{5, {}});
  put("skipped", engine::SkippedRow{{{"a\xFF", "bad_name"}, {"b", "symlink"}}, {{"bad_name", 1}, {"symlink", 7}}});
  put("tally", engine::TallyRow{1, 2, 3, 4, 5, 6, 7, {"a.conflict-20261121-140312-abcdef0.txt"}});
  put("words_used", engine::WordsUsedRow{"192.0.2.9", 5});
  engine::RelayRow row;
  row.failure = "refused";
  row.failure_errno = 111;
  put("relay", row);
  put("relay_trouble", engine::RelayTroubleRow{"relay_full", 1, 2});
  put("invite_relay", engine::InviteRelayRow{true, "refused"});
  add(corpus, "marker", wire::encode(files::Marker{1, samples::group(), counted<FolderId>(3), counted<DeviceId>(4)}));
  put("unresolved",
      sync::UnresolvedItems{{{counted<ItemDigest>(1), {}}, {counted<ItemDigest>(2), counted<EntryHash>(3)}}, true});
  return corpus;
}

Corpus typed_corpus() {
  Corpus corpus;
  add(corpus, "code", "7f3k 9qdm oi1l t6wp");
  core::PairingLink link{{"7F3K9QDM"}, core::PairPassword(Bytes(32, 5)), {"192.0.2.1:4711"}};
  add(corpus, "link", core::to_text(link));
  link::RelayAddress address{true, "sync.example.org", 8443, "/kith", {}};
  std::ranges::copy(samples::relay_key().bytes, address.key.emplace().begin());
  link.relays = {link::to_text(address)};
  add(corpus, "relay_link", core::to_text(link));
  add(corpus, "relay", link::to_text(address));
  for (std::string_view const text :
       {"localhost:8080", "http://[::1]:80/x/", "HTTPS://Example.org", "[fe80::1]:7427", "192.0.2.1:7427",
        "198.51.100.3, 203.0.113.7:80 ,127.0.0.2", "2001:db8::1,[::ffff:127.0.0.1]:9", "10.0.0.0/8", "100 MiB", "10GB",
        "90d", "1500 ms", "25%", "100 files", "none", "Ana's laptop", "debug",
        "a/report.conflict-20261121-140312-abcdef0-2.txt"})
    add(corpus, "text", text);
  auto const words = crypto::to_words(counted<crypto::MnemonicEntropy>(0));
  add(corpus, "words", words);
  add(corpus, "numbered_words", fmt::format("1. {}", words.substr(0, 40)));
  return corpus;
}

Corpus config_corpus() {
  Corpus corpus;
  std::string all;
  for (auto const& info : engine::config_keys()) {
    auto const value = engine::setting_text({}, info.key);
    bool const number = info.kind == engine::ConfigKeyInfo::Kind::number;
    all += fmt::format("[{}]\n{} = {}\n", info.section(), info.last(), number ? value : fmt::format("'{}'", value));
  }
  add(corpus, "every_key",
      std::string_view("# a comment\n[device]\nname = \"phone\" # mine\n\n[network]\nlisten = \"[::]:7427\"\n"));
  add(corpus, "one_after_the_other", all);
  add(corpus, "inline", "device = {name = 'x'}\n[network]\n\"listen\" = \"none\"\n");
  add(corpus, "dotted", "device.name = \"\\u00e4\"\ndefaults.trash_days = 0x1E\n");
  add(corpus, "text_of_lines", "[device]\nname = \"\"\"\na\\\n  b\"\"\"\n");
  add(corpus, "unknown_key", "[network]\nlisen = \"x\"\n");
  add(corpus, "wrong_type", "[defaults]\ntrash_days = [[1], {a = 1979-05-27T07:32:00Z}]\n");
  add(corpus, "relay_limits", "[server]\nlisten = \"127.0.0.1:0\"\n[limits]\nmax_message = \"1 MiB\"\n");
  add(corpus, "relay_default", relay::server::default_config_file().substr(0, 3000));
  return corpus;
}

Corpus key_file_corpus() {
  Corpus corpus;
  auto const put = [&](std::string_view name, SecretBytes const& file) {
    add(corpus, name, Bytes(file.view().begin(), file.view().end()));
  };
  testing::SeededRandom random(2);
  put("plain", engine::encode_key_file(samples::laptop()));
  put("passphrase", testing::must(engine::encode_key_file(samples::laptop(), bytes_of("right"), random, {1, 8})));
  add(corpus, "later_version", std::string_view("KITHKEYS\x02\x00", 10));
  return corpus;
}

Corpus relay_http_corpus() {
  enum Mode : std::uint8_t { requests, answer };
  enum Status : std::uint8_t { ok, created };
  Corpus corpus;
  auto const ask = [&](std::string_view name, std::string_view lines) {
    add(corpus, name, behind({requests}, bytes_of(lines)));
  };
  ask("conversation",
      "POST /invite |{\"key\":\"7F3K9QDM\",\"expires_s\":600}\nPOST /invite/7F3K9QDM/claim |{}\n"
      "GET /invite/7F3K9QDM?after=0&wait_s=20 Bearer OWNER|\nPOST /invite/7F3K9QDM/CLAIM |{\"box\":\"aGk\"}\n"
      "GET /invite/7F3K9QDM/CLAIM?wait_s=3 |\n+\nPOST /invite/7F3K9QDM/CLAIM Bearer OWNER|{\"box\":\"aG8\"}\n"
      "DELETE /invite/7F3K9QDM/CLAIM |\nDELETE /invite/7F3K9QDM Bearer OWNER|\n");
  ask("void", "POST /invite/7F3K9QDM/claim |{}\nGET /invite/7F3K9QDM/CLAIM?wait_s=99999999999999999999 |\n+\n");
  ask("foreign_methods", "PUT /invite |\nDELETE /invite/7F3K9QDM |\nGET /invite/7F3K9QDM/claim Basic x|\n");
  ask("deep", "POST /invite |{\"key\":[[[[[[[[[[[[]]]]]]]]]]]]}\n");
  auto const hear = [&](std::string_view name, std::uint8_t status, std::string_view body) {
    add(corpus, name, behind({answer, status}, bytes_of(body)));
  };
  auto const owner = fmt::format("\"{}\"", std::string(43, 'A'));
  auto const claim = fmt::format("\"{}\"", std::string(22, 'A'));
  hear("made", created, fmt::format("{{\"owner\":{},\"expires_s\":600}}", owner));
  hear("claimed", created, fmt::format("{{\"claim\":{}}}", claim));
  hear("posted", ok, "{\"boxes\":1}");
  hear("for_joiner", ok, "{\"boxes\":[\"aGk\"],\"next\":1,\"end\":true}");
  hear("for_owner", ok,
       fmt::format("{{\"boxes\":[{{\"claim\":{0},\"box\":\"aGk\"}},{{\"claim\":{0},\"end\":true}}],\"next\":2}}",
                   claim));
  return corpus;
}

Corpus relay_object_corpus() {
  enum Mode : std::uint8_t { record, container, chunk, presence, announcement, sealed };
  Corpus corpus;
  testing::ObjectWorld const world;
  auto const take = [&](std::string_view name, Mode mode, ByteView rest) {
    add(corpus, name, behind({mode}, rest.first(std::min<std::size_t>(rest.size(), 4000))));
  };
  take("taken", record, wire::encode(some_taken()));
  take("taken_nothing", record, wire::encode(sync::Taken{}));
  take("announcement", record,
       wire::encode(sync::Announcement{1, counted<wire::ObjectId>(1), 700, {counted<ChunkId>(2)}}));
  wire::Presence told;
  told.counter = 1;
  told.tips = {samples::tip(1, 1, 2)};
  take("presence", record, wire::encode(told));
  sync::ContainerBuilder builder;
  for (std::uint8_t fill = 1; fill <= 2; ++fill) {
    Bytes const plain(300, fill);
    static_cast<void>(builder.add(files::chunk_id(world.chunk_key(), plain), files::pack_chunk(plain, fill == 2)));
  }
  auto const object = builder.finish();
  take("container", container, object);
  Bytes words;
  for (int i = 0; i < 60; ++i) append(words, bytes_of(fmt::format("{} bottles, ", i * i)));
  for (bool const slow : {false, true}) {
    auto const packed = files::pack_chunk(words, slow);
    take("chunk", chunk, behind({static_cast<std::uint8_t>(packed.codec)}, packed.bytes));
  }
  // The plain bytes of what the device itself would leave there: what opens it in a test opens it here.
  auto const plain_of = [&](std::string_view subkey, ByteView context, ByteView box) {
    auto plain = testing::must(core::open_box(world.state(), subkey, context, box));
    while (!plain.empty() && plain.back() == 0) plain.pop_back();
    return plain;
  };
  testing::SeededRandom random(6);
  for (bool const tells : {false, true}) {
    auto const slot_of = [&](std::uint64_t counter) {
      told.counter = counter;
      return sync::seal_presence(world.state(), world.device.identity, world.epoch, samples::relay_key(), world.face,
                                 told, tells ? some_extras() : sync::PresenceExtras{}, random);
    };
    take("presence_plain", presence, plain_of("presence", world.presence_context(), slot_of(1)));
    take("another_presence", sealed, slot_of(2));
  }
  testing::ObjectWorld writing;
  auto const announced = [&](wire::RelayKey const& relay) {
    sync::Announcement const value{1, counted<wire::ObjectId>(1), 700, {counted<ChunkId>(2)}};
    return sync::seal_announcement(writing.device.replica, world.epoch, {relay, world.face}, value, random);
  };
  take("announcement_plain", announcement,
       plain_of("object", bytes_of("announcement"), announced(samples::relay_key())));
  take("announcement_elsewhere", sealed, announced(counted<wire::RelayKey>(3)));
  take("no_record", announcement, counted_record({}));
  return corpus;
}

}  // namespace kith::fuzz
