#pragma once

#include "connector/node/cli/surroundings.hpp"

#include <CLI/CLI.hpp>

namespace sluis::cli {

/// Adds the options that every command has and all commands that ask a node or its papers. A command that runs leaves
/// its exit code in `code`: 0 done, 1 refused or failed, 2 wrong use, 3 done but not proven. Both outlive the app.
void add_commands(CLI::App& app, int& code);
/// The same with other streams, for tests.
void add_commands(CLI::App& app, int& code, const Surroundings& surroundings);

}  // namespace sluis::cli
