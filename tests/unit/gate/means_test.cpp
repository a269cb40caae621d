#include "connector/gate/means.hpp"

#include "connector/crypto/crypto.hpp"
#include "tests/unit/gate/gate_world.hpp"

namespace sluis::test {
namespace {

using gate::PseudonymSeries;

std::string pseudonym(const PseudonymSeries& series, std::string_view value, char root = 'k') {
  const auto keyed = gate::pseudonymiser(std::string(32, root), series);
  policy::Pseudonym out{};
  keyed->pseudonyms(std::span(&value, 1), std::span(&out, 1));
  return to_hex(std::string_view(reinterpret_cast<const char*>(out.data()), out.size()));
}

TEST(Pseudonyms, AreHmacUnderAKeyOfRecipientPurposeAndEpoch) {
  const PseudonymSeries series{"urn:duinmeer", "urn:p", "2026"};
  const std::string key = crypto::hkdf_sha256(std::string(32, 'k'), "sluis pseudonyms 1", "12:urn:duinmeer5:urn:p4:2026", 32);
  for (const std::string& value : std::vector<std::string>{"", "A1", "a value of more than one block: " + std::string(100, 'v')}) {
    EXPECT_EQ(pseudonym(series, value), to_hex(crypto::hmac_sha256(key, value)).substr(0, 32));
  }
}

TEST(Pseudonyms, OfTwoPurposesRecipientsEpochsOrKeysCannotBeJoined) {
  const std::string one = pseudonym({"urn:duinmeer", "urn:p", "2026"}, "A1");
  EXPECT_EQ(pseudonym({"urn:duinmeer", "urn:p", "2026"}, "A1"), one) << "a series stays joined";
  EXPECT_NE(pseudonym({"urn:duinmeer", "urn:q", "2026"}, "A1"), one);
  EXPECT_NE(pseudonym({"urn:stroomplein", "urn:p", "2026"}, "A1"), one);
  EXPECT_NE(pseudonym({"urn:duinmeer", "urn:p", "2027"}, "A1"), one);
  EXPECT_NE(pseudonym({"urn:duinmeer", "urn:p", "2026"}, "A1", 'l'), one);
  EXPECT_NE(pseudonym({"urn:a", "b", "c"}, "A1"), pseudonym({"urn:", "ab", "c"}, "A1")) << "no two series read the same";
  EXPECT_NE(gate::series_check(std::string(32, 'k'), {"a", "b", "c"}), gate::series_check(std::string(32, 'l'), {"a", "b", "c"}));
}

TEST(Lots, AreOfTheNodeAloneAndDrawThreeInFour) {
  const auto lots = gate::lot(std::string(32, 'k'));
  const auto same = gate::lot(std::string(32, 'k'));
  const auto other = gate::lot(std::string(32, 'l'));
  int drawn = 0, differ = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = "subject " + std::to_string(i);
    EXPECT_EQ(lots(text), same(text));
    drawn += lots(text) >= 64;
    differ += lots(text) != other(text);
  }
  EXPECT_GT(drawn, 7300);
  EXPECT_LT(drawn, 7700);
  EXPECT_GT(differ, 9900);
}

TEST(Lots, AreMadeOnTheFirstCallAndCopiesDrawAlike) {
  std::string root(32, 'k');
  const auto lots = gate::lot(root);
  root.assign(32, 'l');  // it keeps the key that it was given
  const auto before = lots;
  const std::string key = crypto::hkdf_sha256(std::string(32, 'k'), "sluis lots 1", "", 32);
  for (const char* text : {"subject 1", "row 1", ""}) {
    const auto drawn = static_cast<std::uint8_t>(crypto::hmac_sha256(key, text)[0]);
    EXPECT_EQ(lots(text), drawn);
    EXPECT_EQ(before(text), drawn);
    const auto after = lots;
    EXPECT_EQ(after(text), drawn);
  }
}

TEST(Zones, OfTheMachineAreReadOnceAndStrangeNamesRefused) {
  EXPECT_EQ(*gate::machine_zone("Europe/Amsterdam"), *gate::machine_zone("Europe/Amsterdam"));
  EXPECT_EQ(gate::machine_zone("Europe/Nowhere").error().code, ErrorCode::not_found);
  EXPECT_EQ(gate::machine_zone("Europe").error().code, ErrorCode::not_found) << "a folder";
  EXPECT_EQ(gate::machine_zone("../../../etc/passwd").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(gate::machine_zone("/etc/passwd").error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(gate::machine_zone("zone.tab"));
  EXPECT_FALSE(gate::machine_zone("tzdata"));
}

class Minimised : public GateWorld {
 protected:
  /// As the recipient gets it, or the error before anything left.
  std::string released(const std::vector<policy::Transform>& transforms, const std::optional<gate::Recipient>& recipient) {
    auto prepared = gate::prepare(datasets_.plan, transforms, recipient);
    if (!prepared) return "refused: " + describe(prepared.error().error);
    const auto stream = streams_.add({record_.id, ProcessId("urn:provider:1"), record_.dataset, ParticipantId("urn:duinmeer")});
    stream->permit([](Timestamp) { return gate::Reevaluation{std::nullopt, Timestamp::max()}; }, Timestamp::max());
    Sink sink;
    const auto end = gate::send(*prepared, *stream, decisions_, sink, {});
    EXPECT_EQ(end.digest, crypto::sha256(sink.body));
    rows_ = end.rows;
    return sink.body;
  }
  const gate::Recipient duinmeer_{"urn:duinmeer", kCrowd, std::string(32, 'k')};
  std::uint64_t rows_ = 0;
};

TEST_F(Minimised, ASemicolonDialectWithAPseudonymisedColumn) {
  datasets_.plan.format.delimiter = ';';
  datasets_.plan.columns.columns = {{"id", policy::ColumnAction::keep, false, std::nullopt}};
  write_file("counts.csv", "id;name\nA1;Jan\nB2;Els\nA1;Jan\n");
  const std::vector<policy::Transform> transforms{policy::Pseudonymise{{"id"}, "2026"}};
  const std::string out = released(transforms, duinmeer_);
  ASSERT_EQ(out.size(), 3U + 3 * 23U) << out;
  EXPECT_EQ(out.substr(3, 23), out.substr(49, 23));
  EXPECT_NE(out.substr(3, 23), out.substr(26, 23));
  EXPECT_EQ(rows_, 3U);
  EXPECT_NE(released(transforms, std::nullopt).find("no key"), std::string::npos) << "nobody's pseudonyms";
}

std::string pseudonymised(const std::string& epoch) {
  return R"("permission":[{"action":"use"}],"obligation":[{"action":"https://w3id.org/sluis/odrl/1#pseudonymise","constraint":[)"
         R"({"leftOperand":"https://w3id.org/sluis/odrl/1#pseudonymColumn","operator":"eq","rightOperand":"id"},)"
         R"({"leftOperand":"https://w3id.org/sluis/odrl/1#pseudonymEpoch","operator":"eq","rightOperand":")" + epoch + R"("}]}])";
}

TEST_F(Minimised, AnEpochKeepsItsKeyOrIsRefused) {
  datasets_.plan.columns.columns = {{"id", policy::ColumnAction::keep, false, std::nullopt}};
  write_file("counts.csv", "id,name\nA1,Jan\n");
  const auto with_root = [&](char root) {
    auto with = dependencies();
    with.pseudonym_root = std::string(32, root);
    gate_ = std::make_unique<gate::Gate>(ParticipantId("urn:waterrijk"), with);
  };
  const auto pull = [&](const std::string& purpose) {
    auto response = ask(claim(purpose));
    EXPECT_TRUE(response.stream) << response.body;
    Sink sink;
    if (response.stream) response.stream(sink);
    return sink.body;
  };
  record_ = put_agreement("urn:duinmeer", pseudonymised("2026"));
  with_root('k');
  const std::string first = pull(kCrowd);
  EXPECT_EQ(first.size(), 3U + 23U) << first;
  EXPECT_EQ(pull(kCrowd), first);
  EXPECT_NE(pull(kMarketing), first) << "two purposes cannot be joined";
  with_root('l');
  expect_refused(ask(claim(kCrowd)), "plan.impossible");
  record_ = put_agreement("urn:duinmeer", pseudonymised("2027"));
  EXPECT_NE(pull(kCrowd), first) << "a new epoch is agreed, with a new key";
}

TEST_F(Minimised, MoreGroupsThanAgreedIsADenialBeforeTheFirstByte) {
  datasets_.plan.columns.columns = {{"street", policy::ColumnAction::keep, false, std::nullopt}};
  write_file("counts.csv", "street\nA\nB\nC\n");
  record_ = put_agreement("urn:duinmeer",
      R"("permission":[{"action":"use"}],"obligation":[{"action":"https://w3id.org/sluis/odrl/1#aggregateBy","constraint":[)"
      R"({"leftOperand":"https://w3id.org/sluis/odrl/1#groupColumn","operator":"eq","rightOperand":"street"},)"
      R"x({"leftOperand":"https://w3id.org/sluis/odrl/1#groupMeasure","operator":"eq","rightOperand":"count()"},)x"
      R"({"leftOperand":"https://w3id.org/sluis/odrl/1#maxGroups","operator":"lteq","rightOperand":"2"}]}])");
  expect_refused(ask(claim()), "plan.impossible");
}

TEST_F(Minimised, JsonLinesPacedOrNot) {
  datasets_.plan.format.form = policy::Form::json_lines;
  datasets_.plan.columns.columns = {{"n", policy::ColumnAction::keep, true, std::nullopt}};
  write_file("counts.csv", "{\"n\":3,\"who\":\"a\\\"b\"}\n{\"n\":40}\n");
  const std::vector<policy::Transform> transforms{policy::SuppressSmallCells{10, {}, {}, 0}};
  EXPECT_EQ(released(transforms, std::nullopt), "{\"n\":\"x\"}\n{\"n\":40}\n");
  EXPECT_EQ(rows_, 2U);
  datasets_.plan.pace = 1U << 20U;
  EXPECT_EQ(released({}, std::nullopt), "{\"n\":3}\n{\"n\":40}\n");
  EXPECT_EQ(rows_, 2U);
}

TEST_F(Minimised, AWholeTableIsDoneBeforeAnythingLeaves) {
  datasets_.plan.columns.columns = {{"street", policy::ColumnAction::keep, false, std::nullopt}};
  write_file("counts.csv", "street\nA\nB\nA\n");
  policy::AggregateBy by{{"street"}, {{"count", policy::Measure::Of::count, ""}}, "", 2, false};
  EXPECT_EQ(released({by}, std::nullopt), "street,count\nA,2\nB,1\n");
  EXPECT_EQ(rows_, 2U);
  by.max_groups = 1;
  const auto refused = gate::prepare(datasets_.plan, std::vector<policy::Transform>{by}, std::nullopt);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason.code, "plan.impossible");
}

TEST_F(Minimised, RowsAreCountedAlikeForEverybody) {
  datasets_.plan.columns.columns = {{"street", policy::ColumnAction::keep, false, std::nullopt}};
  std::string rows = "street\n";
  for (int i = 0; i < 800; ++i) rows += std::to_string(i % 8) + "\n";
  write_file("counts.csv", rows);
  const std::vector<policy::Transform> transforms{policy::AggregateBy{{"street"}, {{"count", policy::Measure::Of::count, ""}}, "", 8, false},
                                                  policy::SuppressSmallCells{5, {}, {}, 2}};
  const std::string root(32, 'k');
  const std::string out = released(transforms, duinmeer_);
  EXPECT_EQ(rows_, 8U) << out;
  EXPECT_EQ(released(transforms, gate::Recipient{"urn:stroomplein", "urn:other", root}), out) << "two agreements tell no more than one";
  auto open = gate::prepare(datasets_.plan, transforms, std::nullopt, {}, nullptr, root);
  ASSERT_TRUE(open);
  ASSERT_TRUE(open->whole);
  EXPECT_EQ(*open->whole, out) << "nor does what is open";
  EXPECT_NE(released(transforms, gate::Recipient{"urn:duinmeer", kCrowd, std::string(32, 'l')}), out);
  EXPECT_NE(released(transforms, std::nullopt).find("no key"), std::string::npos);
}

TEST_F(Minimised, PlacesByATableBesideTheSource) {
  datasets_.plan.lookups = {{"districts", "districts.csv"}};
  datasets_.plan.columns.columns = {{"street", policy::ColumnAction::keep, false, std::nullopt}};
  write_file("counts.csv", "street\nKerkstraat\nHaven\n");
  write_file("districts.csv", "street,district\nKerkstraat,Centrum\n");
  EXPECT_EQ(released({policy::GeneralisePlace{{"street"}, "", "districts"}}, std::nullopt), "street\nCentrum\nx\n");
  EXPECT_NE(released({policy::GeneralisePlace{{"street"}, "", "other"}}, std::nullopt).find("declares no lookup table"), std::string::npos);
}

}  // namespace
}  // namespace sluis::test
