#pragma once

#include "connector/json/json.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// Cases in Turtle as JSON cases. Maps triples to members and decides nothing.
namespace sluis::conformance {

struct Term {
  enum class Kind : std::uint8_t { iri, blank, literal };
  Kind kind = Kind::iri;
  std::string text;
  std::string datatype;  ///< full IRI; empty for a plain literal
};

/// The triples of one file: subject, predicate, objects in the order written.
class Graph {
 public:
  /// Refused (invalid_argument): a file that is not there or is no Turtle.
  static Result<Graph> read(const std::filesystem::path& file);

  const std::vector<Term>& objects(const std::string& subject, const std::string& predicate) const;
  /// The first object's text; empty if there is none.
  std::string object(const std::string& subject, const std::string& predicate) const;
  bool has(const std::string& subject) const { return triples_.contains(subject); }
  const std::map<std::string, std::map<std::string, std::vector<Term>>>& triples() const { return triples_; }
  /// Subjects of that type, in the order of their names.
  std::vector<std::string> of_type(const std::string& type) const;

 private:
  std::map<std::string, std::map<std::string, std::vector<Term>>> triples_;
};

/// A case of the community's suite in the form of SEMANTICS.md. `expect.rules` names Active as `yes` and Inactive
/// as `no`.
struct TurtleCase {
  json::Value value;
  std::string file;
};
/// All cases of a folder of the suite's shape (`policies`, `requests`, `sotw`, `test_cases`, perhaps below `data`).
Result<std::vector<TurtleCase>> read_turtle_cases(const std::filesystem::path& folder);
/// Whether the folder has that shape.
bool is_turtle_suite(const std::filesystem::path& folder);

}  // namespace sluis::conformance
