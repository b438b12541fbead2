#include "relay/server/pages.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "base/bytes.hpp"
#include "base/encoding.hpp"

namespace kith::relay::server {
namespace {

std::string between(std::string const& text, std::string const& begin, std::string const& end) {
  auto const at = text.find(begin) + begin.size();
  return text.substr(at, text.find(end, at) - at);
}
std::string hash(std::string const& text) {
  Bytes digest(32);
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return "'sha256-" + to_base64(digest) + "'";
}

TEST(JoinPage, RunsItsOwnScriptAndNothingElse) {
  auto const page = join_page();
  auto const& policy = page.headers.at(0).second;
  EXPECT_EQ(page.headers.at(0).first, "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; ")) << policy;
  EXPECT_NE(policy.find("script-src " + hash(between(page.body, "<script>", "</script>")) + ";"), std::string::npos);
  EXPECT_NE(policy.find("style-src " + hash(between(page.body, "<style>", "</style>")) + ";"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST(JoinPage, LoadsNothingAndWorksWithoutItsScript) {
  auto const body = join_page().body;
  for (auto const* foreign : {"src=", "href=", "url(", "@import", "http:", "https:", "onclick", "onload"})
    EXPECT_EQ(body.find(foreign), std::string::npos) << foreign;
  EXPECT_NE(body.find("<pre id=\"command\">kith pair --join 'LINK'</pre>"), std::string::npos);
}

}  // namespace
}  // namespace kith::relay::server
