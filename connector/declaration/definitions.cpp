#include "connector/declaration/definitions.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "connector/base/toml.hpp"
#include "connector/declaration/rules.hpp"

#include <algorithm>
#include <array>

namespace sluis::declaration {
namespace {

using identity::Role;

/// Those that the contract lets declare, renew and end (proto/sluis/v1/declaration.proto).
constexpr std::array kMayDeclare{Role::steward, Role::privacy_officer, Role::operator_, Role::council_clerk};

constexpr std::size_t kIdBytes = limits::kIdBytes / 2;  ///< its key in the store is an identifier too

Error item_refused(const TomlTable& table, std::string_view key, std::size_t index, std::string message) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at(table.place(key, index));
}

/// An IRI or URN, as terms name it.
Result<std::string> read_id(TomlTable& table) {
  SLUIS_TRY(std::string id, table.string("id"));
  const bool printable = std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 127; });
  if (!printable || id.find(':') == std::string::npos || id.size() > kIdBytes) {
    return table.refused("id", "`" + id.substr(0, 128) + "` is not an IRI")
        .mended_by("write one as https://waterrijk.example/situations/crowds");
  }
  return id;
}

Result<std::set<Role>> read_roles(TomlTable& table, std::string_view key) {
  SLUIS_TRY(const auto names, table.strings(key));
  std::vector<std::string_view> known;
  for (const Role role : kMayDeclare) known.push_back(identity::to_string(role));
  std::set<Role> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto role = identity::role_from(names[i]);
    if (!role || std::find(kMayDeclare.begin(), kMayDeclare.end(), *role) == kMayDeclare.end()) {
      return item_refused(table, key, i, "`" + names[i] + "` is not a role that declares situations")
          .mended_by(suggestion(names[i], known));
    }
    out.insert(*role);
  }
  if (out.empty()) return table.refused(key, "`" + std::string(key) + "` names no role");
  return out;
}

Result<std::vector<std::string>> read_purposes(TomlTable& table, std::string_view key, const policy::Vocabulary& vocabulary) {
  SLUIS_TRY(const auto names, table.strings(key));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto purpose = vocabulary.lookup(names[i]);
    if (!purpose) {
      return item_refused(table, key, i, "the vocabulary has no purpose `" + names[i] + "`").mended_by(vocabulary.suggest(names[i]));
    }
    out.push_back(vocabulary.term(*purpose).iri);
  }
  return out;
}

Result<Definition> read_definition(TomlTable& table, const policy::Vocabulary& vocabulary) {
  Definition out;
  SLUIS_TRY(out.id, read_id(table));
  SLUIS_TRY(out.title, table.string("title"));
  SLUIS_TRY(out.where, table.string("where"));
  SLUIS_TRY(const auto decided_by, table.optional_string("decided_by"));
  out.decided_by = decided_by.value_or("");
  SLUIS_TRY(out.declared_by, read_roles(table, "declared_by"));
  SLUIS_TRY(out.renewed_by, read_roles(table, "renewed_by"));
  SLUIS_TRY(out.opens, read_purposes(table, "opens", vocabulary));
  SLUIS_TRY(out.closes, read_purposes(table, "closes", vocabulary));
  if (out.opens.empty() && out.closes.empty()) return table.refused("opens", "the situation neither opens nor closes a purpose");
  SLUIS_TRY(out.longest, table.duration("longest"));
  if (out.longest <= Duration(0)) {
    return table.refused("longest", "the longest time is nothing").mended_by("write a time as P2D or PT12H");
  }
  std::size_t bytes = out.id.size() + out.title.size() + out.where.size() + out.decided_by.size();
  for (const auto* list : {&out.opens, &out.closes}) {
    for (const std::string& purpose : *list) bytes += purpose.size();
  }
  if (bytes > limits::kDeclarationBytes / 4) return table.refused("title", "the situation is described at too great length");
  return out;
}

}  // namespace

Result<Definitions> Definitions::parse(std::string_view text, const std::string& file, const policy::Vocabulary& vocabulary) {
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, file));
  SLUIS_TRY(std::vector<TomlTable> tables, root.tables("situation"));
  if (tables.size() > limits::kSituationDefinitions) return root.refused("situation", "there are too many situations");
  Definitions out;
  for (TomlTable& table : tables) {
    SLUIS_TRY(Definition one, read_definition(table, vocabulary));
    const bool twice = std::any_of(out.all_.begin(), out.all_.end(), [&](const Definition& other) { return other.id == one.id; });
    if (twice) return table.refused("id", "`" + one.id + "` is defined twice");
    out.all_.push_back(std::move(one));
  }
  SLUIS_CHECK(root.finish());
  return out;
}

Result<const Definition*> Definitions::find(std::string_view id) const {
  for (const Definition& one : all_) {
    if (one.id == id) return &one;
  }
  std::vector<std::string_view> known;
  for (const Definition& one : all_) known.emplace_back(one.id);
  const std::string how = known.empty() ? "name a file of situations in node.toml: [policy] situations" : suggestion(id, known);
  return Error(ErrorCode::not_found, "this node defines no situation `" + std::string(id.substr(0, limits::kIdBytes)) + "`")
      .mended_by(how);
}

std::vector<std::string> Definitions::ids() const {
  std::vector<std::string> out;
  for (const Definition& one : all_) out.push_back(one.id);
  return out;
}

Result<AssessmentDraft> parse_assessment(std::string_view text, const std::string& file, const policy::Vocabulary& vocabulary) {
  SLUIS_TRY(TomlTable table, TomlTable::parse(text, file));
  AssessmentDraft out;
  SLUIS_TRY(out.id, read_id(table));
  SLUIS_TRY(out.title, table.string("title"));
  SLUIS_TRY(out.purposes, read_purposes(table, "purposes", vocabulary));
  if (out.purposes.empty()) return table.refused("purposes", "the assessment is about no purpose");
  SLUIS_TRY(out.legal_basis, table.strings("legal_basis"));
  SLUIS_TRY(out.safeguards, table.strings("safeguards"));
  SLUIS_TRY(out.why, table.string("why"));
  SLUIS_TRY(const auto decided_by, table.optional_string("decided_by"));
  out.decided_by = decided_by.value_or("");
  SLUIS_TRY(out.until, table.time("until"));
  SLUIS_CHECK(table.finish());
  if (out.legal_basis.empty()) {
    return table.refused("legal_basis", "the assessment names no legal basis").mended_by("name one, as eu-gdpr:A6-1-e");
  }
  for (std::size_t i = 0; i < out.legal_basis.size(); ++i) {
    auto read = read_legal_basis(out.legal_basis[i]);
    if (!read) return Error(read.error()).at(table.place("legal_basis", i));
    out.legal_basis[i] = std::move(*read);
  }
  for (std::size_t i = 0; i < out.safeguards.size(); ++i) {
    if (const auto good = check_safeguard(out.safeguards[i]); !good) return Error(good.error()).at(table.place("safeguards", i));
  }
  const bool acts = std::any_of(out.safeguards.begin(), out.safeguards.end(), [](const std::string& one) { return bool(safeguard_act(one)); });
  for (std::size_t i = 0; !acts && i < out.purposes.size(); ++i) {
    if (!needs_safeguards(out.purposes[i], vocabulary)) continue;
    return item_refused(table, "purposes", i,
                        "`" + out.purposes[i] + "` is, or may be, research, statistics or archiving: only with safeguards that the terms then have")
        .mended_by("name one at least in `safeguards` (GDPR art. 89), as \"sluis:pseudonymise\" or \"sluis:deleteAfter\"");
  }
  return out;
}

}  // namespace sluis::declaration
