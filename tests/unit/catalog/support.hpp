#pragma once

#include "catalog/catalog.hpp"
#include "connector/storage/memory_store.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluis::catalog::test {

inline Timestamp at(std::string_view text) { return *parse_time(text); }
inline const Timestamp kNow = at("2026-11-26T09:00:00Z");

inline std::shared_ptr<const policy::Vocabulary> vocabulary() {
  static const auto made = [] {
    auto parsed = policy::Vocabulary::parse(
        "dpv:Purpose\tPurpose\t\t\ndpv:PublicBenefit\tPublic benefit\t\tdpv:Purpose\n"
        "urn:f:CrowdManagement\tCrowd management\t\tdpv:PublicBenefit\ndpv:Marketing\tMarketing\t\tdpv:Purpose\n",
        "test.tsv");
    EXPECT_TRUE(parsed) << describe(parsed.error());
    return std::make_shared<const policy::Vocabulary>(std::move(*parsed));
  }();
  return made;
}

inline const std::string kHead = R"(id = "urn:waterrijk:dataset:counts"
title = { en = "Counts", nl = "Tellingen" }
description = { en = "Counts an hour", nl = "Tellingen per uur" }
publisher = { name = "Gemeente Waterrijk", uri = "https://waterrijk.example/" }
contact = { name = "Data desk", email = "data@waterrijk.example" }
theme = ["http://publications.europa.eu/resource/authority/data-theme/TRAN"]
licence = "http://creativecommons.org/licenses/by/4.0/deed.nl"
)";
inline const std::string kTail = R"([personal]
status = "not-personal"
traceable_to_small_groups = true
method = "review"
signer = "privacy officer"
until = "2027-11-01"
[source]
file = "counts.csv"
media_type = "text/csv"
encoding = "utf-8"
null_words = ["", "n/a"]
columns = [
  { name = "time", action = "keep" },
  { name = "total", action = "keep", counts = true },
  { name = "in", action = "keep", counts = true },
  { name = "out", action = "keep", counts = true },
  { name = "note", action = "drop" },
]
groups = ["total = in + out"]
pace = "16 KiB/s"
)";

inline std::string agreement_file() {
  return kHead + R"(access_rights = "restricted"
access = "agreement"
gathered_for_municipality = true
public_reason = "small counts can be traced"
)" + kTail + R"([terms]
classes = ["municipality", "company"]
purposes = ["urn:f:CrowdManagement"]
processing_activity = true
)";
}
inline std::string open_file() {
  return kHead + R"(access_rights = "public"
access = "public"
gathered_for_municipality = true
)" + kTail + R"([terms.suppress_small_cells]
min_cell_size = 10
groups = ["total = in + out"]
)";
}
/// The text with its one `from` replaced.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t found = text.find(from);
  EXPECT_NE(found, std::string::npos) << from;
  return found == std::string::npos ? text : text.replace(found, from.size(), to);
}
inline Result<Dataset> read(const std::string& text, Timestamp now = kNow) {
  return parse_dataset(text, "counts.toml", {vocabulary(), now, {}});
}
inline Dataset good(const std::string& text) {
  auto dataset = read(text);
  EXPECT_TRUE(dataset) << describe(dataset.error());
  return dataset ? *dataset : Dataset();
}

/// What a commit path does, without the log.
inline Result<void> apply(storage::KvStore& store, const Commit& commit) {
  for (const Precondition& one : commit.preconditions) {
    SLUIS_TRY(const auto held, store.get(one.key));
    if (held != one.expected) return Error(ErrorCode::conflict, one.key);
  }
  return store.write(commit.changes, true);
}

}  // namespace sluis::catalog::test
