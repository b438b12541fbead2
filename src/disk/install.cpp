// PosixFileSystem: the operations that make one file give way to another. What a user's program does at the same time
// decides the order of the steps: after each of them, everything anybody ever wrote has a name, at its path or in the
// trash.
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "disk/posix_file_system.hpp"
#include "disk/system_error.hpp"

namespace kith::disk {

using files::FilesError;
using files::Kind;
using files::RelPath;
using files::Stat;

namespace {

tl::unexpected<Error> changed_meanwhile(std::string_view subject) {
  return fail(FilesError::changed_meanwhile, SystemDetail{0, std::string(subject)});
}

/// Whether what is at `place` is `expected` after a rename, which sets the ctime.
bool holds(Place const& place, Stat const& expected) {
  auto const found = stat_at(place.directory, place.name, {});
  return found && files::same_but_ctime(*found, expected);
}

/// Compares before anything is touched, when even the ctime must fit.
Result<> check_expected(Place const& place, Stat const& expected, std::string_view subject) {
  if (expected.kind == Kind::directory) return fail_errno(EISDIR, subject);
  KITH_TRY(seen, stat_at(place.directory, place.name, subject));
  if (seen != expected) return changed_meanwhile(subject);
  return {};
}

}  // namespace

Result<files::Installed> PosixFileSystem::install(files::TempName const& temp, RelPath const& path,
                                                  files::Expect const& expected, WallTime now) {
  KITH_TRY(source, locate_temp(temp));
  KITH_TRY(finished, stat_at(source.directory.get(), source.name, source.name));
  if (finished.kind != Kind::file) return fail_errno(EISDIR, source.name);
  KITH_TRY(target, locate(path));
  files::Installed installed{finished, std::nullopt};
  if (expected) {
    KITH_TRY(place, replace(source, finished, target, path, *expected, now));
    installed.replaced = std::move(place);
  } else {
    KITH_CHECK(put(source.at(), target.at(), options_.abilities, path.text()));
  }
  auto const there = stat_at(target.directory.get(), target.name, path.text());
  if (there && files::same_but_ctime(*there, finished)) installed.stat = *there;
  return installed;
}

Result<files::TrashPlace> PosixFileSystem::replace(Located const& temp, Stat const& finished, Located const& target,
                                                   RelPath const& path, Stat const& expected, WallTime now) {
  auto const& subject = path.text();
  if (auto checked = check_expected(target.at(), expected, subject); !checked) {
    if (checked.error().is(FilesError::not_found)) return changed_meanwhile(subject);
    return fail(checked.error());
  }
  KITH_TRY(slot, trash_.free_slot(path, now));
  step(Step::looked);

  // The finished file goes to the trash's slot first: the exchange then leaves the old file at its final place, and a
  // crash on either side of it leaves no file under a name that means something else.
  KITH_CHECK(take(temp.at(), slot.at(), options_.abilities, subject));
  int const number = exchange(slot.at(), target.at(), options_.abilities);
  if (number == 0) {
    step(Step::replaced);
    if (!holds(slot.at(), expected)) {
      KITH_CHECK(undo_exchange(slot, finished, target, subject));
      return changed_meanwhile(subject);
    }
    return std::move(slot.place);
  }
  KITH_CHECK(take(slot.at(), temp.at(), options_.abilities, subject));
  if (number == ENOENT) return changed_meanwhile(subject);
  if (!lacks_rename_flags(number)) return fail_errno(number, subject);
  KITH_CHECK(replace_stepwise(slot, temp, target, expected, subject));
  return std::move(slot.place);
}

Result<> PosixFileSystem::undo_exchange(TrashSlot const& slot, Stat const& finished, Located const& target,
                                        std::string_view subject) const {
  int const number = exchange(slot.at(), target.at(), options_.abilities);
  if (number == ENOENT) {
    // Somebody removed the path, our file with it. What they had before comes back; if the path is taken again, it
    // stays in the trash.
    auto const back = put(slot.at(), target.at(), options_.abilities, subject);
    if (!back && !back.error().is(FilesError::exists)) return back;
    return {};
  }
  if (number != 0) return fail_errno(number, subject);
  // Our file stays in the trash: while it was at the path a program may have opened it, and what that program is about
  // to write would be lost in a temporary file.
  if (holds(slot.at(), finished)) return {};
  // Somebody saved over our file in between, or into it. Theirs is the newest and returns to the path; what they had
  // before is the trash's.
  if (int const again = exchange(slot.at(), target.at(), options_.abilities); again != 0 && again != ENOENT)
    return fail_errno(again, subject);
  return {};
}

Result<> PosixFileSystem::replace_stepwise(TrashSlot const& slot, Located const& temp, Located const& target,
                                           Stat const& expected, std::string_view subject) const {
  KITH_CHECK(take_expected(slot, target, expected, subject));
  auto const installed = put(temp.at(), target.at(), options_.abilities, subject);
  if (installed) return {};
  if (installed.error().is(FilesError::exists))
    return changed_meanwhile(subject);  // theirs stays, the old one is trashed
  static_cast<void>(put(slot.at(), target.at(), options_.abilities, subject));
  return fail(installed.error());
}

Result<> PosixFileSystem::take_expected(TrashSlot const& slot, Located const& target, Stat const& expected,
                                        std::string_view subject) const {
  auto const taken = take(target.at(), slot.at(), options_.abilities, subject);
  if (!taken && taken.error().is(FilesError::not_found)) return changed_meanwhile(subject);
  KITH_CHECK(taken);
  step(Step::taken);
  if (holds(slot.at(), expected)) return {};
  auto const back = put(slot.at(), target.at(), options_.abilities, subject);
  if (!back && !back.error().is(FilesError::exists)) return back;
  return changed_meanwhile(subject);
}

Result<files::TrashPlace> PosixFileSystem::move_to_trash(RelPath const& path, Stat const& expected, WallTime now) {
  KITH_TRY(target, locate(path));
  KITH_CHECK(check_expected(target.at(), expected, path.text()));
  KITH_TRY(slot, trash_.free_slot(path, now));
  step(Step::looked);
  KITH_CHECK(take_expected(slot, target, expected, path.text()));
  return std::move(slot.place);
}

}  // namespace kith::disk
