#include "connector/crypto/crypto.hpp"
#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"
#include "connector/provenance/export.hpp"
#include "connector/records/package.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <ostream>

/// `audit package`: takes all that checks a period to a machine without a network.
namespace sluis::cli {
namespace {

struct Words {
  std::string from, until, folder;
  bool dry_run = false;
};

const Command& asking() {
  static const Command kAsking = {"audit", "package", "AuditService/Package",
                                  "all that checks a period on a machine without a network; that you took it is recorded",
                                  {{"--from", "from", Kind::time, false, "entries not earlier; else all of the log"},
                                   {"--until", "until", Kind::time, false, "entries earlier; else up to now"}},
                                  "", {}, "id", true};
  return kAsking;
}

Result<std::string> text_of(const json::Value& answer, std::string_view name) {
  const json::Value* value = answer.find(name);
  if (value == nullptr || value->if_string() == nullptr) return Error(ErrorCode::internal, fmt::format("the node sent no `{}`", name));
  return *value->if_string();
}

/// A file in pieces, as long as the manifest says.
Result<std::string> fetch(Session& session, const std::string& id, const records::PackagedFile& file) {
  std::string bytes;
  while (true) {
    const json::Value request = json::object({{"id", id}, {"name", file.name}, {"offset", std::to_string(bytes.size())}});
    SLUIS_TRY(const json::Value answer, session.call("AuditService/PackageFile", request));
    if (answer.find("data") == nullptr && bytes.size() < file.bytes) return Error(ErrorCode::internal, fmt::format("the node sent too little of `{}`", file.name));
    if (answer.find("data") != nullptr) {
      SLUIS_TRY(const std::string text, text_of(answer, "data"));
      SLUIS_TRY(const std::string piece, from_base64(text));
      bytes += piece;
    }
    if (bytes.size() >= file.bytes) break;
  }
  if (bytes.size() == file.bytes && crypto::sha256(bytes) == file.sha256) return bytes;
  return Error(ErrorCode::corruption, fmt::format("`{}` is not the file that the manifest names", file.name));
}

Result<void> write(const std::filesystem::path& folder, std::string_view name, std::string_view bytes) {
  const std::filesystem::path path = folder / name;
  std::error_code ec;
  std::filesystem::create_directories(path.parent_path(), ec);
  return write_text(path.string(), bytes);
}

Result<void> take(Session& session, const Words& words) {
  Given given;
  given.values = {words.from, words.until};
  given.dry_run = words.dry_run;
  SLUIS_TRY(const json::Value request, make_request(asking(), given));
  SLUIS_CHECK(provenance::may_export_to(words.folder));
  SLUIS_TRY(const json::Value answer, session.call(std::string(asking().method), request));
  SLUIS_TRY(const std::string text, text_of(answer, "manifest"));
  SLUIS_TRY(const records::Manifest manifest, records::parse_manifest(text));
  if (words.dry_run) {
    for (const records::PackagedFile& file : manifest.files) session.with.out << file.bytes << '\t' << file.name << '\n';
    session.with.err << say(session.options, "dry-run") << '\n';
    return {};
  }
  SLUIS_TRY(const std::string id, text_of(answer, "id"));
  SLUIS_TRY(const std::string receipt, text_of(answer, "receipt"));
  std::error_code ec;
  std::filesystem::create_directories(words.folder, ec);  // for who took it: it holds what entries say
  std::filesystem::permissions(words.folder, std::filesystem::perms::owner_all, ec);
  if (ec) return Error(ErrorCode::storage_unavailable, fmt::format("cannot write `{}`: {}", words.folder, ec.message()));
  for (const records::PackagedFile& file : manifest.files) {
    SLUIS_TRY(const std::string bytes, fetch(session, id, file));
    SLUIS_CHECK(write(words.folder, file.name, bytes));
  }
  SLUIS_CHECK(write(words.folder, records::kPackageProof, receipt));
  SLUIS_CHECK(write(words.folder, records::kManifestFile, text));  // last: a folder without it is no package
  session.with.err << say(session.options, "package.taken", manifest.files.size(), words.folder, text_at(answer, "entry")) << '\n';
  return {};
}

}  // namespace

void add_package(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  const Command& row = asking();
  auto& command = verb(app, row.noun, row.verb, row.help);
  command.add_option("-O", words->folder, "a new folder")->required();
  command.add_option("--from", words->from, std::string(row.arguments[0].help));
  command.add_option("--until,--to", words->until, std::string(row.arguments[1].help));
  command.add_flag("--dry-run", words->dry_run, "lists what would be in it, and records nothing");
  command.callback([session, words] {
    if (const auto done = take(*session, *words); !done) session->fail(done.error());
  });
}

}  // namespace sluis::cli
