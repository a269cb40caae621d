#pragma once

#include "catalog/dataset.hpp"
#include "connector/base/toml.hpp"

/// The parts of `[source]` that are not a single file. Every error is invalid_argument with file, line and column.
namespace sluis::catalog {

/// Below the dataset's folder, whatever it holds; the reader opens it without following links all the same.
bool is_safe_path(std::string_view path);

/// `folder`, `pattern`, `choose` and `selects` of `[source]`.
Result<FolderSource> read_folder_source(TomlTable& table);
/// `[source.http]`.
Result<HttpSource> read_http_source(TomlTable& table);
/// Each choice that a request can make is by a column that leaves. After the columns were read.
Result<void> check_choices(const TomlTable& table, const Source& source);
/// What a file that is followed cannot have. After all of `[source]` was read.
Result<void> check_follow(const TomlTable& table, const Source& source);

}  // namespace sluis::catalog
