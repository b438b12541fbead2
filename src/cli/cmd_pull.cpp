#include <filesystem>

#include <fmt/format.h>

#include "cli/handlers.hpp"
#include "cli/relay_standing.hpp"
#include "cli/removal_claims.hpp"
#include "cli/room_wait.hpp"
#include "cli/signals.hpp"
#include "engine/private_file.hpp"

namespace kith::cli {
namespace {

using engine::Blob;
using engine::Client;
using engine::EngineError;

/// Whether bytes can be printed as they are: text without control characters other than line ends and tabs, so that no
/// message can steer the reader's terminal.
bool is_text(ByteView data) {
  auto const text = text_of(data);
  if (!is_utf8(text)) return false;
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto const byte = data[i];
    if ((byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') || byte == 0x7F) return false;
    if (byte == 0xC2 && i + 1 < data.size() && data[i + 1] < 0xA0) return false;  // U+0080 to U+009F
  }
  return true;
}

/// One run of `kith pull`.
class Pulling {
 public:
  Pulling(Context& context, PullOptions const& options, Client& client)
      : context_(context), options_(options), client_(client), claims_(context, client), room_(context, client) {}

  Result<int> run() {
    KITH_TRY(saved, client_.read_cursor());
    position_ = options_.after.value_or(saved);
    if (options_.follow) {
      room_.prepare();
      KITH_CHECK(client_.connect());  // alone as yet, perhaps, but a device may come in
      KITH_CHECK(print_new());
    }
    auto const reached = reach_others(context_, client_, Level::theirs_here);
    bool const stopped = !reached && options_.follow && reached.error().is(EngineError::interrupted);
    if (!reached && !options_.follow) return fail(reached.error());
    if (!reached && !stopped) KITH_CHECK(room_.meet(reached.error()));
    if (reached) {
      for (auto const* group : {&reached->level, &reached->behind}) {
        for (auto const& device : *group) reached_.push_back("device:" + device_name(client_, device));
      }
      for (auto const* group : {&reached->relays_level, &reached->relays_behind}) {
        for (auto const& relay : *group) reached_.push_back("relay:" + relay);
      }
    }
    if (!room_.waiting()) KITH_CHECK(print_new());
    if (options_.follow) KITH_CHECK(follow());
    KITH_CHECK(client_.refresh());
    auto object = json_line("kith.pull/1", "summary");
    object["items"] = printed_;
    object["next_after"] = position_;
    object["reached"] = reached_;
    context_.out.document(object);
    KITH_CHECK(context_.out.flush());
    if (options_.follow) return engine::kExitOk;
    return verdict();
  }

 private:
  Result<int> verdict() {
    auto& out = context_.out;
    if (waiting_for_) {
      out.warning("content-missing",
                  fmt::format("the content of message {} is still on another device; pull again when it is there, "
                              "or go on without it: {}",
                              *waiting_for_, out.command(fmt::format("kith pull --after-cursor {}", *waiting_for_))));
    }
    if (reached_.empty()) KITH_CHECK(claims_.tell());
    if (left_out_ > 0) return fail(EngineError::partial, CountDetail{left_out_, left_out_ + printed_});
    if (waiting_for_) return engine::kExitPartial;
    if (reached_.empty() && !client_.other_devices().empty()) {
      if (printed_ == 0) {
        KITH_CHECK(advise_of_relays(context_, client_));
        return fail(EngineError::nobody_reachable);
      }
      out.warning("nobody-reachable", "no other device could be reached; this is what was on this one");
    }
    if (printed_ == 0) out.note("Nothing new.");
    return engine::kExitOk;
  }

  Result<> print_new() {
    for (;;) {
      engine::PullRequest request{position_, options_.topic, options_.own, 256};
      KITH_TRY(pulled, client_.pull(request));
      for (auto const& blob : pulled.blobs) KITH_CHECK(print(blob));
      waiting_for_ = pulled.waiting_for;
      // Only what has left this program counts as read.
      KITH_CHECK(context_.out.flush());
      if (pulled.max_cursor != position_) {
        position_ = pulled.max_cursor;
        if (!options_.topic) KITH_CHECK(client_.advance_read_cursor(position_));
      }
      if (!pulled.has_more || signals::stop_signal() != 0) return {};
    }
  }

  Result<> print(Blob const& blob) {
    bool const text = is_text(blob.data);
    auto object = json_line("kith.pull/1", "item");
    object["cursor"] = blob.cursor;
    object["id"] = fmt::format("{}:{}", to_hex(blob.id.entry.view()), blob.id.index);
    object["author"] = {{"id", json_id(blob.sender)}, {"name", device_name(client_, blob.sender)}};
    object["topic"] = blob.topic;
    object["written_at"] = json_time(blob.timestamp);
    object["size_bytes"] = blob.data.size();
    object["text"] = text ? Json(text_of(blob.data)) : Json();
    object["data_b64"] = text ? Json() : Json(to_base64(blob.data));
    context_.out.document(object);
    if (options_.out) {
      KITH_CHECK(write_file(blob));
    } else if (!context_.out.json()) {
      if (!text) {
        ++left_out_;
        context_.out.warning(
            "binary",
            fmt::format("message {} from {} ({}) is no text: {}", blob.cursor, device_name(client_, blob.sender),
                        human_bytes(blob.data.size()),
                        context_.out.command(fmt::format("kith pull --after-cursor {} --out DIR", blob.cursor - 1))));
        return {};
      }
      print_text(text_of(blob.data));
    }
    ++printed_;
    return {};
  }

  /// On a terminal what could move the cursor or turn the text around shows escaped; a pipe gets the bytes.
  void print_text(std::string_view text) {
    if (!context_.out.out_style().terminal) {
      context_.out.raw(text);
      return context_.out.raw("\n");
    }
    for (std::size_t at = 0; at <= text.size();) {
      auto const end = std::min(text.find('\n', at), text.size());
      context_.out.result(text.substr(at, end - at));
      at = end + 1;
    }
  }

  /// One file per message: its number, and the beginning of its id, so that two homes never mean different things by
  /// one name.
  Result<> write_file(Blob const& blob) {
    std::filesystem::path const directory(*options_.out);
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed) return fail(files::FilesError::permission, SystemDetail{failed.value(), directory.native()});
    auto const name = fmt::format("{:08}-{}-{}", blob.cursor, to_hex(blob.id.entry.view()).substr(0, 8), blob.id.index);
    auto const path = directory / name;
    KITH_CHECK(engine::write_private_file(path, blob.data, engine::Replace::yes));
    context_.out.result(path.native());
    return {};
  }

  Result<> follow() {
    while (signals::stop_signal() == 0) {
      if (auto looked = look_around(); !looked) KITH_CHECK(room_.meet(looked.error()));
      if (wait_for_news(client_, std::chrono::milliseconds{1000}) == News::signal) break;
    }
    return {};
  }

  Result<> look_around() {
    KITH_CHECK(check_standing(client_));
    KITH_TRY(on_network, room_.try_again());
    if (!on_network) return {};
    KITH_CHECK(print_new());
    KITH_TRY(owner, client_.owner());
    if (room_.waiting() && owner && client_.network()->owns_network()) room_.over();
    KITH_TRY(sessions, client_.sessions());
    return sessions.empty() ? claims_.tell() : Result<>{};
  }

  Context& context_;
  PullOptions const& options_;
  Client& client_;
  RemovalClaims claims_;
  RoomWait room_;
  std::uint64_t position_ = 0;
  std::uint64_t printed_ = 0;
  std::uint64_t left_out_ = 0;
  std::optional<std::uint64_t> waiting_for_;
  std::vector<std::string> reached_;
};

}  // namespace

int cmd_pull(Context& context, PullOptions const& options) {
  return run_body(context, [&]() -> Result<int> {
    KITH_TRY(client, open_client(context, options.follow ? "kith pull --follow" : "kith pull"));
    return Pulling(context, options, *client).run();
  });
}

}  // namespace kith::cli
