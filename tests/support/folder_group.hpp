#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "support/folder_device.hpp"

namespace kith::testing {

/// Devices of one group that keep one folder. Entries and chunks are carried by hand.
struct FolderGroup : ::testing::Test {
  FolderGroup() {
    must(a.replica.create_group("home", "laptop", test_recovery(7), a.now()));
    a.bind("notes");
    join(b);
  }
  void join(FolderDevice& device) {
    a.invite(device);
    all.push_back(&device);
    exchange();
    device.bind("notes");
    exchange();
  }
  /// Everybody hears everything.
  void exchange() {
    for (int round = 0; round < 2; ++round) {
      for (auto* to : all) {
        for (auto* from : all) {
          if (to != from) to->pull_from(*from);
        }
      }
    }
  }
  /// All scan, learn of each other's entries, and apply, until nothing moves.
  void settle() {
    for (int round = 0; round < 4; ++round) {
      for (auto* device : all) device->scan();
      exchange();
      for (auto* to : all) {
        for (auto* from : all) {
          if (to != from) to->apply_from(*from);
        }
      }
    }
  }
  void expect_same() {
    for (auto* other : all) {
      EXPECT_EQ(a.disk.files(), other->disk.files());
      for (auto const& path : a.disk.files()) EXPECT_EQ(a.disk.read_file(path), other->disk.read_file(path)) << path;
      EXPECT_EQ(must(a.folders.digest()), must(other->folders.digest()));
      EXPECT_EQ(must(other->sync->pending()).files, 0U);
      EXPECT_EQ(must(other->sync->conflicts()), must(a.sync->conflicts()));
    }
  }
  /// The texts of all files, by path.
  [[nodiscard]] static std::map<std::string, std::string> content(FolderDevice& device) {
    std::map<std::string, std::string> files;
    for (auto const& path : device.disk.files()) files[path] = device.read(path);
    return files;
  }
  [[nodiscard]] static std::multiset<std::string> texts(FolderDevice& device) {
    std::multiset<std::string> texts;
    for (auto const& [path, text] : content(device)) texts.insert(text);
    return texts;
  }
  /// The one conflict copy on a disk.
  [[nodiscard]] static std::string copy_on(FolderDevice& device) {
    std::string found;
    for (auto const& path : device.disk.files()) {
      if (path.find(".conflict-") == std::string::npos) continue;
      EXPECT_TRUE(found.empty()) << found << " and " << path;
      found = path;
    }
    EXPECT_FALSE(found.empty());
    return found;
  }
  [[nodiscard]] static std::vector<std::string> trash(FolderDevice& device) {
    std::vector<std::string> found;
    std::function<void(std::string const&)> walk = [&](std::string const& directory) {
      auto const node = device.disk.find(directory);
      if (!node) return;
      for (auto const& [name, child] : (*node)->names) {
        auto const path = directory + "/" + name;
        if (child->kind == files::Kind::directory) {
          walk(path);
        } else {
          found.push_back(std::string(text_of(child->data)));
        }
      }
    };
    walk(".kith/trash");
    std::ranges::sort(found);
    return found;
  }

  FolderDevice a{1, "laptop"};
  FolderDevice b{2, "desktop"};
  std::vector<FolderDevice*> all{&a};
};

}  // namespace kith::testing
