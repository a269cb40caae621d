#pragma once

#include "policy/odrl/program.hpp"
#include "policy/odrl/sentences.hpp"

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

}  // namespace sluis::policy
