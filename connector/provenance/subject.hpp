#pragma once

#include "connector/base/error.hpp"

#include <string>
#include <string_view>

namespace sluis::provenance {

/// The person whom a request is about: `dpl.core.data_subject_id_type` and `dpl.core.data_subject_id` of Logboek Dataverwerkingen 1.0.0.
struct DataSubject {
  std::string type;  ///< `BSN`, or whatever else the id is one of
  std::string id;
};

/// `TYPE ID`, with one space between: a word with two digits at most (64 bytes; taken in capitals), and visible ASCII (256 bytes; a BSN of eight
/// digits gets its zero back). invalid_argument; its message does not repeat the id.
Result<DataSubject> read_subject(std::string_view text);

/// Whether a text has the id in it, in parts or whole.
bool names_subject(std::string_view text, const DataSubject& subject);

/// What stands for that person in the log: 32 bytes, HMAC-SHA-256. Without the node's key nobody finds the person by it, nor by trying all ids.
std::string subject_mark(std::string_view key, const DataSubject& subject);

}  // namespace sluis::provenance
