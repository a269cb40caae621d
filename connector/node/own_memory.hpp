#pragma once

#include <string>

/// What a process that holds private keys does with its own memory.
namespace sluis::node {

/// No core dumps, of either way in which a system makes them: RLIMIT_CORE 0 for those in a file, and not dumpable (prctl) for those that are piped to
/// a program, which do not heed that limit. Not being dumpable also keeps other processes of the same user from reading this one's memory: its files
/// in /proc that show it are root's, and a debugger needs root. Then the heap of private keys, locked where the system allows. Before any key is
/// read, with one thread. What the system refuses is logged.
void guard_memory();

/// Why keys may get into swap, for who runs the node; empty: they do not, or this process does not guard its memory.
std::string why_keys_may_swap();
/// "locked", why not, or empty: this process does not guard its memory.
std::string keys_in_memory();

}  // namespace sluis::node
