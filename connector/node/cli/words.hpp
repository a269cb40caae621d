#pragma once

#include "connector/node/cli/session.hpp"
#include "connector/provenance/verify.hpp"
#include "connector/records/package_check.hpp"
#include "policy/odrl/sentences.hpp"

#include <fmt/core.h>

#include <span>
#include <string>
#include <string_view>

/// What the command line says to people, in English and in Dutch that is easy to read (B1): one table.
namespace sluis::cli {

/// With `{0}`, `{1}`, … for what is filled in; the same in both languages.
std::span<const policy::Sentence> phrases();
/// In `en` or `nl`; the key itself where the table has none.
std::string_view phrase(std::string_view key, std::string_view language);

template <class... Args>
std::string say(const Options& options, std::string_view key, const Args&... args) {
  return fmt::format(fmt::runtime(phrase(key, options.lang)), args...);
}

/// What a policy says of a checkpoint: whether its quorum is met, who cosigned and when, and who did not. A line each.
std::string told(const provenance::Quorum& quorum, const Options& options);
/// The report of `audit verify` in lines; what was found in a file is told as the verifier names it. `payloads`: the phrase for those.
std::string told(const provenance::VerifyReport& report, const Options& options, std::string_view payloads = "verify.payloads");
/// The same of a package; of its logs only the newest is told in full.
std::string told(const records::PackageReport& report, const Options& options);

}  // namespace sluis::cli
