#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sodium/version.h>

#include "base/version.hpp"
#include "cli/context.hpp"
#include "cli/handlers.hpp"
#include "engine/key_codec.hpp"
#include "wire/opening.hpp"

namespace kith::cli {

int cmd_version(Context& context, VersionOptions const&) {
  auto object = json_document("kith.version/1");
  object["version"] = kVersion;
  object["protocol"] = {{"min", wire::kProtocolMin}, {"max", wire::kProtocolMax}};
  object["key_file"] = engine::kKeyFileVersion;
  object["libraries"] = {{"libsodium", sodium_version_string()}, {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)}};
  context.out.document(object);
  context.out.result(
      wire::kProtocolMin == wire::kProtocolMax
          ? fmt::format("kith {} (protocol {})", kVersion, wire::kProtocolMax)
          : fmt::format("kith {} (protocols {} to {})", kVersion, wire::kProtocolMin, wire::kProtocolMax));
  return engine::kExitOk;
}

}  // namespace kith::cli
