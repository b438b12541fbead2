#include "link/ws/fake_mailboxes_testing.hpp"

#include <charconv>

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"

namespace kith::link::testing {
namespace {

using Json = nlohmann::json;

std::uint64_t query(std::string const& target, std::string const& name) {
  auto const at = target.find(name + "=");
  std::uint64_t value = 0;
  if (at == std::string::npos) return value;
  auto const* const from = target.data() + at + name.size() + 1;
  std::from_chars(from, target.data() + target.size(), value);
  return value;
}

std::vector<std::string> parts_of(std::string const& target) {
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= target.size();) {
    auto const end = std::min(target.find_first_of("/?", at), target.size());
    parts.push_back(target.substr(at, end - at));
    if (end < target.size() && target[end] == '?') break;
    at = end + 1;
  }
  return parts;
}

std::string const kNotFound = R"({"error":"not_found","message":"no such invite"})";

}  // namespace

FakeMailboxes::FakeMailboxes(std::optional<TestCertificate> const& certificate)
    : server_(std::make_unique<TestServer>([this](ServerSide& side) { serve(side); }, certificate)) {}

FakeMailboxes::~FakeMailboxes() {
  {
    std::lock_guard const lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  server_.reset();
}

std::size_t FakeMailboxes::invites() {
  std::lock_guard const lock(mutex_);
  return invites_.size();
}
std::size_t FakeMailboxes::claims() {
  std::lock_guard const lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      claims_, [](auto const& each) { return !each.second.joiner_ended && !each.second.owner_ended; }));
}
std::size_t FakeMailboxes::count(std::string const& method, std::string const& part) {
  std::lock_guard const lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(requests_, [&](auto const& each) {
    return each.starts_with(method + " ") && each.find(part) != std::string::npos;
  }));
}
void FakeMailboxes::forget() {
  {
    std::lock_guard const lock(mutex_);
    invites_.clear(), claims_.clear();
  }
  changed_.notify_all();
}

std::string FakeMailboxes::fresh(std::size_t bytes) { return to_base64url(Bytes(bytes, ++made_)); }

void FakeMailboxes::serve(ServerSide& side) {
  while (auto const asked = side.asked()) {
    std::unique_lock lock(mutex_);
    requests_.push_back(asked->method + " " + asked->target);
    if (before && before(side, *asked)) return;
    auto const answer = answer_to(*asked, lock);
    if (swallow && swallow(*asked)) return;
    lock.unlock();
    if (!side.answer(answer.status, answer.body, "Content-Type: application/json\r\n")) return;
  }
}

FakeMailboxes::Answer FakeMailboxes::answer_to(ServerSide::HttpAsked const& asked, std::unique_lock<std::mutex>& lock) {
  auto const parts = parts_of(asked.target);
  if (parts.empty() || parts[0] != "invite" || parts.size() > 3) return {404, kNotFound};
  if (parts.size() == 1) {
    auto const body = Json::parse(asked.body);
    auto const key = body.at("key").get<std::string>();
    if (invites_.contains(key)) return {409, R"({"error":"taken"})"};
    auto& invite = invites_[key];
    invite.owner = fresh(32);
    return {201, Json{{"owner", invite.owner}, {"expires_s", body.at("expires_s")}}.dump()};
  }
  auto const& key = parts[1];
  auto const claim = parts.size() == 3 ? parts[2] : std::string();
  if (claim == "claim") {
    auto const made = fresh(16);
    claims_[key + "/" + made];
    return {201, Json{{"claim", made}}.dump()};
  }
  return asked.bearer.empty() ? answer_to_joiner(asked, key, claim, lock) : answer_to_owner(asked, key, claim, lock);
}

FakeMailboxes::Answer FakeMailboxes::answer_to_joiner(ServerSide::HttpAsked const& asked, std::string const& key,
                                                      std::string const& claim, std::unique_lock<std::mutex>& lock) {
  auto const name = key + "/" + claim;
  if (!claims_.contains(name)) return {404, kNotFound};
  auto const invite = invites_.find(key);
  if (asked.method == "DELETE") {
    claims_[name].joiner_ended = true;
    if (invite != invites_.end()) invite->second.for_owner.push_back({claim, {}});
    changed_.notify_all();
    return {204, {}};
  }
  if (asked.method == "POST") {
    if (invite != invites_.end()) invite->second.for_owner.push_back({claim, Json::parse(asked.body).at("box")});
    changed_.notify_all();
    return {200, R"({"boxes":1})"};
  }
  auto const after = query(asked.target, "after");
  changed_.wait_for(lock, std::chrono::seconds(query(asked.target, "wait_s")), [&] {
    return ended_ || !claims_.contains(name) || claims_[name].for_joiner.size() > after || claims_[name].owner_ended;
  });
  if (!claims_.contains(name)) return {404, kNotFound};
  auto const& boxes = claims_[name].for_joiner;
  Json body{{"boxes", Json::array()}, {"next", boxes.size()}};
  for (auto i = after; i < boxes.size(); ++i) body["boxes"].push_back(boxes[i]);
  if (claims_[name].owner_ended) body["end"] = true;
  return {200, body.dump()};
}

FakeMailboxes::Answer FakeMailboxes::answer_to_owner(ServerSide::HttpAsked const& asked, std::string const& key,
                                                     std::string const& claim, std::unique_lock<std::mutex>& lock) {
  auto const is_owner = [&] { return invites_.contains(key) && invites_[key].owner == asked.bearer; };
  auto const name = key + "/" + claim;
  if (!is_owner() || (!claim.empty() && !claims_.contains(name))) return {404, kNotFound};
  if (asked.method == "DELETE") {
    if (claim.empty()) {
      invites_.erase(key);
      for (auto& [each, held] : claims_) held.owner_ended = held.owner_ended || each.starts_with(key);
    } else {
      claims_[name].owner_ended = true;
    }
    changed_.notify_all();
    return {204, {}};
  }
  if (asked.method == "POST") {
    claims_[name].for_joiner.push_back(Json::parse(asked.body).at("box"));
    changed_.notify_all();
    return {200, R"({"boxes":1})"};
  }
  auto const after = query(asked.target, "after");
  changed_.wait_for(lock, std::chrono::seconds(query(asked.target, "wait_s")),
                    [&] { return ended_ || !is_owner() || invites_[key].for_owner.size() > after; });
  if (!is_owner()) return {404, kNotFound};
  auto const& items = invites_[key].for_owner;
  Json body{{"boxes", Json::array()}, {"next", items.size()}};
  for (auto i = after; i < items.size(); ++i) {
    Json item{{"claim", items[i].claim}};
    items[i].box.empty() ? item["end"] = true : item["box"] = items[i].box;
    body["boxes"].push_back(item);
  }
  return {200, body.dump()};
}

}  // namespace kith::link::testing
