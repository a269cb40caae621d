#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

/// Where the data of a dataset come from, where that is more than one file.
namespace sluis::catalog {

/// Files of one folder whose names fit a pattern, in the order of their names (bytes).
struct FolderSource {
  enum class Choose : unsigned char {
    newest,  ///< the last by name
    range,   ///< those that the request names with `from` and `to`; all where it names none
  };
  std::string folder;   ///< relative, below the folder of datasets
  std::string pattern;  ///< of a name: `*` stands for any characters, `?` for one; no `/`
  Choose choose = Choose::newest;
  std::string selects;  ///< of a range: the column that the names tell, so that choosing by name is choosing by it
};

/// An HTTP service of the organisation's own. What is not in these lists is never asked of it.
struct HttpSource {
  std::string url;                             ///< `https://…`, or `http://` to this machine; no query
  std::string credential;                      ///< a file below the node's folder; empty: none is sent
  std::string roots;                           ///< a file of roots below the node's folder; empty: the node's own
  std::vector<std::string> methods;
  std::vector<std::string> paths;              ///< `/counts/{day}`: a part in braces stands for one that the request names
  std::vector<std::string> query;              ///< keys
  std::map<std::string, std::string> selects;  ///< by which column a key of the query, or a part in braces, selects
  bool selects_rows = false;                   ///< stated: it leaves out whole rows, and adds nothing up
  std::chrono::milliseconds patience{10'000};  ///< until its answer begins
  std::chrono::milliseconds silence{30'000};   ///< at most so long between two bytes of it
  std::chrono::milliseconds whole = std::chrono::hours(12);  ///< for all of it, as fast as it is taken
};

}  // namespace sluis::catalog
