#include "connector/node/witness_service.hpp"

#include <cstdio>
#include <cstring>

/// `sluis witness` as a program by itself: it loads nothing of what a node needs, for the cheapest machine.
int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--config") == 0) return sluis::node::witness(argv[2]);
  std::fprintf(stderr, "usage: sluis-witness --config witness.toml\n");
  return 2;
}
