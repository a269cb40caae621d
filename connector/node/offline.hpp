#pragma once

#include "connector/base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

/// Commands that need no running node. Each gives the exit code: 0 done, 1 refused or failed, 3 done but not proven.
/// With `dry_run` all is read and checked, and nothing written.
namespace sluis::node {

/// Tells the error, and gives 1.
int fail(const Error& error);
/// 0, or as `fail`.
int finish(const Result<void>& result);
/// Whether something could be made in this folder, or in the nearest one above it that is there.
Result<void> may_write_in(std::filesystem::path folder);

int config_check(const std::filesystem::path& file);

/// A new Ed25519 key for signing membership lists, or findings: `FILE` (0600) and `FILE.pub`.
int new_signing_key(const std::filesystem::path& file, bool dry_run);
/// A list from the `party.json` files of its parties, not signed yet.
int membership_compose(const std::vector<std::filesystem::path>& parties, const std::vector<std::filesystem::path>& signers,
                       const std::string& federation, std::uint64_t version, std::uint64_t threshold,
                       const std::filesystem::path& out, bool dry_run);
/// Signs a list, or adds a signature to a signed one; in place.
int membership_sign(const std::filesystem::path& file, const std::filesystem::path& key, bool dry_run);
int membership_check(const std::filesystem::path& file, const std::vector<std::filesystem::path>& keys, std::uint64_t threshold);

/// Somebody who may manage the node. Of `token` (a new file, 0600, that gets the token) and `certificate` (a client certificate,
/// PEM) one is given.
struct NewRole {
  std::string role;
  std::string person;
  std::string until;  ///< RFC 3339 or a day; empty: without end
  std::vector<std::string> activities;
  std::filesystem::path token;
  std::filesystem::path certificate;
  std::filesystem::path signing_key;  ///< of a DPO: the public key, PEM, with which she signs findings
};
/// The file of roles, which a running node reads again by itself: adds somebody, takes everything of a role and person out,
/// prints it.
int role_add(const std::filesystem::path& config, const NewRole& asked, bool dry_run);
int role_end(const std::filesystem::path& config, const std::string& role, const std::string& person, bool dry_run);
int role_list(const std::filesystem::path& config);

/// The exported log of a node that does not run (or of the state that its store has now): its newest, or the one of that origin; with the
/// newest checkpoint that enough witnesses cosigned, where the node kept one.
int audit_export(const std::filesystem::path& config, const std::filesystem::path& folder, const std::string& origin, bool payloads,
                 bool dry_run);

/// What a node that is a witness holds against logs of others: each pair of checkpoints that contradict each other, with its number, its log and its
/// file. With `number` that one's bytes go to `out`, a new file, for `sluis audit verify-proof`.
int log_conflicts(const std::filesystem::path& config, std::uint32_t number, const std::filesystem::path& out);

}  // namespace sluis::node
