#include "relay/server/metrics.hpp"

#include <fmt/format.h>

#include "base/version.hpp"

namespace kith::relay::server {
namespace {

constexpr auto counter = Metric::Type::counter;
constexpr auto gauge = Metric::Type::gauge;

double number(std::uint64_t value) { return static_cast<double>(value); }
double seconds(std::uint64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

#define KITH_FIGURE(expression) [](Snapshot const& s) { return number(s.expression); }

constexpr Metric kMetrics[] = {
    {"kith_relay_uptime_seconds", gauge, "Since the relay started.",
     [](Snapshot const& s) { return static_cast<double>(s.uptime.count()); }},
    {"kith_relay_healthy", gauge, "Whether the last write to the database went well.", KITH_FIGURE(healthy)},
    {"kith_relay_draining", gauge, "Whether the relay is about to end.", KITH_FIGURE(draining)},

    {"kith_relay_connections", gauge, "Open TCP connections.", KITH_FIGURE(server.connections)},
    {"kith_relay_websockets", gauge, "Open WebSockets.", KITH_FIGURE(server.websockets)},
    {"kith_relay_members", gauge, "Devices that are connected and known.", KITH_FIGURE(rules.members)},
    {"kith_relay_groups_online", gauge, "Groups with a device that is connected.", KITH_FIGURE(rules.groups_online)},
    {"kith_relay_connections_total", counter, "Connections accepted.", KITH_FIGURE(server.accepted)},
    {"kith_relay_refused_full_total", counter, "Connections refused because max_connections were open.",
     KITH_FIGURE(server.refused_full)},
    {"kith_relay_refused_client_total", counter, "Connections refused because their client had connections_per_ip.",
     KITH_FIGURE(server.refused_client)},
    {"kith_relay_timed_out_total", counter, "Connections closed because a deadline passed.",
     KITH_FIGURE(server.timed_out)},
    {"kith_relay_http_responses_total", counter, "HTTP responses.", KITH_FIGURE(server.http_responses)},
    {"kith_relay_received_bytes_total", counter, "In WebSocket messages.", KITH_FIGURE(server.received_bytes)},
    {"kith_relay_transmitted_bytes_total", counter, "In WebSocket messages.", KITH_FIGURE(server.transmitted_bytes)},

    {"kith_relay_handshakes_failed_total", counter, "Noise handshakes that failed.",
     KITH_FIGURE(rules.handshakes_failed)},
    {"kith_relay_hellos_refused_total", counter, "Devices that were not let in.", KITH_FIGURE(rules.hellos_refused)},
    {"kith_relay_blobs_pushed_total", counter, "Items stored.", KITH_FIGURE(rules.items_pushed)},
    {"kith_relay_blobs_delivered_total", counter, "Items sent to devices as they came.",
     KITH_FIGURE(rules.items_delivered)},
    {"kith_relay_blobs_pulled_total", counter, "Items that devices asked for.", KITH_FIGURE(rules.items_pulled)},
    {"kith_relay_notices_total", counter, "Notices of new items instead of the items.", KITH_FIGURE(rules.notices)},
    {"kith_relay_dropped_to_pull_total", counter, "Times a device was too slow and got notices instead of items.",
     KITH_FIGURE(rules.dropped_to_pull)},
    {"kith_relay_rate_limited_total", counter, "Times a device had to wait.", KITH_FIGURE(rules.rate_limited)},
    {"kith_relay_quota_refusals_total", counter, "Pushes refused because of a quota.",
     KITH_FIGURE(rules.quota_refusals)},

    {"kith_relay_groups", gauge, "Mailboxes.", KITH_FIGURE(storage.groups)},
    {"kith_relay_blobs_stored", gauge, "Items in the mailboxes.", KITH_FIGURE(storage.items)},
    {"kith_relay_stored_bytes", gauge, "In all mailboxes, as quotas count.", KITH_FIGURE(storage.stored_bytes)},
    {"kith_relay_objects", gauge, "Objects in transit.", KITH_FIGURE(storage.objects)},
    {"kith_relay_object_bytes", gauge, "In objects in transit.", KITH_FIGURE(storage.object_bytes)},
    {"kith_relay_disk_bytes", gauge, "On the disk: what max_db_size is held against.", KITH_FIGURE(storage.disk_bytes)},
    {"kith_relay_max_bytes", gauge, "max_db_size.", KITH_FIGURE(max_bytes)},
    {"kith_relay_wal_bytes", gauge, "In the write-ahead log.", KITH_FIGURE(storage.wal_bytes)},
    {"kith_relay_store_transactions_total", counter, "Transactions of the writer.", KITH_FIGURE(threads.batches)},
    {"kith_relay_store_writes_total", counter, "Requests in them.", KITH_FIGURE(threads.writes)},
    {"kith_relay_store_reads_total", counter, "Requests that the reader answered.", KITH_FIGURE(threads.reads)},
    {"kith_relay_store_waiting", gauge, "Requests that wait for the storage, with it and with the relay.",
     [](Snapshot const& s) { return number(s.threads.waiting + s.rules.waiting_requests); }},
    {"kith_relay_store_writing_seconds_total", counter, "Time in the writer's transactions.",
     [](Snapshot const& s) { return seconds(s.threads.writing_us); }},
    {"kith_relay_store_slowest_transaction_seconds", gauge, "The longest of them.",
     [](Snapshot const& s) { return seconds(s.threads.slowest_batch_us); }},

    {"kith_relay_invites_open", gauge, "Invites that take claims.", KITH_FIGURE(open_invites)},
    {"kith_relay_invite_polls", gauge, "Requests that wait for a box.", KITH_FIGURE(waiting_polls)},
};
#undef KITH_FIGURE

}  // namespace

std::span<Metric const> metrics() { return kMetrics; }

std::string metrics_text(Snapshot const& snapshot) {
  std::string text = fmt::format(
      "# HELP kith_relay_build_info The program that runs.\n# TYPE kith_relay_build_info gauge\n"
      "kith_relay_build_info{{version=\"{}\"}} 1\n",
      kVersion);
  for (auto const& metric : kMetrics) {
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n{} {}\n", metric.name, metric.help, metric.name,
                        metric.type == counter ? "counter" : "gauge", metric.name, metric.value(snapshot));
  }
  return text;
}

}  // namespace kith::relay::server
