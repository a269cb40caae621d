#include "connector/http/server.hpp"
#include "connector/node/cli/cli.hpp"
#include "connector/node/cli/output.hpp"
#include "connector/node/cli/command.hpp"
#include "tests/unit/identity/support.hpp"
#include "tests/unit/management/world.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace sluis::management::test {
namespace {

/// A served world, and commands against it.
class CommandLine : public ::testing::Test {
 protected:
  struct Ran {
    int code = 0;
    std::string out;
    std::string err;
  };

  void SetUp() override {
    auto routes = world_.routes;
    routes.push_back({"GET", "/intake/*", [](const http::Request& request) { return intake(request); }, 0});
    server_ = std::make_unique<http::Server>(http::ServerOptions{"management", "127.0.0.1", 0, {}, false, 0},
                                             std::move(routes), clock_, world_.random);
    const auto port = server_->start();
    ASSERT_TRUE(port) << describe(port.error());
    url_ = "http://127.0.0.1:" + std::to_string(*port);
    write("token", file_token("steward"), true);
  }
  void TearDown() override { server_->stop(std::chrono::milliseconds(100)); }

  /// Whole, cut, wrongly summed, or refused, by the transfer's name.
  static http::Response intake(const http::Request& request) {
    if (request.header("sluis-purpose") != "dpv:Marketing" || request.header("sluis-activity") != "urn:a:1") {
      return http::json_response(403, R"({"code":"purpose","reason":["not for that purpose"]})");
    }
    if (request.rest.starts_with("urn:parts")) return part_of(request);
    http::Response response;
    response.stream = [rest = request.rest](http::ResponseSink& sink) {
      const std::string body = "a,b\n1,2\n";
      if (!sink.start(200, {{"trailer", "sluis-rows, sluis-sha256"}}, std::nullopt) || !sink.write(body)) return;
      if (rest == "urn:cut") return sink.cut();
      const auto digest = to_hex(crypto::sha256(rest == "urn:wrong" ? "other" : body));
      (void)sink.finish({{"sluis-rows", "1"}, {"sluis-sha256", digest}});
    };
    return response;
  }

  /// `urn:parts`: the first request breaks after five bytes; what follows is told by the version asked for. `urn:parts:forged`: the rest is
  /// of something else. `urn:parts:none`: there are no parts.
  static http::Response part_of(const http::Request& request) {
    if (request.rest == "urn:parts:rows") return rows_of(request);
    const std::string body = "a,b\n1,2\n", range(request.header("range"));
    if (!range.empty() && request.header("if-match") != "\"v1\"") {
      return http::json_response(412, R"({"code":"source.other_version","reason":["another version"]})");
    }
    http::Response response;
    response.stream = [=, rest = request.rest](http::ResponseSink& sink) {
      const bool parts = rest != "urn:parts:none", goes_on = parts && range == "bytes=5-";
      http::Headers headers{{"trailer", "sluis-rows, sluis-sha256"}, {"accept-ranges", parts ? "bytes" : "none"}};
      if (parts) headers["etag"] = "\"v1\"";
      if (goes_on) headers["content-range"] = "bytes 5-7/8";
      if (goes_on) headers["repr-digest"] = "sha-256=:" + to_base64(view(crypto::sha256(rest == "urn:parts:forged" ? "other" : body))) + ":";
      const std::string sent = goes_on ? body.substr(5) : body;
      if (!sink.start(goes_on ? 206 : 200, headers, std::nullopt)) return;
      if (range.empty()) {
        (void)sink.write(body.substr(0, 5));
        (void)sink.flush();
        if (rest != "urn:parts:again") return sink.cut();
        (void)sink.write(body.substr(5));
      } else {
        (void)sink.write(sent);
      }
      (void)sink.finish({{"sluis-rows", "1"}, {"sluis-sha256", to_hex(crypto::sha256(sent))}});
    };
    return response;
  }

  /// Of a transfer whose parts are rows: without a range a pull that breaks in the middle of a row.
  static http::Response rows_of(const http::Request& request) {
    const std::string body = "a,b\n1,\"x\ny\"\n3,4\n", range(request.header("range"));
    http::Response response;
    response.stream = [=](http::ResponseSink& sink) {
      const bool goes_on = range == "rows=1-";
      http::Headers headers{{"trailer", "sluis-rows, sluis-sha256"}, {"accept-ranges", "rows"}, {"etag", "\"v1\""}, {"content-type", "text/csv"}};
      if (goes_on) headers["content-range"] = "rows 1-1/2";
      if (goes_on) headers["repr-digest"] = "sha-256=:" + to_base64(view(crypto::sha256(body))) + ":";
      if (!sink.start(goes_on ? 206 : 200, headers, std::nullopt)) return;
      const std::string sent = goes_on ? "3,4\n" : body.substr(0, body.size() - 2);
      (void)sink.write(sent);
      (void)sink.flush();
      if (!goes_on) return sink.cut();
      (void)sink.finish({{"sluis-rows", "1"}, {"sluis-sha256", to_hex(crypto::sha256(sent))}});
    };
    return response;
  }

  std::string write(const std::string& name, const std::string& text, bool secret = false) {
    const auto path = world_.folder.path() / name;
    std::ofstream(path) << text;
    if (secret) std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path.string();
  }
  std::string at(const std::string& name) const { return (world_.folder.path() / name).string(); }

  Ran run(std::vector<std::string> words) {
    words.insert(words.end(), {"--url", url_, "--token-file", at("token")});
    return run_bare(words);
  }
  Ran run_bare(std::vector<std::string> words) {
    CLI::App app;
    app.require_subcommand(1);
    int code = 0;
    std::ostringstream out;
    std::ostringstream err;
    const auto answer = [this] { return typed_; };
    cli::add_commands(app, code, {out, err, clock_, terminal_, answer, world_.folder.path() / "contexts.toml"});
    try {
      std::reverse(words.begin(), words.end());
      app.parse(words);
    } catch (const CLI::ParseError& error) {
      code = error.get_exit_code() == 0 ? 0 : 2;
    }
    return {code, out.str(), err.str()};
  }

  SystemClock clock_;
  World world_;
  std::unique_ptr<http::Server> server_;
  std::string url_;
  bool terminal_ = false;
  std::string typed_;
};

TEST_F(CommandLine, PublishesAndListsAsATable) {
  const auto file = write("counts.toml", catalog::test::agreement_file());
  const auto published = run({"dataset", "publish", file});
  EXPECT_EQ(published.code, 0) << published.err;
  const auto list = run({"dataset", "list"});
  EXPECT_EQ(list.code, 0);
  EXPECT_EQ(list.out.find("ID "), 0U) << list.out;
  EXPECT_NE(list.out.find("urn:waterrijk:dataset:counts  Counts"), std::string::npos) << list.out;
  EXPECT_EQ(run({"dataset", "list", "-o", "name"}).out, "urn:waterrijk:dataset:counts\n");
  EXPECT_TRUE(json::parse(run({"dataset", "list", "-o", "json"}).out));
  EXPECT_NE(run({"dataset", "list", "-o", "yaml"}).out.find("id: \"urn:waterrijk:dataset:counts\""), std::string::npos);
}

TEST_F(CommandLine, DoctorOfAPeerLeavesWithWhatItFound) {
  identity::test::Federation federation;
  identity::Directory members{identity::Trust{{federation.keeper}, 1}};
  ASSERT_TRUE(members.load(federation.envelope(), world_.clock.now(), true));
  Backend own{ParticipantId("did:web:waterrijk.example"), "Waterrijk", "0.1.0", "waterrijk.example/log", catalog::test::kNow, false, world_.clock, world_.store,
              world_.commits, world_.offered, world_.negotiations, world_.transfers, members, world_.log};
  own.doctor = world_.backend.doctor;
  v1::NodeDoctorPeerResponse report;
  own.doctor_peer = [&](const ParticipantId& peer) -> Result<v1::NodeDoctorPeerResponse> {
    EXPECT_EQ(peer.str(), "did:web:duinmeer.example");
    return report;
  };
  const Api api{make_methods(own), [this](std::string_view authorization, const http::TlsPeer&) { return world_.authenticate(authorization); }};
  http::Server server({"management", "127.0.0.1", 0, {}, false, 0}, connect_routes(api), clock_, world_.random);
  const auto port = server.start();
  ASSERT_TRUE(port);
  url_ = "http://127.0.0.1:" + std::to_string(*port);
  const auto add = [&](const std::string& name, const std::string& result) {
    auto* check = report.add_checks();
    check->set_name(name);
    check->set_result(result);
    check->set_message("so it is");
  };
  EXPECT_EQ(run({"doctor", "peer", "Duinmeer"}).code, 1) << "nothing was looked at";
  add("dns", "ok");
  const auto well = run({"doctor", "peer", "Duinmeer"});
  EXPECT_EQ(well.code, 0) << well.err;
  EXPECT_EQ(well.out.find("CHECK "), 0U) << well.out;
  EXPECT_EQ(well.out.find("writable"), std::string::npos) << "the node's own checks are another command";
  add("reached by it", "skipped");
  EXPECT_EQ(run({"doctor", "peer", "did:web:duinmeer.example"}).code, 3);
  add("tcp", "failed");
  EXPECT_EQ(run({"doctor", "peer", "Duinmeer", "-o", "json"}).code, 1);
  EXPECT_EQ(run({"doctor", "peer", "Duinmer"}).code, 1);
  EXPECT_NE(run({"doctor", "peer", "Duinmer"}).err.find("did you mean `Duinmeer`"), std::string::npos);
  EXPECT_EQ(run({"doctor", "peer", "Waterrijk"}).code, 1) << "that is the node itself";
  EXPECT_EQ(run({"doctor", "peer"}).code, 2);
  EXPECT_EQ(run({"doctor"}).out.find("CHECK  GOOD"), 0U);
  server.stop(std::chrono::milliseconds(100));
}

TEST_F(CommandLine, ADryRunSaysSoAndChangesNothing) {
  const auto file = write("counts.toml", catalog::test::agreement_file());
  const auto ran = run({"dataset", "publish", file, "--dry-run"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.err.find("dry run"), std::string::npos);
  EXPECT_EQ(world_.log.head()->frontier.size(), 0U);
}

TEST_F(CommandLine, AnErrorSaysWhatWhereHowToMendAndItsCode) {
  const auto file =
      write("bad.toml", catalog::test::with(catalog::test::agreement_file(), "description", "descripton"));
  const auto ran = run({"dataset", "publish", file});
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(ran.out.empty());
  EXPECT_NE(ran.err.find("  where: " + file + ":3:"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("  mend:  "), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("  code:  invalid_argument\n"), std::string::npos) << ran.err;
}

TEST_F(CommandLine, WrongUseIsTwo) {
  EXPECT_EQ(run({"dataset", "publish"}).code, 2);
  EXPECT_EQ(run({"dataset", "explode"}).code, 2);
  EXPECT_EQ(run({"dataset", "list", "-o", "xml"}).code, 2);
  EXPECT_EQ(run({"dataset", "list", "superfluous"}).code, 2);
  EXPECT_EQ(run({"audit", "log", "--from", "yesterday"}).code, 2);
  EXPECT_EQ(run({"demo", "clock", "eight days"}).code, 2);
  EXPECT_EQ(run({"dataset", "publish", at("not-there.toml")}).code, 2);
  EXPECT_EQ(run_bare({"audit", "verify", "--log", at(""), "--key", "nonsense"}).code, 2);
}

TEST_F(CommandLine, RefusedIsOne) {
  EXPECT_EQ(run({"dataset", "show", "urn:none"}).code, 1);
  EXPECT_EQ(run({"demo", "clock", "+8d"}).code, 1) << "no demonstration's node";
  write("other", file_token("guessed"), true);
  EXPECT_EQ(run_bare({"status", "--url", url_, "--token-file", at("other")}).code, 1);
  EXPECT_EQ(run_bare({"status", "--url", "http://127.0.0.1:1", "--token-file", at("token")}).code, 1);
}

TEST_F(CommandLine, AContextNamesTheNode) {
  write("contexts.toml", "current = \"w\"\n[context.w]\nurl = \"" + url_ + "\"\ntoken_file = \"token\"\n");
  EXPECT_EQ(run_bare({"status"}).code, 0);
  const auto other = run_bare({"status", "--context", "v"});
  EXPECT_EQ(other.code, 2);
  EXPECT_NE(other.err.find("`w`"), std::string::npos) << other.err;
}

TEST_F(CommandLine, ADangerousActAsksOnATerminalOnly) {
  const auto file = write("counts.toml", catalog::test::agreement_file());
  ASSERT_EQ(run({"dataset", "publish", file}).code, 0);
  terminal_ = true;
  typed_ = "n";
  EXPECT_EQ(run({"dataset", "retract", "urn:waterrijk:dataset:counts"}).code, 1);
  EXPECT_EQ(world_.log.head()->frontier.size(), 1U);
  EXPECT_EQ(run({"dataset", "retract", "urn:waterrijk:dataset:counts", "--no-input"}).code, 0);
  EXPECT_EQ(world_.log.head()->frontier.size(), 2U);
}

TEST_F(CommandLine, AnActivityFileIsReadStrictly) {
  const auto good = write("good.toml", "id = \"urn:a:1\"\npurpose = \"Marketing\"\nuntil = \"2030-01-01\"\n");
  EXPECT_EQ(run({"activity", "publish", good}).code, 0);
  const auto bad = write("bad.toml", "id = \"urn:a:1\"\npurpos = \"Marketing\"\n");
  EXPECT_EQ(run({"activity", "publish", bad}).code, 1);
  EXPECT_NE(run({"activity", "list"}).out.find("urn:a:1"), std::string::npos);
}

TEST_F(CommandLine, ARegisterGoesOutAndInAndLosesNothing) {
  const auto full = write("full.toml",
                          "id = \"urn:a:1\"\npurpose = \"Marketing\"\ntitle = \"Letters, \\\"monthly\\\"\"\nfrom = \"2026-01-01\"\n"
                          "legal_basis = [\"dpv-gdpr:A6-1-e\"]\ndata_subject_categories = [\"Residents\", \"Visitors\"]\n"
                          "envisaged_time_limit = \"P1Y\"\ncontroller = \"Waterrijk\"\nprocessors = [\"Wolk NV\"]\n"
                          "owner = \"Afdeling\"\ndata_protection_officer = \"fg@waterrijk.example\"\nmeasures = [\"Encryption\"]\n");
  const auto published = run({"activity", "publish", full});
  ASSERT_EQ(published.code, 0) << published.err;
  const auto csv = run({"activity", "export"});
  EXPECT_EQ(csv.out.find("dplCoreProcessingActivityId,"), 0U) << csv.out;
  EXPECT_NE(csv.out.find("Residents|Visitors"), std::string::npos) << csv.out;
  EXPECT_EQ(run({"activity", "export", "-O", at("all.json")}).code, 0);
  EXPECT_EQ(run({"activity", "export", "--format", "xml"}).code, 2);
  const auto same = run({"activity", "import", at("all.json")});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_NE(same.err.find("it was so already"), std::string::npos) << same.err;
  auto changed = csv.out;
  changed.replace(changed.find("urn:a:1"), 7, "urn:a:2");
  const auto file = write("other.csv", changed);
  const auto dry = run({"activity", "import", file, "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_NE(dry.out.find("added"), std::string::npos) << dry.out;
  EXPECT_NE(run({"activity", "show", "urn:a:2"}).code, 0);
  EXPECT_EQ(run({"activity", "import", file}).code, 0);
  EXPECT_EQ(run({"activity", "show", "urn:a:2", "--at", "2026-02-01"}).code, 0);
  EXPECT_EQ(run({"activity", "show", "urn:a:2", "--at", "2025-02-01"}).code, 1);
  EXPECT_EQ(run({"activity", "list", "--at", "2026-02-01", "-o", "name"}).out, "urn:a:1\nurn:a:2\n");
  changed.replace(changed.find("2026-01-01"), 10, "2026-99-01");
  const auto bad = run({"activity", "import", write("bad.csv", changed)});
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.err.find("bad.csv:2:"), std::string::npos) << bad.err;
}

TEST_F(CommandLine, ACheckpointIsKeptAndAProofVerifies) {
  const auto file = write("a.toml", "id = \"urn:a:1\"\npurpose = \"Marketing\"\n");
  ASSERT_EQ(run({"activity", "publish", file}).code, 0);
  EXPECT_EQ(run({"audit", "checkpoint", "-O", at("kept")}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(at("kept")));
  EXPECT_EQ(run({"audit", "proof", "0", "-O", at("proof")}).code, 0);
  const auto key = world_.sequencer.verifier_key();
  const auto checked = run_bare({"audit", "verify-proof", at("proof"), "--key", key});
  EXPECT_EQ(checked.code, 0) << checked.err;
  const auto other = provenance::VerifierKey::of("waterrijk.example/log",
                                                 crypto::Key::generate(crypto::Key::Kind::ed25519));
  EXPECT_EQ(run_bare({"audit", "verify-proof", at("proof"), "--key", other.text()}).code, 1);
}

TEST_F(CommandLine, APullBecomesAFileOnlyWhenAllOfItHasCome) {
  const auto pull = [&](const std::string& transfer, const std::string& purpose = "Marketing") {
    return run({"pull", transfer, "--purpose", purpose, "--activity", "urn:a:1", "-O", at("data.csv")});
  };
  const auto refused = pull("urn:whole", "CrowdManagement");
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("not for that purpose"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(at("data.csv.part")));
  EXPECT_EQ(pull("urn:cut").code, 1);
  EXPECT_EQ(pull("urn:wrong").code, 1);
  EXPECT_FALSE(std::filesystem::exists(at("data.csv")));
  const auto whole = pull("urn:whole");
  EXPECT_EQ(whole.code, 0) << whole.err;
  EXPECT_EQ(std::filesystem::file_size(at("data.csv")), 8U);
  EXPECT_FALSE(std::filesystem::exists(at("data.csv.part")));
}

TEST_F(CommandLine, ABrokenPullGoesOnWhereItBroke) {
  const auto pull = [&](const std::string& transfer, bool goes_on = true) {
    std::vector<std::string> words{"pull", transfer, "--purpose", "Marketing", "--activity", "urn:a:1", "-O", at("data.csv")};
    if (goes_on) words.push_back("--continue");
    return run(words);
  };
  const auto there = [&](const std::string& name) { return std::filesystem::exists(at(name)); };
  EXPECT_EQ(pull("urn:parts", false).code, 1);
  EXPECT_EQ(std::filesystem::file_size(at("data.csv.part")), 5U);
  EXPECT_TRUE(there("data.csv.part.version"));
  const auto rest = pull("urn:parts");
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_NE(rest.err.find("continued at byte 5, 1 rows and 3 bytes more"), std::string::npos) << rest.err;
  std::ifstream data(at("data.csv"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(data), {}), "a,b\n1,2\n");
  EXPECT_FALSE(there("data.csv.part") || there("data.csv.part.version"));
  EXPECT_EQ(run({"pull", "urn:parts", "--purpose", "Marketing", "--activity", "urn:a:1", "--continue"}).code, 2) << "without a file";
}

TEST_F(CommandLine, ABrokenPullOfRowsGoesOnBehindTheLastWholeOne) {
  const auto pull = [&] { return run({"pull", "urn:parts:rows", "--purpose", "Marketing", "--activity", "urn:a:1", "-O", at("data.csv"), "--continue"}); };
  EXPECT_EQ(pull().code, 1);
  const auto rest = pull();
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_NE(rest.err.find("continued behind row 1, 1 rows and 4 bytes more"), std::string::npos) << rest.err;
  std::ifstream data(at("data.csv"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(data), {}), "a,b\n1,\"x\ny\"\n3,4\n");
  EXPECT_FALSE(std::filesystem::exists(at("data.csv.part.version")));
}

TEST_F(CommandLine, ABrokenPullOfAnotherSourceBeginsAnew) {
  const auto pull = [&](const std::string& transfer) {
    return run({"pull", transfer, "--purpose", "Marketing", "--activity", "urn:a:1", "-O", at("data.csv"), "--continue"});
  };
  const auto nothing = pull("urn:parts");
  EXPECT_EQ(nothing.code, 1);
  EXPECT_NE(nothing.err.find("nothing to go on from"), std::string::npos) << nothing.err;
  write("data.csv.part", "other");
  write("data.csv.part.version", "\"v0\"\n");
  const auto changed = pull("urn:parts:again");
  EXPECT_EQ(changed.code, 0) << changed.err;
  EXPECT_NE(changed.err.find("the source has changed since"), std::string::npos) << changed.err;
  EXPECT_EQ(std::filesystem::file_size(at("data.csv")), 8U);
  write("data.csv.part", "a,b\n1");
  write("data.csv.part.version", "\"v1\"\n");
  const auto none = pull("urn:parts:none");
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_NE(none.err.find("no parts that leave as they are"), std::string::npos) << none.err;
  EXPECT_EQ(std::filesystem::file_size(at("data.csv")), 8U);
}

TEST_F(CommandLine, APullWhoseWholeIsNotWhatWasSentIsNoFile) {
  write("data.csv.part", "a,b\n1");
  write("data.csv.part.version", "\"v1\"\n");
  const auto forged = run({"pull", "urn:parts:forged", "--purpose", "Marketing", "--activity", "urn:a:1", "-O", at("data.csv"), "--continue"});
  EXPECT_EQ(forged.code, 1);
  EXPECT_NE(forged.err.find("not the whole that was sent"), std::string::npos) << forged.err;
  EXPECT_FALSE(std::filesystem::exists(at("data.csv")) || std::filesystem::exists(at("data.csv.part")));
}

TEST_F(CommandLine, TermsThatANodeCannotKeepEndTheCheckWithOne) {
  const auto good = write("counts.toml", catalog::test::agreement_file());
  const auto kept = run({"terms", "check", good});
  EXPECT_EQ(kept.code, 0) << kept.err;
  EXPECT_NE(kept.out.find("enforced"), std::string::npos) << kept.out;
  const auto bad = write("offer.json", R"({"@id":"urn:o:1","@type":"Offer","permission":[{"action":"use","constraint":[
    {"leftOperand":"spatial","operator":"eq","rightOperand":"urn:nl"}]}]})");
  const auto refused = run({"terms", "check", bad, "--lang", "nl"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.out.find("Deze node kan `spatial` niet weten."), std::string::npos) << refused.out;
  const auto nothing = write("void.json", R"({"@id":"urn:o:2","@type":"Offer","permission":[{"action":"use"}],"prohibition":[{"action":"use"}]})");
  const auto voided = run({"terms", "check", nothing});
  EXPECT_EQ(voided.code, 1);
  EXPECT_NE(voided.err.find("note: void (/permission/0, /prohibition/0): "), std::string::npos) << voided.err;
  EXPECT_NE(voided.err.find("refused: nothing can ever be permitted by these terms"), std::string::npos) << voided.err;
  EXPECT_EQ(run({"terms", "check", at("none.toml")}).code, 2);
  EXPECT_EQ(run({"terms", "check", good, "--lang", "de"}).code, 2);
}

TEST_F(CommandLine, TermsAreExplainedInTheLanguageThatWasAskedFor) {
  const auto file = write("counts.toml", catalog::test::agreement_file());
  const auto dutch = run({"terms", "explain", file, "--lang", "nl"});
  EXPECT_EQ(dutch.code, 0) << dutch.err;
  EXPECT_EQ(dutch.out.find("De ontvanger mag de gegevens gebruiken, als dit klopt:\n  - Het doel is "), 0U)
      << dutch.out;
  const auto tested = run({"terms", "test", file, "--class", "company", "--purpose", "Marketing", "--activity", "urn:a:1"});
  EXPECT_EQ(tested.code, 0) << tested.err;
  EXPECT_EQ(tested.out.find("This is a simulation"), 0U) << tested.out;
  EXPECT_NE(tested.out.find("code  purpose"), std::string::npos) << tested.out;
  EXPECT_NE(run({"terms", "test", file, "--class", "company", "--purpose", "Marketing"}).out.find("code  activity.missing"), std::string::npos);
  const auto counted = write("counted.json", R"({"@id":"urn:o:3","@type":"Offer","permission":[{"action":"use","constraint":[
    {"leftOperand":"count","operator":"lteq","rightOperand":"3"}]}]})");
  EXPECT_NE(run({"terms", "test", counted, "--purpose", "Marketing", "--count", "3"}).out.find("code  count"), std::string::npos);
  EXPECT_NE(run({"terms", "test", counted, "--purpose", "Marketing", "--count", "2"}).out.find("code  permitted"), std::string::npos);
  EXPECT_EQ(run({"dataset", "publish", file}).code, 0);
  const auto matrix = run({"terms", "explain", "--matrix", "--purpose", "Marketing"});
  EXPECT_EQ(matrix.code, 0) << matrix.err;
  EXPECT_NE(matrix.out.find("Crowd management  needs activity  needs activity"), std::string::npos) << matrix.out;
  EXPECT_NE(matrix.out.find("Marketing         never           never"), std::string::npos) << matrix.out;
  const auto replayed = run({"terms", "test", file, "--replay", "2026-11-01..2026-11-30"});
  EXPECT_EQ(replayed.code, 0) << replayed.err;
  EXPECT_EQ(replayed.out.find("simulation: nothing was released"), 0U) << replayed.out;
  EXPECT_EQ(run({"terms", "test", file, "--replay", "2026-11-01..2026-11-30", "--lang", "nl"}).out.find("proef: er zijn geen gegevens gegeven"), 0U);
  EXPECT_EQ(run({"terms", "test", file, "--replay", "2026-11-01"}).code, 2);
  EXPECT_EQ(run({"explain", "urn:none"}).code, 1);
}

TEST(CommandTable, NounsAndVerbsAreThoseThatArePromised) {
  CLI::App app;
  int code = 0;
  cli::add_commands(app, code);
  const std::pair<const char*, std::vector<const char*>> promised[] = {
      {"dataset", {"publish", "list", "show", "retract"}},
      {"terms", {"check", "test", "explain", "diff"}},
      {"explain", {}},
      {"catalog", {"fetch", "search", "check"}},
      {"membership", {"show", "changes", "sources", "check", "load"}},
      {"purpose", {"list", "publish"}},
      {"activity", {"publish", "list", "show", "import", "export"}},
      {"situation", {"declare", "renew", "end", "list", "show", "definitions"}},
      {"assessment", {"record", "end", "list", "show"}},
      {"agreement", {"request", "approve", "refuse", "import", "list", "show", "terminate"}},
      {"transfer", {"start", "list", "show", "suspend", "resume", "complete", "terminate"}},
      {"retention", {"confirm", "list"}},
      {"audit", {"log", "findings", "key", "package", "checkpoint", "verify", "verify-proof", "proof", "export-log"}},
      {"demo", {"clock"}},
      {"pull", {}}, {"watch", {}}, {"status", {}}, {"doctor", {"peer"}}, {"version", {}}, {"completion", {}}};
  for (const auto& [noun, verbs] : promised) {
    const auto* sub = app.get_subcommand(noun);
    for (const auto* verb : verbs) EXPECT_NO_THROW((void)sub->get_subcommand(verb)) << noun << ' ' << verb;
  }
}

/// All that change nothing but what an exchange is recorded by; `catalog fetch` refreshes what is kept of a peer.
const std::set<std::string> kReading = {
    "dataset list", "dataset show", "terms check", "terms test", "terms explain", "terms diff", "explain",
    "catalog fetch", "catalog search", "catalog check", "membership show", "membership changes", "membership sources", "membership check", "purpose list",
    "activity list", "activity show", "activity export", "situation list", "situation show", "situation definitions",
    "assessment list", "assessment show", "agreement list", "agreement show", "negotiation list",
    "transfer list", "transfer show", "outbox peers", "outbox list", "outbox show", "retention list", "audit log", "audit report", "audit impact", "audit erasures", "audit export", "audit checkpoint", "audit verify",
    "audit verify-proof", "audit proof", "pull", "watch", "status", "doctor peer", "version", "completion"};

TEST(CommandTable, WhateverChangesSomethingHasADryRun) {
  CLI::App app;
  int code = 0;
  cli::add_commands(app, code);
  const auto look = [&](const CLI::App& command, const std::string& name) {
    const bool dry = command.get_option_no_throw("--dry-run") != nullptr;
    EXPECT_EQ(dry, !kReading.contains(name)) << name;
  };
  for (const auto* noun : app.get_subcommands([](const CLI::App*) { return true; })) {
    const auto verbs = noun->get_subcommands([](const CLI::App*) { return true; });
    for (const auto* verb : verbs) look(*verb, noun->get_name() + ' ' + verb->get_name());
    if (verbs.empty()) look(*noun, noun->get_name());
  }
}

TEST(CommandTable, EveryArgumentIsAFieldOfItsRequest) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  for (const auto& command : cli::commands()) {
    std::string name = "sluis.v1." + std::string(command.method);
    name[name.find('/')] = '.';
    const auto* method = pool->FindMethodByName(name);
    ASSERT_NE(method, nullptr) << name;
    const auto has = [](const google::protobuf::Descriptor* type, std::string_view field) {
      for (auto dot = field.find('.'); type != nullptr; dot = field.find('.')) {
        const google::protobuf::FieldDescriptor* found = nullptr;
        for (int i = 0; i < type->field_count(); ++i) {
          if (type->field(i)->json_name() == field.substr(0, dot)) found = type->field(i);
        }
        if (found == nullptr || dot == std::string_view::npos) return found != nullptr;
        type = found->message_type();
        field.remove_prefix(dot + 1);
      }
      return false;
    };
    for (const auto& argument : command.arguments) EXPECT_TRUE(has(method->input_type(), argument.field)) << name;
    EXPECT_EQ(command.changes, has(method->input_type(), "dryRun")) << name;
    EXPECT_EQ(command.paged, has(method->input_type(), "pageToken")) << name;
    EXPECT_TRUE(command.member.empty() || has(method->output_type(), command.member)) << name;
  }
}

TEST(Spans, AreReadInDaysHoursMinutesAndSeconds) {
  EXPECT_EQ(*cli::parse_span("+8d"), 691'200);
  EXPECT_EQ(*cli::parse_span("1d12h"), 129'600);
  EXPECT_EQ(*cli::parse_span("90s"), 90);
  for (const auto* bad : {"", "+", "8", "8w", "d", "-8d", "8d!", "99999999999999999999d"}) {
    EXPECT_FALSE(cli::parse_span(bad)) << bad;
  }
}

TEST(Table, ANumberThatIsNoughtIsShownAndAnEmptyTextIsADash) {
  const cli::Column columns[] = {{"INDEX", "index", "0"}, {"PARTY", "party"}};
  std::ostringstream out;
  cli::print_table(out, columns, {json::object({})});
  EXPECT_NE(out.str().find("0      -"), std::string::npos) << out.str();
}

}  // namespace
}  // namespace sluis::management::test
