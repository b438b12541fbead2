#include "engine/skipped_list.hpp"

#include <algorithm>

namespace kith::engine {
namespace {

constexpr auto kRefused = files::Skipped::Why::bad_content;

}  // namespace

void SkippedList::recall(SkippedRow const& earlier) {
  auto const code = files::skip_code(kRefused);
  for (auto const& [path, why] : earlier.items) {
    if (why == code) recalled_.emplace(path, kRefused);
  }
  for (auto const& [why, count] : earlier.counts) {
    if (why == code) unnamed_ = count - std::min<std::uint64_t>(count, recalled_.size());
  }
}

void SkippedList::looked_again() {
  moved_ |= !std::ranges::includes(apply_, recalled_);
  recalled_.clear();
  drop_unnamed();
}

void SkippedList::drop_unnamed() {
  bool const any = std::ranges::any_of(apply_, [](Item const& item) { return item.second == kRefused; });
  if (any || !recalled_.empty()) return;
  moved_ |= std::exchange(unnamed_, 0) > 0;
}

void SkippedList::scanned(std::vector<files::Skipped> const& found) {
  replace(scan_, scan_.begin(), scan_.end(), found);
}

/// What changes while it is read is looked at again in a moment, and is no news each time.
void SkippedList::scanned(std::set<std::string> const& below, std::vector<files::Skipped> const& found) {
  using Why = files::Skipped::Why;
  for (auto const& path : below) {
    std::vector<files::Skipped> itself, inside;
    for (auto const& each : found) {
      if (each.why == Why::unstable) continue;
      if (each.path == path) itself.push_back(each);
      if (each.path.starts_with(path + '/')) inside.push_back(each);
    }
    auto const after = [&](std::string const& text) { return scan_.lower_bound({text, Why{}}); };
    replace(scan_, after(path), after(path + '\0'), itself);
    replace(scan_, after(path + '/'), after(path + static_cast<char>('/' + 1)), inside);
  }
}

void SkippedList::applied(std::vector<files::Skipped> const& found) {
  replace(apply_, apply_.begin(), apply_.end(), found);
  drop_unnamed();
}

void SkippedList::replace(Items& items, Items::iterator first, Items::iterator last,
                          std::vector<files::Skipped> const& found) {
  Items const before(first, last);
  Items now;
  for (auto const& each : found) now.emplace(each.path, each.why);
  if (before == now) return;
  moved_ = true;
  items.erase(first, last);
  items.insert(now.begin(), now.end());
  std::erase_if(newest_, [&](Item const& item) { return !scan_.contains(item) && !apply_.contains(item); });
  for (auto const& item : now) {
    if (!before.contains(item) && std::ranges::find(newest_, item) == newest_.end()) newest_.push_back(item);
  }
  if (newest_.size() > SkippedRow::kMost) newest_.erase(newest_.begin(), newest_.end() - SkippedRow::kMost);
}

bool SkippedList::any_read_failed() const {
  return std::ranges::any_of(scan_, [](Item const& item) { return item.second == files::Skipped::Why::read_failed; });
}

SkippedRow SkippedList::row() const {
  SkippedRow row;
  for (auto const& [path, why] : newest_) row.items.emplace_back(path, std::string(files::skip_code(why)));
  std::map<files::Skipped::Why, std::uint64_t> counts;
  if (unnamed_ > 0) counts[kRefused] = unnamed_;
  Items all = scan_;
  all.insert(apply_.begin(), apply_.end());
  all.insert(recalled_.begin(), recalled_.end());
  for (auto const& item : all) ++counts[item.second];
  for (auto const& [why, count] : counts) row.counts.emplace_back(std::string(files::skip_code(why)), count);
  for (auto const* items : {&apply_, &scan_, &recalled_}) {  // the newest may be over, and others are not
    for (auto const& [path, why] : *items) {
      if (row.items.size() >= SkippedRow::kMost) break;
      std::pair<std::string, std::string> item(path, files::skip_code(why));
      if (std::ranges::find(row.items, item) == row.items.end()) row.items.push_back(std::move(item));
    }
  }
  return row;
}

}  // namespace kith::engine
