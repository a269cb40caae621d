#pragma once

#include "connector/declaration/definitions.hpp"
#include "policy/odrl/terms.hpp"

#include <span>

/// How declarations come about, are renewed and end: pure functions, in which time and persons are given.
namespace sluis::declaration {

/// A situation is there, from now until then. `last`: the newest occurrence of it; null: none yet. Who declares it again within `longest`
/// of its end renews it, and needs what `renew` needs.
/// permission_denied: not this role, or it would be a renewal by its own declarer. invalid_state: it is in force. invalid_argument: at
/// `/until` (not later than now, or longer than `longest`), `/why`.
Result<Declaration> declare(const Definition& definition, const By& by, const std::string& why, Timestamp until, Timestamp now,
                            const Declaration* last);

/// A later end, at most `longest` from now. permission_denied: a role that does not renew, or the person or role of the last declarer.
/// invalid_state: not in force. invalid_argument at `/until`, `/why`.
Result<void> renew(Declaration& declaration, const Definition& definition, const By& by, const std::string& why, Timestamp until,
                   Timestamp now);

/// Before its time. `definition`: of a situation, where it still is defined. permission_denied: a role that neither declares nor renews it;
/// of an assessment, and of a situation that is not defined any more: not the privacy officer. invalid_state: it is over. invalid_argument at `/why`.
Result<void> end(Declaration& declaration, const Definition* definition, const By& by, const std::string& why, Timestamp now);

/// An assessment that a purpose is compatible. permission_denied: not the privacy officer. invalid_state: one with this id is in force.
/// invalid_argument: `/until` is not later than now.
Result<Declaration> record(const AssessmentDraft& draft, const By& by, Timestamp now, const Declaration* last);

/// The full IRI of the basis on which an assessment rests. invalid_argument: one that DPV does not have (with the nearest that it has);
/// consent, or one so wide that it may be consent: on it no compatibility can rest (GDPR art. 6(4)).
Result<std::string> read_legal_basis(std::string_view basis);

/// Whether data that were gathered on these legal bases may be used for another purpose by an assessment (GDPR art. 6(4)). invalid_argument,
/// with why: one of them is, or may be, consent, or DPV does not have it; `needed`, and there is none.
Result<void> check_gathered_under(std::span<const std::string> bases, bool needed);

/// Whether it is empty, or says that there is none: `n.v.t.`, `none`, `-`.
bool says_nothing(std::string_view text);
/// invalid_argument: it says nothing, or names an act of the profile that there is not, or that is no safeguard.
Result<void> check_safeguard(std::string_view safeguard);

/// The act that a safeguard names, `sluis:pseudonymise`: one that data pass, or that is promised with a time. None: it is said in words.
std::optional<policy::Action> safeguard_act(std::string_view safeguard);
/// The first safeguard of an assessment that names an act which is not among those of the terms; null: there is none.
const std::string* missing_safeguard(const Declaration& assessment, std::span<const policy::Action> of_terms);

/// Whether it is research, statistics or archiving, or below one (GDPR art. 89).
bool is_safeguarded(std::string_view purpose, const policy::Vocabulary& vocabulary);
/// Whether it may be research, statistics or archiving: one of these, or above or below one (GDPR art. 89).
bool needs_safeguards(std::string_view purpose, const policy::Vocabulary& vocabulary);

}  // namespace sluis::declaration
