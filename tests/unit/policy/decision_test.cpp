#include "allocation_counter.hpp"
#include "policy/odrl/check.hpp"
#include "support.hpp"

#include <algorithm>
#include <deque>

namespace sluis::policy {
namespace {

using test::agreement;
using test::at;
using test::constraint;
using test::offer;
using test::permission;
using test::program;
using test::prohibition;
using test::purpose;

Request for_purpose(std::string_view name) {
  Request request;
  request.purpose = purpose(name);
  return request;
}

/// The parties of test::agreement().
void as_agreed(Request& request, const Program& compiled) {
  request.target = compiled.name("d1");
  request.assignee = compiled.name("urn:duinmeer");
}

std::string_view code(const Program& compiled, const Request& request) {
  return to_string(compiled.decide(request).reason);
}

TEST(Decision, PurposeOperatorsMeanWhatTheySay) {
  const auto exact = program(offer(permission(constraint("purpose", "eq", R"("dpv:Marketing")"))));
  const auto below = program(offer(permission(constraint("purpose", "isA", R"("dpv:Marketing")"))));
  const auto any = program(offer(permission(constraint("purpose", "isAnyOf", 
                                            R"(["dpv:Marketing","dpv:EnforceSecurity"])"))));
  EXPECT_TRUE(exact.decide(for_purpose("dpv:Marketing")).permit);
  EXPECT_FALSE(exact.decide(for_purpose("dpv:DirectMarketing")).permit);
  EXPECT_TRUE(below.decide(for_purpose("dpv:DirectMarketing")).permit);
  EXPECT_FALSE(below.decide(for_purpose("dpv:Purpose")).permit) << "broader than granted";
  EXPECT_TRUE(any.decide(for_purpose("dpv:EnforceSecurity")).permit);
  EXPECT_FALSE(any.decide(for_purpose("dpv:DirectMarketing")).permit);
  EXPECT_EQ(code(exact, for_purpose("dpv:EnforceSecurity")), "purpose");
}

TEST(Decision, AnUnknownPurposeDenies) {
  const auto compiled = program(offer(permission(constraint("purpose", "isA", R"("dpv:Purpose")"))));
  EXPECT_FALSE(compiled.decide({}).permit);
  EXPECT_EQ(code(compiled, {}), "indeterminate");
  Request request;
  request.purpose = PurposeIndex{600};
  EXPECT_FALSE(compiled.decide(request).permit);
}

TEST(Decision, AProhibitedPurposeDeniesBelowAndAbove) {
  const auto compiled = program(offer(R"("permission":[{"action":"use"}],)" +
                                      prohibition(constraint("purpose", "eq", R"("dpv:DirectMarketing")"))));
  EXPECT_EQ(code(compiled, for_purpose("dpv:DirectMarketing")), "prohibited");
  EXPECT_EQ(code(compiled, for_purpose("dpv:Marketing")), "prohibited");
  EXPECT_EQ(code(compiled, for_purpose("dpv:Purpose")), "prohibited");
  EXPECT_TRUE(compiled.decide(for_purpose("dpv:EnforceSecurity")).permit);
  EXPECT_EQ(code(compiled, {}), "indeterminate") << "a prohibition is inactive only on false";
  const auto found = check(test::parsed(offer(R"("permission":[{"action":"use"}],)" +
                                              prohibition(constraint("purpose", "eq", R"("dpv:DirectMarketing")")))), *test::dpv());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().kind, FindingKind::conflict);
}

TEST(Decision, AnUnconstrainedProhibitionDeniesEverything) {
  const auto compiled = program(offer(R"("permission":[{"action":"use"}],"prohibition":[{"action":"use"}])"));
  EXPECT_EQ(code(compiled, for_purpose("dpv:EnforceSecurity")), "prohibited");
}

TEST(Decision, APolicyWithoutPermissionDenies) {
  const auto compiled = program(offer(prohibition(constraint("purpose", "eq", R"("dpv:Marketing")"))));
  EXPECT_EQ(code(compiled, for_purpose("dpv:EnforceSecurity")), "no_permission");
  Request other = for_purpose("dpv:EnforceSecurity");
  other.action = Action::transfer;
  EXPECT_FALSE(program(offer(R"("permission":[{"action":"use"}])")).decide(other).permit);
}

TEST(Decision, OnePermissionOfSeveralIsEnough) {
  const auto compiled = program(offer(R"("permission":[{"action":"use","constraint":[)" +
                                      constraint("purpose", "eq", R"("dpv:Marketing")") +
                                      R"(]},{"action":"use","constraint":[)" +
                                      constraint("purpose", "eq", R"("dpv:EnforceSecurity")") + "]}]"));
  EXPECT_TRUE(compiled.decide(for_purpose("dpv:EnforceSecurity")).permit);
  EXPECT_EQ(compiled.decide(for_purpose("dpv:EnforceSecurity")).rule, 1U);
}

TEST(Decision, EveryConstraintOfARuleCounts) {
  const auto compiled = program(offer(permission(constraint("purpose", "eq", R"("dpv:EnforceSecurity")") + "," +
                                                 constraint("classOfRecipient", "eq", R"("municipality")") + "," +
                                                 constraint("recipient", "isAnyOf", R"(["urn:duinmeer"])"))));
  Request request = for_purpose("dpv:EnforceSecurity");
  request.class_of_recipient = compiled.class_of_recipient("municipality");
  request.recipient = compiled.recipient("urn:duinmeer");
  EXPECT_TRUE(compiled.decide(request).permit);
  request.recipient = compiled.recipient("urn:parkwijs");
  EXPECT_EQ(code(compiled, request), "recipient");
  EXPECT_EQ(compiled.decide(request).constraint, 2U);
  request.class_of_recipient = compiled.class_of_recipient("company");
  EXPECT_EQ(code(compiled, request), "class");
  request.class_of_recipient = compiled.class_of_recipient("");
  request.recipient = compiled.recipient("urn:duinmeer");
  EXPECT_EQ(code(compiled, request), "indeterminate");
}

/// yes, no and unknown of a class constraint and a purpose constraint together, in a permission and in a prohibition.
TEST(Decision, FollowsKleenesTable) {
  const std::string both = constraint("purpose", "eq", R"("dpv:EnforceSecurity")") + "," +
                           constraint("classOfRecipient", "eq", R"("company")");
  const auto permitting = program(offer(permission(both)));
  const auto prohibiting = program(offer(R"("permission":[{"action":"use"}],)" + prohibition(both)));
  for (const Truth first : {Truth::no, Truth::unknown, Truth::yes}) {
    for (const Truth second : {Truth::no, Truth::unknown, Truth::yes}) {
      const auto ask = [&](const Program& compiled) {
        Request request;
        if (first != Truth::unknown) {
          request.purpose = purpose(first == Truth::yes ? "dpv:EnforceSecurity" : "dpv:Marketing");
        }
        request.class_of_recipient = compiled.class_of_recipient(
            second == Truth::unknown ? "" : second == Truth::yes ? "company" : "municipality");
        return compiled.decide(request).permit;
      };
      const Truth conjunction = std::min(first, second);
      EXPECT_EQ(ask(permitting), conjunction == Truth::yes);
      EXPECT_EQ(ask(prohibiting), conjunction == Truth::no);
    }
  }
}

TEST(Decision, TimeBoundariesAreExact) {
  const std::string t = "2026-12-01T00:00:00Z";
  struct Case { std::string op; bool before, exactly, after; };
  for (const Case& one : {Case{"lt", true, false, false}, Case{"lteq", true, true, false},
                          Case{"gt", false, false, true}, Case{"gteq", false, true, true}}) {
    const auto compiled = program(offer(permission(constraint("dateTime", one.op, "\"" + t + "\""))));
    const auto permits = [&](Timestamp now) {
      Request request;
      request.now = now;
      return compiled.decide(request).permit;
    };
    EXPECT_EQ(permits(at(t) - Duration(1)), one.before) << one.op;
    EXPECT_EQ(permits(at(t)), one.exactly) << one.op;
    EXPECT_EQ(permits(at(t) + Duration(1)), one.after) << one.op;
    EXPECT_FALSE(compiled.decide({}).permit) << "no clock, no permission";
    Request request;
    request.now = at(t) - std::chrono::hours(1);
    const Timestamp change = compiled.next_change(request);
    EXPECT_NE(permits(change), permits(change - Duration(1))) << one.op;
    if (permits(*request.now)) {
      EXPECT_EQ(compiled.decide(request).valid_until, change) << one.op;
    }
    request.now = change;
    EXPECT_EQ(compiled.next_change(request), Timestamp::max());
  }
}

TEST(Decision, TellsNotYetFromOver) {
  const auto compiled = program(offer(permission(constraint("dateTime", "gteq", R"("2026-12-01T00:00:00Z")") + "," +
                                                 constraint("dateTime", "lt", R"("2026-12-08T00:00:00Z")"))));
  Request request;
  request.now = at("2026-11-30T00:00:00Z");
  EXPECT_EQ(code(compiled, request), "time.not_yet");
  request.now = at("2026-12-02T00:00:00Z");
  EXPECT_TRUE(compiled.decide(request).permit);
  EXPECT_EQ(compiled.decide(request).valid_until, at("2026-12-08T00:00:00Z"));
  request.now = at("2026-12-08T00:00:00Z");
  EXPECT_EQ(code(compiled, request), "time.over");
}

TEST(Decision, ElapsedTimeCountsFromTheAgreement) {
  const auto compiled = program(agreement(permission(constraint("elapsedTime", "lteq", R"("P7D")"))));
  Request request;
  as_agreed(request, compiled);
  request.now = at("2026-11-08T00:00:00Z");
  EXPECT_EQ(code(compiled, request), "indeterminate") << "no anchor";
  request.agreed = at("2026-11-01T00:00:00Z");
  EXPECT_TRUE(compiled.decide(request).permit) << "exactly seven days";
  EXPECT_EQ(compiled.decide(request).valid_until, at("2026-11-08T00:00:00Z") + Duration(1));
  request.now = at("2026-11-08T00:00:00Z") + Duration(1);
  EXPECT_EQ(code(compiled, request), "elapsed");
  request.now = at("2026-10-31T23:59:58Z");
  EXPECT_TRUE(compiled.decide(request).permit) << "within the tolerated skew";
  request.now = at("2026-10-31T23:59:57Z");
  EXPECT_EQ(code(compiled, request), "indeterminate") << "agreed in the future";
}

TEST(Decision, ADuplicatedConstraintIsNotLost) {  // an engine was seen to read only the first
  const auto compiled = program(offer(permission(constraint("dateTime", "gt", R"("2026-01-01T00:00:00Z")") + "," +
                                                 constraint("purpose", "eq", R"("dpv:EnforceSecurity")") + "," +
                                                 constraint("purpose", "isA", R"("dpv:Marketing")"))));
  Request request = for_purpose("dpv:EnforceSecurity");
  request.now = at("2026-06-01T00:00:00Z");
  EXPECT_FALSE(compiled.decide(request).permit);
}

TEST(Decision, DropsOfKnowledgeNeverTurnDenyIntoPermit) {
  const auto compiled = program(agreement(
      permission(constraint("purpose", "isA", R"("dpv:Marketing")") + "," +
                 constraint("elapsedTime", "lteq", R"("P7D")")) + "," +
      prohibition(constraint("classOfRecipient", "eq", R"("company")") + "," +
                  constraint("purpose", "eq", R"("dpv:DirectMarketing")"))));
  for (const char* name : {"dpv:Marketing", "dpv:DirectMarketing", "dpv:EnforceSecurity", "dpv:Advertising"}) {
    for (const char* kind : {"company", "municipality"}) {
      Request full = for_purpose(name);
      as_agreed(full, compiled);
      full.class_of_recipient = compiled.class_of_recipient(kind);
      full.now = at("2026-11-02T00:00:00Z");
      full.agreed = at("2026-11-01T00:00:00Z");
      const bool permit = compiled.decide(full).permit;
      for (int dropped = 0; dropped < 6; ++dropped) {
        Request less = full;
        if (dropped == 0) less.purpose.reset();
        if (dropped == 1) less.class_of_recipient = Interned::absent;
        if (dropped == 2) less.now.reset();
        if (dropped == 3) less.agreed.reset();
        if (dropped == 4) less.target = Interned::absent;
        if (dropped == 5) less.assignee = Interned::absent;
        EXPECT_LE(compiled.decide(less).permit, permit) << name << kind << dropped;
      }
    }
  }
}

/// A policy of so many rules, each about a purpose of its own and with a condition that is not about it.
Policy many_rules(std::size_t prohibitions, std::size_t permissions) {
  const Policy one = test::parsed(agreement(permission(constraint("purpose", "isA", R"("dpv:Marketing")") + "," +
                                                 constraint("classOfRecipient", "eq", R"("municipality")") + "," +
                                                 constraint("fileFormat", "neq", R"("text/html")"))));
  Policy policy = one;
  policy.permissions.clear();
  for (std::size_t r = 0; r < prohibitions + permissions; ++r) {
    Rule rule = one.permissions.front();
    const bool prohibits = r < prohibitions;
    rule.pointer = (prohibits ? "/prohibition/" : "/permission/") + std::to_string(prohibits ? r : r - prohibitions);
    for (std::size_t c = 0; c < rule.constraints.size(); ++c) rule.constraints[c].pointer = rule.pointer + "/constraint/" + std::to_string(c);
    // The last purpose of the vocabulary is in use too.
    const std::size_t which = (test::dpv()->size() - 1 + 7 * r) % test::dpv()->size();
    rule.constraints[0].values = {test::dpv()->term(static_cast<PurposeIndex>(which)).iri};
    (prohibits ? policy.prohibitions : policy.permissions).push_back(std::move(rule));
  }
  return policy;
}

/// What the rules say one by one, by their conditions: a permission is true, and every prohibition is false.
bool permitted_by_rules(const Program& program, const Request& request) {
  bool permitted = false;
  for (std::size_t r = 0; r < program.rules().size(); ++r) {
    const Truth value = program.value(r, request);
    if (program.rules()[r].prohibition && value != Truth::no) return false;
    permitted = permitted || (!program.rules()[r].prohibition && value == Truth::yes);
  }
  return permitted;
}

TEST(Decision, HoweverManyRulesThereAre) {
  std::size_t permits = 0, asked = 0;
  for (const auto& [prohibitions, permissions] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 0}, {0, 1}, {1, 6}, {1, 7}, {8, 0}, {8, 1}, {2, 10}, {2, 11}, {3, 13}, {8, 9}, {16, 16}, {16, 17}, {1, 62}, {0, 64},
           {64, 1}, {1, 64}, {63, 66}, {64, 64}, {65, 130}}) {
    const auto compiled = compile(many_rules(prohibitions, permissions), test::dpv());
    ASSERT_TRUE(compiled) << describe(compiled.error());
    SCOPED_TRACE(std::to_string(prohibitions) + " and " + std::to_string(permissions));
    ASSERT_EQ(compiled->rules().size(), prohibitions + permissions);
    for (std::size_t purpose = 0; purpose <= test::dpv()->size() + 1; ++purpose) {
      Request request;
      as_agreed(request, *compiled);
      if (purpose != test::dpv()->size()) request.purpose = static_cast<PurposeIndex>(purpose);  // none once; one beyond the list once
      request.class_of_recipient = compiled->class_of_recipient(purpose % 3 == 0 ? "company" : "municipality");
      const Attribute format = Attribute::name(Operand::file_format, compiled->name(purpose % 5 == 0 ? "text/html" : "text/csv"));
      request.attributes = {&format, 1};
      const Decision decision = compiled->decide(request);
      ASSERT_EQ(decision.permit, permitted_by_rules(*compiled, request)) << purpose;
      permits += decision.permit ? 1 : 0;
      ++asked;
      if (decision.rule == Decision::kNone) continue;
      EXPECT_EQ(compiled->value(decision.rule, request) == Truth::yes,
                decision.permit || decision.reason == ReasonCode::prohibited) << purpose;
    }
    for (std::size_t r = 0; r < compiled->rules().size(); ++r) {
      const std::string pointer = (r < prohibitions ? "/prohibition/" : "/permission/") + std::to_string(r < prohibitions ? r : r - prohibitions);
      EXPECT_EQ(compiled->rule_pointer(r), pointer);
      for (std::size_t c = 0; c < 3; ++c) {
        EXPECT_EQ(compiled->condition_pointer(compiled->rules()[r].first + c), pointer + "/constraint/" + std::to_string(c));
      }
    }
  }
  EXPECT_GT(permits, 50U);
  EXPECT_GT(asked - permits, 50U);
}

TEST(Decision, ManyAtOnceAreDecidedAsOneByOne) {
  const std::vector<Program> programs = [] {
    std::vector<Program> all;
    for (const auto& [prohibitions, permissions] : {std::pair{0, 0}, {0, 1}, {1, 2}, {2, 9}, {0, 64}, {65, 1}}) {
      all.push_back(*compile(many_rules(static_cast<std::size_t>(prohibitions), static_cast<std::size_t>(permissions)), test::dpv()));
    }
    return all;
  }();
  std::deque<Request> requests;
  std::deque<Facts> facts;
  std::vector<Question> questions;
  for (std::size_t i = 0; i < 200; ++i) {
    const Program& program = programs[i % programs.size()];
    Request& request = requests.emplace_back();
    as_agreed(request, program);
    if (i % 11 != 0) request.purpose = static_cast<PurposeIndex>(i * 7 % (test::dpv()->size() + 2));
    request.class_of_recipient = program.class_of_recipient(i % 2 == 0 ? "company" : "municipality");
    questions.push_back({&program, &facts.emplace_back(request)});
  }
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{8}, std::size_t{9}, questions.size()}) {
    std::vector<Decision> decisions(count);
    decide(std::span(questions).first(count), decisions);
    for (std::size_t i = 0; i < count; ++i) {
      const Decision alone = questions[i].program->decide(requests[i]);
      EXPECT_EQ(decisions[i].permit, alone.permit) << i;
      EXPECT_EQ(decisions[i].reason, alone.reason) << i;
      EXPECT_EQ(decisions[i].rule, alone.rule) << i;
      EXPECT_EQ(decisions[i].constraint, alone.constraint) << i;
    }
  }
}

TEST(Decision, APermitEndsAtTheNextChangeHoweverManyThereAre) {
  using std::chrono::hours;
  const Timestamp begin = at("2026-11-02T00:00:00Z");
  for (const int count : {0, 1, 13, 14, 15, 16, 17, 60}) {
    SCOPED_TRACE(count);
    // Conditions that hold all the time and change their value at each hour, and as many on the time since the agreement.
    std::string one_of = constraint("purpose", "eq", R"("dpv:Marketing")");
    for (int i = 0; i < count; ++i) {
      const auto either = [](const std::string& before, const std::string& after) { return R"(,{"or":[)" + before + "," + after + "]}"; };
      const std::string instant = "\"" + format_time(begin + hours(i)) + "\"";
      one_of += either(constraint("dateTime", "lt", instant), constraint("purpose", "eq", R"("dpv:Marketing")"));
      const std::string passed = "\"PT" + std::to_string(24 * 60 + 60 * i + 30) + "M\"";
      one_of += either(constraint("elapsedTime", "lt", passed), constraint("purpose", "eq", R"("dpv:Marketing")"));
    }
    const auto compiled = program(agreement(permission(one_of)));
    Request request = for_purpose("dpv:Marketing");
    as_agreed(request, compiled);
    request.agreed = at("2026-11-01T00:00:00Z");
    for (int half = -1; half <= 2 * count + 1; ++half) {
      request.now = begin + half * std::chrono::minutes(30);
      const Decision decision = compiled.decide(request);
      ASSERT_TRUE(decision.permit) << half;
      const Timestamp next = begin + (half + 1) * std::chrono::minutes(30);
      EXPECT_EQ(decision.valid_until, next < begin + hours(count) ? next : Timestamp::max()) << half;
    }
  }
}

TEST(Decision, ASetOfNamesIsNotOneName) {
  const auto compiled = program(agreement(permission(constraint("sluis:legalBasis", "isAnyOf", R"(["u:a","u:b"])") + "," +
                                                     constraint("fileFormat", "neq", R"("text/html")") + R"(,{"or":[)" +
                                                     constraint("spatial", "eq", R"("u:centre")") + "," +
                                                     constraint("dateTime", "lt", R"("2027-01-01T00:00:00Z")") + "]}")));
  const auto name = [&](Operand operand, std::string_view text) { return Attribute::name(operand, compiled.name(text)); };
  Request request;
  as_agreed(request, compiled);
  request.now = at("2026-11-02T00:00:00Z");
  const auto decide = [&](std::vector<Attribute> attributes, std::string_view when = "2026-11-02T00:00:00Z") {
    request.now = at(when);
    request.attributes = attributes;
    return code(compiled, request);
  };
  const Attribute basis = name(Operand::legal_basis, "u:a"), csv = name(Operand::file_format, "text/csv");
  const Attribute none = Attribute::name(Operand::legal_basis, Interned::absent);
  EXPECT_EQ(decide({basis, csv}), "permitted");
  EXPECT_EQ(decide({basis, name(Operand::legal_basis, "u:z"), csv}), "permitted") << "one of two is among them";
  EXPECT_EQ(decide({name(Operand::legal_basis, "u:z"), csv}), "value");
  EXPECT_EQ(decide({none, csv}), "value") << "known to be none";
  EXPECT_EQ(decide({csv}), "indeterminate");
  EXPECT_EQ(decide({basis, name(Operand::file_format, "text/html")}), "value");
  EXPECT_EQ(decide({basis, name(Operand::file_format, "text/html"), csv}), "permitted") << "a set of two is not that name";
  EXPECT_EQ(decide({basis, csv}, "2027-01-01T00:00:00Z"), "indeterminate") << "where is not known";
  EXPECT_EQ(decide({basis, csv, name(Operand::spatial, "u:centre")}, "2027-01-01T00:00:00Z"), "permitted");
  EXPECT_EQ(decide({basis, csv, name(Operand::spatial, "u:harbour")}, "2027-01-01T00:00:00Z"), "alternatives");
  request.now.reset();
  const std::array some{basis, csv, name(Operand::spatial, "u:centre")};
  request.attributes = some;
  EXPECT_EQ(code(compiled, request), "permitted") << "by its place, whenever it is";
}

TEST(Decision, ProgramsAreSharedByTheirCopies) {
  std::optional<Program> first(program(agreement(permission(constraint("purpose", "eq", R"("dpv:Marketing")")))));
  const Program copy = *first;
  const Program moved = std::move(*first);
  first.reset();
  EXPECT_EQ(copy.rule_pointer(0), "/permission/0");
  EXPECT_EQ(moved.rule_pointer(0), "/permission/0");
  Request request = for_purpose("dpv:Marketing");
  as_agreed(request, copy);
  EXPECT_TRUE(copy.decide(request).permit);
  EXPECT_TRUE(moved.decide(request).permit);
}

TEST(Decision, NeverAllocates) {
  std::string many;
  for (int i = 0; i < 250; ++i) many += constraint("dateTime", "gt", R"("2026-01-01T00:00:00Z")") + ",";
  const auto compiled = program(agreement(permission(many + constraint("purpose", "isA", R"("dpv:Marketing")")) + "," +
                                          prohibition(constraint("recipient", "isAnyOf", R"(["u:a","u:b"])"))));
  Request request = for_purpose("dpv:DirectMarketing");
  request.now = at("2026-06-01T00:00:00Z");
  request.recipient = compiled.recipient("u:c");
  as_agreed(request, compiled);
  const std::size_t before = test::allocations();
  bool permit = true;
  for (int i = 0; i < 1000; ++i) permit = compiled.decide(request).permit && permit;
  EXPECT_TRUE(permit);
  if (!test::counts_allocations()) GTEST_SKIP() << "ThreadSanitizer keeps what is allocated to itself";
  EXPECT_EQ(test::allocations(), before);
  const auto proof = std::make_unique<int>(1);  // the counter counts
  EXPECT_GT(test::allocations(), before);
}

/// Counts what it has given and not got back.
class CountedMemory final : public std::pmr::memory_resource {
 public:
  explicit CountedMemory(std::shared_ptr<int> blocks) : blocks_(std::move(blocks)) {}
  ~CountedMemory() override { EXPECT_EQ(*blocks_, 0) << "gone before its blocks"; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    ++*blocks_;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    --*blocks_;
    std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::shared_ptr<int> blocks_;
};

TEST(Compile, AProgramKeepsItsMemoryWhateverItIsAssigned) {
  const Policy policy = test::parsed(offer(permission(constraint("purpose", "isA", R"("dpv:Marketing")"))));
  const auto made = [&](const std::shared_ptr<int>& blocks) {
    auto context = std::make_shared<Context>();
    context->vocabulary = test::dpv();
    context->memory = std::make_shared<CountedMemory>(blocks);
    return *compile(policy, std::move(context));
  };
  const auto first = std::make_shared<int>(0), second = std::make_shared<int>(0);
  {
    Program program = made(first);
    EXPECT_EQ(*first, 1);
    program = made(second);  // the first context goes with its last program
    EXPECT_EQ(*first, 0);
    const Program copy = program;
    program = Program(copy);
    EXPECT_TRUE(copy.decide(for_purpose("dpv:DirectMarketing")).permit);
    EXPECT_TRUE(program.decide(for_purpose("dpv:DirectMarketing")).permit);
  }
  EXPECT_EQ(*second, 0);
}

TEST(Compile, RefusesAnUnknownPurposeWithASuggestion) {
  const auto result = compile(test::parsed(offer(permission(constraint("purpose", "eq", R"("dpv:Marketin")")))),
                              test::dpv());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().place.pointer, "/permission/0/constraint/0/rightOperand");
  EXPECT_NE(result.error().mend.find("dpv#Marketing"), std::string::npos);
}

TEST(Compile, HashInputIsOfferProfileAndVocabulary) {
  const std::string bytes = Program::program_hash_input(Hash{1}, Hash{2});
  EXPECT_EQ(bytes.size(), 32 + 4 + kProfile.size() + 32);
  EXPECT_NE(bytes, Program::program_hash_input(Hash{1}, Hash{3}));
}

TEST(Explain, NamesRuleConstraintAskedAndNeeded) {
  const auto compiled = program(offer(permission(constraint("purpose", "eq", R"("dpv:EnforceSecurity")"))));
  const Request request = for_purpose("dpv:Marketing");
  const Reason reason = explain(compiled.decide(request), request, compiled);
  EXPECT_EQ(reason.code, "purpose");
  EXPECT_EQ(reason.parameters.at("rule"), "/permission/0");
  EXPECT_EQ(reason.parameters.at("constraint"), "/permission/0/constraint/0");
  EXPECT_EQ(reason.parameters.at("asked"), "https://w3id.org/dpv#Marketing");
  EXPECT_EQ(reason.parameters.at("needed"), "eq https://w3id.org/dpv#EnforceSecurity");
  EXPECT_NE(reason.sentence.find("dpv#Marketing"), std::string::npos) << reason.sentence;
  EXPECT_EQ(explain(compiled.decide({}), {}, compiled, "urn:made-up").parameters.at("asked"), "urn:made-up");
}

TEST(Explain, HasASentenceForEveryCode) {
  for (int i = 0; i <= static_cast<int>(kReasonCodes) - 1; ++i) {
    EXPECT_NE(english(to_string(static_cast<ReasonCode>(i))), english("no such code")) << i;
  }
}

}  // namespace
}  // namespace sluis::policy
