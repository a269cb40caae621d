#pragma once

#include "connector/base/quota.hpp"
#include "connector/crypto/x509.hpp"
#include "connector/http/look.hpp"
#include "connector/identity/directory.hpp"
#include "sluis/v1/node.pb.h"

#include <functional>
#include <string>
#include <vector>

namespace sluis::node {

/// What the peer doctor needs; all of it outlives it.
struct PeerDoctorDependencies {
  const identity::Directory& directory;
  const Clock& clock;
  http::PeerTransport& transport;  ///< the node's own way out, saying who sends
  http::PeerTransport& nobody;     ///< the same way out, showing nothing
  http::TlsFiles tls;              ///< as of [tls]; chain empty: the scheme knows no certificates
  std::function<Result<ParticipantId>(const http::Request&)> authenticate;
  std::function<http::Resolved(const std::string& host)> resolve;
  /// peer_unavailable, with the reason.
  std::function<Result<void>(const std::string& address, const std::string& port)> connect;
  std::function<Result<std::vector<crypto::Certificate>>(const std::string& host, const std::string& port)> certificates;
  /// Through which proxy a host is reached: `connect` and `certificates` go there by themselves. Null, or empty: through none.
  std::function<std::string(const std::string& host)> proxy = {};
};

/// What stands between this node and a peer, one thing after the other, each as it really is asked on the node's own way out. It changes
/// nothing; a Sluis counts the question of a stranger, which is one of them, among those that it turned away. Thread-safe; worker threads only.
class PeerDoctor {
 public:
  using Report = v1::NodeDoctorPeerResponse;

  /// `url`: of this node's exchange listener, as the configuration has it.
  PeerDoctor(ParticipantId self, std::string url, PeerDoctorDependencies with);

  /// `POST /evidence/v1/reach`, for parties: looks whether they are reached at the address that the membership list has for them, and at no
  /// other. Few times a minute each.
  std::vector<http::Route> routes();
  /// The party is in the list; else not_found. Takes seconds where the peer does not answer.
  Result<Report> examine(const ParticipantId& peer);

 private:
  struct Course;
  http::Response look_back(const http::Request& request);
  void own_entry(Course& course) const;
  void their_entry(Course& course) const;
  void road(Course& course) const;
  bool names(Course& course, const std::string& host, const std::string& proxy, std::vector<std::string>& addresses) const;
  bool opens(Course& course, const std::string& port, const std::vector<std::string>& addresses) const;
  bool shows(Course& course, const std::string& host, const std::string& port) const;
  void version(Course& course) const;
  void clocks(Course& course, const http::PeerResponse& answer, Timestamp sent, Timestamp received) const;
  void mutual(Course& course) const;
  void catalogue(Course& course, const std::string& body) const;
  void evidence(Course& course) const;
  void reach(Course& course) const;

  ParticipantId self_;
  std::string url_;
  PeerDoctorDependencies with_;
  Quota looked_back_;
};

}  // namespace sluis::node
