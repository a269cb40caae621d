#include "connector/gate/folder.hpp"
#include "tests/unit/gate/gate_world.hpp"

namespace sluis::test {
namespace {

using provenance::EntryKind;
using Choose = catalog::FolderSource::Choose;

class FolderTest : public GateWorld {
 protected:
  void SetUp() override {
    GateWorld::SetUp();
    std::filesystem::create_directories(data() / "counts");
    put("counts-2026-01.csv", "time,total\n1,12\n");
    put("counts-2026-02.csv", "time,total\n2,13\n");
    put("counts-2026-03.csv", "time,total\n3,14\n");
    put("note.txt", "not of it");
    datasets_.plan.file = "";
    datasets_.plan.files = catalog::FolderSource{"counts", "counts-*.csv", Choose::range, "time"};
  }
  void put(const std::string& name, std::string_view text) const { write_file("counts/" + name, text); }
  http::Response ask_for(const std::string& query) {
    auto said = claim();
    said.path = query.empty() ? "/data" : "/data?" + query;
    auto asked = request(said);
    asked.target = said.path;
    asked.query = query;
    return ask(asked);
  }
  std::string body(const std::string& query = "") {
    auto response = ask_for(query);
    if (!response.stream) return "refused: " + std::to_string(response.status) + " " + code(response);
    Sink sink;
    response.stream(sink);
    headers_ = sink.headers;
    return sink.finished ? sink.body : "cut: " + entries_of(EntryKind::cut).back().shared.decision().code();
  }
  http::Headers headers_;
};

TEST_F(FolderTest, FilesAreOneAfterTheOtherWithOneHeader) {
  EXPECT_EQ(body(), "time,total\n1,12\n2,13\n3,14\n");
  EXPECT_EQ(headers_["accept-ranges"], "rows");
  const std::string version = entries_of(EntryKind::decision).back().internal.source();
  EXPECT_TRUE(version.starts_with("counts/counts-*.csv files=3 first=counts-2026-01.csv last=counts-2026-03.csv sha256=")) << version;
  put("counts-2026-03.csv", "time,total\n3,15\n");
  EXPECT_EQ(body(), "time,total\n1,12\n2,13\n3,15\n");
  EXPECT_NE(entries_of(EntryKind::decision).back().internal.source(), version);
}

TEST_F(FolderTest, ARangeIsChosenByName) {
  EXPECT_EQ(body("from=counts-2026-02"), "time,total\n2,13\n3,14\n");
  EXPECT_EQ(body("to=counts-2026-02"), "time,total\n1,12\n2,13\n");
  EXPECT_EQ(body("from=counts-2026-02&to=counts-2026-02"), "time,total\n2,13\n");
  EXPECT_EQ(body("from=counts-2027"), "refused: 404 source.none");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "source.none");
  EXPECT_EQ(body("from=counts-2026-02&until=x"), "refused: 403 source.choice");
  EXPECT_EQ(body("from=a&from=b"), "refused: 403 source.choice");
  EXPECT_EQ(body("from="), "refused: 403 source.choice");
}

TEST_F(FolderTest, OfOpenOnesThereAreNoParts) {
  gate::Verbatim verbatim;
  gate::Wanted wanted;
  wanted.range = "rows=1-";
  const auto whole = gate::prepare(datasets_.plan, {}, std::nullopt, wanted, &verbatim);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->tag, "") << "so nobody is offered any";
  EXPECT_FALSE(whole->part);
  wanted.if_match = "\"a version\"";
  const auto named = gate::prepare(datasets_.plan, {}, std::nullopt, wanted, &verbatim);
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().status, 412U);
  wanted.if_match.clear();
  const auto of_a_party = gate::prepare(datasets_.plan, {}, gate::Recipient{"urn:duinmeer", kCrowd, std::string(32, 'k')}, wanted, &verbatim);
  ASSERT_FALSE(of_a_party) << "a party has them, by a version that it names";
  EXPECT_EQ(of_a_party.error().reason.code, "source.unnamed_version");
}

TEST_F(FolderTest, TheNewestIsTheLastByName) {
  datasets_.plan.files->choose = Choose::newest;
  EXPECT_EQ(body(), "time,total\n3,14\n");
  EXPECT_EQ(body("from=counts-2026-01"), "refused: 403 source.choice");
  std::filesystem::remove_all(data() / "counts");
  std::filesystem::create_directories(data() / "counts");
  EXPECT_EQ(body(), "refused: 404 source.none");
}

TEST_F(FolderTest, AChoiceThatCouldUndoTheMinimisationIsRefused) {
  datasets_.plan.columns.columns.front().action = policy::ColumnAction::drop;
  EXPECT_EQ(body(), "total\n12\n13\n14\n") << "all of it may leave";
  EXPECT_EQ(body("from=counts-2026-02"), "refused: 403 source.choice_undoes");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().parameters().at("column"), "time");
}

TEST_F(FolderTest, LastLinesGetTheirEndAndMarksGo) {
  put("counts-2026-01.csv", "time,total\r\n1,12");
  put("counts-2026-02.csv", "\xEF\xBB\xBFtime,total\n2,13");
  put("counts-2026-03.csv", "time,total");
  EXPECT_EQ(body(), "time,total\r\n1,12\r\n2,13\r\n");
}

TEST_F(FolderTest, AHeaderMayStandInQuotes) {
  put("counts-2026-01.csv", "time,total,\"a\nb\"\n1,12,x\n");
  put("counts-2026-02.csv", "time,total,\"a\nb\"\n2,13,y\n");
  EXPECT_EQ(body("to=counts-2026-02"), "time,total\n1,12\n2,13\n");
}

TEST_F(FolderTest, AnotherHeaderOrAnOpenQuoteCutsTheStream) {
  put("counts-2026-02.csv", "total,time\n13,2\n");
  EXPECT_EQ(body(), "cut: source.malformed");
  put("counts-2026-02.csv", "time,total\n2,\"13\n");
  EXPECT_EQ(body(), "cut: source.malformed");
  put("counts-2026-02.csv", "");
  EXPECT_EQ(body(), "cut: source.malformed");
}

TEST_F(FolderTest, AChangeOfOneThatIsStillToBeReadCutsTheStream) {
  auto response = ask_for("");
  ASSERT_TRUE(response.stream);
  put("counts-2026-03.csv", "time,total\n3,999\n");
  Sink sink;
  response.stream(sink);
  EXPECT_TRUE(sink.is_cut);
  EXPECT_EQ(sink.body.find("999"), std::string::npos);
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "source.changed");
}

TEST_F(FolderTest, LinksAmongThemAreAnOperatorsMatter) {
  write_file("secret.csv", "time,total\n9,99\n");
  std::filesystem::create_symlink(data() / "secret.csv", data() / "counts/counts-2026-04.csv");
  EXPECT_EQ(body(), "refused: 503 source.unavailable");
  std::filesystem::remove(data() / "counts/counts-2026-04.csv");
  datasets_.plan.files->folder = "../data/counts";
  EXPECT_EQ(body(), "refused: 503 source.unavailable");
}

TEST_F(FolderTest, FoldersAmongThemArePassedOverUnlessNothingElseFits) {
  std::filesystem::create_directories(data() / "counts/counts-2026-04.csv");
  EXPECT_EQ(body(), "time,total\n1,12\n2,13\n3,14\n");
  datasets_.plan.files->choose = Choose::newest;
  EXPECT_EQ(body(), "time,total\n3,14\n") << "the newest file, though a folder comes behind it";
  std::filesystem::remove(data() / "counts/note.txt");
  datasets_.plan.files->pattern = "*";
  EXPECT_EQ(body(), "time,total\n3,14\n") << "the folder itself and the one above fit too";
  datasets_.plan.files->pattern = "*-04.csv";
  EXPECT_EQ(body(), "refused: 503 source.unavailable");
  datasets_.plan.files->pattern = ".*";
  EXPECT_EQ(body(), "refused: 404 source.none");
}

TEST_F(FolderTest, ANameThatIsNotUtf8IsAnOperatorsMatterAndInNoRecord) {
  put("counts-\xFF.csv", "time,total\n9,99\n");
  EXPECT_EQ(body(), "refused: 503 source.unavailable");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "source.unavailable") << "each entry can be read again";
  put("other-\xFF.csv", "");
  std::filesystem::remove(data() / "counts" / "counts-\xFF.csv");
  EXPECT_EQ(body(), "time,total\n1,12\n2,13\n3,14\n") << "one that does not fit is no matter";
}

TEST_F(FolderTest, JsonLinesFollowEachOther) {
  put("a.jsonl", "{\"time\":\"1\",\"total\":1}");
  put("b.jsonl", "\xEF\xBB\xBF{\"time\":\"2\",\"total\":2}\n");
  datasets_.plan.files->pattern = "?.jsonl";
  datasets_.plan.format.form = policy::Form::json_lines;
  EXPECT_EQ(body(), "{\"time\":\"1\",\"total\":1}\n{\"time\":\"2\",\"total\":2}\n");
}

TEST_F(FolderTest, TooManyFilesAreRefused) {
  for (std::size_t i = 0; i <= gate::kFolderFiles; ++i) put("many-" + std::to_string(i), "time,total\n");
  datasets_.plan.files->pattern = "many-*";
  EXPECT_EQ(body(), "refused: 403 source.choice");
  EXPECT_EQ(body("from=many-0&to=many-0"), "time,total\n");
}

TEST(Pattern, StarsAndQuestionMarks) {
  EXPECT_TRUE(gate::fits("counts-2026.csv", "counts-*.csv"));
  EXPECT_TRUE(gate::fits("counts-.csv", "counts-*.csv"));
  EXPECT_TRUE(gate::fits("aXbXc", "a*b*c"));
  EXPECT_TRUE(gate::fits("abc", "a?c"));
  EXPECT_TRUE(gate::fits("a", "a**"));
  EXPECT_FALSE(gate::fits("counts.csv", "counts-*.csv"));
  EXPECT_FALSE(gate::fits("ac", "a?c"));
  EXPECT_FALSE(gate::fits("counts-1.csv.bak", "counts-*.csv"));
  EXPECT_FALSE(gate::fits("", "?"));
}

}  // namespace
}  // namespace sluis::test
