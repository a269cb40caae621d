#include "tests/sim/node.hpp"
#include "tests/sim/node_run.hpp"
#include "tests/sim/world.hpp"

/// What persons and applications do at a node, and what a party does that lies.
namespace sluis::sim {
namespace {

using negotiation::Role;

template <class Map>
typename Map::const_iterator any_of(const Map& map, Dice& dice) {
  auto found = map.begin();
  if (!map.empty()) std::advance(found, dice.below(map.size()));
  return found;
}

}  // namespace

void Node::does(std::string_view what, Doing doing) {
  world_.note(what, index_);
  world_.fibers.spawn(index_, {}, [this, doing = std::move(doing)] { world_.note(doing() ? "  done" : "  not done", index_); });
}

bool Node::act() {
  if (!up()) return false;
  if (world_.lies(index_) && world_.dice.one_in(3)) return lie();
  switch (world_.dice.below(20)) {
    case 0: case 1: case 2: case 3: return ask();
    case 4: case 5: case 6: return decide();
    case 7: return end_negotiation();
    case 8: return end_agreement();
    case 9: case 10: case 11: case 12: return begin_transfer();
    case 13: case 14: return pull();
    default: return change_transfer();
  }
}

/// Asks another node for a dataset, or offers it one; now and then on terms that nobody published.
bool Node::ask() {
  const std::size_t other = (index_ + 1 + world_.dice.below(world_.size() - 1)) % world_.size();
  Node& peer = world_.node(other);
  const bool offers = world_.dice.one_in(3);
  const auto& published = (offers ? *this : peer).offers_.published();
  const Offers::Published& one = published[world_.dice.below(published.size())];
  const bool other_terms = !offers && world_.dice.one_in(8);
  does(offers ? "offer" : "request", [this, &peer, offers, dataset = one.dataset, offer = other_terms ? Offers::altered(one.offer) : one.offer] {
    return offers ? run_->negotiations.offer(peer.id_, dataset, offer, peer.url_).has_value()
                  : run_->negotiations.request(peer.id_, dataset, offer, peer.url_).has_value();
  });
  return true;
}

bool Node::decide() {
  for (const auto& [pid, one] : world_.invariants.view(index_).negotiations) {
    if (negotiation::waits_for(one) != negotiation::WaitsFor::steward || world_.dice.one_in(3)) continue;
    const bool yes = !world_.dice.one_in(4);
    does(yes ? "approve" : "refuse", [this, own = one.own_pid, yes] {
      return yes ? run_->negotiations.approve(own, "a steward").has_value() : run_->negotiations.refuse(own, why("no")).has_value();
    });
    return true;
  }
  return false;
}

bool Node::end_negotiation() {
  const View& view = world_.invariants.view(index_);
  const auto found = any_of(view.negotiations, world_.dice);
  if (found == view.negotiations.end()) return false;
  does("end negotiation", [this, own = found->second.own_pid] { return run_->negotiations.refuse(own, why("no-longer")).has_value(); });
  return true;
}

bool Node::end_agreement() {
  const View& view = world_.invariants.view(index_);
  const auto found = any_of(view.agreements, world_.dice);
  if (found == view.agreements.end()) return false;
  does("end agreement", [this, id = found->second.id] { return run_->negotiations.terminate_agreement(id, why("withdrawn")).has_value(); });
  return true;
}

bool Node::begin_transfer() {
  const View& view = world_.invariants.view(index_);
  const auto found = any_of(view.agreements, world_.dice);
  if (found == view.agreements.end()) return false;
  does("transfer", [this, id = found->second.id] { return run_->transfers.start(id).has_value(); });
  return true;
}

bool Node::change_transfer() {
  const View& view = world_.invariants.view(index_);
  const auto found = any_of(view.transfers, world_.dice);
  if (found == view.transfers.end()) return false;
  const bool stands = found->second.state == transfer::State::suspended;
  const std::uint64_t what = world_.dice.below(10);
  if (stands && what < 8) {
    does("resume", [this, own = found->second.own_pid] { return run_->transfers.resume(own).has_value(); });
  } else if (what < 5) {
    does("suspend", [this, own = found->second.own_pid] { return run_->transfers.suspend(own, why("a-pause")).has_value(); });
  } else if (what < 9) {
    does("complete", [this, own = found->second.own_pid] { return run_->transfers.complete(own).has_value(); });
  } else {
    does("end transfer", [this, own = found->second.own_pid] { return run_->transfers.terminate(own, why("enough")).has_value(); });
  }
  return true;
}

/// An application shows a handle, one that it just got or one that it remembers, to the provider's gate.
bool Node::pull() {
  const View& view = world_.invariants.view(index_);
  const auto found = any_of(view.transfers, world_.dice);
  if (found != view.transfers.end()) {
    const auto access = run_->transfers.access(found->second.own_pid);
    if (access) known_handles_.push_back({access->peer, access->peer_pid, access->handle});
  }
  if (known_handles_.empty()) return false;
  const KnownHandle known = known_handles_[world_.dice.below(known_handles_.size())];
  for (std::size_t i = 0; i < world_.size(); ++i) {
    Node& provider = world_.node(i);
    if (provider.id_ != known.provider || !provider.up()) continue;
    world_.note("pull", index_);
    return provider.shown(known.pid, known.handle, id_);
  }
  return false;
}

/// The gate's question to the transfer service, and to the agreement (gate/ itself is not simulated).
bool Node::shown(const ProcessId& pid, const std::string& handle, const ParticipantId& by) {
  const auto found = run_->transfers.find_by_handle(handle);
  if (!found && found.error().code != ErrorCode::invalid_state && found.error().code != ErrorCode::not_found) return false;
  bool opened = found && found->peer == by;
  if (opened) {
    const auto record = negotiation::read_agreement(run_->commits.store(), found->agreement);
    opened = record && record->active();
  }
  if (world_.canary == Canary::handle_opens_always) opened = true;
  world_.invariants.on_pull(index_, pid, opened);
  return true;
}

bool Node::access_opens(const ProcessId& own_pid) {
  const auto access = run_->transfers.access(own_pid);
  if (!access) return false;
  for (std::size_t i = 0; i < world_.size(); ++i) {
    Node& provider = world_.node(i);
    if (provider.id_ == access->peer) return provider.run_->transfers.find_by_handle(access->handle).has_value();
  }
  return false;
}

bool Node::forge(const ParticipantId& peer, const std::string& path, const dsp::Message& message) {
  for (std::size_t i = 0; i < world_.size(); ++i) {
    if (world_.node(i).id_ != peer) continue;
    http::PeerRequest request;
    request.peer = peer;
    request.url = world_.node(i).url_ + path;
    request.body = json::serialise(dsp::write(message));
    const std::string id = "forged-" + std::to_string(index_) + "-" + std::to_string(++forged_);
    world_.note("forge", index_, path);
    world_.fibers.spawn(index_, {}, [this, request, id] {
      world_.fibers.set_message(Handling::sending(id));
      (void)wire_.send(request);
    });
    return true;
  }
  return false;
}

/// A message that no honest node would send: for a process of others, under another id of its own, or out of turn.
bool Node::lie() {
  const std::size_t victim = (index_ + 1 + world_.dice.below(world_.size() - 1)) % world_.size();
  const View& view = world_.invariants.view(victim);
  const bool of_transfer = world_.dice.one_in(2);
  std::string own;
  std::string peer;
  ParticipantId party;
  bool provider = false;
  const auto take = [&](const auto& map) {
    const auto found = any_of(map, world_.dice);
    if (found == map.end()) return;
    own = found->second.own_pid.str();
    peer = found->second.peer_pid.str();
    party = found->second.peer;
    provider = found->second.role == Role::provider;
  };
  of_transfer ? take(view.transfers) : take(view.negotiations);
  if (own.empty() || peer.empty()) return false;
  if (party != id_) {
    if (!world_.faults.happens(Fault::forged_process)) return false;
  } else if (world_.dice.one_in(3) && world_.faults.happens(Fault::forged_pid)) {
    peer = "urn:uuid:another";
  } else if (!world_.faults.happens(Fault::forged_order)) {
    return false;
  }
  const std::string& provider_pid = provider ? own : peer;
  const std::string& consumer_pid = provider ? peer : own;
  const std::string path = (of_transfer ? "/transfers/" : "/negotiations/") + own;
  const ParticipantId& to = world_.node(victim).id_;
  const std::uint64_t what = world_.dice.below(4);
  const json::Value terms = world_.node(provider ? victim : index_).offers_.published().front().offer;
  if (of_transfer) {
    if (what == 0) return forge(to, path + "/suspension", dsp::TransferSuspensionMessage{provider_pid, consumer_pid, why("forged")});
    if (what == 1) return forge(to, path + "/completion", dsp::TransferCompletionMessage{provider_pid, consumer_pid});
    if (what == 2) return forge(to, path + "/termination", dsp::TransferTerminationMessage{provider_pid, consumer_pid, why("forged")});
    return forge(to, path + "/start", dsp::TransferStartMessage{provider_pid, consumer_pid, std::nullopt});
  }
  if (what == 0) return forge(to, path + "/events", dsp::ContractNegotiationEventMessage{provider_pid, consumer_pid, !provider});
  if (what == 1) return forge(to, path + "/termination", dsp::ContractNegotiationTerminationMessage{provider_pid, consumer_pid, why("forged")});
  json::Value offer = world_.dice.one_in(2) ? terms : Offers::altered(terms);
  offer.set("target", "set-0");
  if (what == 2 && provider) return forge(to, path + "/agreement/verification", dsp::ContractAgreementVerificationMessage{provider_pid, consumer_pid});
  if (provider) return forge(to, path + "/request", dsp::ContractRequestMessage{consumer_pid, provider_pid, {}, offer});
  return forge(to, path + "/offers", dsp::ContractOfferMessage{provider_pid, consumer_pid, {}, offer});
}

void Node::falsify(http::PeerRequest& request) {
  if (!request.url.ends_with("/agreement") || !world_.faults.happens(Fault::forged_agreement)) return;
  json::Value body = *json::parse(request.body);
  const json::Value* agreement = body.find("agreement");
  if (agreement != nullptr) body.set("agreement", Offers::altered(*agreement));
  request.body = json::serialise(body);
}

void Node::falsify(const http::PeerRequest& request, http::Response& response) {
  if (request.method == "POST") {
    if (world_.faults.happens(Fault::lie_refused)) response = {400, {}, {}, {}};
    return;
  }
  if (response.status != 200 || !world_.faults.happens(Fault::lie_about_state)) return;
  const bool of_transfer = request.url.find("/transfers/") != std::string::npos;
  json::Value body = *json::parse(response.body);
  body.set("state", of_transfer ? dsp::state_name(transfer::kStates[world_.dice.below(std::size(transfer::kStates))])
                                : dsp::state_name(negotiation::kStates[world_.dice.below(std::size(negotiation::kStates))]));
  response.body = json::serialise(body);
}

http::Response Node::pretend(const http::PeerRequest& request) {
  const std::string pid = "urn:uuid:made-up-" + std::to_string(++forged_);
  return http::json_response(201, json::serialise(json::object({{"providerPid", pid}, {"consumerPid", pid}, {"of", request.method}})));
}

}  // namespace sluis::sim
