#include "relay/server/pages.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/bytes.hpp"
#include "base/encoding.hpp"

namespace kith::relay::server {
namespace {

/// Only what cannot end the quotes around it gets into the command: a link is what somebody else wrote.
constexpr std::string_view kScript = R"JS(
const secret = location.hash;
const fits = /^#[A-Za-z0-9_-]+$/.test(secret) && /^[a-z]+:\/\/[A-Za-z0-9.:\[\]-]+$/.test(location.origin);
document.getElementById('command').textContent =
  fits ? "kith pair --join '" + location.origin + '/join' + secret + "'" : 'This link is damaged: ask for a new one.';
)JS";

constexpr std::string_view kStyle = R"CSS(
:root { color-scheme: light dark }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
pre { padding: 1rem; border: 1px solid; border-radius: .4rem; overflow-wrap: anywhere; white-space: pre-wrap; user-select: all }
)CSS";

constexpr std::string_view kPage = R"HTML(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Join with kith</title>
<style>{style}</style>
</head>
<body>
<h1>Bring this device in</h1>
<p>Somebody, most likely you on another device, wants this device to join theirs. On this device, in a terminal, type:</p>
<pre id="command">kith pair --join 'LINK'</pre>
<p>with the whole address of this page in place of LINK, if it does not stand there already. The other device will ask
whether this one is yours.</p>
<p>The part behind # is the invite's secret. It stays in your browser: this server has not seen it. It works once, and for
a few minutes.</p>
<script>{script}</script>
</body>
</html>
)HTML";

std::string hash_source(std::string_view text) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  auto const bytes = bytes_of(text);
  SHA256(bytes.data(), bytes.size(), digest.data());
  return "'sha256-" + to_base64(digest) + "'";
}

}  // namespace

HttpResponse join_page() {
  return {200,
          "text/html; charset=utf-8",
          fmt::format(kPage, fmt::arg("style", kStyle), fmt::arg("script", kScript)),
          {{"Content-Security-Policy",
            fmt::format("default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; "
                        "frame-ancestors 'none'",
                        hash_source(kScript), hash_source(kStyle))},
           {"Cache-Control", "no-cache"}}};
}

}  // namespace kith::relay::server
