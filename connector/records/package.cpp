#include "connector/records/package.hpp"

#include "connector/identity/object_reader.hpp"
#include "connector/json/json.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluis::records {
namespace {

using identity::ObjectReader;
using provenance::EntryKind;

constexpr std::size_t kNameBytes = 250;

json::Value to_json(const PackagedLog& log) { return json::object({{"origin", log.origin}, {"first", log.first}, {"size", log.size}}); }
json::Value to_json(const PackagedFile& file) { return json::object({{"name", file.name}, {"bytes", file.bytes}, {"sha256", to_hex(file.sha256)}}); }

Result<PackagedLog> read_log(ObjectReader& reader) {
  PackagedLog log;
  SLUIS_TRY(log.origin, reader.string("origin"));
  SLUIS_TRY(log.first, reader.count("first"));
  SLUIS_TRY(log.size, reader.count("size"));
  SLUIS_CHECK(reader.finish());
  return log;
}

Result<PackagedFile> read_file(ObjectReader& reader) {
  PackagedFile file;
  SLUIS_TRY(file.name, reader.string("name"));
  if (!may_be_packaged(file.name) || file.name == kManifestFile || file.name == kPackageProof) return reader.refused("name", "no file of a package is called so");
  SLUIS_TRY(file.bytes, reader.count("bytes"));
  SLUIS_TRY(const std::string hex, reader.string("sha256"));
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != 32) return reader.refused("sha256", "a hash has 64 hexadecimal digits");
  SLUIS_TRY(file.sha256, to_hash(*bytes));
  SLUIS_CHECK(reader.finish());
  return file;
}

template <class T, class Read>
Result<std::vector<T>> read_all(ObjectReader& reader, std::string_view key, std::size_t most, Read read) {
  SLUIS_TRY(const json::Array* array, reader.array(key));
  if (array->size() > most) return reader.refused(key, "more than " + std::to_string(most));
  std::vector<T> all;
  for (std::size_t i = 0; i < array->size(); ++i) {
    SLUIS_TRY(ObjectReader one, ObjectReader::open((*array)[i], json::pointer_to(reader.at(key), i)));
    SLUIS_TRY(T item, read(one));
    all.push_back(std::move(item));
  }
  return all;
}

Result<Manifest> read(const json::Value& value) {
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, ""));
  Manifest manifest;
  SLUIS_TRY(manifest.node, reader.string("node"));
  SLUIS_TRY(manifest.name, reader.string("name"));
  SLUIS_TRY(manifest.role, reader.string("role"));
  SLUIS_TRY(manifest.from, reader.time("from"));
  SLUIS_TRY(manifest.until, reader.time("until"));
  SLUIS_TRY(manifest.made, reader.time("made"));
  SLUIS_TRY(manifest.logs, read_all<PackagedLog>(reader, "logs", 1000, read_log));
  if (manifest.logs.empty()) return reader.refused("logs", "there is no log in it");
  SLUIS_TRY(manifest.files, read_all<PackagedFile>(reader, "files", kPackageFiles, read_file));
  for (std::size_t i = 1; i < manifest.files.size(); ++i) {
    if (manifest.files[i - 1].name >= manifest.files[i].name) return reader.refused("files", "`" + manifest.files[i].name + "` is out of order");
  }
  SLUIS_TRY(const json::Array* missing, reader.array("missing"));
  for (const json::Value& one : *missing) {
    if (one.if_string() == nullptr || !may_be_packaged(*one.if_string())) return reader.refused("missing", "no file of a package is called so");
    manifest.missing.push_back(*one.if_string());
  }
  SLUIS_CHECK(reader.finish());
  return manifest;
}

}  // namespace

bool may_be_packaged(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
  };
  if (name.empty() || name.size() > kNameBytes || !std::all_of(name.begin(), name.end(), plain)) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (begin == end || name[begin] == '.') return false;
    begin = end + 1;
  }
  return true;
}

Result<std::string> manifest_text(const Manifest& manifest) {
  json::Array logs, files, missing;
  for (const PackagedLog& log : manifest.logs) logs.push_back(to_json(log));
  for (const PackagedFile& file : manifest.files) files.push_back(to_json(file));
  for (const std::string& name : manifest.missing) missing.emplace_back(name);
  return json::canonical(json::object({{"node", manifest.node}, {"name", manifest.name}, {"role", manifest.role}, {"from", format_time(manifest.from)},
                                       {"until", format_time(manifest.until)}, {"made", format_time(manifest.made)}, {"logs", json::Value(std::move(logs))},
                                       {"missing", json::Value(std::move(missing))}, {"files", json::Value(std::move(files))}}));
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view file) {
  json::Bounds bounds;
  bounds.bytes = kManifestBytes;
  bounds.values = 8 * kPackageFiles;
  const auto value = json::parse(text, bounds);
  if (!value) return identity::located(value.error(), text, file);
  auto manifest = read(*value);
  if (!manifest) return identity::located(manifest.error(), text, file);
  return manifest;
}

std::string log_folder(std::size_t log) { return fmt::format("logs/{}", log); }
std::string report_file(std::uint64_t entry) { return fmt::format("report/{:06}.csv", entry / kRowsPerReport); }

std::string own_file(std::uint8_t kind, std::uint64_t entry) {
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::activity: return fmt::format("activities/{}.json", entry);
    case EntryKind::findings_signed: return fmt::format("findings/{}.jws", entry);
    default: return {};
  }
}

std::string document_file(std::string_view what, const Hash& hash) { return fmt::format("documents/{}/{}", what, to_hex(hash)); }

std::vector<std::string> named_documents(const provenance::Leaf& leaf, const v1::Shared& shared) {
  std::vector<std::string> names;
  const auto add = [&](std::string_view what, std::string_view bytes) {
    const auto hash = to_hash(bytes);
    if (hash && *hash != Hash{}) names.push_back(document_file(what, *hash));
  };
  switch (static_cast<EntryKind>(leaf.kind)) {
    case EntryKind::declaration: case EntryKind::findings_signed: case EntryKind::package: case EntryKind::receipt: case EntryKind::pruned: case EntryKind::receipt_missing:
      return names;  // of what the entry says itself, or of another log's entry
    case EntryKind::purposes: add("purposes", view(leaf.policy_digest)); return names;
    case EntryKind::membership: {
      constexpr std::string_view before = " sha256 ";
      const std::size_t at = shared.document().rfind(before);
      const auto bytes = at == std::string::npos ? Result<std::string>(Error()) : from_hex(shared.document().substr(at + before.size()));
      if (bytes) add("membership", *bytes);
      return names;
    }
    default: break;
  }
  add("offers", view(leaf.policy_digest));
  if (shared.offer_hash() != view(leaf.policy_digest)) add("offers", shared.offer_hash());
  add("agreements", shared.agreement_hash());
  return names;
}

bool is_paper(std::uint8_t kind) {
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::published: case EntryKind::retracted: case EntryKind::membership: case EntryKind::purposes: case EntryKind::activity:
    case EntryKind::declaration: case EntryKind::log_ended: case EntryKind::log_begun: case EntryKind::findings_signed:
      return true;
    default: return false;
  }
}

}  // namespace sluis::records
