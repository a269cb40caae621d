#pragma once

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace sluis {

/// A string that cannot be mistaken for another kind of string. Never parsed; compared byte by byte.
template <class Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(std::string text) : text_(std::move(text)) {}

  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  std::string text_;
};

using ParticipantId = StrongId<struct ParticipantTag>;    ///< DSP `participantId`, an opaque URI
using DatasetId = StrongId<struct DatasetTag>;
using OfferId = StrongId<struct OfferTag>;
using AgreementId = StrongId<struct AgreementTag>;
using ProcessId = StrongId<struct ProcessTag>;            ///< DSP `consumerPid` or `providerPid`
using TransactionId = StrongId<struct TransactionTag>;    ///< one data request, the same in both logs

}  // namespace sluis

template <class Tag>
struct std::hash<sluis::StrongId<Tag>> {
  std::size_t operator()(const sluis::StrongId<Tag>& id) const { return std::hash<std::string>()(id.str()); }
};
