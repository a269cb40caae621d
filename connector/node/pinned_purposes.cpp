#include "connector/node/pinned_purposes.hpp"

#include "certs/authority.hpp"
#include "connector/crypto/crypto.hpp"

#include <algorithm>

// The files' bytes, placed by the assembler; CMake sets SLUIS_PURPOSES_FILE and SLUIS_PROFILE.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    ".globl sluis_purposes_begin\n"
    "sluis_purposes_begin:\n"
    ".incbin \"" SLUIS_PURPOSES_FILE "\"\n"
    ".globl sluis_purposes_end\n"
    "sluis_purposes_end:\n"
    ".globl sluis_profile_begin\n"
    "sluis_profile_begin:\n"
    ".incbin \"" SLUIS_PROFILE ".jsonld\"\n"
    ".globl sluis_profile_end\n"
    "sluis_profile_end:\n"
    ".incbin \"" SLUIS_PROFILE ".ttl\"\n"
    ".globl sluis_profile_ttl_end\n"
    "sluis_profile_ttl_end:\n"
    ".previous\n");

extern "C" {
extern const char sluis_purposes_begin[];
extern const char sluis_purposes_end[];
extern const char sluis_profile_begin[];
extern const char sluis_profile_end[];
extern const char sluis_profile_ttl_end[];
}

namespace sluis::node {

const std::string_view kPinnedPurposes(sluis_purposes_begin,
                                       static_cast<std::size_t>(sluis_purposes_end - sluis_purposes_begin));
const std::string_view kOdrlProfile(sluis_profile_begin, static_cast<std::size_t>(sluis_profile_end - sluis_profile_begin));
const std::string_view kOdrlProfileTurtle(sluis_profile_end,
                                          static_cast<std::size_t>(sluis_profile_ttl_end - sluis_profile_end));

Result<std::vector<PurposeFile>> read_purpose_files(const NodeConfig& config) {
  std::vector<std::filesystem::path> paths{config.purposes};
  paths.insert(paths.end(), config.more_purposes.begin(), config.more_purposes.end());
  std::vector<PurposeFile> files;
  for (const auto& path : paths) {
    SLUIS_TRY(std::string text, certs::read_file(path));
    files.push_back({std::move(text), path.string()});
  }
  const std::string built_in = to_hex(crypto::sha256(kPinnedPurposes));
  const std::string& wanted = config.purposes_sha256.empty() ? built_in : config.purposes_sha256;
  const std::string found = to_hex(crypto::sha256(files.front().text));
  if (found == wanted) return files;
  Error error(ErrorCode::invalid_argument, "the pinned purposes are not those that " +
                                               std::string(config.purposes_sha256.empty() ? "this program has" : "`purposes_sha256` names") +
                                               ": the file's SHA-256 is " + found + ", not " + wanted);
  return std::move(error)
      .at({files.front().name, 1, 1, {}})
      .mended_by("put back the file that `sluis init` writes, and a federation's own purposes into `more_purposes`; or, where this version was agreed, "
                 "write `purposes_sha256 = \"" + found + "\"` in `[data]` of node.toml");
}

std::string changed_purposes(const NodeConfig& config, const std::vector<PurposeFile>& read) {
  const auto now = read_purpose_files(config);
  if (!now) return "the node would not start again: " + describe(now.error());
  const auto same = [](const PurposeFile& a, const PurposeFile& b) { return a.text == b.text; };
  if (std::equal(now->begin(), now->end(), read.begin(), read.end(), same)) return {};
  return "the files of purposes have changed since the node started, which uses them as they were";
}

}  // namespace sluis::node
