#include "connector/gate/upstream.hpp"

#include "connector/base/limits.hpp"
#include "connector/gate/reason.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// What is done to a column's own cells, in words; empty: nothing.
std::string_view worked_on(const policy::Transform& transform, const std::string& column) {
  if (const auto* one = std::get_if<policy::GeneraliseTime>(&transform)) return contains(one->columns, column) ? "it is generalised" : "";
  if (const auto* one = std::get_if<policy::GeneralisePlace>(&transform)) return contains(one->columns, column) ? "it is generalised" : "";
  if (const auto* one = std::get_if<policy::Pseudonymise>(&transform)) return contains(one->columns, column) ? "it is pseudonymised" : "";
  if (const auto* one = std::get_if<policy::MaskColumn>(&transform)) return contains(one->columns, column) ? "it is masked" : "";
  return "";
}

bool in_group(const policy::SumGroup& group, const std::string& column) { return group.total == column || contains(group.parts, column); }

/// Whether small cells of this column are suppressed.
bool suppressed(const policy::SuppressSmallCells& asked, const policy::DatasetColumns& dataset, const std::string& column) {
  const policy::ColumnDeclaration* declared = dataset.find(column);
  const bool in_any = std::any_of(asked.groups.begin(), asked.groups.end(), [&](const auto& group) { return in_group(group, column); }) ||
                      std::any_of(dataset.groups.begin(), dataset.groups.end(), [&](const auto& group) { return in_group(group, column); });
  return contains(asked.columns, column) || in_any || (declared != nullptr && declared->counts);
}

std::optional<policy::Reason> undone(const std::string& column, std::string_view why) {
  return make_reason("source.choice_undoes", {{"column", column}, {"why", std::string(why)}});
}

policy::Reason not_so(std::string why) { return make_reason("source.choice", {{"why", std::move(why)}}); }

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// The path that fits this template, encoded anew; the names of the parts in braces go to `named`.
std::optional<std::string> fitted(std::string_view known, std::string_view path, std::vector<std::string>& named) {
  const auto wanted = parts_of(path), pattern = parts_of(known.substr(1));
  if (wanted.size() != pattern.size()) return std::nullopt;
  std::string out;
  named.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool open = pattern[i].starts_with('{') && pattern[i].ends_with('}');
    if (wanted[i].empty() || wanted[i] == "." || wanted[i] == ".." || (!open && wanted[i] != pattern[i])) return std::nullopt;
    if (open) named.emplace_back(pattern[i].substr(1, pattern[i].size() - 2));
    out += "/" + percent_encoded(wanted[i]);
  }
  return out;
}

}  // namespace

std::optional<policy::Reason> choice_undoes(std::span<const std::string> columns, bool whole_rows, const policy::DatasetColumns& dataset,
                                            std::span<const policy::Transform> transforms) {
  for (const std::string& column : columns) {
    const policy::ColumnDeclaration* declared = dataset.find(column);
    if (declared == nullptr || declared->action != policy::ColumnAction::keep) return undone(column, "it does not leave");
    for (const policy::Transform& transform : transforms) {
      if (const std::string_view why = worked_on(transform, column); !why.empty()) return undone(column, why);
      const auto* small = std::get_if<policy::SuppressSmallCells>(&transform);
      if (small != nullptr && suppressed(*small, dataset, column)) return undone(column, "its small counts are hidden");
      if (small != nullptr && !whole_rows) return undone(column, "small counts are hidden, and what is asked for may be added up from fewer rows");
      if (std::holds_alternative<policy::AggregateBy>(transform)) return undone(column, "rows are added up, and two choices could be subtracted");
    }
  }
  return std::nullopt;
}

std::variant<std::string, policy::Reason> upstream_target(const catalog::HttpSource& source, const Wanted& wanted,
                                                          const policy::DatasetColumns& dataset,
                                                          std::span<const policy::Transform> transforms) {
  // Without a choice it is the first path, where that has nothing left open.
  const std::string path = wanted.path.empty() ? source.paths.front().substr(1) : wanted.path;
  std::optional<std::string> target;
  std::vector<std::string> named;
  for (const std::string& known : source.paths) {
    if (!target) target = fitted(known, path, named);
  }
  if (!target || (wanted.path.empty() && !named.empty())) return not_so("the path is none of those that are open");
  const auto pairs = read_query(wanted.query);
  if (!pairs) return not_so("the query cannot be read, or names a key twice");
  for (const auto& [key, value] : *pairs) {
    if (!contains(source.query, key)) return not_so("the query's `" + key + "` is none of the keys that are open");
    *target += (&key == &pairs->front().first ? "?" : "&") + percent_encoded(key) + "=" + percent_encoded(value);
    named.push_back(key);
  }
  std::vector<std::string> columns;
  for (const std::string& name : named) {
    const auto column = source.selects.find(name);
    columns.push_back(column == source.selects.end() ? name : column->second);
  }
  if (auto why = choice_undoes(columns, source.selects_rows, dataset, transforms)) return std::move(*why);
  return std::move(*target);
}

Result<UpstreamCall> upstream_call(const UpstreamService& service, std::string target) {
  UpstreamCall call;
  SLUIS_TRY(call.by, service.connect());
  call.request.method = "GET";
  call.request.url = service.source.url + target;
  call.request.timeout = service.source.patience;
  call.request.silence = service.source.silence;
  call.request.whole = service.source.whole;
  call.request.headers = {{"accept", service.media_type}, {"accept-encoding", "identity"}};
  if (service.credential) {
    SLUIS_TRY(call.request.headers["authorization"], service.credential());
  }
  call.target = std::move(target);
  return call;
}

std::shared_ptr<const void> UpstreamCalls::take(const std::string& asker) {
  {
    const std::lock_guard lock(running_->mutex);
    unsigned& calls = running_->calls[asker];
    if (calls == at_once_) return nullptr;
    ++calls;
  }
  return {running_.get(), [running = running_, asker](const void*) {
            const std::lock_guard lock(running->mutex);
            if (--running->calls[asker] == 0) running->calls.erase(asker);
          }};
}

policy::Reason too_many_calls() { return make_reason("upstream.busy"); }
http::Headers soon_again() { return {{"retry-after", "1"}}; }

std::optional<policy::Reason> wrong_head(unsigned status, const http::Headers& headers, std::string_view media_type) {
  const auto answered = [](const std::string& what) { return make_reason("upstream.answered", {{"what", what}}); };
  const auto value = [&](std::string_view name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  };
  if (status >= 300 && status < 400) return answered("a redirect, which is not followed");
  if (status != 200) return answered("another status than 200");  // which one is the operator's matter
  if (const std::string encoding = value("content-encoding"); !encoding.empty() && encoding != "identity") {
    return answered("a content encoding that was not asked for");
  }
  std::string type = value("content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  if (type != media_type) return answered("another media type than " + std::string(media_type));
  return std::nullopt;
}

std::string answered_version(const http::Headers& headers) {
  std::string out;
  for (const std::string_view name : {"etag", "last-modified"}) {
    const auto found = headers.find(name);
    if (found != headers.end()) out += " " + std::string(name) + "=" + valid_text(found->second, 256);
  }
  return out;
}

}  // namespace sluis::gate
