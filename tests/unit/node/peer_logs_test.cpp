#include "connector/node/peer_logs.hpp"
#include "connector/node/one_sided.hpp"
#include "connector/provenance/witness.hpp"
#include "tests/unit/node/request_receipts.hpp"

namespace sluis::test {
namespace {

/// Waterrijk, whom Duinmeer's log shows notes. What Duinmeer answers is a log of its own, asked over the same route.
class PeerLogsTest : public RequestReceiptsTest {
 protected:
  /// The other party's node.
  struct Duinmeer final : http::PeerTransport {
    Result<http::PeerResponse> send(const http::PeerRequest& request) override {
      ++asked;
      if (const auto first = std::exchange(before, {})) first();
      if (away) return Error(ErrorCode::peer_unavailable, "nobody is there");
      if (gone) return http::PeerResponse{404, {}, ""};
      http::Request there;
      there.body = request.body;
      const http::Response answer = (*routes)[0].handler(there);
      return http::PeerResponse{answer.status, {}, answer.body};
    }
    int asked = 0;
    bool away = false;
    bool gone = false;  ///< it has no such log
    std::function<void()> before;  ///< the next answer
    std::optional<std::vector<http::Route>> routes;
  };

  void SetUp() override {
    RequestReceiptsTest::SetUp();
    use(theirs_);
    grow(theirs_, 3);
  }
  /// From now on Duinmeer's node has this log.
  void use(PeerLog& log) {
    reader_ = std::make_unique<provenance::LogReader>(log.store, log.keys);
    node::EvidenceDependencies with{commits_, log.store, log.keys, *reader_, sequencer_, directory_, clock_, random_, writer_, transport_,
                                    [](const http::Request&) -> Result<ParticipantId> { return ParticipantId(kWaterrijk); }, {}};
    there_ = std::make_unique<node::PeerLogs>(ParticipantId(kDuinmeer), std::move(with));
    them_.routes = there_->routes([&log, this] { return note(log); }, [this] { return theirs_.vkey(); });
  }
  std::string note(PeerLog& log) const { return provenance::sign_checkpoint({theirs_.name, log.size, log.appender.root()}, theirs_.key); }
  std::string grow(PeerLog& log, int by, const std::string& with = "one") {
    for (int i = 0; i < by; ++i) log.append(EntryKind::published, crypto::sha256(with), {}, clock_.now());
    return note(log);
  }
  void hear(const std::string& text) { EXPECT_TRUE(logs_.check(ParticipantId(kDuinmeer), text)); }
  /// Until what is due is done; a few times, as what had no answer is asked again.
  template <class Done>
  bool wait(Done done) {
    for (int i = 0; i < 3 && !done(); ++i) {
      clock_.advance(std::chrono::minutes(2));
      logs_.round(clock_.now());
    }
    return done();
  }
  std::optional<node::Contradiction> stands() const {
    const auto found = node::Contradiction::read(store_, ParticipantId(kDuinmeer));
    EXPECT_TRUE(found);
    return found ? *found : std::nullopt;
  }
  std::string known() const { return store_.get(node::known_checkpoint_key(ParticipantId(kDuinmeer), theirs_.name))->value_or(""); }
  bool proves() const { return node::is_two_sided(store_, directory_, ParticipantId(kDuinmeer), clock_.now()); }

  Duinmeer them_;
  std::unique_ptr<provenance::LogReader> reader_;
  std::unique_ptr<node::PeerLogs> there_;
  PeerLog other_{folder_, random_, "history.example/other"};
  node::EvidenceDependencies asking_{commits_, store_, keys_, log_, sequencer_, directory_, clock_, random_, writer_, them_, {}, {}};
  node::PeerLogs logs_{ParticipantId(kWaterrijk), asking_};
};

TEST_F(PeerLogsTest, NotesThatComeLateAndOutOfOrderAreNoFault) {
  const std::string three = note(theirs_);
  const std::string five = grow(theirs_, 2);
  const std::string nine = grow(theirs_, 4);
  for (const std::string& one : {nine, three, five, nine}) hear(one);
  EXPECT_TRUE(wait([&] { return known() == nine; }));
  grow(theirs_, 1);
  hear(five);
  hear(note(theirs_));
  hear(three);
  EXPECT_TRUE(wait([&] { return known() == note(theirs_); }));
  EXPECT_FALSE(stands());
  EXPECT_TRUE(proves());
  EXPECT_TRUE(logs_.findings().empty());
}

TEST_F(PeerLogsTest, TwoHistoriesOfOneSizeAreProofForAnybody) {
  grow(other_, 3, "another");
  const std::string one = note(theirs_), two = note(other_);
  hear(one);
  hear(two);
  ASSERT_TRUE(wait([&] { return stands().has_value(); }));
  EXPECT_EQ(stands()->what, "conflict");
  const auto checked = provenance::check_conflict(stands()->proof(), provenance::VerifierKey::of(theirs_.name, theirs_.key));
  ASSERT_TRUE(checked) << describe(checked.error());
  EXPECT_EQ(checked->size, 3U);
  EXPECT_FALSE(proves());
  ASSERT_EQ(logs_.findings().size(), 1U);
  EXPECT_NE(logs_.findings()[0].find("two different histories of 3 entries"), std::string::npos);
  ASSERT_EQ(entries_of(EntryKind::reconciled).size(), 1U);
  EXPECT_EQ(entries_of(EntryKind::reconciled)[0].shared.event(), "contradicts");
}

TEST_F(PeerLogsTest, ALogThatIsShorterThanWhatItSignedIsAFinding) {
  const std::string nine = grow(theirs_, 6);
  hear(nine);
  ASSERT_TRUE(wait([&] { return known() == nine; }));
  const std::string four = grow(other_, 4);  // as put back from a copy
  use(other_);
  hear(four);
  ASSERT_TRUE(wait([&] { return stands().has_value(); }));
  EXPECT_EQ(stands()->what, "shorter");
  EXPECT_EQ(stands()->held, nine);
  EXPECT_EQ(stands()->shown, four);
  EXPECT_TRUE(stands()->proof().empty());
  EXPECT_EQ(known(), nine) << "it stays held to that";

  hear(grow(other_, 5));  // and goes on to the size that it had
  ASSERT_TRUE(wait([&] { return stands()->what == "conflict"; })) << "that proves it to anybody";
  EXPECT_FALSE(stands()->proof().empty());
}

TEST_F(PeerLogsTest, AnotherHistoryBehindWhatItSignedIsAFinding) {
  const std::string three = note(theirs_);
  hear(three);
  ASSERT_TRUE(wait([&] { return known() == three; }));
  grow(other_, 2);
  const std::string eight = grow(other_, 6, "another");
  use(other_);
  hear(eight);
  ASSERT_TRUE(wait([&] { return stands().has_value(); }));
  EXPECT_EQ(stands()->what, "rewritten");
  EXPECT_FALSE(proves());
}

TEST_F(PeerLogsTest, APersonSettlesIt) {
  hear(note(theirs_));
  hear((grow(other_, 3, "another")));
  ASSERT_TRUE(wait([&] { return stands().has_value(); }));
  them_.away = true;
  EXPECT_EQ(logs_.accept(ParticipantId(kDuinmeer), "their disk broke", "dpo@waterrijk.example").error().code, ErrorCode::peer_unavailable);
  EXPECT_TRUE(stands()) << "what it shows now was not seen";
  them_.away = false;
  use(other_);
  EXPECT_TRUE(logs_.accept(ParticipantId(kDuinmeer), "their disk broke", "dpo@waterrijk.example"));
  EXPECT_FALSE(stands());
  EXPECT_EQ(known(), note(other_)) << "it is held to what it showed";
  EXPECT_TRUE(proves());
  EXPECT_EQ(logs_.accept(ParticipantId(kDuinmeer), "again", "dpo").error().code, ErrorCode::not_found);
  const auto entries = entries_of(EntryKind::reconciled);
  EXPECT_EQ(entries.back().shared.event(), "accepted");
  EXPECT_EQ(entries.back().internal.person(), "dpo@waterrijk.example");
  EXPECT_EQ(entries.back().shared.peer_checkpoint(), note(other_));
  hear(grow(other_, 1));
  EXPECT_TRUE(wait([&] { return known() == note(other_); }));
  EXPECT_FALSE(stands());
}

TEST_F(PeerLogsTest, OfALogThatIsGoneTheAcceptedNoteStaysKnown) {
  hear(note(theirs_));
  const std::string another = grow(other_, 3, "another");
  hear(another);
  ASSERT_TRUE(wait([&] { return stands().has_value(); }));
  ASSERT_EQ(stands()->shown, another);
  them_.gone = true;
  EXPECT_TRUE(logs_.accept(ParticipantId(kDuinmeer), "their disk broke", "dpo"));
  EXPECT_FALSE(stands());
  EXPECT_EQ(known(), another) << "if it comes back, it is held to that";
}

TEST_F(PeerLogsTest, WhoGivesNoAnswerIsAskedAgainAndToldOfInTime) {
  them_.away = true;
  hear(note(theirs_));
  EXPECT_TRUE(wait([&] { return them_.asked > 1; }));
  EXPECT_FALSE(stands());
  EXPECT_TRUE(logs_.findings().empty());
  clock_.advance(std::chrono::hours(25));
  ASSERT_EQ(logs_.findings().size(), 1U);
  them_.away = false;
  EXPECT_TRUE(wait([&] { return known() == note(theirs_); }));
  EXPECT_TRUE(logs_.findings().empty());
}

TEST_F(PeerLogsTest, ANoteThatIsNoneOfThatLogIsRefusedWithTheReason) {
  const ParticipantId peer(kDuinmeer);
  const std::string good = note(theirs_);
  EXPECT_TRUE(logs_.check(peer, good));
  EXPECT_TRUE(logs_.check(peer, good));
  const std::string forged = provenance::sign_checkpoint({theirs_.name, 3, theirs_.appender.root()}, strange_.key);
  EXPECT_EQ(logs_.check(peer, forged).error().code, ErrorCode::permission_denied);
  ASSERT_EQ(logs_.findings().size(), 1U);
  EXPECT_EQ(logs_.check(peer, theirs_.name + "\nno note").error().code, ErrorCode::permission_denied);
  const auto large = logs_.check(peer, good + std::string(5000, 'x'));
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().message.find("bytes"), std::string::npos);
  // Of a log that the list does not have, or not yet, nothing is known.
  EXPECT_TRUE(logs_.check(peer, provenance::sign_checkpoint({strange_.name, 1, {}}, strange_.key)));
  EXPECT_TRUE(logs_.check(ParticipantId(kStranger), good));
  EXPECT_TRUE(logs_.check(peer, good));
  EXPECT_TRUE(logs_.findings().empty()) << "a good one came behind it";
}

TEST_F(PeerLogsTest, WhatOthersSignedIsNotKept) {
  const auto padded = [](const std::string& text, std::size_t bytes) { return text + "\xE2\x80\x94 witness.example " + to_base64(std::string(bytes, 'x')) + "\n"; };
  grow(other_, 3, "another");
  hear(padded(note(theirs_), 2000));
  hear(padded(note(other_), 2000));
  ASSERT_TRUE(wait([&] { return stands().has_value(); }));
  EXPECT_EQ(stands()->held, note(theirs_));
  EXPECT_EQ(stands()->shown, note(other_));
  EXPECT_EQ(logs_.check(ParticipantId(kDuinmeer), padded(note(theirs_), 50'000)).error().code, ErrorCode::permission_denied);
  EXPECT_EQ(channel_.open_note(ParticipantId(kDuinmeer), padded(note(theirs_), 50'000), clock_.now()).error().code, ErrorCode::permission_denied);
}

TEST_F(PeerLogsTest, TheSameNoteTwiceContradictsNothing) {
  EXPECT_TRUE(logs_.contradicted(ParticipantId(kDuinmeer), note(theirs_), note(theirs_)));
  EXPECT_FALSE(stands());
}

TEST_F(PeerLogsTest, AnAcceptanceIsNotUndoneByAnAnswerOfBefore) {
  const std::string nine = grow(theirs_, 6);
  hear(nine);
  ASSERT_TRUE(wait([&] { return known() == nine; }));
  grow(other_, 4);
  use(other_);
  hear(note(other_));
  const node::Contradiction one{ParticipantId(kDuinmeer), clock_.now(), theirs_.name, "shorter", nine, note(other_)};
  them_.before = [&] {  // a question of before is under way while a person decides
    ASSERT_TRUE(store_.write({{node::Contradiction::key_of(one.peer), one.encode()}}, true));
    EXPECT_TRUE(logs_.accept(one.peer, "their disk broke", "dpo"));
  };
  clock_.advance(std::chrono::minutes(2));
  logs_.round(clock_.now());
  EXPECT_FALSE(stands());
  EXPECT_EQ(known(), note(other_));
}

TEST_F(PeerLogsTest, ALogThatIsListedBehindItExcusesAShorterOneForADayAndOneThatWasShownForEver) {
  const std::string nine = grow(theirs_, 6);
  hear(nine);
  ASSERT_TRUE(wait([&] { return known() == nine; }));
  federation_.list.parties[0].log_origins.push_back({strange_.name, strange_.vkey(), {federation_.list.issued, {}}});
  ++federation_.list.version;
  ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now()));
  grow(other_, 4);
  use(other_);
  hear(note(other_));
  EXPECT_FALSE(wait([&] { return stands().has_value(); })) << "it may have gone over to the next";
  clock_.advance(std::chrono::hours(25));
  const std::string key = node::known_checkpoint_key(ParticipantId(kDuinmeer), strange_.name);
  ASSERT_TRUE(store_.write({{key, "a note of the next"}}, true));  // kept before this process began
  EXPECT_FALSE(wait([&] { return stands().has_value(); }));
  ASSERT_TRUE(store_.write({{key, std::nullopt}}, true));
  hear(grow(other_, 1));
  EXPECT_FALSE(wait([&] { return stands().has_value(); }));
  clock_.advance(std::chrono::hours(25));
  EXPECT_TRUE(wait([&] { return stands().has_value(); })) << "one that is only prepared excuses nothing for ever";
}

TEST_F(PeerLogsTest, WhatIsNobodysLogAnyMoreWaitsForNothing) {
  them_.away = true;
  hear(note(theirs_));
  ASSERT_TRUE(wait([&] { return them_.asked > 0; }));
  federation_.list.parties[0].log_origins = {{strange_.name, strange_.vkey(), {federation_.list.issued, {}}}};
  ++federation_.list.version;
  ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now()));
  clock_.advance(std::chrono::hours(25));
  EXPECT_FALSE(logs_.round(clock_.now()));
  EXPECT_TRUE(logs_.findings().empty());
}

}  // namespace
}  // namespace sluis::test
