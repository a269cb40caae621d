#include "catalog/dataset.hpp"

#include "catalog/dataset_file.hpp"
#include "catalog/dataset_source.hpp"
#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "policy/odrl/values.hpp"
#include "policy/purpose/legal_bases.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::catalog {
namespace {

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

bool is_iri(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && text.size() <= limits::kIdBytes &&
         std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '<' || c == '>' || c == '"';
         });
}

Result<std::string> iri(TomlTable& table, std::string_view key) {
  SLUIS_TRY(auto text, table.string(key));
  if (!is_iri(text)) return table.refused(key, in_backticks(text) + " is not an absolute IRI");
  return text;
}

Result<LocalText> local_text(TomlTable& parent, std::string_view key) {
  SLUIS_TRY(TomlTable table, parent.table(key));
  LocalText text;
  SLUIS_TRY(text.en, table.string("en"));
  SLUIS_TRY(text.nl, table.string("nl"));
  return text;
}

/// One word of a few.
template <class T, std::size_t N>
Result<T> choice(TomlTable& table, std::string_view key, const std::pair<std::string_view, T> (&words)[N]) {
  SLUIS_TRY(const auto text, table.string(key));
  std::string known;
  for (const auto& [word, value] : words) {
    if (word == text) return value;
    known += (known.empty() ? "`" : ", `") + std::string(word) + "`";
  }
  return table.refused(key, "unknown " + std::string(key) + " " + in_backticks(text)).mended_by("known are " + known);
}

Result<void> read_description(TomlTable& root, Dataset& dataset) {
  SLUIS_TRY(const auto id, iri(root, "id"));
  dataset.id = DatasetId(id);
  SLUIS_TRY(dataset.title, local_text(root, "title"));
  SLUIS_TRY(dataset.description, local_text(root, "description"));
  SLUIS_TRY(TomlTable publisher, root.table("publisher"));
  SLUIS_TRY(dataset.publisher.name, publisher.string("name"));
  SLUIS_TRY(dataset.publisher.uri, iri(publisher, "uri"));
  SLUIS_TRY(TomlTable contact, root.table("contact"));
  SLUIS_TRY(dataset.contact.name, contact.string("name"));
  SLUIS_TRY(const auto email, contact.optional_string("email"));
  SLUIS_TRY(const auto url, contact.optional_string("url"));
  if (!email && !url) return root.refused("contact", "a contact needs `email` or `url`");
  if (email && (!is_iri("mailto:" + *email) || email->find('@') == std::string::npos)) {
    return contact.refused("email", in_backticks(*email) + " is not an address");
  }
  if (url && !is_iri(*url)) return contact.refused("url", in_backticks(*url) + " is not an absolute IRI");
  dataset.contact.email = email.value_or("");
  dataset.contact.url = url.value_or("");
  SLUIS_TRY(dataset.themes, root.strings("theme"));
  if (dataset.themes.empty()) return root.refused("theme", "a dataset needs a `theme`");
  for (std::size_t i = 0; i < dataset.themes.size(); ++i) {
    if (!is_iri(dataset.themes[i])) {
      return Error(ErrorCode::invalid_argument, in_backticks(dataset.themes[i]) + " is not an absolute IRI")
          .at(root.place("theme", i));
    }
  }
  SLUIS_TRY(dataset.keywords, root.strings("keywords"));
  SLUIS_TRY(dataset.licence, iri(root, "licence"));
  if (root.has("spatial")) {
    SLUIS_TRY(dataset.spatial, iri(root, "spatial"));
  } else {
    SLUIS_CHECK(root.optional_string("spatial"));
  }
  SLUIS_TRY(auto temporal, root.optional_table("temporal"));
  if (temporal) {
    SLUIS_TRY(dataset.temporal.from, temporal->optional_time("from"));
    SLUIS_TRY(dataset.temporal.until, temporal->optional_time("until"));
  }
  return {};
}

Result<void> read_access(TomlTable& root, Dataset& dataset) {
  SLUIS_TRY(dataset.access_rights,
            choice<AccessRights>(root, "access_rights", {{"public", AccessRights::open},
                                                         {"restricted", AccessRights::restricted},
                                                         {"non-public", AccessRights::non_public}}));
  SLUIS_TRY(dataset.access,
            choice<Access>(root, "access", {{"public", Access::open}, {"agreement", Access::agreement}}));
  SLUIS_TRY(dataset.gathered_for_municipality, root.boolean("gathered_for_municipality"));
  SLUIS_TRY(const auto reason, root.optional_string("public_reason"));
  dataset.public_reason = reason.value_or("");
  SLUIS_TRY(dataset.push, root.boolean_or("push", false));
  SLUIS_TRY(const auto processed_under, root.optional_string("processed_under"));
  dataset.processed_under = processed_under.value_or("");
  if (processed_under && dataset.processed_under.find(':') == std::string::npos) {
    return root.refused("processed_under", "a processing activity is named by its URI").mended_by("name one of `sluis activity list`");
  }
  return {};
}

Result<void> read_assessment(TomlTable& table, Assessment& assessment) {
  SLUIS_TRY(assessment.personal, choice<bool>(table, "status", {{"not-personal", false}, {"personal", true}}));
  SLUIS_TRY(assessment.traceable_to_small_groups, table.boolean("traceable_to_small_groups"));
  SLUIS_TRY(assessment.method, table.string("method"));
  SLUIS_TRY(assessment.signer, table.string("signer"));
  SLUIS_TRY(assessment.until, table.time("until"));
  return {};
}

Result<std::vector<policy::SumGroup>> read_groups(TomlTable& table) {
  SLUIS_TRY(const auto texts, table.strings("groups"));
  std::vector<policy::SumGroup> groups;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    policy::Constraint constraint;
    constraint.operand = policy::Operand::cell_group;
    auto read = policy::read_right_operand(json::Value(texts[i]), "", constraint);
    if (!read) return Error(read.error()).at(table.place("groups", i));
    groups.push_back({constraint.values.front(), {constraint.values.begin() + 1, constraint.values.end()}});
  }
  return groups;
}

Result<policy::TimeFormat> read_time_format(TomlTable& table) {
  policy::TimeFormat format;
  SLUIS_TRY(const auto pattern, table.optional_string("pattern"));
  SLUIS_TRY(const auto zone, table.optional_string("zone"));
  format.pattern = pattern.value_or("");
  format.zone = zone.value_or("");
  if (table.has("doubled")) {
    SLUIS_TRY(format.doubled, choice<policy::Doubled>(table, "doubled", {{"earlier", policy::Doubled::earlier},
                                                                         {"later", policy::Doubled::later},
                                                                         {"refuse", policy::Doubled::refuse}}));
  }
  if (table.has("missing")) {
    SLUIS_TRY(format.missing, choice<policy::Missing>(table, "missing", {{"refuse", policy::Missing::refuse},
                                                                         {"drop", policy::Missing::drop}}));
  }
  const auto checked = policy::check_time_format(format);
  if (!checked) return Error(checked.error()).at(table.place());
  return format;
}

/// Groups of columns of this source. Each has two at least, and names none that is not declared.
Result<std::vector<std::vector<std::string>>> read_column_groups(TomlTable& table, std::string_view key,
                                                                 const policy::DatasetColumns& columns) {
  std::vector<std::vector<std::string>> groups;
  SLUIS_TRY(const auto texts, table.strings(key, true));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::vector<std::string> group;
    for (std::string_view rest = texts[i]; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view name = rest.substr(0, comma);
      while (name.starts_with(' ')) name.remove_prefix(1);
      while (name.ends_with(' ')) name.remove_suffix(1);
      if (columns.find(std::string(name)) == nullptr) {
        return Error(ErrorCode::invalid_argument, "there is no column " + in_backticks(name)).at(table.place(key, i));
      }
      group.emplace_back(name);
      rest.remove_prefix(std::min(rest.size(), comma + 1));
    }
    if (group.size() < 2) {
      return Error(ErrorCode::invalid_argument, "a group has two columns at least")
          .at(table.place(key, i))
          .mended_by("write it like `\"first, second\"`");
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

Result<void> read_columns(TomlTable& table, policy::DatasetColumns& columns) {
  SLUIS_TRY(auto list, table.tables("columns"));
  if (list.empty()) {
    return table.refused("columns", "a source needs `columns`").mended_by("what is not named is dropped");
  }
  for (TomlTable& one : list) {
    policy::ColumnDeclaration column;
    SLUIS_TRY(column.name, one.string("name"));
    SLUIS_TRY(column.action, choice<policy::ColumnAction>(one, "action", {{"keep", policy::ColumnAction::keep},
                                                                          {"drop", policy::ColumnAction::drop}}));
    SLUIS_TRY(column.counts, one.boolean_or("counts", false));
    SLUIS_TRY(auto time, one.optional_table("time"));
    if (time) {
      SLUIS_TRY(column.time, read_time_format(*time));
    }
    columns.columns.push_back(std::move(column));
  }
  SLUIS_TRY(columns.groups, read_groups(table));
  SLUIS_TRY(columns.together, read_column_groups(table, "together", columns));
  SLUIS_TRY(columns.apart, read_column_groups(table, "apart", columns));
  return {};
}

/// The dialect of a CSV file. JSON lines need none of it but the words for nothing.
Result<void> read_format(TomlTable& table, Source& source) {
  policy::CsvFormat& format = source.format;
  if (source.media_type == "application/jsonl") format.form = policy::Form::json_lines;
  SLUIS_TRY(const auto delimiter, table.optional_string("delimiter"));
  if (delimiter && delimiter->size() != 1) return table.refused("delimiter", "a delimiter is one character");
  if (delimiter) format.delimiter = delimiter->front();
  SLUIS_TRY(const auto quote, table.optional_string("quote"));
  if (quote && quote->size() != 1 && *quote != "none") {
    return table.refused("quote", "a quote is one character, or `none`");
  }
  if (quote) format.quote = *quote == "none" ? '\0' : quote->front();
  SLUIS_TRY(const auto decimal, table.optional_string("decimal"));
  if (decimal && decimal->size() != 1) return table.refused("decimal", "a decimal sign is one character");
  if (decimal) format.decimal = decimal->front();
  SLUIS_TRY(format.mark, table.boolean_or("byte_order_mark", false));
  SLUIS_TRY(format.same_encoding, table.boolean_or("same_encoding", false));
  SLUIS_TRY(const auto encoding, table.string("encoding"));
  const auto known = policy::encoding_from(encoding);
  if (!known) return Error(known.error()).at(table.place("encoding"));
  format.encoding = *known;
  SLUIS_TRY(format.null_words, table.strings("null_words", true));
  const auto checked = policy::check_format(format);
  if (!checked) return Error(checked.error()).at(table.has("delimiter") ? table.place("delimiter") : table.place());
  return {};
}

Result<void> read_lookups(TomlTable& table, Source& source) {
  SLUIS_TRY(auto list, table.tables("lookups"));
  for (TomlTable& one : list) {
    SLUIS_TRY(const auto name, one.string("name"));
    SLUIS_TRY(const auto file, one.string("file"));
    if (!is_safe_path(file)) {
      return one.refused("file", in_backticks(file) + " is not a path below the dataset's folder");
    }
    if (!source.lookups.emplace(name, file).second) {
      return one.refused("name", in_backticks(name) + " is declared twice");
    }
  }
  return {};
}

Result<std::string> safe_path(TomlTable& table, std::string_view key, std::string_view below = "the dataset's folder") {
  SLUIS_TRY(auto path, table.string(key));
  if (!is_safe_path(path)) return table.refused(key, in_backticks(path) + " is not a path below " + std::string(below));
  return path;
}

/// Where the data come from: one of the four.
Result<void> read_origin(TomlTable& table, Source& source) {
  const int origins = (table.has("file") ? 1 : 0) + (table.has("follow") ? 1 : 0) + (table.has("folder") ? 1 : 0) + (table.has("http") ? 1 : 0);
  if (origins > 1) return Error(ErrorCode::invalid_argument, "a source is one of `file`, `follow`, `folder` and `http`").at(table.place());
  if (table.has("folder")) {
    SLUIS_TRY(source.files, read_folder_source(table));
  } else if (table.has("http")) {
    SLUIS_TRY(TomlTable http, table.table("http"));
    SLUIS_TRY(source.http, read_http_source(http));
  } else if (table.has("follow")) {
    SLUIS_TRY(source.follow, safe_path(table, "follow"));
  } else {
    SLUIS_TRY(source.file, safe_path(table, "file"));
  }
  return {};
}

Result<void> read_source(TomlTable& table, Source& source) {
  SLUIS_CHECK(read_origin(table, source));
  SLUIS_TRY(source.media_type, table.string("media_type"));
  if (source.media_type != "text/csv" && source.media_type != "application/jsonl") {
    return table.refused("media_type", "unknown media type " + in_backticks(source.media_type))
        .mended_by("known are `text/csv`, `application/jsonl`");
  }
  SLUIS_CHECK(read_format(table, source));
  SLUIS_TRY(const auto pace, table.optional_string("pace"));
  if (pace) {
    const auto rate = parse_pace(*pace);
    if (!rate) return Error(rate.error()).at(table.place("pace"));
    source.pace = *rate;
  }
  SLUIS_CHECK(read_lookups(table, source));
  SLUIS_CHECK(read_columns(table, source.columns));
  SLUIS_CHECK(check_follow(table, source));
  return check_choices(table, source);
}

Result<std::vector<std::string>> purposes(TomlTable& table, std::string_view key) {
  SLUIS_TRY(auto list, table.strings(key));
  for (std::string& one : list) one = policy::expand_purpose(one);
  return list;
}

Result<void> read_decided_by(TomlTable& table, Terms& terms) {
  SLUIS_TRY(auto decided, table.optional_table("decided_by"));
  if (!decided) return {};
  using Kind = DecidedBy::Kind;
  DecidedBy by;
  SLUIS_TRY(by.body, decided->string("body"));
  SLUIS_TRY(by.kind, choice<Kind>(*decided, "kind", {{"elected", Kind::elected},
                                                     {"appointed", Kind::appointed},
                                                     {"external", Kind::external},
                                                     {"supplier", Kind::supplier}}));
  SLUIS_TRY(auto reference, decided->optional_string("reference"));
  by.reference = reference.value_or("");
  terms.decided_by = std::move(by);
  return {};
}

Result<void> read_terms(TomlTable& table, Terms& terms) {
  SLUIS_TRY(terms.classes, table.strings("classes"));
  SLUIS_TRY(terms.purposes, purposes(table, "purposes"));
  SLUIS_TRY(terms.deny_purposes, purposes(table, "deny_purposes"));
  SLUIS_TRY(terms.processing_activity, table.boolean_or("processing_activity", false));
  SLUIS_TRY(terms.two_sided_evidence, table.boolean_or("two_sided_evidence", false));
  SLUIS_TRY(terms.legal_basis, table.strings("legal_basis"));
  for (std::string& one : terms.legal_basis) one = policy::expand_legal_basis(one);
  SLUIS_TRY(terms.impact_assessment_for, purposes(table, "impact_assessment_for"));
  SLUIS_TRY(terms.from, table.optional_time("from"));
  SLUIS_TRY(terms.until, table.optional_time("until"));
  SLUIS_TRY(terms.access_for, table.optional_duration("access_for"));
  SLUIS_TRY(terms.delete_after, table.optional_duration("delete_after"));
  SLUIS_TRY(terms.steward_approval, table.boolean_or("steward_approval", false));
  SLUIS_TRY(terms.single_purpose_without_claim, table.boolean_or("single_purpose_without_claim", false));
  SLUIS_CHECK(read_decided_by(table, terms));
  SLUIS_TRY(auto suppress, table.optional_table("suppress_small_cells"));
  if (!suppress) return {};
  policy::SuppressSmallCells made;
  SLUIS_TRY(made.threshold, suppress->integer("min_cell_size"));
  if (made.threshold < 1 || made.threshold > 1'000'000) {
    return suppress->refused("min_cell_size", "a smallest cell size is a whole number from 1 to 1000000");
  }
  SLUIS_TRY(const auto round_to, suppress->optional_integer("round_to"));
  made.round_to = round_to.value_or(0);
  if (round_to && (*round_to < 2 || *round_to > 1'000'000)) {
    return suppress->refused("round_to", "counts are rounded to a whole number from 2 to 1000000");
  }
  SLUIS_TRY(made.columns, suppress->strings("columns"));
  SLUIS_TRY(made.groups, read_groups(*suppress));
  terms.suppress = std::move(made);
  return {};
}

/// The offers that they have are added where they are known.
Result<void> read_made_from(TomlTable& table, Dataset& dataset) {
  SLUIS_TRY(const auto ids, table.strings("made_from"));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const bool twice = std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i), ids[i]) !=
                       ids.begin() + static_cast<std::ptrdiff_t>(i);
    if (twice || i >= limits::kSourcesPerDataset) {
      return Error(ErrorCode::invalid_argument, twice ? in_backticks(ids[i]) + " is named twice"
                                                      : "a dataset is made from " + std::to_string(limits::kSourcesPerDataset) +
                                                            " datasets at most")
          .at(table.place("made_from", i));
    }
    dataset.made_from.push_back({DatasetId(ids[i]), {}});
  }
  return {};
}

json::Value local_json(const LocalText& text) {
  return json::object({{"en", json::Value(text.en)}, {"nl", json::Value(text.nl)}});
}

json::Value strings_json(const std::vector<std::string>& list) {
  json::Array array;
  for (const std::string& one : list) array.emplace_back(one);
  return json::Value(std::move(array));
}

}  // namespace

std::string_view to_string(AccessRights rights) {
  switch (rights) {
    case AccessRights::open: return "public";
    case AccessRights::restricted: return "restricted";
    case AccessRights::non_public: return "non-public";
  }
  return "non-public";
}

std::string_view to_string(DecidedBy::Kind kind) {
  switch (kind) {
    case DecidedBy::Kind::elected: return "elected";
    case DecidedBy::Kind::appointed: return "appointed";
    case DecidedBy::Kind::external: return "external";
    case DecidedBy::Kind::supplier: return "supplier";
  }
  return "appointed";
}

json::Value to_json(const DecidedBy& by) {
  json::Value value = json::object({{"body", json::Value(by.body)}, {"kind", json::Value(to_string(by.kind))}});
  if (!by.reference.empty()) value.set("reference", json::Value(by.reference));
  return value;
}

Result<DecidedBy> decided_by_from_json(const json::Value& value) {
  const auto read = [&]() -> Result<DecidedBy> {
    DecidedBy by;
    SLUIS_TRY(by.body, json::required_string(value, "body"));
    SLUIS_TRY(const std::string kind, json::required_string(value, "kind"));
    SLUIS_TRY(by.kind, decided_kind(kind));
    SLUIS_TRY(const std::optional<std::string> reference, json::optional_string(value, "reference"));
    by.reference = reference.value_or("");
    return by;
  }();
  if (!read) return Error(ErrorCode::corruption, "who decided cannot be read: " + read.error().message);
  return *read;
}

Result<DecidedBy::Kind> decided_kind(std::string_view text) {
  using Kind = DecidedBy::Kind;
  for (const Kind kind : {Kind::elected, Kind::appointed, Kind::external, Kind::supplier}) {
    if (text == to_string(kind)) return kind;
  }
  return Error(ErrorCode::invalid_argument, in_backticks(text) + " is no kind of body")
      .mended_by("known are `elected`, `appointed`, `external`, `supplier`");
}

Result<std::uint64_t> parse_pace(std::string_view text) {
  const Error bad = Error(ErrorCode::invalid_argument, in_backticks(text) + " is not a pace")
                        .mended_by("write it like `16 KiB/s`");
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || number == 0 || number > (1U << 30U)) return bad;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit == "B/s") return number;
  if (unit == "KiB/s") return number << 10U;
  if (unit == "MiB/s") return number << 20U;
  return bad;
}

Result<DatasetFile> read_dataset_file(std::string_view text, const std::string& file) {
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, file));
  Dataset dataset;
  dataset.toml = text;
  SLUIS_CHECK(read_description(root, dataset));
  SLUIS_CHECK(read_access(root, dataset));
  SLUIS_CHECK(read_made_from(root, dataset));
  SLUIS_TRY(TomlTable personal, root.table("personal"));
  SLUIS_CHECK(read_assessment(personal, dataset.assessment));
  SLUIS_TRY(TomlTable source, root.table("source"));
  SLUIS_CHECK(read_source(source, dataset.source));
  SLUIS_TRY(auto terms, root.optional_table("terms"));
  if (terms) SLUIS_CHECK(read_terms(*terms, dataset.terms));
  SLUIS_TRY(auto offer_file, root.optional_string("offer"));
  if (offer_file && (!is_safe_path(*offer_file) || offer_file->find('/') != std::string::npos)) {
    return root.refused("offer", in_backticks(*offer_file) + " is not the name of a file beside this one");
  }
  SLUIS_CHECK(root.finish());
  return DatasetFile{root, personal, source, terms, offer_file, std::move(dataset)};
}

Result<Dataset> parse_dataset(std::string_view text, const std::string& file, const DatasetContext& context) {
  SLUIS_TRY(DatasetFile read, read_dataset_file(text, file));
  SLUIS_CHECK(check_dataset_file(read, context));
  SLUIS_CHECK(add_offer(read, context));
  return std::move(read.dataset);
}

Result<Dataset> reread_dataset(std::string_view text, json::Value offer) {
  SLUIS_TRY(DatasetFile read, read_dataset_file(text, "stored dataset"));
  SLUIS_TRY(read.dataset.offer_hash, offer_hash(offer));
  read.dataset.offer = std::move(offer);
  return std::move(read.dataset);
}

std::optional<Error> suspended(const Dataset& dataset, Timestamp now) {
  if (now < dataset.assessment.until) return std::nullopt;
  return Error(ErrorCode::invalid_state, "the assessment of " + in_backticks(dataset.id.str()) + " expired at " +
                                             format_time(dataset.assessment.until))
      .mended_by("assess the dataset again and publish it with the new date");
}

json::Value public_json(const Dataset& dataset) {
  json::Value value = json::object({{"id", json::Value(dataset.id.str())},
                                    {"title", local_json(dataset.title)},
                                    {"description", local_json(dataset.description)},
                                    {"publisher", json::object({{"name", json::Value(dataset.publisher.name)},
                                                                {"uri", json::Value(dataset.publisher.uri)}})},
                                    {"theme", strings_json(dataset.themes)},
                                    {"licence", json::Value(dataset.licence)},
                                    {"accessRights", json::Value(to_string(dataset.access_rights))},
                                    {"access", dataset.access == Access::open ? "public" : "agreement"},
                                    {"gatheredForMunicipality", dataset.gathered_for_municipality}});
  json::Value contact = json::object({{"name", json::Value(dataset.contact.name)}});
  if (!dataset.contact.email.empty()) contact.set("email", json::Value(dataset.contact.email));
  if (!dataset.contact.url.empty()) contact.set("url", json::Value(dataset.contact.url));
  value.set("contact", std::move(contact));
  if (!dataset.keywords.empty()) value.set("keywords", strings_json(dataset.keywords));
  if (!dataset.spatial.empty()) value.set("spatial", json::Value(dataset.spatial));
  json::Value temporal{json::Object()};
  if (dataset.temporal.from) temporal.set("from", json::Value(format_time(*dataset.temporal.from)));
  if (dataset.temporal.until) temporal.set("until", json::Value(format_time(*dataset.temporal.until)));
  if (!temporal.if_object()->empty()) value.set("temporal", std::move(temporal));
  if (!dataset.made_from.empty()) {
    json::Array from;
    for (const MadeFrom& one : dataset.made_from) from.emplace_back(one.id.str());
    value.set("madeFrom", json::Value(std::move(from)));
  }
  if (!dataset.public_reason.empty()) value.set("publicReason", json::Value(dataset.public_reason));
  if (!dataset.processed_under.empty()) value.set("processedUnder", json::Value(dataset.processed_under));
  const Assessment& assessment = dataset.assessment;
  value.set("personal", json::object({{"status", assessment.personal ? "personal" : "not-personal"},
                                      {"traceableToSmallGroups", assessment.traceable_to_small_groups},
                                      {"method", json::Value(assessment.method)},
                                      {"signer", json::Value(assessment.signer)},
                                      {"until", json::Value(format_time(assessment.until))}}));
  std::vector<std::string> kept;
  for (const policy::ColumnDeclaration& column : dataset.source.columns.columns) {
    if (column.action == policy::ColumnAction::keep) kept.push_back(column.name);
  }
  value.set("mediaType", json::Value(dataset.source.media_type));
  if (!dataset.source.follow.empty()) value.set("live", true);
  if (dataset.push) value.set("push", true);
  value.set("columns", strings_json(kept));
  value.set("processingActivity", dataset.terms.processing_activity);
  value.set("stewardApproval", dataset.terms.steward_approval);
  value.set("singlePurposeWithoutClaim", dataset.terms.single_purpose_without_claim);
  if (const auto& by = dataset.terms.decided_by) value.set("decidedBy", to_json(*by));
  return value;
}

}  // namespace sluis::catalog
