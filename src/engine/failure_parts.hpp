#pragma once

#include "engine/failure.hpp"
#include "engine/failure_table.hpp"

/// What the files that explain errors share.
namespace kith::engine::parts {

/// A failure with what the table says about its code.
[[nodiscard]] Failure make(FailureCode const& code, std::string what, std::string cause = {});

/// The error's path, address or text, escaped; `otherwise` where it has none.
[[nodiscard]] std::string subject_of(Error const& error, std::string_view otherwise);
/// What the system said: "No space left on device"; empty where the error holds no errno.
[[nodiscard]] std::string system_words(Error const& error);
/// "2 of 3"-like numbers, zero where the error has none.
[[nodiscard]] CountDetail count_of(Error const& error);
/// "version 3 here, version 5 there"; empty where the error names no versions.
[[nodiscard]] std::string versions_of(Error const& error);

/// One function per module; each switch names every enumerator.
[[nodiscard]] std::optional<Failure> explain_wire(Error const& error);
[[nodiscard]] std::optional<Failure> explain_crypto(Error const& error);
[[nodiscard]] std::optional<Failure> explain_store(Error const& error);
[[nodiscard]] std::optional<Failure> explain_core(Error const& error, FailureContext const& context);
[[nodiscard]] std::optional<Failure> explain_files(Error const& error, FailureContext const& context);
[[nodiscard]] std::optional<Failure> explain_bind(Error const& error, FailureContext const& context);
[[nodiscard]] std::optional<Failure> explain_link(Error const& error, FailureContext const& context);
[[nodiscard]] std::optional<Failure> explain_channel(Error const& error, FailureContext const& context);
[[nodiscard]] std::optional<Failure> explain_registration(Error const& error, FailureContext const& context);
[[nodiscard]] std::optional<Failure> explain_recovery(Error const& error, FailureContext const& context);
[[nodiscard]] std::optional<Failure> explain_home(Error const& error);
[[nodiscard]] std::optional<Failure> explain_key(Error const& error);
[[nodiscard]] std::optional<Failure> explain_engine(Error const& error, FailureContext const& context);

}  // namespace kith::engine::parts
