#pragma once

#include "connector/provenance/note.hpp"

#include <optional>
#include <string>
#include <vector>

/// C2SP tlog-policy: whose cosignatures somebody takes as enough, and of which logs.
namespace sluis::provenance {

/// What a policy says of one checkpoint.
struct Quorum {
  struct Witness {
    std::string name;               ///< in the policy; as text, whatever its octets are
    std::string key;                ///< the name of its key, as it signs
    std::optional<Timestamp> when;  ///< it cosigned, and when last; none: it did not
  };

  std::string name;                ///< of the quorum line, as text
  Checkpoint checkpoint;           ///< what was judged
  std::vector<Witness> witnesses;  ///< all of the policy, in its order
  bool met = false;                ///< enough of them cosigned; always so where the quorum is `none`
  bool none = false;               ///< the policy asks for no cosignature: being met says nothing

  /// Whether what these witnesses saw vouches for the log up to this checkpoint.
  bool vouches() const { return met && !none && checkpoint.size != 0; }
  /// How many of them cosigned.
  std::size_t count() const;
};

class WitnessPolicy {
 public:
  /// The text of a policy; `file` is for errors. As the specification has it, and stricter where that is silent: a number has no zero in
  /// front, a line that begins with another word is an error, and keys are Ed25519. invalid_argument, with line and column.
  static Result<WitnessPolicy> parse(std::string_view text, const std::string& file = {});

  /// So many of these witnesses, each called as its key; 0: `none`.
  static WitnessPolicy at_least(std::size_t threshold, const std::vector<VerifierKey>& witnesses);

  /// Who may cosign, as the policy has them, in its order.
  struct Witness {
    std::string name;  ///< in the policy
    VerifierKey key;
    std::string url;   ///< where to ask for a cosignature; empty: the policy does not say
  };
  const std::vector<Witness>& witnesses() const { return witnesses_; }
  /// Its lines without those of logs and comments; empty: it was not read from a text.
  const std::string& text() const { return text_; }
  /// The name of the quorum line, as text.
  std::string quorum_name() const;
  /// So many cosignatures are enough at least; 0: the quorum is `none`.
  std::size_t fewest() const;

  /// The logs that it names; none: they are known from elsewhere.
  const std::vector<VerifierKey>& logs() const { return logs_; }
  /// Opens a checkpoint of that log and asks who cosigned it. Lines of keys that the policy does not have are passed over.
  /// permission_denied: the log's signature, or a cosignature of one of its witnesses, is wrong. Errors as of open_checkpoint.
  Result<Quorum> judge(std::string_view note, const VerifierKey& log) const;

 private:
  class Reader;

  /// What a name stands for: a witness, or a group that has witnessed when `threshold` of its members have. Members are defined before.
  struct Defined {
    std::optional<std::size_t> witness;
    std::size_t threshold = 0;
    std::vector<std::size_t> members;
  };

  std::vector<VerifierKey> logs_;
  std::vector<Witness> witnesses_;
  std::vector<Defined> defined_;      ///< in the order of the file
  std::optional<std::size_t> quorum_;  ///< of `defined_`; nothing: `none`
  std::string quorum_name_;
  std::string text_;
};

}  // namespace sluis::provenance
