#pragma once

#include "relay/server/http.hpp"

/// What a relay shows to browsers.
namespace kith::relay::server {

/// The page behind an invite link. It takes what is behind the link's # and shows the command to type; that part never
/// leaves the browser. Its script is named in the policy by its hash, so no other one runs.
[[nodiscard]] HttpResponse join_page();

}  // namespace kith::relay::server
