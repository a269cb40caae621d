#pragma once

#include "connector/base/bytes.hpp"
#include "policy/odrl/memory.hpp"
#include "policy/odrl/model.hpp"
#include "policy/odrl/request.hpp"
#include "policy/odrl/transforms.hpp"

#include <limits>
#include <memory>
#include <span>

namespace sluis::policy {

/// Kleene's three values.
enum class Truth : std::uint8_t { no, unknown, yes };
/// `no`, `unknown`, `yes`.
std::string_view to_string(Truth truth);

enum class ReasonCode : std::uint8_t {
  permitted,
  purpose,
  recipient,
  class_of_recipient,
  time_not_yet,
  time_over,
  elapsed,
  no_permission,
  prohibited,
  indeterminate,
  target,
  assignee,
  count,
  value,         ///< any other operand
  duty,
  alternatives,  ///< none of `or`, or not exactly one of `xone`
};
inline constexpr std::size_t kReasonCodes = static_cast<std::size_t>(ReasonCode::alternatives) + 1;
/// Stable for ever: `permitted`, `purpose`, `recipient`, `class`, `time.not_yet`, `time.over`, `elapsed`,
/// `no_permission`, `prohibited`, `indeterminate`, `target`, `assignee`, `count`, `value`, `duty`, `alternatives`.
std::string_view to_string(ReasonCode code);

/// What a program says of a request. Who asked knows the program; its hash (`program_hash_input`) goes with what is
/// recorded of a decision.
struct Decision {
  static constexpr std::uint16_t kNone = 0xffff;

  bool permit = false;
  ReasonCode reason = ReasonCode::no_permission;
  /// Of a permit: the rule counts uses. The caller records this use durably before anything is released, on the
  /// condition that the count it asked with still stands.
  bool reserve = false;
  std::uint16_t rule = kNone;        ///< in the program: the permission that holds, or the rule that denies
  std::uint16_t constraint = kNone;  ///< in the program: the first that is not true
  /// Of a permit: the first instant at which time may change the outcome.
  Timestamp valid_until = Timestamp::max();
};

/// What a policy is compiled against: the pinned purposes, the names that programs share, and where programs lie.
struct Context {
  std::shared_ptr<const Vocabulary> vocabulary;
  std::shared_ptr<Names> names = std::make_shared<Names>();
  std::shared_ptr<std::pmr::memory_resource> memory = {};  ///< unset: the default resource
};

class Evaluation;
struct Question;

/// A compiled policy: a block of memory for deciding, and another for explaining. Immutable, and copies share it; any
/// thread may use it. The deciding path does no I/O, reads no clock, allocates nothing, and takes no lock.
class Program {
 public:
  /// An atomic rule; its conditions are the nodes [first, end). Those on the purpose come first.
  struct Rule {
    std::uint16_t first;
    std::uint16_t end;
    Action action;
    bool prohibition;
    bool counts;      ///< whether some condition is on `count`
    std::uint8_t unused;
    Interned target;  ///< absent: any
    Interned assignee;
  };
  /// The usual conditions of a rule in one cache line, decided together and without a branch. Bits say which there are. Of
  /// the purpose it says only that there is a condition: which rules a purpose leaves open stands in a table of the program.
  /// What it does not decide stands right behind it once more, so that who decides finds it there: as atoms, then as nodes.
  struct Lane {
    enum Bit : std::uint8_t {
      purpose = 1,
      target = 2,
      assignee = 4,
      kind = 8,
      recipient = 16,
      window = 32,
      elapsed = 64,
      counts = 128  ///< no condition: Rule::counts
    };
    static constexpr std::uint8_t kConditions = counts - 1;
    std::int64_t from;        ///< now is in [from, to)
    std::int64_t to;
    std::int64_t elapsed_to;  ///< less has passed since the agreement
    std::array<Interned, 3> kinds;    ///< the class of the recipient is one of these
    std::array<Interned, 2> recipients;
    Interned target_id;
    Interned assignee_id;
    std::uint16_t first, end;         ///< of the rule's nodes
    std::uint16_t purposes;           ///< so many of them, the first, are on the purpose
    std::uint16_t atoms, others;      ///< behind the lane; the atoms are a multiple of kAtomsAtOnce
    std::uint8_t bits;
    Action action;
  };
  /// A condition that is decided without a branch: a name is one of three, or with `negate` none of them, or now is in [from, to).
  struct Atom {
    std::int64_t from, to;
    std::array<Interned, 3> names;
    Operand operand;
    bool negate;
    std::uint16_t unused;
    bool operator==(const Atom&) const = default;
  };
  static constexpr std::size_t kAtomsAtOnce = 2;
  /// How a node is tested; the rest of a node means something else for each.
  enum class Test : std::uint8_t {
    compare,   ///< operand's value against `a`; `mask` has bits for less, equal, greater
    related,   ///< purpose `a`, or a list of them, among those that `mask` says: above (0), below (1), above or below (2) the
               ///< asked one, it itself (3)
    set,       ///< names: ids [a, a + n) and the operator
    amount,    ///< decimals: value and unit at words [a, a + 2)
    window,    ///< instants: n pairs [from, to) at words [a …), sorted, apart
    calendar,  ///< elapsedTime with months: months and rest at words [a, a + 2)
    duty,      ///< duty `a`, its consequences follow
    all, any, one,  ///< operands follow
    never,     ///< no
  };
  struct Node {
    Test test;
    Operand operand;
    Operator op;
    std::uint8_t mask;    ///< compare: 1 less, 2 equal, 4 greater; related: the set
    std::uint16_t skip;   ///< nodes to the next beside it
    std::uint8_t negate;
    std::uint8_t list;    ///< related and set: 0 `a` is the one value; 1, 2 so many stand in `a` itself; kFar: in the ids
    std::int64_t a;       ///< lists far away, and windows: first | count << 32
  };
  static constexpr std::uint8_t kFar = 3;
  static_assert(sizeof(Rule) == 16 && sizeof(Lane) == 64 && sizeof(Atom) == 32 && sizeof(Node) == 16);

  /// Denies unless a permission is true and every prohibition false (SEMANTICS.md, one decision).
  Decision decide(const Facts& facts) const noexcept;
  Decision decide(const Request& request) const noexcept { return decide(Facts(request)); }
  /// Partial evaluation: unknown means "could be".
  Truth permission_possible(const Request& request) const noexcept;
  /// The value of one rule: of its action, target, assignee, conditions and duties.
  Truth value(std::size_t rule, const Request& request) const noexcept;
  /// What one rule makes of the action, target and assignee.
  struct Subject {
    Truth action, target, assignee;
  };
  Subject subject(std::size_t rule, const Request& request) const noexcept;
  /// The value of one condition by itself.
  Truth value_of_condition(std::size_t node, const Request& request) const noexcept;
  /// The first instant after `request.now` at which time alone may change something.
  Timestamp next_change(const Facts& facts) const noexcept;
  Timestamp next_change(const Request& request) const noexcept { return next_change(Facts(request)); }

  Interned name(std::string_view text) const { return names().find(text); }
  Interned recipient(std::string_view id) const { return name(id); }
  Interned class_of_recipient(std::string_view name) const;

  std::span<const Rule> rules() const noexcept;  ///< prohibitions first
  std::span<const Node> nodes() const noexcept;
  std::string rule_pointer(std::size_t rule) const;
  std::string condition_pointer(std::size_t node) const;
  /// Operator and right operand, readable.
  std::string condition_needed(std::size_t node) const;
  /// `purpose`, `duty`, `or` …
  std::string_view condition_operand(std::size_t node) const;
  bool suite() const noexcept;
  /// Whether some rule counts uses.
  bool counts() const noexcept;
  const Vocabulary& vocabulary() const noexcept;
  const Names& names() const noexcept;
  /// Memory that this program has to itself.
  std::size_t bytes() const noexcept;

  /// Bytes whose SHA-256 is the program hash (D6): offer hash, profile, vocabulary hash.
  static std::string program_hash_input(const Hash& offer_hash, const Hash& vocabulary_hash);

 private:
  friend class Compiler;
  friend class Evaluation;
  friend void decide(std::span<const Question> questions, std::span<Decision> decisions) noexcept;

  /// Two blocks, and what they were compiled against.
  struct Image {
    std::shared_ptr<const Context> context;
    Block hot;   ///< for deciding: a Header and what it tells of
    Block cold;  ///< for explaining: rules, places of rules and nodes, text
  };
  /// The first cache line of a program. Behind it the table of purposes, then, each where this says: lanes with the rest of
  /// their conditions, what changes something, nodes, ids, words (pairs of instants and the like).
  /// The table has for each purpose of the vocabulary the rules that it leaves open, as bits; `width` bytes each.
  /// What changes something is sorted: instants, then times since the agreement, each followed by `for ever` and filled up
  /// with it to kFewChanges, then periods with months.
  struct Header {
    std::uint16_t prohibitions, rules, nodes, instants, offsets, periods, flags, purposes;
    std::uint32_t ids;  ///< where they begin, in words of the block; the others likewise
    std::uint32_t words;
    std::uint32_t changes;
    std::uint32_t begin;  ///< of the nodes
    const Vocabulary* vocabulary;
    std::uint16_t width;
    static constexpr std::size_t kNear = 11;
    /// Where the lane of each rule is, in cache lines of the block. Of more rules: all of them stand as such numbers of 32 bits
    /// where the first two of these say, in words of the block.
    std::array<std::uint16_t, kNear> lanes;
  };
  static_assert(sizeof(Header) == 64);
  static constexpr std::size_t kFewChanges = 16;
  /// The pointer of a rule begins at `offset` of the text, behind it stands what those of its nodes have of their own.
  struct RulePlace {
    std::uint32_t offset;
    std::uint32_t size;
  };
  /// The pointer of a node: so much of the one before it, or of its rule's, and so much more text.
  struct NodePlace {
    std::uint16_t shared;
    std::uint16_t size;
  };
  static constexpr std::uint16_t kSuite = 1;
  static constexpr std::uint16_t kPermissionWins = 2;
  static constexpr std::uint16_t kFarLanes = 4;

  const Header& header() const noexcept { return *header_; }
  const std::uint64_t* hot() const noexcept { return reinterpret_cast<const std::uint64_t*>(header_); }
  std::span<const std::uint32_t> ids(const Node& node) const noexcept;
  const Lane& lane(std::size_t rule) const noexcept;
  /// Of the rules [64 · chunk, …), as bits: those that a purpose leaves open.
  std::uint64_t open_to(PurposeIndex purpose, std::size_t chunk) const noexcept;
  Decision explain_denial(const Evaluation& evaluation) const noexcept;
  Decision decide_now(const Facts& facts) const noexcept;
  void expect(const Facts& facts) const noexcept;
  void expect_rules(const Facts& facts) const noexcept;
  std::string pointer(std::size_t rule, std::size_t end) const;

  const Header* header_ = nullptr;  ///< of the image
  std::shared_ptr<const Image> image_;
};

struct Question {
  const Program* program;
  const Facts* facts;
};
/// What each program says, in their order; `decisions` is as long. For who asks many at once: what later ones need of the
/// memory comes while earlier ones are decided.
void decide(std::span<const Question> questions, std::span<Decision> decisions) noexcept;

/// The purposes that a purpose constraint of a permission admits; of a prohibition: those it forbids. Refused: a
/// purpose that the vocabulary does not have.
Result<PurposeSet> purpose_set(const Constraint& constraint, bool prohibition, const Vocabulary& vocabulary);

/// Refuses (invalid_argument, with pointer and suggestion) a purpose that the vocabulary does not have, a policy beyond
/// the limits, and one that its own `conflict` makes void.
Result<Program> compile(const Policy& policy, std::shared_ptr<const Context> context);
Result<Program> compile(const Policy& policy, std::shared_ptr<const Vocabulary> vocabulary);

/// When a release must have been deleted, counted from its end: the shortest of the policy's periods.
std::optional<Duration> retention(const Policy& policy);
/// The purpose, if the permissions leave exactly one.
std::optional<PurposeIndex> single_purpose(const Program& program);
/// Whether some permission is open to that purpose, and no prohibition stands against it.
bool purpose_satisfies(const Program& program, PurposeIndex purpose);

}  // namespace sluis::policy
