#pragma once

#include "connector/dsp/client.hpp"
#include "connector/dsp/routes.hpp"
#include "connector/dsp/wire.hpp"
#include "connector/outbox/dispatcher.hpp"
#include "tests/sim/commits.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/ports.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace sluis::sim {

class World;

/// Whose work a fiber does, as the fiber's message says it.
struct Handling {
  std::string message;  ///< of a peer, that is handled; empty: our own work, or what follows from a message
  std::string arrival;
  std::size_t from = SIZE_MAX;
  bool late() const { return arrival.ends_with(kLate); }

  std::string text() const { return message.empty() ? std::string() : message + "#" + arrival + "@" + std::to_string(from); }
  static Handling of(const std::string& text);
  /// For work that follows from what the message changed: by the same party, and not counted as an effect of the message.
  static std::string following(const std::string& text);
  /// The message that a fiber sends, which `sending` has marked.
  static std::string sent(const std::string& text) { return text.starts_with("send:") ? text.substr(5) : std::string(); }
  static std::string sending(const std::string& id) { return "send:" + id; }
};

/// One node: the real services on the real commit path, the outbox's dispatcher, a disk and a clock of its own.
class Node {
 public:
  Node(World& world, std::size_t index);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  std::size_t index() const { return index_; }
  const ParticipantId& id() const { return id_; }
  const std::string& url() const { return url_; }
  bool up() const { return run_ && ready_; }
  /// Rises with each start.
  std::uint64_t life() const { return lives_; }
  Wire& wire() { return wire_; }

  /// The machine's clock, as this node has it.
  Timestamp clock_time() const;
  Duration skew{0};
  void clock_stepped();
  /// The store was opened anew after it had failed.
  void store_came_back();

  void start(Duration delay);
  /// After this event; it starts again by itself.
  void crash_now() { crashing_ = true; }
  /// Crashes it if that was asked for.
  void reap();
  /// The disk forgets these when the node crashes (a canary).
  void remember_unsynced(const std::vector<storage::Change>& changes);

  http::Response answer(const ParticipantId& from, const http::PeerRequest& request);
  bool in_order(std::size_t from, std::uint64_t order);
  std::uint64_t next_order(std::size_t to) { return ++sent_[to]; }
  std::uint64_t next_commit() { return ++commits_; }

  /// A person, an application or a liar does something.
  bool act();
  /// Looks for deadlines, as the alarm does.
  void ring();
  /// Whether nothing is under way here and no message waits.
  bool quiet() const;

  /// What a party that lies makes of a message of its own, and of an answer.
  void falsify(http::PeerRequest& request);
  void falsify(const http::PeerRequest& request, http::Response& response);
  /// The answer of who takes nothing and says otherwise.
  http::Response pretend(const http::PeerRequest& request);

  /// Consumer: whether the handle that it holds opens the transfer at its provider now. Only with faults off.
  bool access_opens(const ProcessId& own_pid);
  const Offers& offers() const { return offers_; }
  outbox::Reason why(std::string_view code) const { return {std::string(code), {"so it was decided"}}; }

 private:
  class RawClock final : public Clock {
   public:
    explicit RawClock(const Node& node) : node_(node) {}
    Timestamp now() const override { return node_.clock_time(); }

   private:
    const Node& node_;
  };
  class LogClock final : public Clock {
   public:
    explicit LogClock(const Commits& commits) : commits_(commits) {}
    Timestamp now() const override { return commits_.decision_time(); }

   private:
    const Commits& commits_;
  };
  struct Run;

  void begin();
  bool recover();
  void notify(std::string_view peer, std::string_view process);
  void plan_pump(Duration at_least = Duration(0));
  void pump();
  outbox::Verdict deliver(const outbox::Dispatcher::Send& send);
  void plan_alarm(Duration delay);
  void plan_second_look(Duration delay);
  void agreement_ended(const negotiation::AgreementRecord& record);
  outbox::Verdict deliver_end(const outbox::OutboxItem& item, const outbox::Envelope& envelope);
  http::Response take_end(const ParticipantId& from, const std::string& body);

  using Doing = std::function<bool()>;  ///< whether it was done
  void does(std::string_view what, Doing doing);
  bool ask();
  bool decide();
  bool end_negotiation();
  bool end_agreement();
  bool begin_transfer();
  bool change_transfer();
  bool pull();
  bool shown(const ProcessId& pid, const std::string& handle, const ParticipantId& by);
  bool lie();
  bool forge(const ParticipantId& peer, const std::string& path, const dsp::Message& message);

  World& world_;
  std::size_t index_;
  ParticipantId id_;
  std::string url_;
  Duration patience_;
  Disk disk_;
  Offers offers_;
  Wire wire_;
  RawClock clock_{*this};
  std::unique_ptr<Run> run_;
  bool ready_ = false;
  bool crashing_ = false;
  std::uint64_t lives_ = 0;
  std::uint64_t commits_ = 0;
  std::uint64_t forged_ = 0;
  std::array<std::uint64_t, 6> sent_{};
  std::array<std::uint64_t, 6> arrived_{};
  struct KnownHandle {
    ParticipantId provider;
    ProcessId pid;
    std::string handle;
  };
  std::vector<KnownHandle> known_handles_;  ///< of an application here
  std::vector<storage::Change> unsynced_;  ///< what was there before; for a canary
};

}  // namespace sluis::sim
