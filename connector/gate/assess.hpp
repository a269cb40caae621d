#pragma once

#include "connector/gate/programs.hpp"
#include "connector/gate/reason.hpp"

namespace sluis::gate {

/// May this party use the data of this agreement for this purpose now?
struct Question {
  AgreementId agreement;
  DatasetId dataset;
  ParticipantId peer;                ///< the other party of the agreement
  ParticipantId recipient;           ///< who uses the data
  std::string class_of_recipient;
  std::optional<std::string> purpose;  ///< as it was named; none: by agreement
  /// Uses of the agreement before this one, where its terms count them. Unset: as the store has them. The provider alone
  /// counts; the consumer asks its own node as for the first.
  std::optional<std::int64_t> uses_before = {};
  std::string activity = {};  ///< processing activity as it was named; empty: none
  bool two_sided = false;     ///< Membership::keeps_evidence of `peer`
  std::optional<identity::ActivitySays> says = {};  ///< of the activity, by the recipient's register; none: not known
};

/// That the exchange is proven by both logs, or by one, for a request to this program.
policy::Attribute evidence_of(const policy::Program& program, bool two_sided);

/// What is known of a request; what is left out is unknown, and denies. The same for who decides, who only tries terms out, and who
/// tells later of a decision.
struct Known {
  std::optional<policy::PurposeIndex> purpose;
  std::string recipient;           ///< participant id; empty: not known
  std::string class_of_recipient;  ///< empty: not known
  std::string dataset;             ///< empty: not known
  std::optional<Timestamp> now;
  std::optional<Timestamp> agreed;
  std::optional<std::int64_t> uses;  ///< of the agreement before this one
  std::string activity;            ///< empty: none is named
  std::optional<bool> two_sided;
  std::optional<identity::ActivitySays> says;  ///< of the activity
};
/// The request to that program, without attributes: those are of `attributes_of`, and of the declarations in force.
policy::Request request_of(const policy::Program& program, const Known& known);
std::vector<policy::Attribute> attributes_of(const policy::Program& program, const Known& known);

/// What terms say of a request. Under an agreement nothing is permitted without a purpose, whatever the terms say.
struct Judged {
  policy::Decision decision;
  policy::Reason reason;
  bool permit = false;
};
/// `purpose`: as it was named; none: none was.
Judged judge_terms(const policy::Program& program, const policy::Request& request, const std::optional<std::string>& purpose);

/// Whether the condition on which a decision came to nothing is, or holds, one on a declaration: where those are not known, that is why.
bool failed_on_declarations(const policy::Decision& decision, const policy::Program& program);

/// False of an assessment that was recorded before bases were checked, on one on which none can rest (declaration::read_legal_basis): it
/// counts for nothing.
bool rests_on_a_basis(const declaration::Declaration& said);

/// Where the provider keeps how often an agreement has been used.
std::string uses_key(const AgreementId& agreement);
/// Counts uses that this node does not know of itself.
Result<void> add_uses(const storage::Reader& store, const AgreementId& agreement, std::uint64_t more, Commit& commit);

/// A declaration in force that a decision took into account.
struct RestsOn {
  std::string id;
  std::uint64_t entry = 0;  ///< in the provider's log
};

/// What the declarations in force come to, for a request about one purpose.
struct TakenDeclarations {
  std::vector<policy::Attribute> attributes;  ///< of both operands: the names, or that there are none
  std::vector<RestsOn> rests_on;
  Timestamp until = Timestamp::max();         ///< when the first of them ends
};
/// Those that the terms name and that are about the purpose, of those given: in force at `now`, or over by then. invalid_argument: nobody
/// can tell, as one is about a purpose that the program does not know; or it takes a safeguard that the terms do not have.
Result<TakenDeclarations> take_declarations(std::span<const ProvenDeclaration> in_force, const NamedDeclarations& named,
                                            const policy::Program& program, policy::PurposeIndex asked, Timestamp now);

struct Verdict {
  policy::Reason reason;             ///< of the permit, or of the refusal
  bool permit = false;
  Timestamp valid_until = Timestamp::max();
  std::string purpose;               ///< full IRI, where one was found
  AgreementPtr agreement;            ///< null: none that the question is about
  std::string agreement_bytes;       ///< as stored: a precondition of the commit that records a permit
  TermsPtr terms;
  /// Of a permit whose rule counts uses: as stored, absent for none. Who releases commits one more on this condition.
  bool counted = false;
  std::optional<std::string> uses_bytes;
  std::int64_t uses_before = 0;
  std::string class_of_recipient;  ///< of the question
  bool two_sided = false;          ///< of the question
  std::optional<identity::ActivitySays> says;  ///< of the question
  std::optional<std::int64_t> uses_asked;  ///< what was taken for the uses before it; none: not asked for, or not readable
  /// Where the terms depend on declarations: those that were taken into account, and what must still hold when a permit is recorded.
  std::vector<RestsOn> rests_on;
  KnownDeclarations declarations;
  enum class Looked : std::uint8_t { no, unknown, known } declared = Looked::no;  ///< whether declarations were asked for, and what came
};

/// An agreement, as it was read; `bytes` is as stored.
struct AgreementAsRead {
  AgreementPtr record;
  std::string bytes;
};
/// None: there is no such agreement. Errors: the store's, and corruption.
Result<std::optional<AgreementAsRead>> read_as_stored(const storage::Reader& store, ProgramCache& programs, const AgreementId& id);

/// Reads the agreement, compiles it once, decides. What is unknown, unreadable, ended or another party's is a refusal
/// with its reason. Errors: the store's alone.
Result<Verdict> assess(const Question& question, const storage::Reader& store, ProgramCache& programs,
                       const std::shared_ptr<const policy::Vocabulary>& vocabulary, const DeclarationSource& declarations, Timestamp now);
/// The same, for who has read it already.
Result<Verdict> assess(const Question& question, std::optional<AgreementAsRead> agreement, const storage::Reader& store,
                       ProgramCache& programs, const std::shared_ptr<const policy::Vocabulary>& vocabulary,
                       const DeclarationSource& declarations, Timestamp now);

/// Adds to the commit of a permit that what it rests on still is as it was read.
void require_as_read(const Verdict& verdict, Commit& commit);

/// Why a dataset is not served now, whoever asks: it is suspended, or its assessment is over.
std::optional<policy::Reason> not_served(const ReleasePlan& plan, Timestamp now);

/// Whether a request for that purpose must name a processing activity (D8): where the data are personal, or terms ask for one, and for all
/// data where the purpose is to judge persons.
bool needs_activity(const ReleasePlan& plan, const policy::Vocabulary& vocabulary, std::optional<policy::PurposeIndex> purpose);

/// What is wrong with the processing activity that a request names. One has to be named, by its URI, where the data are personal, and
/// for all data where the purpose is to judge persons (D8). `purpose`: full IRI; one that is not known is refused elsewhere.
std::optional<policy::Reason> activity_fault(const ReleasePlan& plan, const policy::Vocabulary& vocabulary, std::string_view purpose,
                                             std::string_view activity);
/// What stands against a request whatever its terms say, in the order in which it is looked at: `not_served`, `activity_fault`.
std::optional<policy::Reason> beside_terms(const ReleasePlan& plan, const policy::Vocabulary& vocabulary, std::string_view purpose,
                                           std::string_view activity, Timestamp now);

/// What a class of party may have data for, as far as it can be told without asking: each word says what this gate does.
enum class Access : std::uint8_t {
  open,            ///< anybody gets them, without agreement
  conditional,     ///< under an agreement, where its conditions hold
  needs_activity,  ///< the same, and each request names a processing activity
  needs_dpia,      ///< the same, and one with a data protection impact assessment
  not_served,      ///< nobody gets them now: `not_served`
  never,           ///< no request can be permitted, now or later
};
/// `open`, `conditional`, `needs activity`, `needs DPIA`, `not served`, `never`.
std::string_view to_string(Access access);
/// Open data are given out for no purpose in particular, so for one that needs an activity they are never: no agreement could name it.
Access access_for(const ReleasePlan& plan, const policy::Program& terms, std::string_view class_of_recipient,
                  policy::PurposeIndex purpose, Timestamp now);

/// Whether it names one activity: a URI that can stand in a header, without spaces and commas.
bool is_activity_uri(std::string_view text);

}  // namespace sluis::gate
