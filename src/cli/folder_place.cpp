#include "cli/folder_place.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/fd.hpp"
#include "disk/posix_file_system.hpp"
#include "disk/system_error.hpp"
#include "sync/files/rows.hpp"

namespace kith::cli {
namespace {

namespace fs = std::filesystem;
using engine::Client;
using engine::EngineError;

tl::unexpected<Error> usage(std::string text) { return fail(EngineError::usage, SubjectDetail{std::move(text)}); }

bool is_within(fs::path const& inner, fs::path const& outer) {
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

/// The name of a folder of the group that is not taken: "notes", "notes-2", ...
Result<std::string> free_name(Client& client, std::string const& wanted) {
  KITH_TRY(folders, client.instance().folders.folders());
  auto const taken = [&](std::string const& name) {
    return std::ranges::any_of(folders, [&](auto const& each) { return each.name == name; });
  };
  std::string name = wanted;
  for (int number = 2; taken(name); ++number) name = fmt::format("{}-{}", wanted, number);
  return name;
}

/// A path as a remedy shows it.
std::string shown(fs::path const& path) { return engine::shell_quoted(printable(path.native())); }

std::string sync_as(FolderPlace const& place, std::string const& name) {
  return fmt::format("kith sync {} --folder {}", shown(place.root), engine::shell_quoted(printable(name)));
}

/// Every directory that will do for a folder is one outside of all others.
void advise_another_directory(Context& context) {
  context.advise({{{"kith sync DIR", "with another directory, neither in a folder nor around one"},
                   {"kith status", "see which directories are folders already"}}});
}

void advise_missing(Context& context, FolderPlace const& place) {
  context.advise({{{"mkdir -p " + shown(place.root), "if it is to be a new folder; then the same command again"},
                   {fmt::format("kith sync {} --folder NAME", shown(place.root)),
                    "to keep a folder of the group here that has another name"},
                   {"kith status", "see the folders that the group has"}},
                  fmt::format("the group has no folder \"{}\", as far as this device has heard", printable(place.name)),
                  {}});
}

/// A directory that was moved is still this device's folder: its marker or its name says which.
/// @param bytes  the directory's marker
Result<> advise_moved(Context& context, Client& client, FolderPlace const& place, Result<Bytes> const& bytes) {
  auto& instance = client.instance();
  auto id = place.id;
  if (bytes) {
    auto const marker = wire::decode<files::Marker>(*bytes);
    if (!marker || marker->group != instance.replica.state().group() || marker->device != instance.replica.self())
      return {};
    id = marker->folder;
  }
  KITH_TRY(row, core::get_record<files::FolderRow>(instance.store(), core::Table::folders, id.view()));
  if (!row || row->root == place.root.native()) return {};
  // With the marker at both places this one is a copy; without one an old place that is still there keeps the folder.
  fs::path const old(row->root);
  std::error_code failed;
  if (fs::exists(bytes ? old / ".kith" / "folder" : old, failed)) return {};
  std::vector<engine::Remedy> remedies{{sync_as(place, row->name), "if it was moved here: keep it here from now on"},
                                       {"kith status", "see where the folders are"}};
  if (!bytes)
    remedies.push_back({fmt::format("kith sync {} --new", shown(place.root)), "make this directory another folder"});
  context.advise({std::move(remedies),
                  fmt::format("\"{}\" is not in {} any more", printable(row->name), printable(row->root)),
                  {}});
  return {};
}

/// The directory of a folder, made with all above it that is missing, and taken away again unless it is kept.
class MadeDirectory {
 public:
  MadeDirectory() = default;
  MadeDirectory(MadeDirectory const&) = delete;
  ~MadeDirectory() {
    for (auto each = made_.rbegin(); each != made_.rend() && ::rmdir(each->c_str()) == 0;) ++each;
  }
  /// @param root  absolute, without symbolic links
  /// @param user_umask  what it holds is the user's own to show, whatever this program's umask
  Result<> make(fs::path const& root, mode_t user_umask) {
    fs::path at = root.root_path();
    disk::Fd directory(::open(at.c_str(), kNoLink | O_PATH));
    if (!directory.valid()) return disk::fail_errno(errno, at.native());
    for (auto const& part : root.relative_path()) {
      at /= part;
      bool const made = ::mkdirat(directory.get(), part.c_str(), 0777) == 0;
      if (!made && errno != EEXIST) return disk::fail_errno(errno, at.native());
      if (made) made_.push_back(at);
      disk::Fd below(::openat(directory.get(), part.c_str(), kNoLink | (made ? O_RDONLY : O_PATH)));
      if (!below.valid()) return disk::fail_errno(errno, at.native());
      if (made) KITH_CHECK(show(below, user_umask, at));
      directory = std::move(below);
    }
    return {};
  }
  void keep() { made_.clear(); }

 private:
  static constexpr int kNoLink = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

  static Result<> show(disk::Fd const& directory, mode_t user_umask, fs::path const& path) {
    struct stat facts {};
    if (::fstat(directory.get(), &facts) != 0) return disk::fail_errno(errno, path.native());
    mode_t const inherited = facts.st_mode & S_ISGID;
    mode_t const mode = inherited | 0700 | (0777 & ~user_umask);
    if (::fchmod(directory.get(), mode) != 0) return disk::fail_errno(errno, path.native());
    return {};
  }

  std::vector<fs::path> made_;
};

/// Whether a directory could be made: what there is of its path is directories.
Result<> check_above(fs::path path) {
  std::error_code failed;
  while (fs::symlink_status(path, failed).type() == fs::file_type::not_found) path = path.parent_path();
  if (fs::exists(path, failed) && !fs::is_directory(path, failed))
    return fail(files::FilesError::not_a_directory, SystemDetail{ENOTDIR, path.native()});
  if (!failed && !fs::exists(path, failed))  // a symbolic link to nothing
    return fail(files::FilesError::not_a_directory, SystemDetail{ENOENT, path.native()});
  return {};
}

/// A directory above that is a folder of another home: that home would carry what is in this one as well.
Result<> check_outer_marker(Context& context, Client& client, fs::path const& root) {
  for (auto outer = root.parent_path(); outer.has_relative_path(); outer = outer.parent_path()) {
    std::error_code failed;
    auto const file = outer / ".kith" / "folder";
    if (fs::symlink_status(file, failed).type() != fs::file_type::regular) continue;
    auto const disk = disk::PosixFileSystem::open(outer.native());
    auto const bytes = disk ? (*disk)->read_marker() : Result<Bytes>(fail(disk.error()));
    auto const marker = bytes ? wire::decode<files::Marker>(*bytes) : Result<files::Marker>(fail(bytes.error()));
    auto const& replica = client.instance().replica;
    bool const ours = marker && marker->group == replica.state().group() && marker->device == replica.self();
    Advice advice{{{"kith sync DIR", "with another directory, neither in a folder nor around one"}}};
    if (ours) {
      advice.remedies.push_back({"kith sync " + shown(outer), "see which folder that is"});
    } else if (printable(file.native()) == file.native()) {
      advice.remedies.push_back({fmt::format("rm {}", shown(file)),
                                 "if nothing else syncs the outer one any more; then the same command again"});
    }
    context.advise(std::move(advice));
    return usage(fmt::format("{} is inside {}, which {} keeps as a folder; a file can be in one folder only",
                             printable(root.native()), printable(outer.native()),
                             ours ? "this device" : "another home"));
  }
  return {};
}

Result<> check_place(Context& context, Client& client, FolderPlace const& place) {
  if (is_within(fs::weakly_canonical(client.options().paths.state_dir), place.root)) {
    advise_another_directory(context);
    return usage(
        fmt::format("kith's own home is inside {}: its keys would go to other devices. Choose a directory without it",
                    printable(place.root.native())));
  }
  KITH_TRY(bound, files::bound_folders(client.instance().store()));
  for (auto const& [id, row] : bound) {
    if (id == place.id) continue;
    fs::path const other(row.root);
    if (other != place.root && !is_within(place.root, other) && !is_within(other, place.root)) continue;
    advise_another_directory(context);
    return usage(
        fmt::format("{} and the folder \"{}\" in {} are one inside the other; a file can be in one folder only",
                    printable(place.root.native()), row.name, printable(row.root)));
  }
  return place.bound ? Result<>{} : check_outer_marker(context, client, place.root);
}

/// Whether the directory may be made: for what the group has or is to get in any case, and not where a disk was meant
/// to be. A mistyped name is no new folder.
Result<> check_makeable(Context& context, FolderPlace const& place, SyncOptions const& options) {
  if (place.bound) {
    context.advise({{{fmt::format("kith sync {}", shown(place.root)), "go on, once the disk is mounted"},
                     {"mkdir -p " + shown(place.root), "only if the directory is gone for good; then"},
                     {sync_as(place, place.name), "get everything again from the others"}},
                    "is the disk mounted?",
                    {}});
    return fail(EngineError::folder_unmounted, SubjectDetail{place.root.native()});
  }
  if (place.known || options.make_new) return {};
  advise_missing(context, place);
  return fail(files::FilesError::not_found, SystemDetail{ENOENT, place.root.native()});
}

Result<std::optional<files::FolderRow>> row_of(Client& client, FolderPlace const& place) {
  return core::get_record<files::FolderRow>(client.instance().store(), core::Table::folders, place.id.view());
}

/// Whether a directory without its marker may be taken as a new one: its user names the folder that it was.
Result<bool> taken_afresh(Client& client, FolderPlace const& place, SyncOptions const& options) {
  KITH_TRY(row, row_of(client, place));
  std::error_code failed;
  bool const old_place_gone = row && row->root != place.root.native() && !fs::exists(row->root, failed);
  return options.folder && row && (old_place_gone || row->root == place.root.native());
}

/// What the user is told of a directory that the folder may not have.
/// @param marker  the directory's
Error refusal(Context& context, Client& client, FolderPlace const& place, Result<Bytes> const& marker,
              Error const& error) {
  if (error.is(files::FilesError::not_found))
    return {EngineError::folder_unmounted, SubjectDetail{place.root.native()}};
  if (!error.holds<files::BindError>()) return error;
  auto const advised = advise_moved(context, client, place, marker);
  return advised ? error : advised.error();
}

}  // namespace

Result<FolderPlace> find_place(Context& context, Client& client, SyncOptions const& options) {
  FolderPlace place;
  fs::path given(options.directory);
  if (!given.has_filename()) given = given.parent_path();  // "notes/" is notes
  std::error_code failed;
  // Of a relative path that does not even begin to exist weakly_canonical() makes no absolute one.
  if (!options.directory.empty()) place.root = fs::weakly_canonical(fs::absolute(given, failed), failed);
  if (failed || options.directory.empty())
    return fail(files::FilesError::not_found, SystemDetail{failed.value(), options.directory});
  KITH_CHECK(check_above(place.root));
  KITH_TRY(bound, files::bound_folders(client.instance().store()));
  auto const here =
      std::ranges::find_if(bound, [&](auto const& each) { return each.second.root == place.root.native(); });
  std::string const own_name = place.root.filename().native();
  if (options.folder) {
    place.name = *options.folder;
  } else if (here != bound.end() && !options.make_new) {
    place.name = here->second.name;
  } else if (options.make_new) {
    KITH_TRY(name, free_name(client, own_name));
    place.name = name;
  } else {
    place.name = own_name;
  }
  if (!engine::is_name(place.name)) {
    context.advise({{{fmt::format("kith sync {} --folder NAME", shown(place.root)), "give it a name"}}});
    return usage(fmt::format("\"{}\" is no name for a folder; give it one with --folder NAME", printable(place.name)));
  }
  place.id = files::folder_id(client.instance().replica.state().genesis().content_secret, place.name);
  place.bound = here != bound.end() && here->first == place.id;
  if (here != bound.end() && !place.bound) {
    context.advise({{{"kith sync " + shown(place.root), "go on with it"},
                     {"kith sync DIR", "with another directory, for another folder"}}});
    return usage(fmt::format("{} is the folder \"{}\" already", printable(place.root.native()), here->second.name));
  }
  KITH_TRY(folders, client.instance().folders.folders());
  place.known = std::ranges::any_of(folders, [&](auto const& each) { return each.id == place.id; });
  KITH_CHECK(check_place(context, client, place));
  return place;
}

bool is_awaited(FolderPlace const& place, SyncOptions const& options) {
  std::error_code failed;
  return !place.known && !place.bound && !options.make_new && !fs::exists(place.root, failed);
}

Result<bool> check_binding(Context& context, Client& client, FolderPlace const& place, SyncOptions const& options) {
  KITH_TRY(afresh, taken_afresh(client, place, options));
  std::error_code failed;
  if (!fs::exists(place.root, failed)) {
    KITH_CHECK(check_makeable(context, place, options));
    KITH_TRY(row, row_of(client, place));
    if (!row || afresh) return false;
    Error const elsewhere(files::BindError::name_taken, SubjectDetail{row->root});
    return fail(refusal(context, client, place, fail(files::FilesError::not_found), elsewhere));
  }
  auto opened = disk::PosixFileSystem::open(place.root.native());
  if (!opened) return fail(opened.error());
  auto& instance = client.instance();
  auto const marked =
      files::check_binding(instance.store(), instance.replica, **opened, place.name, place.root.native(), afresh);
  if (!marked) return fail(refusal(context, client, place, (*opened)->read_marker(), marked.error()));
  return *marked;
}

Result<> bind_place(Context& context, Client& client, FolderPlace const& place, SyncOptions const& options) {
  std::error_code failed;
  MadeDirectory made;
  if (!fs::exists(place.root, failed)) {
    KITH_CHECK(check_makeable(context, place, options));
    KITH_CHECK(made.make(place.root, context.environment.user_umask()));
  }
  auto opened = disk::PosixFileSystem::open(place.root.native());
  if (!opened) return fail(opened.error());
  auto& instance = client.instance();
  KITH_TRY(afresh, taken_afresh(client, place, options));
  auto const bound = files::bind_folder(instance.store(), instance.replica, instance.folders, **opened, place.name,
                                        place.root.native(), afresh, engine::current_time());
  if (!bound) return fail(refusal(context, client, place, (*opened)->read_marker(), bound.error()));
  made.keep();
  client.bell().ring();
  return {};
}

}  // namespace kith::cli
