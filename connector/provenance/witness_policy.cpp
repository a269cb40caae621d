#include "connector/provenance/witness_policy.hpp"

#include "connector/base/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>

namespace sluis::provenance {
namespace {

constexpr std::string_view kNone = "none";

/// The items of a line. White space is space and tab, and nothing else.
std::vector<std::string_view> items_of(std::string_view line) {
  std::vector<std::string_view> items;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty()) return items;
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    items.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool allowed(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet == '\t' || octet == '\n' || (octet >= 0x20 && octet != 0x7F);
}

/// A word that may be any octets, as text: those that are no UTF-8 as `\xe9`.
std::string shown(std::string_view word) {
  std::string out;
  while (!word.empty()) {
    const std::size_t length = utf8_length(word);
    out += length == 0 ? "\\x" + to_hex(word.substr(0, 1)) : std::string(word.substr(0, length));
    word.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string quoted(std::string_view word) { return "`" + shown(word) + "`"; }

/// What of a vkey is the key: its form is strict, so that two are the same key where this is the same.
std::string public_key_of(std::string_view vkey) { return std::string(vkey.substr(vkey.find('+', vkey.find('+') + 1))); }

}  // namespace

/// Reads a policy line by line.
class WitnessPolicy::Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Result<WitnessPolicy> read(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const std::size_t end = text.find('\n');
      whole_ = text.substr(0, end);
      if (const auto wrong = std::find_if_not(whole_.begin(), whole_.end(), allowed); wrong != whole_.end()) {
        const std::string_view octet = whole_.substr(static_cast<std::size_t>(wrong - whole_.begin()), 1);
        return bad("a control character: byte " + to_hex(octet), "only tab and newline are allowed; lines end in one byte 0a", octet);
      }
      if (end == std::string_view::npos) return bad("the last line does not end", "end it with a newline, if nothing is missing behind it");
      text.remove_prefix(end + 1);
      const std::vector<std::string_view> items = items_of(whole_);
      if (items.empty() || items[0].front() == '#') continue;
      SLUIS_CHECK(take(items));
      if (items[0] != "log") policy_.text_ += std::string(whole_) + "\n";
    }
    if (quorum_line_ == 0) {
      return Error(ErrorCode::invalid_argument, "there is no quorum")
          .at({file_, 0, 0, {}})
          .mended_by("add one line `quorum <name>`, or `quorum none` if no cosignature is asked for");
    }
    return std::move(policy_);
  }

 private:
  struct Name {
    std::size_t defined = 0;  ///< of the policy
    std::uint32_t line = 0;
    std::uint32_t member_in = 0;  ///< the line of the group that has it; 0: none
  };

  /// `at`: where in the line; else its beginning.
  Error bad(const std::string& what, const char* mend, std::string_view at = {}) const {
    const auto column = at.empty() ? 1 : static_cast<std::uint32_t>(at.data() - whole_.data() + 1);
    return Error(ErrorCode::invalid_argument, what).at({file_, line_, column, {}}).mended_by(mend);
  }

  Result<void> take(const std::vector<std::string_view>& items) {
    const std::string_view word = items[0];
    if (word == "log") return log(items);
    if (word == "witness") return witness(items);
    if (word == "group") return group(items);
    if (word == "quorum") return quorum(items);
    return bad("a line that begins with " + quoted(word), "it begins with log, witness, group, quorum, or # for a comment", word);
  }

  Result<void> log(const std::vector<std::string_view>& items) {
    constexpr const char* kForm = "write it as `log <vkey> [<url>]`";
    if (items.size() < 2 || items.size() > 3) return bad("a log with too few words or too many", kForm);
    auto key = VerifierKey::parse(items[1]);
    if (!key) {
      constexpr const char* kMend = "it reads `name+hex+base64` and is of Ed25519 (type 01), as the log's owner gave it to you";
      return bad("not the key of a log: " + quoted(items[1]), kMend, items[1]);
    }
    SLUIS_CHECK(is_new_key(log_keys_, items[1]));
    policy_.logs_.push_back(std::move(*key));
    return {};
  }

  Result<void> witness(const std::vector<std::string_view>& items) {
    constexpr const char* kForm = "write it as `witness <name> <vkey> [<url>]`";
    if (items.size() < 3 || items.size() > 4) return bad("a witness with too few words or too many", kForm);
    auto key = VerifierKey::parse(items[2], Signer::witness);
    if (!key) {
      constexpr const char* kMend = "it reads `name+hex+base64` and is of Ed25519 (type 04), as `sluis witness` says when it starts";
      return bad("not the key of a witness that is known here: " + quoted(items[2]), kMend, items[2]);
    }
    SLUIS_CHECK(is_new_key(witness_keys_, items[2]));
    SLUIS_CHECK(define(items[1], {policy_.witnesses_.size(), 0, {}}));
    policy_.witnesses_.push_back({std::string(items[1]), std::move(*key), items.size() == 4 ? std::string(items[3]) : std::string()});
    return {};
  }

  Result<void> group(const std::vector<std::string_view>& items) {
    if (items.size() < 4) return bad("a group with too few words", "write it as `group <name> all|any|<number> <name>...`");
    const std::size_t count = items.size() - 3;
    Defined made;
    made.threshold = items[2] == "all" ? count : 1;
    if (items[2] != "all" && items[2] != "any") {
      const char* end = items[2].data() + items[2].size();
      const auto [at, ec] = std::from_chars(items[2].data(), end, made.threshold);
      if (ec != std::errc() || at != end || items[2].front() == '0' || made.threshold > count) {
        constexpr const char* kMend = "it is `all`, `any`, or a number from 1 to as many as are listed, with no zero in front";
        return bad("a group wants " + quoted(items[2]) + " of its " + std::to_string(count) + " members", kMend, items[2]);
      }
    }
    for (std::size_t i = 3; i < items.size(); ++i) {
      if (items[i] == kNone) return bad("`none` is no member of a group", "it is for the quorum alone", items[i]);
      SLUIS_TRY(Name* const member, find(items[i]));
      if (member->member_in != 0) {
        const std::string what = quoted(items[i]) + " is a member of a group already, in line " + std::to_string(member->member_in);
        return bad(what, "a name is a member once, so that nobody counts twice", items[i]);
      }
      member->member_in = line_;
      made.members.push_back(member->defined);
    }
    return define(items[1], std::move(made));
  }

  Result<void> quorum(const std::vector<std::string_view>& items) {
    if (items.size() != 2) return bad("a quorum is one name", "write it as `quorum <name>`, or `quorum none`");
    if (quorum_line_ != 0) return bad("a second quorum; the first is in line " + std::to_string(quorum_line_), "leave one of them");
    if (items[1] != kNone) {
      SLUIS_TRY(const Name* const name, find(items[1]));
      policy_.quorum_ = name->defined;
    }
    policy_.quorum_name_ = std::string(items[1]);
    quorum_line_ = line_;
    return {};
  }

  Result<void> define(std::string_view name, Defined made) {
    if (name == kNone) return bad("`none` cannot be defined: it stands for no cosignature at all", "take another name", name);
    const auto [at, is_new] = names_.try_emplace(std::string(name), Name{policy_.defined_.size(), line_, 0});
    if (!is_new) {
      const std::string where = std::to_string(at->second.line);
      return bad(quoted(name) + " is defined already, in line " + where, "witnesses and groups have different names", name);
    }
    policy_.defined_.push_back(std::move(made));
    return {};
  }

  Result<Name*> find(std::string_view name) {
    const auto found = names_.find(std::string(name));
    if (found != names_.end()) return &found->second;
    return bad("nothing before this line is called " + quoted(name), "define the witness or group in a line above", name);
  }

  Result<void> is_new_key(std::map<std::string, std::uint32_t>& keys, std::string_view vkey) {
    const auto [at, is_new] = keys.try_emplace(public_key_of(vkey), line_);
    if (is_new) return {};
    return bad("the same key as in line " + std::to_string(at->second), "a key is listed once, whatever its name", vkey);
  }

  const std::string& file_;
  std::string_view whole_;  ///< the line that is read
  std::uint32_t line_ = 0;
  std::uint32_t quorum_line_ = 0;
  std::map<std::string, Name> names_;
  std::map<std::string, std::uint32_t> log_keys_;
  std::map<std::string, std::uint32_t> witness_keys_;
  WitnessPolicy policy_;
};

std::size_t Quorum::count() const {
  const auto cosigned = std::count_if(witnesses.begin(), witnesses.end(), [](const Witness& one) { return one.when.has_value(); });
  return static_cast<std::size_t>(cosigned);
}

Result<WitnessPolicy> WitnessPolicy::parse(std::string_view text, const std::string& file) { return Reader(file).read(text); }

WitnessPolicy WitnessPolicy::at_least(std::size_t threshold, const std::vector<VerifierKey>& witnesses) {
  WitnessPolicy out;
  out.quorum_name_ = threshold == 0 ? std::string(kNone) : std::to_string(threshold) + " of " + std::to_string(witnesses.size());
  Defined group{std::nullopt, threshold, {}};
  for (const VerifierKey& key : witnesses) {
    group.members.push_back(out.defined_.size());
    out.defined_.push_back({out.witnesses_.size(), 0, {}});
    out.witnesses_.push_back({key.name(), key, {}});
  }
  if (threshold != 0) out.quorum_ = out.defined_.size();
  out.defined_.push_back(std::move(group));
  return out;
}

std::string WitnessPolicy::quorum_name() const { return shown(quorum_name_); }

std::size_t WitnessPolicy::fewest() const {
  if (!quorum_) return 0;
  std::vector<std::size_t> needs;  // a name is a member once, so that no witness counts for two members
  for (const Defined& one : defined_) {
    std::vector<std::size_t> members;
    for (const std::size_t member : one.members) members.push_back(needs[member]);
    std::sort(members.begin(), members.end());
    const auto end = members.begin() + static_cast<std::ptrdiff_t>(std::min(one.threshold, members.size()));
    needs.push_back(one.witness ? 1 : std::accumulate(members.begin(), end, std::size_t{0}));
  }
  return needs[*quorum_];
}

Result<Quorum> WitnessPolicy::judge(std::string_view note, const VerifierKey& log) const {
  Quorum out;
  out.name = shown(quorum_name_);
  out.none = !quorum_;
  SLUIS_TRY(out.checkpoint, open_checkpoint(note, log));
  for (const Witness& one : witnesses_) {
    SLUIS_TRY(const std::optional<Timestamp> when, cosigned_at(note, one.key));
    out.witnesses.push_back({shown(one.name), one.key.name(), when});
  }
  std::vector<bool> witnessed;
  for (const Defined& one : defined_) {
    const auto count = std::count_if(one.members.begin(), one.members.end(), [&](std::size_t member) { return witnessed[member]; });
    const bool enough = static_cast<std::size_t>(count) >= one.threshold;
    witnessed.push_back(one.witness ? out.witnesses[*one.witness].when.has_value() : enough);
  }
  out.met = out.none || witnessed[*quorum_];
  return out;
}

}  // namespace sluis::provenance
