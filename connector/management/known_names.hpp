#pragma once

#include "catalog/dataset.hpp"
#include "connector/identity/directory.hpp"
#include "connector/storage/commit_port.hpp"

/// Whether what terms name is there: in the membership list, in this node's declarations, in its register.
namespace sluis::management {

/// invalid_argument at the pointer of the first that is not: an assessment that was never recorded here, or takes a safeguard that the terms lack; a class that no member has, where
/// a typing error would open more: in a prohibition, and in a permission in what it excludes, or within an `xone`. Of the others `unknown_classes`
/// tells. Errors: the store's too.
Result<void> check_known_names(const policy::Policy& policy, const identity::Directory& directory, const storage::Reader& store);
/// All that is asked of terms by which this node gives data of its own, whoever wrote them: that it can judge by them, and that they do not open more
/// than their author meant. Values are what their operands take; situations are among these (none given: not looked at), and one more in force opens
/// nothing; what is named is there, with its safeguards; no assessment opens data that were gathered on consent; and research has safeguards. What terms promise that the node does not keep, and
/// whether they leave anything, is for whoever offers them. invalid_argument at the pointer of the first that is not so. Errors: the store's too.
Result<void> check_own_terms(const policy::Policy& policy, const catalog::Dataset& dataset, const std::optional<std::vector<std::string>>& situations,
                             const identity::Directory& directory, const storage::Reader& store, const std::shared_ptr<const policy::Vocabulary>& vocabulary,
                             Timestamp now);
/// That terms open personal data for research, statistics or archiving only with a safeguard that data pass or that is promised with a time (GDPR art.
/// 89). invalid_argument at `/permission`.
Result<void> check_safeguarded(const policy::Policy& policy, const catalog::Dataset& dataset, const std::shared_ptr<const policy::Vocabulary>& vocabulary);
/// Where terms of a dataset of this node rest on an assessment: whether one may count, at the pointer of the first. Errors: as `check_gathered`.
Result<void> check_assessed(const policy::Policy& policy, const catalog::Dataset& dataset, const storage::Reader& store, Timestamp now);
/// Sentences about classes that no member has, for the author. Empty where there is no membership list.
std::vector<std::string> unknown_classes(const policy::Policy& policy, const identity::Directory& directory);

/// Whether assessments may count for a dataset of this node. Never where the data were gathered on consent (GDPR art. 6(4)), nor where nobody
/// knows on what: the activity in `processed_under`, as the register has it for `now`. Data that are not personal need name none. The same of
/// every dataset that it is made from, near and far, as it is published now: who makes data from others does not gather them on another basis.
/// invalid_argument, with why. What was read of the register is added to `as_read`, where that is given; `until` becomes no later than when a
/// version that holds ends, or another begins.
Result<void> check_gathered(const catalog::Dataset& dataset, const storage::Reader& store, Timestamp now,
                            std::vector<Precondition>* as_read = nullptr, Timestamp* until = nullptr);

}  // namespace sluis::management
