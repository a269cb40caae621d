#include "connector/declaration/register.hpp"

#include "connector/base/limits.hpp"
#include "connector/identity/object_reader.hpp"
#include "connector/storage/hold.hpp"

namespace sluis::declaration {
namespace {

constexpr std::size_t kEndBytes = 2560;  ///< left for its end: a reason of 1 KiB, escaped, and a person

std::string id_prefix(Kind kind, std::string_view id) {
  return std::string(kPrefix) + std::string(to_string(kind)) + "/" + std::string(id) + "\n";
}

Error damaged(const Error& error) { return Error(ErrorCode::corruption, "a declaration cannot be read: " + error.message); }

Result<Stored> stored(std::string_view key, std::string_view bytes) {
  auto declaration = decode(bytes);
  if (!declaration) return damaged(declaration.error());
  return Stored{std::string(key), std::string(bytes), std::move(*declaration)};
}

struct Head {
  std::uint64_t acts = 0;
  std::vector<std::string> open;
};

Result<Head> read_head(const std::optional<std::string>& bytes) {
  Head head;
  if (!bytes) return head;
  SLUIS_TRY(const json::Value value, json::parse(*bytes));
  SLUIS_TRY(identity::ObjectReader reader, identity::ObjectReader::open(value, ""));
  SLUIS_TRY(head.acts, reader.count("acts"));
  SLUIS_TRY(const json::Array* open, reader.array("open"));
  for (const json::Value& key : *open) {
    if (key.if_string() == nullptr) return reader.refused("open", "keys are strings");
    head.open.push_back(*key.if_string());
  }
  SLUIS_CHECK(reader.finish());
  return head;
}

}  // namespace

std::string record_key(Kind kind, std::string_view id, std::uint64_t number) {
  std::string bytes;
  put_u64(bytes, number);
  return id_prefix(kind, id) + to_hex(bytes);
}

/// The head first: if a record changes meanwhile, whoever commits on this head is refused.
Result<Open> read_open(const storage::Reader& store) {
  Open out;
  out.as_read.key = kHeadKey;
  SLUIS_TRY(out.as_read.expected, store.get(kHeadKey));
  auto head = read_head(out.as_read.expected);
  if (!head) return damaged(head.error());
  out.acts = head->acts;
  for (const std::string& key : head->open) {
    SLUIS_TRY(const auto bytes, store.get(key));
    if (!bytes) return Error(ErrorCode::corruption, "a declaration is missing");
    SLUIS_TRY(Stored one, stored(key, *bytes));
    out.declarations.push_back(std::move(one));
  }
  return out;
}

Result<std::optional<Stored>> read_newest(const storage::Reader& store, Kind kind, std::string_view id) {
  const std::string prefix = id_prefix(kind, id);
  std::string key, bytes;
  SLUIS_CHECK(store.scan(prefix, prefix, [&](std::string_view k, std::string_view v) {
    key = k;
    bytes = v;
    return true;
  }));
  if (key.empty()) return std::optional<Stored>();
  SLUIS_TRY(Stored found, stored(key, bytes));
  return std::optional(std::move(found));
}

Result<void> visit_all(const storage::Reader& store, std::string_view after, const std::function<bool(const Stored&)>& visit) {
  std::optional<Error> failed;
  const std::string from = after.empty() ? std::string(kPrefix) : std::string(after) + '\0';
  SLUIS_CHECK(store.scan(kPrefix, from, [&](std::string_view key, std::string_view bytes) {
    const auto one = stored(key, bytes);
    if (!one) failed = one.error();
    return one && visit(*one);
  }));
  if (failed) return *failed;
  return {};
}

Result<void> put(Commit& commit, const Open& open, const Stored* before, Declaration& next, Timestamp now) {
  if (before == nullptr) next.number = open.acts + 1;
  const std::string key = record_key(next.kind, next.id, next.number);
  json::Array keys;
  for (const Stored& one : open.declarations) {
    if (one.key != key && !one.declaration.over(now)) keys.emplace_back(one.key);
  }
  if (!next.over(now)) keys.emplace_back(key);
  if (keys.size() > limits::kOpenDeclarations) {
    return Error(ErrorCode::limit_exceeded, "there are too many situations and assessments in force")
        .mended_by("end those that are not needed");
  }
  std::string bytes = encode(next, true);
  if (bytes.size() > limits::kDeclarationBytes - (next.ended() ? 0 : kEndBytes)) {
    return Error(ErrorCode::limit_exceeded, "too much is said of `" + next.id + "`").mended_by("end it, and begin a new one");
  }
  commit.preconditions.push_back(open.as_read);
  commit.preconditions.push_back({key, before == nullptr ? std::nullopt : std::optional(before->bytes)});
  commit.changes.push_back({std::string(kHeadKey), json::serialise(json::object({{"acts", open.acts + 1}, {"open", std::move(keys)}}))});
  commit.changes.push_back({key, std::move(bytes)});
  // Whoever renews or ends it knows what it is.
  if (before != nullptr) commit.changes.push_back({storage::hold_key(key), std::nullopt});
  return {};
}

}  // namespace sluis::declaration
