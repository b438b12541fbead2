#include "relay/channel/error.hpp"

#include "base/assert.hpp"

namespace kith::relay {

ErrorDomain const& error_domain(ChannelError) {
  static constexpr ErrorDomain domain{"channel", [](int value) -> std::string_view {
                                        switch (static_cast<ChannelError>(value)) {
                                          case ChannelError::wrong_relay: return "wrong_relay";
                                          case ChannelError::not_relay: return "not_relay";
                                          case ChannelError::out_of_place: return "out_of_place";
                                        }
                                        KITH_UNREACHABLE();
                                      }};
  return domain;
}

}  // namespace kith::relay
