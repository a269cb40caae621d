#pragma once

#include "connector/node/cli/output.hpp"
#include "connector/node/cli/session.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace sluis::cli {

/// How an argument becomes a field of the request.
enum class Kind {
  text,
  flag,
  number,
  list,      ///< may be given several times
  purpose,   ///< IRI, or a name of DPV
  time,      ///< RFC 3339, or a day
  file,      ///< its text; the field `file` gets its name
  duration,  ///< `+8d`, `36h`, `10m`, `5s`: in seconds
};

struct Argument {
  std::string_view name;   ///< `PEER`, or `--purpose`
  std::string_view field;  ///< of the request, as JSON names it; `a.b`: within the object `a`
  Kind kind = Kind::text;
  bool required = false;
  std::string_view help;
};

/// What a command waits for with `--wait`, by asking `method` again.
enum class Waits { no, negotiation, transfer };

/// One command that calls one method.
struct Command {
  std::string_view noun;
  std::string_view verb;    ///< empty: the noun alone is the command
  std::string_view method;  ///< `DatasetService/List`
  std::string_view help;
  std::vector<Argument> arguments;
  std::string_view member;  ///< of the answer: the list of rows, or the object to show; empty: all of it
  std::vector<Column> columns;  ///< of a list; none: the member is one object
  std::string_view name_path;   ///< for `-o name`; several, with spaces between: the first that is there
  bool changes = false;         ///< has `--dry-run`
  bool dangerous = false;       ///< asks on a terminal
  bool paged = false;
  Waits waits = Waits::no;
  bool told = false;            ///< its answer has sentences for people: the request says in which language
  std::string_view kind = {};   ///< the field of this name in the request; empty: it has none
};

std::span<const Command> commands();

/// What was written for one run of a command.
struct Given {
  std::vector<std::string> values;               ///< by argument
  std::vector<std::vector<std::string>> lists;   ///< by argument, of kind list
  std::vector<char> flags;                       ///< by argument, of kind flag
  bool dry_run = false;
  bool wait = false;
  std::uint64_t wait_seconds = 60;
  std::uint64_t limit = 0;                       ///< rows at most; 0: all
};

/// The request of a command. invalid_argument: an argument cannot be read.
Result<json::Value> make_request(const Command& command, const Given& given);
/// Calls, pages, waits and prints.
void run(Session& session, const Command& command, const Given& given);
/// In the form that `-o` asks for.
void print(Session& session, const Command& command, const json::Value& answer);

/// `+8d`, `36h`, `10m`, `5s`, or several: `1d12h`. In seconds.
Result<std::int64_t> parse_span(std::string_view text);
/// A bare name is one of DPV: `CrowdManagement`.
std::string purpose_of(const std::string& text);

}  // namespace sluis::cli
