#include "tests/sim/network.hpp"

#include "tests/sim/node.hpp"
#include "tests/sim/world.hpp"

namespace sluis::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kQuick{20};
constexpr seconds kLong{4};      ///< below the patience of 5 s
constexpr seconds kVeryLong{60};

Error no_answer() { return Error(ErrorCode::outcome_unknown, "no answer"); }

http::PeerResponse said(const http::Response& response) { return {response.status, response.headers, response.body}; }

}  // namespace

bool Wire::finish(const std::shared_ptr<Exchange>& exchange, Result<http::PeerResponse> answer) {
  if (exchange->answer) return false;
  exchange->answer = std::move(answer);
  return world_.fibers.wake(exchange->waiter);
}

Result<http::PeerResponse> Wire::send(const http::PeerRequest& request) {
  Node* const to = world_.node_of(request.url);
  const auto exchange = std::make_shared<Exchange>();
  exchange->waiter = world_.fibers.token();
  const auto give_up = [this, exchange](Duration delay, const Error& error) {
    world_.after(delay, [this, exchange, error] { return finish(exchange, error); });
  };
  const bool away = to == nullptr || !to->up();
  if (away || world_.faults.happens(Fault::refused_connection)) {
    give_up(milliseconds(1), Error(ErrorCode::peer_unavailable, "the connection was refused"));
  } else {
    give_up(request.timeout, no_answer());
    auto parcel = std::make_shared<Parcel>();
    parcel->request = request;
    parcel->message = Handling::sent(world_.fibers.message());
    parcel->forged = parcel->message.starts_with("forged-");
    parcel->order = from_.next_order(to->index());
    if (world_.lies(from_.index())) from_.falsify(parcel->request);
    Duration delay = world_.dice.between(milliseconds(1), kQuick);
    if (world_.faults.happens(Fault::delay)) delay += world_.dice.between(milliseconds(100), kLong);
    if (world_.faults.happens(Fault::late_request)) delay = world_.dice.between(request.timeout, kVeryLong);
    if (!world_.faults.happens(Fault::lost_request)) bring(exchange, parcel, to->index(), delay);
    if (request.method == "POST" && world_.faults.happens(Fault::duplicate)) {
      auto again = std::make_shared<Parcel>(*parcel);
      again->answered = false;
      bring(exchange, again, to->index(), delay + world_.dice.between(Duration(0), world_.dice.one_in(4) ? Duration(kVeryLong) : Duration(kQuick)));
    }
    if (world_.faults.happens(Fault::crash_sending)) {
      world_.after(world_.dice.between(Duration(0), 2 * kQuick), [this, life = from_.life()] {
        if (from_.life() != life) return false;
        from_.crash_now();
        return true;
      });
    }
  }
  world_.fibers.wait();
  return *exchange->answer;
}

void Wire::bring(const std::shared_ptr<Exchange>& exchange, const std::shared_ptr<Parcel>& parcel, std::size_t to, Duration delay) {
  // The wire may be gone when it arrives: all that is needed then belongs to the world.
  World& world = world_;
  const std::size_t from = from_.index();
  world.after(delay, [&world, from, exchange, parcel, to] {
    return world.node(from).wire().arrive(exchange, parcel, to);
  });
}

bool Wire::arrive(const std::shared_ptr<Exchange>& exchange, const std::shared_ptr<Parcel>& parcel, std::size_t to) {
  Node& node = world_.node(to);
  if (!node.up() || world_.partitioned(from_.index(), to)) return false;
  if (!node.in_order(from_.index(), parcel->order)) world_.faults.count(Fault::reorder);
  const http::PeerRequest& request = parcel->request;
  world_.note(request.method, to, request.url);
  const bool reads = request.method == "GET";
  const std::shared_ptr<Exchange> waits = parcel->answered ? exchange : nullptr;
  if (!reads && world_.faults.happens(Fault::not_now)) {
    constexpr unsigned kStatus[] = {429, 503, 409, 408};
    take_back(waits, {kStatus[world_.dice.below(4)], {}, {}, {}}, to);
    return true;
  }
  if (world_.faults.happens(Fault::server_error)) {
    take_back(waits, {500, {}, {}, {}}, to);
    return true;
  }
  if (world_.lies(to) && !reads && world_.faults.happens(Fault::lie_taken)) {
    take_back(waits, node.pretend(request), to);
    return true;
  }
  const bool late = !parcel->forged && world_.invariants.settled(from_.index(), parcel->message);
  const Handling handling{parcel->message, std::to_string(world_.dice.next()) + std::string(late ? kLate : ""), from_.index()};
  world_.fibers.spawn(to, handling.text(), [this, &node, waits, parcel, to] {
    http::Response response = node.answer(from_.id(), parcel->request);
    if (world_.faults.happens(Fault::bad_gateway)) response = {world_.dice.one_in(2) ? 502U : 504U, {}, {}, {}};
    if (world_.lies(to)) node.falsify(parcel->request, response);
    take_back(waits, std::move(response), to);
  });
  return true;
}

void Wire::take_back(const std::shared_ptr<Exchange>& exchange, http::Response response, std::size_t to) {
  if (!exchange || world_.faults.happens(Fault::lost_answer)) return;
  Duration delay = world_.dice.between(milliseconds(1), kQuick);
  if (world_.faults.happens(Fault::slow_peer)) delay = world_.dice.between(seconds(5), kVeryLong);
  World& world = world_;
  const std::size_t from = from_.index();
  world.after(delay, [&world, from, to, exchange, response = std::move(response)] {
    if (world.partitioned(from, to)) return false;
    return world.node(from).wire().finish(exchange, said(response));
  });
}

}  // namespace sluis::sim
