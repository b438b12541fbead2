#pragma once

#include <condition_variable>
#include <map>

#include "link/ws/test_server_testing.hpp"

namespace kith::link::testing {

/// A relay's mailboxes of invites in memory, with the interface that docs/spec/relay-http.md describes and no limits.
class FakeMailboxes {
 public:
  explicit FakeMailboxes(std::optional<TestCertificate> const& certificate = std::nullopt);
  ~FakeMailboxes();
  FakeMailboxes(FakeMailboxes const&) = delete;
  FakeMailboxes& operator=(FakeMailboxes const&) = delete;

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] std::size_t invites();
  [[nodiscard]] std::size_t claims();  ///< that both sides still hold
  [[nodiscard]] std::size_t count(std::string const& method,
                                  std::string const& part);  ///< requests with this in their path
  void forget();                                             ///< as when it is started anew

  /// Asked before each request is served, under the lock; true: it has answered, or ended the connection. Set it before
  /// anybody asks.
  std::function<bool(ServerSide&, ServerSide::HttpAsked const&)> before;
  /// Asked after a request was served and before it is answered. True: the connection ends without an answer.
  std::function<bool(ServerSide::HttpAsked const&)> swallow;

 private:
  struct Item {
    std::string claim, box;  ///< an end where there is no box
  };
  struct Claim {
    std::vector<std::string> for_joiner;
    bool joiner_ended = false, owner_ended = false;
  };
  struct Invite {
    std::string owner;
    std::vector<Item> for_owner;
  };
  struct Answer {
    unsigned status = 0;
    std::string body;
  };
  void serve(ServerSide& side);
  [[nodiscard]] Answer answer_to(ServerSide::HttpAsked const& asked, std::unique_lock<std::mutex>& lock);
  [[nodiscard]] Answer answer_to_owner(ServerSide::HttpAsked const& asked, std::string const& key,
                                       std::string const& claim, std::unique_lock<std::mutex>& lock);
  [[nodiscard]] Answer answer_to_joiner(ServerSide::HttpAsked const& asked, std::string const& key,
                                        std::string const& claim, std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::string fresh(std::size_t bytes);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::map<std::string, Invite> invites_;
  std::map<std::string, Claim> claims_;  ///< by key and claim, also of keys that nobody made
  std::vector<std::string> requests_;
  std::uint8_t made_ = 0;
  std::unique_ptr<TestServer> server_;
};

}  // namespace kith::link::testing
