#include "connector/node/list_fetching.hpp"

#include "connector/identity/directory.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <thread>

namespace sluis::node {
namespace {

using namespace std::chrono_literals;
using identity::Judged;

/// A federation of one signer, its node, and places that answer as they are told; both clocks stand still until they are moved.
class ListFetchingTest : public ::testing::Test {
 protected:
  std::string list(std::uint64_t version, const std::string& name = "Waterland", const crypto::Key* key = nullptr) {
    identity::MembershipList made;
    made.version = version;
    made.federation = name;
    made.issued = now_.wall - 1h;
    made.refresh_after = now_.wall + 1000h;
    made.valid_until = now_.wall + 2000h;
    made.signers.push_back({identity::key_id(keeper_), keeper_.public_raw()});
    auto envelope = *identity::wrap(made);
    EXPECT_TRUE(identity::sign(envelope, key != nullptr ? *key : keeper_));
    return identity::serialise(envelope);
  }
  /// As the node does it, without its log.
  Judged take(const std::string& bytes, const std::string& place) {
    const auto standing = directory_.standing(bytes);
    if (!standing) return {Judged::Kind::refused, standing.error().message};
    switch (*standing) {
      case identity::Standing::same: return {Judged::Kind::same, {}};
      case identity::Standing::older: return {Judged::Kind::older, "older"};
      case identity::Standing::another: return {Judged::Kind::contradicts, "another"};
      case identity::Standing::newer: break;
    }
    if (const auto loaded = directory_.load(bytes, now_.wall); !loaded) return {Judged::Kind::refused, loaded.error().message};
    taken_.push_back(place);
    return {Judged::Kind::taken, "version " + held()};
  }
  std::string held() const { return directory_.list() ? std::to_string(directory_.list()->version) : ""; }
  std::unique_ptr<ListFetching> fetching(std::vector<std::string> places, std::size_t most = 1U << 20U) {
    return std::make_unique<ListFetching>(
        FetchedList{"membership list", std::move(places), 60s, most, "application/json"},
        ListFetchingDependencies{[this](const http::PeerRequest& request) -> Result<http::PeerResponse> {
                                   requests_.push_back(request);
                                   const auto found = answers_.find(request.url);
                                   if (found == answers_.end()) return Error(ErrorCode::peer_unavailable, "it does not answer");
                                   return found->second(request);
                                 },
                                 [] {}, [this](const std::string& bytes, const std::string& place) { return take(bytes, place); }, [this] { return held(); },
                                 [this] { return now_; }, random_});
  }
  /// A place with this body and its digest as tag, which answers 304 where it is asked with that tag.
  void serve(const std::string& place, const std::string& body, unsigned status = 200) {
    const std::string tag = "\"" + to_hex(crypto::sha256(body)) + "\"";
    answers_[place] = [=](const http::PeerRequest& request) {
      const auto condition = request.headers.find("if-none-match");
      if (condition != request.headers.end() && condition->second == tag) return http::PeerResponse{304, {}, {}};
      return http::PeerResponse{status, {{"etag", tag}}, body};
    };
  }
  void pass(Duration time) {
    now_.steady += time;
    now_.wall += time;
  }

  const std::string a_ = "https://a.example/list", b_ = "https://b.example/list";
  test::SeededRandom random_;
  identity::Moment now_{std::chrono::steady_clock::time_point() + 1000h, *parse_time("2026-11-28T09:00:00Z")};
  crypto::Key keeper_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  identity::Directory directory_{identity::Trust{{keeper_}, 1}};
  std::map<std::string, std::function<http::PeerResponse(const http::PeerRequest&)>> answers_;
  std::vector<http::PeerRequest> requests_;
  std::vector<std::string> taken_;
};

TEST_F(ListFetchingTest, ANewListIsFoundAtTheSecondPlaceWhileTheFirstIsDown) {
  serve(b_, list(1));
  const auto one = fetching({a_, b_});
  one->round();
  EXPECT_EQ(held(), "1");
  serve(b_, list(2));
  pass(60s);
  one->round();
  EXPECT_EQ(held(), "2");
  EXPECT_EQ(taken_, (std::vector<std::string>{b_, b_}));
  EXPECT_TRUE(one->sources()[0].failing);
  EXPECT_FALSE(one->sources()[1].failing);
  EXPECT_EQ(one->to_receive(), 60s + 2 * ListFetching::kTimeout);
}

TEST_F(ListFetchingTest, WhatDidNotChangeIsAskedForWithItsTagAndTakenOnce) {
  serve(a_, list(1));
  const auto one = fetching({a_});
  for (int i = 0; i < 4; ++i) {
    one->round();
    pass(60s);
  }
  ASSERT_EQ(requests_.size(), 4U);
  EXPECT_FALSE(requests_[0].headers.contains("if-none-match"));
  for (std::size_t i = 1; i < 4; ++i) EXPECT_TRUE(requests_[i].headers.contains("if-none-match"));
  EXPECT_EQ(taken_.size(), 1U);
  EXPECT_EQ(one->sources()[0].succeeded, now_.wall - 60s);
}

TEST_F(ListFetchingTest, APlaceThatStaysBehindIsToldAlsoWhereItSaysUnchanged) {
  serve(a_, list(1));
  serve(b_, list(1));
  const auto one = fetching({a_, b_});
  one->round();
  serve(b_, list(2));
  pass(60s);
  one->round();
  pass(60s);
  one->round();
  EXPECT_EQ(held(), "2");
  ASSERT_EQ(one->findings().size(), 1U);
  EXPECT_NE(one->findings()[0].find(a_), std::string::npos) << one->findings()[0];
}

TEST_F(ListFetchingTest, EachLieIsRefusedAndNeverTaken) {
  const crypto::Key stranger = crypto::Key::generate(crypto::Key::Kind::ed25519);
  serve(b_, list(5));
  const auto one = fetching({a_, b_}, 4000);
  one->round();
  const struct {
    std::function<void()> lie;
    const char* told;
  } lies[] = {
      {[&] { serve(a_, list(4)); }, "older"},
      {[&] { serve(a_, list(6, "Waterland", &stranger)); }, "0 valid signatures"},
      {[&] { serve(a_, list(6, "Elsewhere")); }, "federation `Elsewhere`"},
      {[&] { serve(a_, "not a list"); }, "refused"},
      {[&] { serve(a_, ""); }, "refused"},
      {[&] { serve(a_, list(6).substr(0, 300)); }, "refused"},
      {[&] { serve(a_, std::string(4001, ' ')); }, "more than 4000 bytes"},
      {[&] { serve(a_, list(6), 404); }, "404"},
      {[&] { serve(a_, list(6), 302); }, "redirect"},
  };
  for (const auto& one_lie : lies) {
    one_lie.lie();
    pass(60s);
    one->round();
    EXPECT_EQ(held(), "5") << one_lie.told;
    pass(120s);
    one->round();
    ASSERT_EQ(one->findings().size(), 1U) << one_lie.told;
    EXPECT_NE(one->findings()[0].find(one_lie.told), std::string::npos) << one->findings()[0];
    EXPECT_FALSE(one->sources()[1].failing);
  }
  serve(a_, list(6));
  pass(60s);
  one->round();
  EXPECT_EQ(held(), "6") << "once it says what is true it is believed";
}

TEST_F(ListFetchingTest, TheSameVersionWithOtherContentIsToldLoudlyUntilANewerOneIsInForce) {
  serve(a_, list(5));
  const auto one = fetching({a_, b_});
  one->round();
  pass(1s);
  serve(b_, list(5));  // of another second
  pass(60s);
  one->round();
  ASSERT_EQ(one->findings().size(), 1U);
  EXPECT_NE(one->findings()[0].find("CONTRADICTS"), std::string::npos);
  EXPECT_EQ(held(), "5");
  answers_.erase(b_);
  pass(60s);
  one->round();
  EXPECT_NE(one->findings()[0].find("CONTRADICTS"), std::string::npos);
  serve(a_, list(6));
  serve(b_, list(6));
  pass(60s);
  one->round();
  pass(60s);
  one->round();
  EXPECT_TRUE(one->findings().empty()) << one->findings()[0];
}

TEST_F(ListFetchingTest, AFileIsAPlaceAndNothingElseOfADiskIs) {
  const test::TempFolder folder;
  const std::string path = (folder.path() / "list.json").string(), pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto one = fetching({path, pipe, folder.path().string() + "/."});
  one->round();
  EXPECT_NE(one->sources()[0].failure.find("cannot be read"), std::string::npos);
  EXPECT_NE(one->sources()[1].failure.find("no regular file"), std::string::npos);
  EXPECT_NE(one->sources()[2].failure.find("no regular file"), std::string::npos);
  std::ofstream(path) << list(1);
  pass(60s);
  one->round();
  EXPECT_EQ(held(), "1");
  EXPECT_EQ(read_place(path, 10).error().code, ErrorCode::limit_exceeded);
  EXPECT_TRUE(requests_.empty());
}

/// Places that are down, behind, hostile and honest by turns. Whatever they do: what is in force is never older than it was and never anybody's
/// but the signer's; and what an honest place has is in force within the interval.
TEST_F(ListFetchingTest, WhatWinsIsTheNewestThatTheSignerSaid) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 dice(seed);
    const auto throws = [&](unsigned sides) { return static_cast<std::uint64_t>(dice()) % sides; };
    const crypto::Key stranger = crypto::Key::generate(crypto::Key::Kind::ed25519);
    answers_.clear();
    const std::string places[] = {"https://0.example/l", "https://1.example/l", "https://2.example/l", "https://honest.example/l"};
    std::uint64_t newest = directory_.list() ? directory_.list()->version : 0, before = newest;
    Duration published{};  // so long ago
    const auto one = fetching({std::begin(places), std::end(places)});
    serve(places[3], list(++newest));
    for (int step = 0; step < 200; ++step) {
      if (throws(20) == 0) {
        serve(places[3], list(++newest));
        published = Duration(0);
      }
      const std::string& place = places[throws(3)];
      switch (throws(7)) {
        case 0: answers_.erase(place); break;
        case 1: serve(place, list(1 + throws(static_cast<unsigned>(newest)))); break;
        case 2: serve(place, list(newest + 5, "Waterland", &stranger)); break;
        case 3: serve(place, "garbage " + std::to_string(step)); break;
        case 4: serve(place, list(newest), 503); break;
        case 5: answers_[place] = [](const http::PeerRequest&) { return http::PeerResponse{304, {}, {}}; }; break;
        default: answers_[place] = answers_[places[3]]; break;
      }
      pass(7s);
      published += 7s;
      one->round();
      const std::uint64_t is = directory_.list() ? directory_.list()->version : 0;
      ASSERT_GE(is, before) << "step " << step;
      ASSERT_LE(is, newest) << "step " << step;
      if (published >= 67s) {
        ASSERT_EQ(is, newest) << "step " << step;
      }
      before = is;
    }
  }
}

TEST_F(ListFetchingTest, TheThreadAsksAndEndsWhenItIsTold) {
  std::atomic<bool> asked = false;
  answers_[a_] = [&](const http::PeerRequest&) {
    asked = true;
    return http::PeerResponse{503, {{"retry-after", "3000"}}, {}};
  };
  now_.steady = std::chrono::steady_clock::now();
  const auto one = fetching({a_});
  one->start();
  while (!asked) std::this_thread::yield();
  while (one->sources()[0].next < now_.wall + 2999s) std::this_thread::yield();
  one->halt();
}

}  // namespace
}  // namespace sluis::node
