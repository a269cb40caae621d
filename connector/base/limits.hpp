#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of the node, in one place. Each has a test that passes it.
namespace sluis::limits {

inline constexpr std::size_t kJsonBytes = 1U << 20U;          ///< a JSON body
inline constexpr std::size_t kJsonDepth = 32;
inline constexpr std::size_t kJsonValues = 100'000;           ///< values in one document
inline constexpr std::size_t kPolicyBytes = 64U << 10U;       ///< an offer or agreement, canonical
inline constexpr std::size_t kConstraintsPerPolicy = 1024;
inline constexpr std::size_t kWrittenConstraints = 4096;      ///< of one policy, its compact rules written out
inline constexpr std::size_t kPolicyDepth = 16;               ///< logical constraints in one another
inline constexpr std::size_t kValuesPerConstraint = 512;
inline constexpr std::size_t kInheritance = 8;                ///< policies that one inherits from, in a row
inline constexpr std::size_t kRulesPerPolicy = 64;
inline constexpr std::size_t kSourcesPerDataset = 16;          ///< that a dataset is made from
inline constexpr std::size_t kSourcesInAll = 64;               ///< and those that these are made from
inline constexpr std::size_t kIdBytes = 512;                  ///< any identifier that comes from outside
inline constexpr std::size_t kReasonBytes = 2048;             ///< a peer's reason, kept and shown

inline constexpr std::size_t kCommitBytes = 1U << 20U;        ///< D4
inline constexpr std::size_t kBatchBytes = 4U << 20U;         ///< D4
inline constexpr std::size_t kBatchCommits = 4096;
inline constexpr std::size_t kQueuedCommits = 16'384;         ///< more are refused with limit_exceeded
inline constexpr std::chrono::hours kCommitReceiptKept{90 * 24};  ///< a commit's id is known for this long
inline constexpr std::size_t kEntryPayloadBytes = 48U << 10U; ///< shared + internal of one entry
inline constexpr std::size_t kChunkLeaves = 256;              ///< a tile's width (C2SP tlog-tiles)

inline constexpr std::size_t kHttpHeaderBytes = 16U << 10U;
inline constexpr std::size_t kConnections = 1024;
inline constexpr std::chrono::seconds kHttpReadTimeout{15};   ///< a request must be complete in this time
inline constexpr std::chrono::seconds kHttpIdleTimeout{60};
inline constexpr std::chrono::seconds kPeerTimeout{5};        ///< a peer that accepts and never answers
inline constexpr std::size_t kResponseBytes = 4U << 20U;      ///< a peer's JSON answer

inline constexpr std::size_t kCsvFieldBytes = 64U << 10U;
inline constexpr std::size_t kCsvColumns = 4096;
inline constexpr std::size_t kTomlBytes = 1U << 20U;

inline constexpr std::chrono::seconds kClaimAge{30};          ///< D15
inline constexpr std::chrono::seconds kSkew{2};               ///< D14, tolerated between peers
inline constexpr std::chrono::minutes kReplayKept{10};        ///< D15
inline constexpr std::chrono::seconds kClockBehindLog{5};     ///< D14

inline constexpr std::size_t kAuthzenBytes = 256U << 10U;         ///< a request to the decision point, single or a batch
inline constexpr std::size_t kEvaluationsPerBatch = 50;           ///< all their entries fit in one commit
inline constexpr std::size_t kRequestIdBytes = 256;               ///< `X-Request-ID`, given back and recorded
inline constexpr std::size_t kAgreementsPerEvaluation = 64;       ///< running ones, where the question names none
inline constexpr std::size_t kAgreementsSearched = 50'000;        ///< in a store whose agreements are looked through
inline constexpr std::size_t kSearchResults = 50;                 ///< on a page
inline constexpr std::size_t kSearchResultBytes = 24U << 10U;     ///< on a page: they fit in one entry of the log
inline constexpr std::size_t kSearchEvaluations = 500;            ///< for a page; then the page ends, whatever it lists
inline constexpr std::size_t kPageTokenBytes = 4096;              ///< a page's token, as it comes back

inline constexpr std::size_t kOpenDeclarations = 64;              ///< of one node, that may be in force
inline constexpr std::size_t kDeclarationBytes = 8U << 10U;       ///< what is said of one, as JSON
inline constexpr std::size_t kDeclarationProofBytes = 1U << 20U;  ///< a peer's answer: those of one agreement, with their proofs
inline constexpr std::size_t kSituationDefinitions = 256;         ///< of one node's file
inline constexpr std::chrono::seconds kDeclarationTimeout{3};     ///< a request waits for the provider's proofs
inline constexpr std::chrono::seconds kDeclarationsTogether{5};   ///< a request with many questions begins no further one after this

inline constexpr std::size_t kPageDefault = 100;
inline constexpr std::size_t kPageMax = 1000;

}  // namespace sluis::limits
