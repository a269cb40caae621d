#include "connector/gate/row_mark.hpp"

#include "connector/crypto/crypto.hpp"
#include "connector/crypto/hmac.hpp"
#include "connector/gate/source.hpp"

namespace sluis::gate {
namespace {

constexpr std::string_view kForm = "sluis rows 1";  ///< changes when the same plan would make other rows of the same version

/// What a tag is over, each part with its size. The bindings name every member: one more does not compile until it is in here.
class Written {
 public:
  explicit Written(std::string& out) : out_(out) {}

  void operator()(std::string_view text) { put_sized(out_, text); }
  void operator()(std::int64_t number) { put_u64(out_, static_cast<std::uint64_t>(number)); }
  void operator()(const std::vector<std::string>& texts) { each(texts); }
  void operator()(const std::vector<policy::SumGroup>& groups) { each(groups); }
  void operator()(const policy::SumGroup& group) {
    const auto& [total, parts] = group;
    all(std::string_view(total), parts);
  }
  void operator()(const policy::SuppressSmallCells& one) {
    const auto& [threshold, columns, groups, round_to] = one;
    all(threshold, columns, groups, round_to);
  }
  void operator()(const policy::GeneraliseTime& one) {
    const auto& [columns, step, zone] = one;
    all(columns, std::string_view(step), std::string_view(zone));
  }
  void operator()(const policy::Pseudonymise& one) {
    const auto& [columns, epoch] = one;
    all(columns, std::string_view(epoch));
  }
  void operator()(const policy::MaskColumn& one) {
    const auto& [columns, keep] = one;
    all(columns, std::int64_t{keep});
  }
  void operator()(const policy::GeneralisePlace& one) {
    const auto& [columns, grid, lookup] = one;
    all(columns, std::string_view(grid), std::string_view(lookup));
  }
  void operator()(const policy::AggregateBy&) {}  // of whole tables there are no marks
  void operator()(const policy::ColumnDeclaration& column) {
    const auto& [name, action, counts, time] = column;
    all(std::string_view(name), static_cast<std::int64_t>(action), std::int64_t{counts}, std::int64_t{time.has_value()});
    if (!time) return;
    const auto& [pattern, zone, doubled, missing] = *time;
    all(std::string_view(pattern), std::string_view(zone), static_cast<std::int64_t>(doubled), static_cast<std::int64_t>(missing));
  }
  void operator()(const policy::CsvFormat& format) {
    const auto& [delimiter, encoding, null_words, quote, decimal, mark, same_encoding, form, file] = format;
    (void)file;  // stands in the version
    all(std::int64_t{delimiter}, static_cast<std::int64_t>(encoding), null_words, std::int64_t{quote}, std::int64_t{decimal}, std::int64_t{mark},
        std::int64_t{same_encoding}, static_cast<std::int64_t>(form));
  }

  template <class List>
  void each(const List& list) {
    put_u64(out_, list.size());
    for (const auto& one : list) (*this)(one);
  }

 private:
  template <class... Parts>
  void all(const Parts&... parts) {
    ((*this)(parts), ...);
  }

  std::string& out_;
};

}  // namespace

Result<std::string> tag_of_rows(const ReleasePlan& plan, const std::string& version, std::span<const policy::Transform> transforms,
                                const std::optional<Recipient>& recipient) {
  std::string all;
  Written put(all);
  put(kForm);
  put(std::string_view(plan.id.str()));
  put(std::string_view(version));
  put(std::string_view(plan.content_type));
  put(plan.format);
  put.each(plan.columns.columns);
  put(plan.columns.groups);
  for (const policy::Transform& transform : transforms) {
    put(static_cast<std::int64_t>(transform.index()));
    std::visit(put, transform);
  }
  for (const auto& [name, file] : plan.lookups) {
    SLUIS_TRY(const FileSource table, FileSource::open(plan.folder, file));
    put(std::string_view(name));
    put(std::string_view(table.version()));
  }
  if (!recipient || recipient->root_key.size() != 32) return "\"" + to_hex(crypto::sha256(all)).substr(0, 32) + "\"";
  const std::string key = crypto::hkdf_sha256(recipient->root_key, kForm, recipient->party + '\0' + recipient->purpose, 32);
  return "\"" + to_hex(crypto::HmacSha256(key).of(all)).substr(0, 32) + "\"";
}

Result<std::optional<WholeRelease>> whole_release(Source& source, policy::Transformer transformer, const std::function<bool()>& stopped) {
  crypto::Sha256 digest;
  for (;;) {
    if (stopped()) return Error(ErrorCode::invalid_state, "the node is stopping");
    const auto block = source.read();
    if (!block && block.error().code == ErrorCode::invalid_argument) return std::optional<WholeRelease>();
    if (!block) return block.error();
    const auto rows = block->empty() ? transformer.finish() : transformer.feed(*block);
    if (!rows) return std::optional<WholeRelease>();
    digest.update(*rows);
    if (block->empty()) return std::optional(WholeRelease{digest.finish(), transformer.rows()});
  }
}

}  // namespace sluis::gate
