#include "cli/folder_place.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sys/stat.h>

#include "disk/posix_file_system.hpp"

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

Result<> check_place(Client& client, FolderPlace const& place) {
  if (is_within(fs::weakly_canonical(client.options().paths.state_dir), place.root)) {
    return usage(
        fmt::format("kith's own home is inside {}: its keys would go to other devices. Choose a directory without it",
                    printable(place.root.native())));
  }
  KITH_TRY(bound, files::bound_folders(client.instance().store()));
  for (auto const& [id, row] : bound) {
    if (id == place.id) continue;
    fs::path const other(row.root);
    if (other != place.root && !is_within(place.root, other) && !is_within(other, place.root)) continue;
    return usage(
        fmt::format("{} and the folder \"{}\" in {} are one inside the other; a file can be in one folder only",
                    printable(place.root.native()), row.name, printable(row.root)));
  }
  return {};
}

}  // namespace

Result<FolderPlace> find_place(Client& client, SyncOptions const& options) {
  FolderPlace place;
  fs::path given(options.directory);
  if (!given.has_filename()) given = given.parent_path();  // "notes/" is notes
  std::error_code failed;
  place.root = fs::weakly_canonical(given, failed);
  if (failed || options.directory.empty())
    return fail(files::FilesError::not_found, SystemDetail{failed.value(), options.directory});
  if (fs::exists(place.root, failed) && !fs::is_directory(place.root, failed)) {
    return fail(files::FilesError::not_a_directory, SystemDetail{ENOTDIR, place.root.native()});
  }
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
    return usage(fmt::format("\"{}\" is no name for a folder; give it one with --folder NAME", printable(place.name)));
  }
  place.id = files::folder_id(client.instance().replica.state().genesis().content_secret, place.name);
  place.bound = here != bound.end() && here->first == place.id;
  if (here != bound.end() && !place.bound) {
    return usage(fmt::format("{} is the folder \"{}\" already", printable(place.root.native()), here->second.name));
  }
  KITH_TRY(folders, client.instance().folders.folders());
  place.known = std::ranges::any_of(folders, [&](auto const& each) { return each.id == place.id; });
  KITH_CHECK(check_place(client, place));
  return place;
}

Result<> bind_place(Client& client, FolderPlace const& place, SyncOptions const& options) {
  std::error_code failed;
  if (!fs::exists(place.root, failed)) {
    // Made only for what the group has, and not where a disk was meant to be: a mistyped name is no new folder.
    if (!place.known || place.bound) {
      if (place.bound) return fail(EngineError::folder_unmounted, SubjectDetail{place.root.native()});
      return fail(files::FilesError::not_found, SystemDetail{ENOENT, place.root.native()});
    }
    if (!fs::exists(place.root.parent_path(), failed) || ::mkdir(place.root.c_str(), 0777) != 0) {
      return fail(files::FilesError::not_found, SystemDetail{ENOENT, place.root.native()});
    }
    ::chmod(place.root.c_str(), 0755);  // what it holds is the user's own to show, whatever this program's umask
  }
  auto opened = disk::PosixFileSystem::open(place.root.native());
  if (!opened) return fail(opened.error());
  auto& instance = client.instance();
  KITH_TRY(row, core::get_record<files::FolderRow>(instance.store(), core::Table::folders, place.id.view()));
  bool const old_place_gone = row && row->root != place.root.native() && !fs::exists(row->root, failed);
  bool const afresh = options.folder && row && (old_place_gone || row->root == place.root.native());
  auto const bound = files::bind_folder(instance.store(), instance.replica, instance.folders, **opened, place.name,
                                        place.root.native(), afresh, engine::current_time());
  if (!bound && bound.error().is(files::FilesError::not_found)) {
    return fail(EngineError::folder_unmounted, SubjectDetail{place.root.native()});
  }
  if (!bound) return fail(bound.error());
  client.bell().ring();
  return {};
}

}  // namespace kith::cli
