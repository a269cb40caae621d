#pragma once

#include "catalog/source.hpp"
#include "connector/base/bytes.hpp"
#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/json/json.hpp"
#include "policy/minimise/column_plan.hpp"
#include "policy/minimise/csv.hpp"
#include "policy/odrl/enforcement.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is on offer, and on which terms.
namespace sluis::catalog {

/// A text in both languages.
struct LocalText {
  std::string en;
  std::string nl;
};

struct Publisher {
  std::string name;
  std::string uri;
};

struct Contact {
  std::string name;
  std::string email;
  std::string url;  ///< email or url, or both
};

struct Period {
  std::optional<Timestamp> from;
  std::optional<Timestamp> until;
};

/// As the EU's authority list `access-right` has it.
enum class AccessRights : std::uint8_t { open, restricted, non_public };
std::string_view to_string(AccessRights rights);

/// Somebody looked whether the data are personal, signed for it, and until when.
struct Assessment {
  bool personal = true;
  bool traceable_to_small_groups = true;
  std::string method;
  std::string signer;
  Timestamp until{};
};

/// A file below the folder of datasets, one that grows, files of a folder there, or an HTTP service; and how what comes is read.
struct Source {
  std::string file;  ///< relative, below the folder of datasets: no `..`, no NUL, not absolute; empty: it is one of those below
  std::string follow;  ///< the same of a file that grows by lines: what is written to it goes on as it comes (decision 31); empty: none
  std::optional<FolderSource> files;
  std::optional<HttpSource> http;
  std::string media_type = "text/csv";  ///< or `application/jsonl`
  policy::CsvFormat format;
  policy::DatasetColumns columns;
  std::map<std::string, std::string> lookups;  ///< tables of places by name: files below the dataset's folder
  std::optional<std::uint64_t> pace;  ///< bytes a second, at most; none: unpaced
};

/// Who decided something: the body that answers for it.
struct DecidedBy {
  enum class Kind : std::uint8_t { elected, appointed, external, supplier };
  std::string body;
  Kind kind = Kind::appointed;
  std::string reference;  ///< of the decision; may be empty

  friend bool operator==(const DecidedBy&, const DecidedBy&) = default;
};
/// `elected`, `appointed`, `external`, `supplier`.
std::string_view to_string(DecidedBy::Kind kind);
/// invalid_argument, with what is known.
Result<DecidedBy::Kind> decided_kind(std::string_view text);
/// `{"body","kind","reference"}`, the last where there is one.
json::Value to_json(const DecidedBy& by);
/// corruption: not what `to_json` made.
Result<DecidedBy> decided_by_from_json(const json::Value& value);

/// Terms as their author states them; the offer is made from them.
struct Terms {
  std::vector<std::string> classes;        ///< of recipients
  std::vector<std::string> purposes;       ///< full IRIs; one that is narrower than any of them is open too
  std::vector<std::string> deny_purposes;  ///< with all below and above them
  bool processing_activity = false;        ///< a request must name a registered one
  bool two_sided_evidence = false;         ///< only parties whose log proves the exchange as well
  std::vector<std::string> legal_basis;    ///< full IRIs of DPV, of which the requester's activity has one; empty: any
  std::vector<std::string> impact_assessment_for;  ///< those of `purposes` for which its activity has an impact assessment
  std::optional<Timestamp> from;
  std::optional<Timestamp> until;
  std::optional<Duration> access_for;      ///< counted from the agreement
  std::optional<Duration> delete_after;    ///< counted from the end of each release
  std::optional<policy::SuppressSmallCells> suppress;
  bool steward_approval = false;           ///< a request waits for the steward even where it matches
  bool single_purpose_without_claim = false;  ///< D15: for peers that cannot state a purpose
  std::optional<DecidedBy> decided_by;     ///< stands beside the offer, not in it: the hash says what, not who
};

enum class Access : std::uint8_t { open, agreement };

/// A dataset that another is made from, with the offer that it had then.
struct MadeFrom {
  DatasetId id;
  Hash offer_hash{};
};

struct Dataset {
  DatasetId id;
  LocalText title;
  LocalText description;
  Publisher publisher;
  Contact contact;
  std::vector<std::string> themes;   ///< IRIs of the EU's data-theme list
  std::vector<std::string> keywords;
  std::string licence;               ///< IRI
  AccessRights access_rights = AccessRights::non_public;
  std::string spatial;               ///< IRI; empty: not stated
  Period temporal;
  bool gathered_for_municipality = false;
  std::string public_reason;         ///< why such data are not open
  std::string processed_under;       ///< the processing activity, URI, under which this node's organisation provides them; empty: none is named
  bool push = false;                 ///< sent to where a party asks, too; else only fetched
  Assessment assessment;
  Source source;
  Access access = Access::agreement;
  std::vector<MadeFrom> made_from;   ///< datasets of this node; the terms are what is left of all of theirs
  Terms terms;                       ///< for a hand-written offer, only what no policy can say
  json::Value offer;                 ///< DSP form, in a catalogue: with `@id`, without `target` and `@context`
  Hash offer_hash{};                 ///< of its canonical form (D6)
  std::string toml;                  ///< the file as it was read
};

/// What reading a file needs to know of the world.
struct DatasetContext {
  std::shared_ptr<const policy::Vocabulary> vocabulary;
  Timestamp now;
  /// The content of a file named by `offer`, beside the dataset's; unset: such files are refused.
  std::function<Result<std::string>(const std::string& name)> read_beside = {};
  /// A dataset that is on offer here now, for those that are made from it: not_found, invalid_state. Unset: none is.
  std::function<Result<Dataset>(const DatasetId& id)> source = {};
  /// What the node's gate knows and does: terms that it could not keep are refused. Unset: not looked at.
  std::optional<policy::Supplied> supplied = policy::Supplied::by_this_node();
  /// The situations that can be declared here: terms that name another are refused. Unset: not looked at.
  std::optional<std::vector<std::string>> situations = {};
};

/// invalid_argument at the condition's pointer: terms name a situation that is not among these, or open where one more is in force.
Result<void> check_declarations(const policy::Policy& policy, const std::optional<std::vector<std::string>>& situations);

/// Reads and checks one dataset file, and makes its offer. Every error is invalid_argument with file, line and column
/// (in a hand-written offer: with its pointer too): unknown keys with the one that was meant, wrong types, an
/// assessment that has expired, `public` access to restricted or personal data, personal data without a processing
/// activity, data gathered for the municipality that are not open and give no `public_reason`, terms that contradict
/// each other or that the vocabulary does not know, terms that the node could never keep, columns that do not fit the
/// transforms; sources that are not on offer, whose terms exclude each other, or whose columns may not be read so.
Result<Dataset> parse_dataset(std::string_view text, const std::string& file, const DatasetContext& context);

/// The same from a file that was taken before, with the offer that was made then: nothing is judged again.
Result<Dataset> reread_dataset(std::string_view text, json::Value offer);

/// Why the dataset is not to be served now, if so: its assessment has expired.
std::optional<Error> suspended(const Dataset& dataset, Timestamp now);

/// What everybody may know: descriptions, assessment, terms, columns that are kept. Not the file's name, the columns
/// that are dropped, or the pace.
json::Value public_json(const Dataset& dataset);

/// `16 KiB/s` as bytes a second: a whole number, and B, KiB or MiB. invalid_argument.
Result<std::uint64_t> parse_pace(std::string_view text);

}  // namespace sluis::catalog
