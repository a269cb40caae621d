#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A document of W3C PROV, as it is made statement by statement: the same again adds nothing.
namespace sluis::records {

/// An identifier as an IRI that both forms can hold: what is none becomes `urn:sluis:id:…`, other characters are escaped.
std::string iri(std::string_view text);

class ProvDocument {
 public:
  using Ends = std::vector<std::pair<std::string, std::string>>;  ///< formal attribute of PROV-JSON, and what it names; `prov:time` last

  /// Times empty: not told here.
  void activity(const std::string& id, const std::string& start, const std::string& end);
  void entity(const std::string& id, const std::vector<std::string>& types);
  void agent(const std::string& id, const std::string& type);
  /// Something else of an element: text.
  void tell(const std::string& id, const std::string& name, const std::string& value);
  /// `name` as PROV-JSON has it: `used`, `wasGeneratedBy`, …
  void relation(const std::string& name, Ends ends, const std::string& type = {});

  static std::string turtle_head();
  std::string turtle() const;
  /// One object; documents of the same log are merged member by member.
  std::string json() const;

 private:
  struct Element {
    std::string kind;  ///< activity, entity, agent
    std::set<std::string> types;
    std::string start, end;
    std::map<std::string, std::set<std::string>> told;
  };
  struct Relation {
    std::string name;
    Ends ends;
    std::string type;
    auto operator<=>(const Relation&) const = default;
  };
  Element& element(const std::string& id, const char* kind);

  std::map<std::string, Element> elements_;
  std::set<Relation> relations_;
};

}  // namespace sluis::records
