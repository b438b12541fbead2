#include "link/tcp/error.hpp"

#include "base/assert.hpp"

namespace kith::link {

ErrorDomain const& error_domain(LinkError) {
  static constexpr ErrorDomain domain{"link", [](int value) -> std::string_view {
                                        switch (static_cast<LinkError>(value)) {
                                          case LinkError::bad_address: return "bad_address";
                                          case LinkError::unknown_host: return "unknown_host";
                                          case LinkError::refused: return "refused";
                                          case LinkError::unreachable: return "unreachable";
                                          case LinkError::timed_out: return "timed_out";
                                          case LinkError::address_in_use: return "address_in_use";
                                          case LinkError::not_permitted: return "not_permitted";
                                          case LinkError::bad_relay_address: return "bad_relay_address";
                                          case LinkError::unknown_scheme: return "unknown_scheme";
                                          case LinkError::bad_relay_key: return "bad_relay_key";
                                          case LinkError::tls_failed: return "tls_failed";
                                          case LinkError::tls_untrusted: return "tls_untrusted";
                                          case LinkError::not_websocket: return "not_websocket";
                                          case LinkError::rate_limited: return "rate_limited";
                                          case LinkError::invite_taken: return "invite_taken";
                                          case LinkError::invite_gone: return "invite_gone";
                                          case LinkError::bad_answer: return "bad_answer";
                                          case LinkError::io: return "io";
                                        }
                                        KITH_UNREACHABLE();
                                      }};
  return domain;
}

}  // namespace kith::link
