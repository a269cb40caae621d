#pragma once

#include "policy/odrl/program.hpp"

#include <map>
#include <string>

namespace sluis::policy {

/// A decision for people and for other programs: a stable code, its parameters, and an English sentence.
struct Reason {
  std::string code;
  std::map<std::string, std::string> parameters;  ///< rule, constraint, operand, asked, needed
  std::string sentence;
};

/// `asked_purpose` names a purpose that the vocabulary does not have, which a request can only leave out.
Reason explain(const Decision& decision, const Request& request, const Program& program,
               std::string_view asked_purpose = {});

/// The English template of a code, with `{parameter}` in it; for an unknown code a plain denial.
std::string_view english(std::string_view code);
/// The template with its parameters filled in.
std::string fill(std::string_view text, const std::map<std::string, std::string>& parameters);

}  // namespace sluis::policy
