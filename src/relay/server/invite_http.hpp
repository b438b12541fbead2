#pragma once

#include <map>

#include "relay/server/http.hpp"
#include "relay/server/invites.hpp"

namespace kith::relay::server {

/// The HTTP interface of invites: reads requests, writes responses, and holds back those that wait for boxes.
/// @see docs/spec/relay-http.md
class InviteHttp {
 public:
  InviteHttp(InviteLimits limits, InviteRateLimits rates, RandomSource& random) : invites_(limits, rates, random) {}

  /// Whether the path is one of invites'.
  [[nodiscard]] static bool owns(std::string_view path) { return path == "/invite" || path.starts_with("/invite/"); }
  void answer(HttpRequest const& request, Respond respond, Instant now);

  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void change(InviteLimits limits, InviteRateLimits rates) { invites_.change(limits, rates); }
  /// Answers all that wait with what there is: nobody waits for a relay that ends.
  void drain();
  [[nodiscard]] std::size_t open_count() const { return invites_.open_count(); }
  [[nodiscard]] std::size_t waiting_count() const { return waiting_.size(); }

  static constexpr auto kLongestWait = std::chrono::seconds{25};

 private:
  /// Somebody who waits for boxes: a joiner by its claim, or the inviter.
  struct Waiting {
    std::optional<InviteClaim> claim;
    InviteOwner owner;
    std::size_t after = 0;
    Instant until;
    Respond respond;
  };
  struct Seat {
    std::string key;
    std::optional<InviteClaim> claim;  ///< nullopt: the inviter's
    friend auto operator<=>(Seat const&, Seat const&) = default;
  };

  [[nodiscard]] HttpResponse create(HttpRequest const& request, Instant now);
  [[nodiscard]] HttpResponse claim(HttpRequest const& request, std::string const& key, Instant now);
  [[nodiscard]] HttpResponse post(HttpRequest const& request, std::string const& key, InviteClaim const& claim);
  [[nodiscard]] HttpResponse remove(HttpRequest const& request, std::string const& key,
                                    std::optional<InviteClaim> const& claim);
  void read(HttpRequest const& request, std::string const& key, std::optional<InviteClaim> claim, Respond respond,
            Instant now);
  /// The response to one who waits; nullopt where there is nothing yet.
  [[nodiscard]] std::optional<HttpResponse> news(std::string const& key, Waiting const& waiting, bool time_over);
  void tell(std::string const& key);
  using AllWaiting = std::map<Seat, Waiting>;
  void settle(AllWaiting::iterator each, AllWaiting::iterator end, Instant now);

  Invites invites_;
  AllWaiting waiting_;
};

}  // namespace kith::relay::server
