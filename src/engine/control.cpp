#include "engine/control.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <signal.h>
#include <unistd.h>

namespace kith::engine {
namespace {

using core::read_row;
using core::write_row;
using wire::blob;
using wire::list;
using wire::text;

constexpr std::size_t kMaxText = kLimits.max_path_bytes;

/// Field 22 of /proc/PID/stat; the command in field 2 may hold spaces and parentheses. Zero for a process that has
/// ended and only waits for its parent to take note: in a container that may be for ever. Nothing for one that is not
/// there, or not to be seen: /proc may be mounted so that it hides whose memory may not be looked into.
std::optional<std::uint64_t> start_of(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::istringstream rest(line.substr(std::min(line.rfind(')') + 1, line.size())));
  std::string field;
  rest >> field;
  if (field == "Z" || field == "X") return 0;
  for (int number = 4; number <= 22; ++number) rest >> field;
  return rest ? std::strtoull(field.c_str(), nullptr, 10) : 0;
}

struct CodeCount {
  std::string code;
  std::uint64_t count = 0;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(text(s.code, kMaxText), s.count);
  }
};

}  // namespace

ProcessId ProcessId::self() { return {::getpid(), start_of(::getpid()).value_or(0)}; }

bool ProcessId::alive() const {
  if (pid <= 0 || started == 0) return false;
  auto const seen = start_of(pid);
  return seen ? *seen == started : ::kill(static_cast<pid_t>(pid), 0) == 0;
}

void OwnerRow::write(wire::Writer& writer) const {
  std::vector<wire::Address> texts;
  for (auto const& address : addresses) texts.push_back({address});
  write_row(writer, process.pid, process.started, text(command, kMaxText), since_ms, beat_ms, port,
            list(texts, kLimits.max_addresses));
}
void OwnerRow::read(wire::Reader& reader) {
  std::vector<wire::Address> texts;
  read_row(reader, process.pid, process.started, text(command, kMaxText), since_ms, beat_ms, port,
           list(texts, kLimits.max_addresses));
  addresses.clear();
  for (auto& each : texts) addresses.push_back(std::move(each.text));
}

void SessionRow::write(wire::Writer& writer) const { write_row(writer, text(endpoint, kMaxText), since_ms); }
void SessionRow::read(wire::Reader& reader) { read_row(reader, text(endpoint, kMaxText), since_ms); }

void InterestRow::write(wire::Writer& writer) const {
  write_row(writer, process.pid, process.started, guard.max_files, guard.max_percent, guard.off, scanned);
}
void InterestRow::read(wire::Reader& reader) {
  read_row(reader, process.pid, process.started, guard.max_files, guard.max_percent, guard.off, scanned);
}

Result<std::map<FolderId, bool>> live_interests(Store& store) {
  KITH_TRY(rows, all_control<InterestRow>(store));
  std::map<FolderId, bool> scanned;
  for (auto const& [key, row] : rows) {
    auto const folder = FolderId::from(ByteView{key}.first(std::min(key.size(), FolderId::kBytes)));
    if (!folder || !row.process.alive()) continue;
    auto const [found, is_new] = scanned.try_emplace(*folder, row.scanned);
    found->second = found->second && row.scanned;
  }
  return scanned;
}

void InviteRow::write(wire::Writer& writer) const {
  DeviceId const user = used_by.value_or(DeviceId{});
  write_row(writer, blob(password, kMaxText), text(twin, kMaxText), static_cast<std::uint8_t>(state), expires_ms, tries,
            user, approve_all, inviter.pid, inviter.started);
}
void InviteRow::read(wire::Reader& reader) {
  std::uint8_t number = 0;
  DeviceId user;
  read_row(reader, blob(password, kMaxText), text(twin, kMaxText), number, expires_ms, tries, user, approve_all,
           inviter.pid, inviter.started);
  if (number > static_cast<std::uint8_t>(core::InviteState::cancelled)) reader.fail(wire::WireError::bad_value);
  state = static_cast<core::InviteState>(number);
  used_by = user.is_zero() ? std::nullopt : std::optional(user);
}

void PairRow::write(wire::Writer& writer) const {
  write_row(writer, state, device, text(name, kMaxText), text(endpoint, kMaxText));
}
void PairRow::read(wire::Reader& reader) {
  read_row(reader, state, device, text(name, kMaxText), text(endpoint, kMaxText));
}

void DialRow::write(wire::Writer& writer) const {
  write_row(writer, asked_ms, text(failure, kMaxText), static_cast<std::int64_t>(failure_errno), their_min, their_max);
}
void DialRow::read(wire::Reader& reader) {
  std::int64_t number = 0;
  read_row(reader, asked_ms, text(failure, kMaxText), number, their_min, their_max);
  failure_errno = static_cast<std::int32_t>(number);
  if (failure_errno != number) reader.fail(wire::WireError::bad_value);
}

void VerifyRow::write(wire::Writer& writer) const { write_row(writer, asked_ms); }
void VerifyRow::read(wire::Reader& reader) { read_row(reader, asked_ms); }

void DigestRow::write(wire::Writer& writer) const { write_row(writer, answered_ms, digest); }
void DigestRow::read(wire::Reader& reader) { read_row(reader, answered_ms, digest); }

std::uint64_t SkippedRow::total() const {
  std::uint64_t total = 0;
  for (auto const& [code, count] : counts) total += count;
  return total;
}
void SkippedRow::write(wire::Writer& writer) const {
  std::vector<wire::BoundedBytes<kMaxText>> fields;
  for (auto const& [path, code] : items) {
    fields.push_back({Bytes(path.begin(), path.end())});
    fields.push_back({Bytes(code.begin(), code.end())});
  }
  std::vector<CodeCount> numbers;
  for (auto const& [code, count] : counts) numbers.push_back({code, count});
  write_row(writer, list(fields, 2 * kMost), list(numbers, kMostCodes));
}
void SkippedRow::read(wire::Reader& reader) {
  std::vector<wire::BoundedBytes<kMaxText>> fields;
  std::vector<CodeCount> numbers;
  read_row(reader, list(fields, 2 * kMost), list(numbers, kMostCodes));
  items.clear();
  counts.clear();
  for (auto& each : numbers) counts.emplace_back(std::move(each.code), each.count);
  if (fields.size() % 2 != 0) return reader.fail(wire::WireError::bad_value);
  for (std::size_t i = 0; i < fields.size(); i += 2) {
    items.emplace_back(text_of(fields[i].bytes), text_of(fields[i + 1].bytes));
  }
}

void TallyRow::write(wire::Writer& writer) const {
  std::vector<wire::BoundedBytes<kMaxText>> paths;
  for (auto const& copy : copies) paths.push_back({Bytes(copy.begin(), copy.end())});
  write_row(writer, sent_files, sent_bytes, received_files, received_bytes, deleted_here, deleted_there, copies_made,
            list(paths, kMostCopies));
}
void TallyRow::read(wire::Reader& reader) {
  std::vector<wire::BoundedBytes<kMaxText>> paths;
  read_row(reader, sent_files, sent_bytes, received_files, received_bytes, deleted_here, deleted_there, copies_made,
           list(paths, kMostCopies));
  copies.clear();
  for (auto const& path : paths) copies.emplace_back(text_of(path.bytes));
}

void ProblemRow::write(wire::Writer& writer) const { write_row(writer, text(subject, kMaxText), since_ms); }
void ProblemRow::read(wire::Reader& reader) { read_row(reader, text(subject, kMaxText), since_ms); }

void SaidRemovedRow::write(wire::Writer& writer) const { write_row(writer, since_ms); }
void SaidRemovedRow::read(wire::Reader& reader) { read_row(reader, since_ms); }

void WordsUsedRow::write(wire::Writer& writer) const { write_row(writer, text(endpoint, kMaxText), at_ms); }
void WordsUsedRow::read(wire::Reader& reader) { read_row(reader, text(endpoint, kMaxText), at_ms); }

Result<std::vector<WordsUsedRow>> words_used(Store& store, WallTime now) {
  KITH_TRY(rows, all_control<WordsUsedRow>(store));
  std::vector<WordsUsedRow> told;
  for (auto& [key, row] : rows) {
    if (row.at_ms + std::chrono::milliseconds(WordsUsedRow::kTold).count() > now.ms) told.push_back(std::move(row));
  }
  std::ranges::sort(told, std::ranges::greater{}, &WordsUsedRow::at_ms);
  return told;
}

Result<> put_control_row(Store& store, ByteView key, std::optional<Bytes> row) {
  auto const change = [&] { return row ? store.put(Table::control, key, *row) : store.erase(Table::control, key); };
  if (store.in_transaction()) return change();
  KITH_TRY(transaction, store::Transaction::begin(store));
  KITH_CHECK(change());
  return transaction.commit();
}

}  // namespace kith::engine
