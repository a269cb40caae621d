#include "connector/node/cosigning.hpp"

#include "connector/node/witness_routes.hpp"
#include "connector/provenance/witness.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sluis::node {
namespace {

using namespace std::chrono_literals;
using provenance::Signer;
using provenance::VerifierKey;
using provenance::WitnessPolicy;

constexpr const char* kOrigin = "log.waterrijk.example";

/// A log, and witnesses of it that are reached without a network. Each may be given another answer than its own.
class CosigningTest : public ::testing::Test {
 protected:
  using Answer = std::function<Result<http::PeerResponse>(const http::PeerRequest&)>;

  void SetUp() override { grow(3); }
  /// The log as a program of ours keeps it, so many entries longer, with that checkpoint published.
  void grow(int entries) {
    for (int i = 0; i < entries; ++i) {
      std::vector<storage::Change> changes;
      ASSERT_TRUE(appender_.append({1, Hash{}, "shared", "internal"}, clock_.now(), changes));
      appender_.seal(clock_.now(), changes);
      ASSERT_TRUE(store_.write(changes, true));
      ++size_;
    }
    published_ = provenance::sign_checkpoint({kOrigin, size_, appender_.root()}, log_key_);
  }
  VerifierKey log_key() const { return VerifierKey::of(kOrigin, log_key_); }

  /// One that is honest, under that name; its line in a policy.
  std::string witness(const std::string& name) {
    const crypto::Key key = crypto::Key::generate(crypto::Key::Kind::ed25519);
    const std::string full = name + ".example/witness";
    auto made = std::make_shared<provenance::Witness>(
        provenance::Witness::Options{full, key, folder_.path() / name, [this](std::string_view origin) {
                                       return origin == kOrigin ? std::vector{log_key()} : std::vector<VerifierKey>();
                                     }},
        clock_);
    answers_[name] = [made](const http::PeerRequest& request) -> Result<http::PeerResponse> {
      if (request.method != "GET") {
        const auto answer = made->add_checkpoint(request.body);
        return http::PeerResponse{answer.status, {}, answer.body};
      }
      const auto newest = made->newest(kOrigin);
      return newest && *newest ? http::PeerResponse{200, {}, **newest} : http::PeerResponse{404, {}, ""};
    };
    return "witness " + name + " " + VerifierKey::of(full, key, Signer::witness).text() + " https://" + name + ".example\n";
  }
  static http::PeerResponse answer(unsigned status, const std::string& body) { return {status, {}, body}; }

  std::unique_ptr<Cosigning> make(const std::string& text) {
    auto policy = WitnessPolicy::parse(text);
    EXPECT_TRUE(policy) << describe(policy.error());
    std::vector<WitnessAt> list;
    for (const auto& one : policy->witnesses()) list.push_back({one.key, one.url});
    return std::make_unique<Cosigning>(std::move(list), *policy, with());
  }
  CosigningDependencies with() {
    return {log_, log_key(), [this] { return published_; },
            [this](const http::PeerRequest& request) -> Result<http::PeerResponse> {
              ++asked_;
              for (const auto& [name, answer] : answers_) {
                if (request.url.starts_with("https://" + name + ".example/")) return answer(request);
              }
              return Error(ErrorCode::peer_unavailable, "nobody is there");
            },
            clock_, [this](const std::string& why) { lost_ = why; }, folder_.path() / "cosigned"};
  }
  /// What a witness that is named answers to all from now on.
  void answers(const std::string& name, Answer answer) { answers_[name] = std::move(answer); }
  void is_away(const std::string& name) {
    answers(name, [](const http::PeerRequest&) -> Result<http::PeerResponse> { return Error(ErrorCode::peer_unavailable, "no answer in time"); });
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  test::SeededRandom random_;
  crypto::Key log_key_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  storage::MemoryStore store_;
  provenance::PayloadKeys keys_{folder_.path() / "keys", random_};
  provenance::LogAppender appender_{keys_, random_};
  provenance::LogReader log_{store_, keys_};
  std::uint64_t size_ = 0;
  std::string published_;
  std::string lost_;
  int asked_ = 0;
  std::map<std::string, Answer> answers_;
};

TEST_F(CosigningTest, TwoOfFourCitiesAndThePanelIsWhatThePolicySays) {
  std::string text;
  for (const char* city : {"waterrijk", "duinmeer", "stroomplein", "parkwijs"}) text += witness(city);
  text += witness("panel");
  text += "group cities 2 waterrijk duinmeer stroomplein parkwijs\ngroup enough all cities panel\nquorum enough\n";
  const Answer panel = answers_["panel"];
  is_away("panel");
  const auto four = make(text);
  four->round(10s);
  MeasuredWitnesses told = four->measured();
  EXPECT_EQ(told.quorum, 3U);
  EXPECT_EQ(told.quorum_name, "enough");
  EXPECT_EQ(std::count_if(told.witnesses.begin(), told.witnesses.end(), [](const auto& one) { return one.cosigned; }), 4);
  EXPECT_FALSE(told.met) << "four cities without the panel, which a plain number would have taken for enough";
  EXPECT_FALSE(told.completed);
  EXPECT_EQ(four->newest_cosigned(), "") << "and nothing is kept as cosigned by enough";
  EXPECT_TRUE(four->findings().empty()) << "not for five minutes yet";
  const Timestamp since = told.since;
  clock_.set(clock_.now() + 6min);
  four->round(10s);
  ASSERT_EQ(four->findings().size(), 1U);
  EXPECT_NE(four->findings()[0].find("the quorum `enough` of the witness policy; panel.example/witness: no answer in time"), std::string::npos) << four->findings()[0];
  EXPECT_EQ(four->measured().since, since);

  answers_["panel"] = panel;
  for (const char* city : {"waterrijk", "duinmeer"}) is_away(city);
  grow(2);
  const auto two = make(text);  // as after a start, so that nobody is waited for
  two->round(10s);
  told = two->measured();
  EXPECT_TRUE(told.met) << "two cities and the panel";
  EXPECT_EQ(told.complete_at, clock_.now());
  EXPECT_EQ(told.witnesses[0].trouble, "no answer in time");
  EXPECT_EQ(told.witnesses[4].signed_at, std::chrono::floor<std::chrono::seconds>(clock_.now()));
  const auto judged = WitnessPolicy::parse(text)->judge(two->newest_cosigned(), log_key());
  ASSERT_TRUE(judged);
  EXPECT_TRUE(judged->vouches()) << "an auditor with the same file says the same";
  const auto exported = WitnessPolicy::parse(two->policy_text());
  ASSERT_TRUE(exported) << describe(exported.error());
  EXPECT_TRUE(exported->judge(two->newest_cosigned(), log_key())->vouches());
}

TEST_F(CosigningTest, AWitnessThatLiesAboutItsSizeChangesNothing) {
  const std::string text = witness("liar") + witness("panel") + "group one any liar panel\nquorum one\n";
  for (const char* size : {"4\n", "0\n", "18446744073709551615\n", "-1\n", "3", "", "3\nand more\n"}) {
    answers("liar", [size](const http::PeerRequest& request) -> Result<http::PeerResponse> {
      return request.method == "GET" ? answer(404, "") : answer(409, size);
    });
    asked_ = 0;
    const auto cosigning = make(text);
    cosigning->round(10s);
    const MeasuredWitnesses told = cosigning->measured();
    EXPECT_FALSE(told.witnesses[0].cosigned) << size;
    EXPECT_NE(told.witnesses[0].trouble, "") << size;
    EXPECT_TRUE(told.witnesses[1].cosigned && told.met) << size << ": the other is asked all the same";
    EXPECT_EQ(lost_, "") << size << ": its word alone ends no log";
    EXPECT_LE(asked_, 6) << size << ": it is not asked again and again";
  }
}

TEST_F(CosigningTest, AWitnessThatGoesOnFromASizeOfItsOwnIsBelievedOnlyByProof) {
  const std::string text = witness("liar") + "quorum liar\n";
  // A longer log under this log's key is proof, whoever shows it; the same under another key is none.
  for (const bool own_key : {false, true}) {
    const crypto::Key key = own_key ? log_key_ : crypto::Key::generate(crypto::Key::Kind::ed25519);
    const std::string longer = provenance::sign_checkpoint({kOrigin, 9, Hash{1}}, key);
    answers("liar", [longer](const http::PeerRequest& request) -> Result<http::PeerResponse> {
      return request.method == "GET" ? answer(200, longer) : answer(409, "9\n");
    });
    const auto cosigning = make(text);
    cosigning->round(10s);
    EXPECT_EQ(lost_.empty(), !own_key) << lost_;
    EXPECT_TRUE(cosigning->measured().witnesses[0].alarming);
  }
}

TEST_F(CosigningTest, AnAnswerThatIsNoCosignatureOfItsKeyCountsForNothing) {
  const std::string text = witness("panel") + witness("liar") + "group both all panel liar\nquorum both\n";
  const Answer panel = answers_["panel"];
  std::vector<std::string> bodies{"", "\n", "no line", "\xe2\x80\x94 liar.example/witness AAAA\n", std::string(20'000, 'x')};
  http::PeerRequest same;
  same.body = "old 0\n\n" + published_;
  bodies.push_back(panel(same)->body);  // somebody else's
  for (const std::string& body : bodies) {
    answers("liar", [body](const http::PeerRequest&) -> Result<http::PeerResponse> { return answer(200, body); });
    const auto cosigning = make(text);
    cosigning->round(10s);
    EXPECT_FALSE(cosigning->measured().met) << body.substr(0, 80);
    EXPECT_FALSE(cosigning->measured().witnesses[1].cosigned) << body.substr(0, 80);
    EXPECT_EQ(cosigning->cosigned(published_).find("liar"), std::string::npos) << "and is shown to nobody";
  }
}

TEST_F(CosigningTest, AWitnessThatHangsHoldsUpNoOtherForLong) {
  const std::string text = witness("hangs") + witness("panel") + "group one any hangs panel\nquorum one\n";
  std::vector<std::chrono::milliseconds> patience;
  answers("hangs", [&](const http::PeerRequest& request) -> Result<http::PeerResponse> {
    patience.push_back(request.timeout);
    return Error(ErrorCode::peer_unavailable, "no answer in time");  // as the client says once that time is over
  });
  const auto cosigning = make(text);
  cosigning->round(10s);
  ASSERT_EQ(patience.size(), 1U) << "once, and then it waits its turn";
  EXPECT_GT(patience[0], 0ms) << "it has an end";
  EXPECT_LE(patience[0], 5s);
  EXPECT_TRUE(cosigning->measured().met);
  cosigning->round(10s);
  EXPECT_EQ(patience.size(), 1U) << "a pause before it is asked again";
}

}  // namespace
}  // namespace sluis::node
