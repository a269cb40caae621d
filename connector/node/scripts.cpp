#include "connector/node/scripts.hpp"

#include "certs/authority.hpp"
#include "connector/transfer/machine.hpp"

namespace sluis::node {

Result<Scripts> Scripts::read(const std::filesystem::path& file) {
  Scripts scripts;
  if (file.empty()) return scripts;
  SLUIS_TRY(const std::string text, certs::read_file(file));
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, file.string()));
  SLUIS_TRY(const Duration delay, negotiation::read_delay(root, Duration(0)));
  SLUIS_TRY(scripts.negotiations, negotiation::Script::read(root, negotiation::script_words(), delay));
  SLUIS_TRY(scripts.transfers, negotiation::Script::read(root, transfer::script_words(), delay));
  SLUIS_CHECK(root.finish());
  return scripts;
}

}  // namespace sluis::node
