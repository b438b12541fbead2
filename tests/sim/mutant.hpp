#pragma once

#include <string_view>
#include <vector>

namespace kith::sim {

/// The bug that is planted now: its place in kBugs, from 1 on; 0 while none is. Set before the first world.
extern int planted;
/// Their names. @see planted.py
extern std::vector<std::string_view> const kBugs;

}  // namespace kith::sim
