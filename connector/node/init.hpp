#pragma once

#include "connector/base/error.hpp"
#include "connector/base/random.hpp"
#include "connector/base/time.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sluis::node {

struct InitOptions {
  std::filesystem::path folder;
  std::string participant;
  std::string name;
  std::string class_of_party;
  std::string oin;
  std::string contact;
  std::string host = "localhost";
  std::string address = "127.0.0.1";
  std::uint16_t first_port = 8443;       ///< exchange; public and management take the next two
  std::filesystem::path authority;       ///< folder of the development authority; made when missing
  std::filesystem::path federation_key;  ///< the federation's public key, copied into the node's folder; may be empty
  std::filesystem::path purposes;        ///< the federation's own purposes, copied too; may be empty
  std::vector<std::string> activities;   ///< processing activities that the application's token may name
  bool demo = false;                     ///< its clock can be moved, for ever; loopback only
};

/// Makes a node's folder: configuration, keys (0600), a development certificate, a token for each role, and `party.json`,
/// what the membership list is to say of it. Refused: a folder that has a node already.
Result<void> init_node(const InitOptions& options, const Clock& clock, Random& random);

/// The same in a folder that is thrown away. The files that `init_node` would make, sorted; or what would hinder it.
Result<std::vector<std::filesystem::path>> try_init_node(const InitOptions& options, const Clock& clock, Random& random);

}  // namespace sluis::node
