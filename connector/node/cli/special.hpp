#pragma once

#include "connector/node/cli/session.hpp"

#include <CLI/CLI.hpp>

#include <memory>

/// Commands that do more than call one method.
namespace sluis::cli {

using SessionPtr = std::shared_ptr<Session>;

/// A noun's subcommand; made where it is missing.
CLI::App& noun(CLI::App& app, std::string_view name);
/// A verb below it, which takes the options that all commands have.
CLI::App& verb(CLI::App& app, std::string_view noun_name, std::string_view name, std::string_view help);

void add_audit_papers(CLI::App& app, const SessionPtr& session);  ///< verify, verify-proof, key, export-log: no node
void add_audit_asking(CLI::App& app, const SessionPtr& session);  ///< checkpoint, proof, and watch
void add_findings(CLI::App& app, const SessionPtr& session);      ///< audit findings
void add_package(CLI::App& app, const SessionPtr& session);       ///< audit package
void add_audit_export(CLI::App& app, const SessionPtr& session);
void add_reconcile(CLI::App& app, const SessionPtr& session);
void add_subject(CLI::App& app, const SessionPtr& session);       ///< audit subject
void add_pull(CLI::App& app, const SessionPtr& session);
void add_register(CLI::App& app, const SessionPtr& session);      ///< activity publish and export, catalog check
void add_terms(CLI::App& app, const SessionPtr& session);         ///< terms …, explain
void add_program(CLI::App& app, const SessionPtr& session);       ///< version, completion

}  // namespace sluis::cli
