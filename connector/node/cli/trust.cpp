#include "connector/node/cli/trust.hpp"

#include "connector/node/cli/session.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluis::cli {

Result<provenance::VerifierKey> read_log_key(const std::string& given) {
  if (auto key = provenance::VerifierKey::parse(given)) return key;
  const auto text = read_line(given, 4096);
  if (!text) {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is neither a log key nor a file that holds one", given))
        .mended_by("a log key is `name+hash+base64`; get it from elsewhere than the log's folder");
  }
  return provenance::VerifierKey::parse(*text);
}

Result<Trust> read_trust(const std::string& given, const std::string& policy_file) {
  std::optional<provenance::WitnessPolicy> policy;
  if (!policy_file.empty()) {
    SLUIS_TRY(const std::string text, read_text(policy_file, 64U << 10U));
    SLUIS_TRY(policy, provenance::WitnessPolicy::parse(text, policy_file));
  }
  const std::vector<provenance::VerifierKey> named = policy ? policy->logs() : std::vector<provenance::VerifierKey>();
  if (given.empty()) {
    if (named.size() == 1) return Trust{named.front(), std::move(policy)};
    const std::string several = fmt::format("`{}` names {} logs", policy_file, named.size());
    return Error(ErrorCode::invalid_argument, named.empty() ? "no key of the log is given" : several)
        .mended_by("give the log's key with --key, or a --policy that names one log");
  }
  SLUIS_TRY(provenance::VerifierKey key, read_log_key(given));
  const auto is_it = [&](const provenance::VerifierKey& one) { return one.text() == key.text(); };
  if (!named.empty() && std::none_of(named.begin(), named.end(), is_it)) {
    const std::string other = fmt::format("`{}` names logs, and the key of `{}` is not among them", policy_file, key.name());
    return Error(ErrorCode::invalid_argument, other)
        .mended_by("give the key of one of its logs, or a policy that knows this one");
  }
  return Trust{std::move(key), std::move(policy)};
}

}  // namespace sluis::cli
