#pragma once

#include "connector/base/quota.hpp"
#include "connector/gate/refusals.hpp"
#include "connector/http/server.hpp"
#include "connector/http/shares.hpp"
#include "connector/identity/scheme.hpp"

namespace sluis::node {

/// What a fair share is measured by; all of it outlives who uses it.
struct FairnessDependencies {
  identity::Identity& scheme;
  gate::RefusalCounter& refusals;
  Quota& requests;  ///< each of a party
  Quota& endings;
  Quota& mistakes;
  Quota& begun;
};

/// What keeps one caller from taking a listener from the others (decision 39): data hold a part of its connections at most, and of these each
/// party, or address of strangers, as many as are still free; so that messages, documents and the data of others are answered meanwhile.
/// And how long who is over a quota has to wait. Thread-safe.
class Fairness {
 public:
  /// `releases`: at once, on each of the two listeners.
  Fairness(std::size_t releases, FairnessDependencies with) : with_(with), of_parties_(releases), of_strangers_(releases) {}

  /// Of a request for data of a party: its place, or 429. Others need none: they hold nothing for long, or are told that there is nothing.
  http::ServerOptions::Place place_of_party(const http::Request& request);
  /// Of a request for open data: by the caller's address, of which nothing is kept or told.
  http::ServerOptions::Place place_of_stranger(const http::Request& request, const std::string& address);
  /// The route, whose 429 says when what was asked may be asked again.
  http::Route told_when(http::Route route);
  /// What the server itself refuses, as the protocol of its path has it; who may not know what is there gets 404.
  void refuse(const http::Request& request, http::Response& response);
  /// Whether a request ends something: those have a quota of their own, which no flood of the others may hold up.
  static bool ends(const http::Request& request);

 private:
  std::chrono::seconds wait(const http::Request& request);

  FairnessDependencies with_;
  http::Shares of_parties_;
  http::Shares of_strangers_;
};

}  // namespace sluis::node
