#include <fmt/format.h>

#include "base/version.hpp"
#include "relay/server/json_http.hpp"
#include "relay/server/pages.hpp"
#include "relay/server/service.hpp"

namespace kith::relay::server {
namespace {

HttpResponse text(unsigned status, std::string_view words) {
  return {status, "text/plain; charset=utf-8", std::string(words) + "\n", {}};
}
HttpResponse only_get() {
  auto response = text(405, "this takes GET");
  response.headers.emplace_back("Allow", "GET, HEAD");
  return response;
}

}  // namespace

std::string Service::state(bool healthy) const { return draining_ ? "draining" : healthy ? "ok" : "failing"; }

void Service::answer_public(HttpRequest request, Respond respond) {
  if (InviteHttp::owns(request.path)) {
    invites_.answer(request, std::move(respond), Clock::now());
    return turn_soon();
  }
  bool const known =
      request.path == "/health" || request.path == "/join" || request.path == "/" || request.path == "/relay";
  if (!known) return respond(text(404, "there is nothing here"));
  if (request.method != "GET") return respond(only_get());
  if (request.path == "/join") return respond(join_page());
  if (request.path != "/health") {
    auto response = text(426, "this is a kith relay: devices connect here by WebSocket, with: kith relay add");
    response.headers.emplace_back("Upgrade", "websocket");
    return respond(std::move(response));
  }
  check_health([this, respond = std::move(respond)](bool healthy) {
    auto const uptime = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_).count();
    respond(json_response(healthy && !draining_ ? 200 : 503,
                          {{"status", state(healthy)}, {"version", kVersion}, {"uptime_seconds", uptime}}));
  });
}

void Service::answer_monitoring(HttpRequest request, Respond respond) {
  bool const known = request.path == "/metrics" || request.path == "/health" || request.path == "/healthz" ||
                     request.path == "/readyz";
  if (!known) return respond(text(404, "there are /metrics, /health, /healthz and /readyz"));
  if (request.method != "GET") return respond(only_get());
  if (request.path == "/healthz") return respond(text(200, "alive"));
  check_health([this, path = std::move(request.path), respond = std::move(respond)](bool healthy) {
    bool const ready = healthy && !draining_;
    if (path == "/readyz") return respond(text(ready ? 200 : 503, ready ? "ready" : state(healthy)));
    take_snapshot([this, path, respond, healthy, ready](Snapshot const& snapshot) {
      if (path == "/metrics")
        return respond({200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(snapshot), {}});
      respond(json_response(ready ? 200 : 503, {{"status", state(healthy)},
                                                {"version", kVersion},
                                                {"connections", snapshot.server.websockets},
                                                {"groups", snapshot.storage.groups},
                                                {"blobs_stored", snapshot.storage.items},
                                                {"stored_bytes", snapshot.storage.stored_bytes},
                                                {"open_invites", snapshot.open_invites},
                                                {"uptime_seconds", snapshot.uptime.count()}}));
    });
  });
}

}  // namespace kith::relay::server
