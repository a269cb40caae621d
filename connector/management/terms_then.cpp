#include "connector/crypto/crypto.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/management/terms_parts.hpp"
#include "connector/provenance/entry.hpp"
#include "policy/odrl/named.hpp"

/// What a recorded decision took to be so: from the record, and nothing from today.
namespace sluis::management {
namespace {

using provenance::EntryKind;
using VocabularyPtr = std::shared_ptr<const policy::Vocabulary>;

constexpr policy::Both kNoPurposes{
    "The purposes that it was decided with are not here any more, so what its terms say of purposes is not known.",
    "De doelen waarmee dit is beslist, zijn hier niet meer. Wat de voorwaarden over doelen zeggen, is dus niet bekend."};
constexpr policy::Both kNoClass{"The class of the party at that time is not on record.", "Tot welke groep de partij toen hoorde, staat hier niet."};
constexpr policy::Both kNoUses{"How often the data had been used by then is not on record.",
                               "Hoe vaak de gegevens toen al waren gebruikt, staat hier niet."};
constexpr policy::Both kNoDeclarations{"Which situations and assessments were taken into account is not on record.",
                                       "Welke situaties en beoordelingen meetelden, staat hier niet."};
constexpr policy::Both kNoActivity{"What the other party's register said of the activity is not on record.",
                                   "Wat het register van de ander over de verwerking zei, staat hier niet."};
constexpr policy::Both kNoEvidence{"Whether both logs were to prove this exchange is not on record.",
                                   "Of beide logboeken deze uitwisseling zouden bewijzen, staat hier niet."};

/// An end has the party, dataset and purpose of its beginning; what its own decision took to be so, it does not have.
bool is_end(const Recorded& entry) {
  return entry.kind == static_cast<std::uint8_t>(EntryKind::cut) || entry.kind == static_cast<std::uint8_t>(EntryKind::received);
}

/// Those that it was decided with, by their hash or by that of the program; null: they are not here.
VocabularyPtr purposes_then(const Backend& backend, const Recorded& entry, const negotiation::AgreementRecord& record,
                            const VocabularyPtr& current) {
  std::optional<Hash> named = record.vocabulary_hash;
  if (const auto known = to_hash(entry.internal.known().vocabulary_hash())) named = *known;
  if (named && *named == crypto::sha256(current->canonical_text())) return current;
  if (named) {
    const auto found = backend.vocabulary_by_hash ? backend.vocabulary_by_hash(*named) : Result<VocabularyPtr>(Error(ErrorCode::not_found, ""));
    return found ? *found : nullptr;
  }
  const Hash program = crypto::sha256(policy::Program::program_hash_input(record.offer_hash, crypto::sha256(current->canonical_text())));
  return entry.shared.program_hash() == view(program) ? current : nullptr;
}

/// As the gate gives them: all that were in force, or that there were none.
std::vector<policy::Attribute> declared(const Recorded& entry, const gate::NamedDeclarations& named, const policy::Program& program) {
  std::vector<policy::Attribute> out;
  for (const auto& [operand, names] : {std::pair{policy::Operand::situation, &named.situations}, {policy::Operand::assessment, &named.assessments}}) {
    const std::size_t before = out.size();
    for (const auto& one : entry.shared.rests_on()) {
      if (std::find(names->begin(), names->end(), one.id()) != names->end()) out.push_back(policy::Attribute::name(operand, program.name(one.id())));
    }
    if (out.size() == before) out.push_back(policy::Attribute::name(operand, policy::Interned::absent));
  }
  return out;
}

}  // namespace

std::optional<AsDecided> as_decided(const Backend& backend, const Recorded& entry, const negotiation::AgreementRecord& record,
                                    const policy::Policy& terms, const VocabularyPtr& current, policy::Language language) {
  AsDecided out;
  const auto missing = [&](const policy::Both& what) { out.missing.emplace_back(what.in(language)); };
  const VocabularyPtr then = purposes_then(backend, entry, record, current);
  if (!then) missing(kNoPurposes);
  auto program = policy::compile(terms, then ? then : current);
  if (!program) return std::nullopt;
  out.program = std::move(*program);
  const v1::KnownThen& said = entry.internal.known();
  gate::Known& known = out.known;
  if (then) known.purpose = then->lookup(entry.shared.purpose());
  known.recipient = record.role == negotiation::Role::provider ? record.peer.str() : backend.self.str();
  known.class_of_recipient = said.class_of_recipient();
  if (known.class_of_recipient.empty() && !policy::named(terms, policy::Operand::class_of_recipient).empty()) missing(kNoClass);
  known.dataset = record.dataset.str();
  known.now = Timestamp(std::chrono::microseconds(entry.shared.time_us()));
  known.agreed = terms.timestamp ? terms.timestamp : std::optional(record.timestamp);
  if (said.has_uses()) known.uses = static_cast<std::int64_t>(said.uses());
  else if (out.program.counts()) missing(kNoUses);
  known.activity = entry.internal.activity();
  known.says = gate::says_of(said);
  const gate::NamedDeclarations named = gate::named_declarations(terms);
  if (named.activity && !known.says) missing(kNoActivity);
  // A decision point wrote nothing of it before it was part of what is known.
  if (!said.evidence().empty()) known.two_sided = said.evidence() == policy::kTwoSided;
  else if (!entry.shared.event().starts_with("evaluated")) known.two_sided = entry.shared.evidence().empty();
  else if (!policy::named(terms, policy::Operand::evidence).empty()) missing(kNoEvidence);
  out.attributes = gate::attributes_of(out.program, known);
  // Of before it was said whether they were known: where some are named, all were.
  const bool all_known = said.declarations() == "known" || (!entry.internal.has_known() && entry.shared.rests_on_size() > 0);
  if (!named.empty() && all_known && !is_end(entry)) {
    for (const auto& one : declared(entry, named, out.program)) out.attributes.push_back(one);
  } else if (!named.empty() && (is_end(entry) || !entry.internal.has_known())) {
    missing(kNoDeclarations);
  }
  return out;
}

}  // namespace sluis::management
