#include "connector/identity/statement.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "connector/identity/membership.hpp"
#include "connector/identity/object_reader.hpp"

#include <array>

namespace sluis::identity {
namespace {

constexpr JwsForm kForm{"EdDSA", "sluis-findings+jws", crypto::Key::Kind::ed25519};
constexpr std::array<std::string_view, 3> kJudgements{"confirmed", "accepted", "to mend"};
/// Far more than a number of entries ever is, and within what canonical JSON has of integers.
constexpr std::uint64_t kMostCount = 999'999'999'999'999;

/// Its members that are text, by their names.
constexpr std::array<std::pair<std::string_view, std::string JudgedFinding::*>, 5> kAbout{{{"party", &JudgedFinding::party},
    {"dataset", &JudgedFinding::dataset}, {"agreement", &JudgedFinding::agreement}, {"purpose", &JudgedFinding::purpose},
    {"activity", &JudgedFinding::activity}}};

std::string day_text(Timestamp day) { return format_time(day).substr(0, 10); }

json::Value to_json(const JudgedFinding& finding) {
  json::Value value = json::object({{"code", finding.code}, {"judgement", to_string(finding.judgement)}, {"why", finding.why}});
  if (!finding.sentence.empty()) value.set("sentence", finding.sentence);
  for (const auto& [name, member] : kAbout) {
    if (!(finding.*member).empty()) value.set(name, finding.*member);
  }
  if (finding.since) value.set("since", format_time(*finding.since));
  if (finding.times > 0) value.set("times", finding.times);
  json::Array entries;
  for (const std::uint64_t entry : finding.entries) entries.emplace_back(entry);
  if (!entries.empty()) value.set("entries", json::Value(std::move(entries)));
  if (finding.by) value.set("by", day_text(*finding.by));
  return value;
}

Result<std::string> bounded(ObjectReader& reader, std::string_view key, std::size_t most) {
  SLUIS_TRY(const auto text, reader.optional_string(key));
  if (text && text->size() > most) return reader.refused(key, "`" + std::string(key) + "` is longer than " + std::to_string(most) + " bytes");
  return text.value_or("");
}

Result<std::uint64_t> count(const ObjectReader& reader, std::string_view key, const json::Value& value) {
  const auto number = value.if_number() == nullptr ? Result<std::int64_t>(-1) : json::to_integer(*value.if_number());
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) > kMostCount) return reader.refused(key, "a whole number from 0 is needed");
  return static_cast<std::uint64_t>(*number);
}

Result<std::uint64_t> required_count(ObjectReader& reader, std::string_view key) {
  const json::Value* value = reader.optional(key);
  return value == nullptr ? Result<std::uint64_t>(reader.missing(key)) : count(reader, key, *value);
}

Result<void> read_judgement(ObjectReader& reader, JudgedFinding& finding) {
  SLUIS_TRY(const auto name, reader.string("judgement"));
  auto judgement = judgement_from(name);
  if (!judgement) return Error(judgement.error()).at_pointer(reader.at("judgement"));
  finding.judgement = *judgement;
  SLUIS_TRY(finding.why, bounded(reader, "why", limits::kReasonBytes));
  if (finding.why.empty()) return reader.missing("why").mended_by("say in a sentence why it is judged so");
  SLUIS_TRY(const auto by, reader.optional_string("by"));
  if (by) {
    auto day = parse_day(*by);
    if (!day) return Error(day.error()).at_pointer(reader.at("by"));
    finding.by = *day;
  } else if (finding.judgement == Judgement::to_mend) {
    return reader.missing("by").mended_by("what is to be mended has a day by which: 2026-12-31");
  }
  return {};
}

Result<JudgedFinding> read_finding(ObjectReader& reader) {
  JudgedFinding finding;
  SLUIS_TRY(finding.code, bounded(reader, "code", limits::kIdBytes));
  if (finding.code.empty()) return reader.missing("code");
  SLUIS_TRY(finding.sentence, bounded(reader, "sentence", limits::kReasonBytes));
  for (const auto& [name, member] : kAbout) {
    SLUIS_TRY(finding.*member, bounded(reader, name, limits::kIdBytes));
  }
  SLUIS_TRY(finding.since, reader.optional_time("since"));
  if (const json::Value* times = reader.optional("times")) {
    SLUIS_TRY(finding.times, count(reader, "times", *times));
  }
  SLUIS_TRY(const json::Array* entries, reader.array("entries"));
  for (const json::Value& one : *entries) {
    SLUIS_TRY(const std::uint64_t entry, count(reader, "entries", one));
    finding.entries.push_back(entry);
  }
  SLUIS_CHECK(read_judgement(reader, finding));
  SLUIS_CHECK(reader.finish());
  return finding;
}

Result<void> read_log(const json::Value* value, Statement& statement) {
  SLUIS_TRY(ObjectReader log, ObjectReader::open(*value, "/log"));
  SLUIS_TRY(statement.origin, bounded(log, "origin", limits::kIdBytes));
  if (statement.origin.empty()) return log.missing("origin");
  SLUIS_TRY(statement.first, required_count(log, "first"));
  SLUIS_TRY(statement.size, required_count(log, "size"));
  if (statement.size == 0) return log.refused("size", "a log without entries shows nothing");
  SLUIS_TRY(const auto hex, log.string("root"));
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != 32) return log.refused("root", "a root has 64 hexadecimal digits");
  SLUIS_TRY(statement.root, to_hash(*bytes));
  return log.finish();
}

}  // namespace

std::string_view to_string(Judgement judgement) { return kJudgements.at(static_cast<std::size_t>(judgement)); }

Result<Judgement> judgement_from(std::string_view name) {
  for (std::size_t i = 0; i < kJudgements.size(); ++i) {
    if (kJudgements[i] == name) return static_cast<Judgement>(i);
  }
  return Error(ErrorCode::invalid_argument, "unknown judgement `" + std::string(name) + "`").mended_by("`confirmed`, `accepted` or `to mend`");
}

Result<Timestamp> parse_day(std::string_view text) {
  const auto day = text.size() == 10 ? parse_time(std::string(text) + "T00:00:00Z") : Result<Timestamp>(Error());
  if (!day) return Error(ErrorCode::invalid_argument, "`" + std::string(text.substr(0, 40)) + "` is no day").mended_by("write a day as 2026-12-31");
  return *day;
}

std::string JudgedFinding::subject() const {
  std::string all;
  put_sized(all, code);
  bool about_something = false;
  for (const auto& [_, member] : kAbout) {
    put_sized(all, this->*member);
    about_something |= !(this->*member).empty();
  }
  // Several of these may be about the same, or about nothing that has a name: each is known by the first entry that shows it.
  if ((!about_something || code == "retention.late") && !entries.empty()) put_u64(all, entries.front());
  return all;
}

json::Value to_json(const Statement& statement) {
  json::Array findings;
  for (const JudgedFinding& finding : statement.findings) findings.push_back(to_json(finding));
  return json::object({{"node", statement.node.str()},
                       {"log", json::object({{"origin", statement.origin}, {"first", statement.first}, {"size", statement.size},
                                             {"root", to_hex(statement.root)}})},
                       {"from", format_time(statement.from)},
                       {"until", format_time(statement.until)},
                       {"made", format_time(statement.made)},
                       {"findings", json::Value(std::move(findings))}});
}

Result<Statement> read_statement(const json::Value& value) {
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, ""));
  Statement statement;
  SLUIS_TRY(const auto node, bounded(reader, "node", limits::kIdBytes));
  if (node.empty()) return reader.missing("node");
  statement.node = ParticipantId(node);
  const json::Value* log = reader.optional("log");
  if (log == nullptr) return reader.missing("log");
  SLUIS_CHECK(read_log(log, statement));
  SLUIS_TRY(statement.from, reader.time("from"));
  SLUIS_TRY(statement.until, reader.time("until"));
  if (statement.until < statement.from) return reader.refused("until", "`until` is before `from`");
  SLUIS_TRY(statement.made, reader.time("made"));
  if (reader.optional("findings") == nullptr) return reader.missing("findings");
  SLUIS_TRY(const json::Array* findings, reader.array("findings"));
  for (std::size_t i = 0; i < findings->size(); ++i) {
    SLUIS_TRY(ObjectReader one, ObjectReader::open((*findings)[i], json::pointer_to("/findings", i)));
    SLUIS_TRY(JudgedFinding finding, read_finding(one));
    for (const std::uint64_t entry : finding.entries) {
      if (entry >= statement.first + statement.size) return one.refused("entries", "entry " + std::to_string(entry) + " is not in the checkpoint");
    }
    statement.findings.push_back(std::move(finding));
  }
  SLUIS_CHECK(reader.finish());
  return statement;
}

Result<std::string> sign_statement(const Statement& statement, const crypto::Key& key) {
  if (key.kind() != crypto::Key::Kind::ed25519 || !key.is_private()) {
    return Error(ErrorCode::invalid_argument, "findings are signed with a private Ed25519 key").mended_by("sluis audit key FILE makes one");
  }
  SLUIS_TRY(const std::string payload, json::canonical(to_json(statement)));
  if (payload.size() > kStatementBytes) {
    return Error(ErrorCode::limit_exceeded, "these findings take " + std::to_string(payload.size()) + " bytes, and one statement has at most " +
                                                std::to_string(kStatementBytes))
        .mended_by("sign a shorter period, or take some of the findings out of the draft and sign them apart");
  }
  SLUIS_TRY(const json::Value value, json::parse(payload));
  SLUIS_CHECK(read_statement(value));
  return make_jws(kForm, identity::key_id(key), payload, key);
}

Result<SignedStatement> SignedStatement::open(std::string_view token) {
  SLUIS_TRY(Jws jws, split_jws(token, kSignedStatementBytes));
  SLUIS_TRY(std::string key_id, jws_key_id(kForm, jws));
  return SignedStatement(std::move(jws), std::move(key_id));
}

Result<Statement> SignedStatement::verify(const crypto::Key& key) const {
  if (key_id_ != identity::key_id(key)) return Error(ErrorCode::permission_denied, "the statement is signed with another key");
  if (!is_signed_by(kForm, jws_, key)) return Error(ErrorCode::permission_denied, "the statement's signature is wrong");
  return read();
}

Result<Statement> SignedStatement::read() const {
  SLUIS_TRY(const json::Value value, json::parse(jws_.payload));
  SLUIS_TRY(const std::string canonical, json::canonical(value));
  if (canonical != jws_.payload) return Error(ErrorCode::invalid_argument, "the statement is not in canonical form");
  return read_statement(value);
}

}  // namespace sluis::identity
