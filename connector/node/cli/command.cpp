#include "connector/node/cli/command.hpp"

#include "connector/base/limits.hpp"
#include "connector/node/cli/words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <ostream>

namespace sluis::cli {
namespace {

Error bad(const Argument& argument, const std::string& text, std::string mend) {
  return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no {}", text, argument.name))
      .mended_by(std::move(mend));
}

Result<json::Value> time_value(const Argument& argument, const std::string& text) {
  const auto time = parse_time(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time) return bad(argument, text, "write a time as 2026-11-26T12:00:00Z, or a day as 2026-11-26");
  return json::Value(format_time(*time));
}

Result<void> put(json::Value& request, const Argument& argument, const std::string& text) {
  switch (argument.kind) {
    case Kind::purpose: request.set(argument.field, purpose_of(text)); return {};
    case Kind::time: {
      SLUIS_TRY(auto value, time_value(argument, text));
      request.set(argument.field, std::move(value));
      return {};
    }
    case Kind::number: {
      std::uint64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size()) return bad(argument, text, "write a whole number");
      request.set(argument.field, number);
      return {};
    }
    case Kind::file: {
      SLUIS_TRY(auto content, read_text(text, limits::kTomlBytes));
      request.set(argument.field, std::move(content));
      request.set("file", text);
      return {};
    }
    case Kind::duration: {
      SLUIS_TRY(const auto seconds, parse_span(text));
      request.set(argument.field, std::to_string(seconds));
      return {};
    }
    case Kind::text:
    case Kind::flag:
    case Kind::list: break;
  }
  const auto dot = argument.field.find('.');
  if (dot == std::string_view::npos) {
    request.set(argument.field, text);
    return {};
  }
  const std::string_view outer = argument.field.substr(0, dot);
  const json::Value* there = request.find(outer);
  json::Value object = there != nullptr ? *there : json::Value(json::Object{});
  object.set(argument.field.substr(dot + 1), text);
  request.set(outer, std::move(object));
  return {};
}

/// Rows of a catalogue: one for each offer.
json::Array rows_of(const Command& command, const json::Value& answer) {
  const auto* member = answer.find(command.member);
  const auto* list = member == nullptr ? nullptr : member->if_array();
  if (list == nullptr) return {};
  if (command.noun != "catalog") return *list;
  json::Array rows;
  for (const auto& dataset : *list) {
    const auto* offers = dataset.find("offers");
    if (offers == nullptr || offers->if_array() == nullptr) continue;
    for (const auto& offer : *offers->if_array()) {
      json::Value row = dataset;
      row.erase("offers");
      row.set("offer", offer);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

bool is_list(const Command& command) { return !command.columns.empty(); }

/// All pages as one answer, or as many rows as were asked for.
Result<json::Value> call_paged(Session& session, const Command& command, json::Value request, std::uint64_t limit) {
  json::Array rows;
  json::Value answer;
  while (true) {
    const std::uint64_t left = limit == 0 ? limits::kPageMax : limit - rows.size();
    request.set("pageSize", std::min<std::uint64_t>(left, limits::kPageMax));
    SLUIS_TRY(answer, session.call(std::string(command.method), request));
    if (auto* members = answer.if_object()) {
      for (auto& [key, value] : *members) {
        if (key != command.member || value.if_array() == nullptr) continue;
        for (auto& row : *value.if_array()) rows.push_back(std::move(row));
      }
    }
    const auto* next = answer.find("nextPageToken");
    const bool more = next != nullptr && next->if_string() != nullptr && !next->if_string()->empty();
    if (!more || (limit != 0 && rows.size() >= limit)) break;
    request.set("pageToken", *next);
  }
  answer.erase("nextPageToken");
  answer.set(command.member, json::Value(std::move(rows)));
  return answer;
}

bool settled(Waits waits, const json::Value& process) {
  const auto state = text_at(process, "state");
  if (waits == Waits::negotiation) return state == "FINALIZED" || state == "TERMINATED";
  return state == "STARTED" || state == "TERMINATED" || state == "COMPLETED" || state == "SUSPENDED";
}

/// Asks until it is settled, each time for at most 20 seconds; the node answers as soon as something changes.
Result<json::Value> wait_for(Session& session, const Command& command, json::Value answer, const Given& given) {
  const std::string method = command.waits == Waits::negotiation ? "AgreementService/Show" : "TransferService/Show";
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(given.wait_seconds);
  while (true) {
    const auto* process = answer.find(command.member);
    if (process == nullptr || settled(command.waits, *process)) return answer;
    const auto left = std::chrono::ceil<std::chrono::seconds>(until - std::chrono::steady_clock::now()).count();
    if (left <= 0) {
      return Error(ErrorCode::peer_unavailable,
                   say(session.options, "undecided", given.wait_seconds, command.member, text_at(*process, "id")))
          .mended_by(say(session.options, "undecided.mend", command.noun));
    }
    const auto request =
        json::object({{"id", text_at(*process, "id")}, {"waitSeconds", std::min<std::int64_t>(left, 20)}});
    SLUIS_TRY(answer, session.call(method, request));
  }
}

bool asks(Session& session, const Command& command, const Given& given) {
  if (!command.dangerous || given.dry_run) return true;
  return session.confirmed(say(session.options, "sure", command.verb, command.noun,
                               given.values.empty() ? std::string() : given.values.front()));
}

/// Of checks: 1 where anything must be mended, 3 where something could not be known.
int exit_of(const Command& command, const json::Value& answer) {
  const bool of_peer = command.method == "NodeService/DoctorPeer";
  if (!of_peer && command.method != "NodeService/Doctor") return 0;
  const auto rows = rows_of(command, answer);
  const auto any = [&](const auto& holds) { return std::any_of(rows.begin(), rows.end(), holds); };
  if (!of_peer) return any([](const json::Value& row) { return text_at(row, "good") != "yes"; }) ? 1 : 0;
  if (rows.empty() || any([](const json::Value& row) { return text_at(row, "result") != "ok" && text_at(row, "result") != "skipped"; })) return 1;
  return any([](const json::Value& row) { return text_at(row, "result") == "skipped"; }) ? 3 : 0;
}

/// What was asked for was refused in the end, and why.
Result<void> check_outcome(const Session& session, const Command& command, const json::Value& answer) {
  const auto* process = command.waits == Waits::no ? nullptr : answer.find(command.member);
  if (process == nullptr || text_at(*process, "state") != "TERMINATED") return {};
  return Error(ErrorCode::permission_denied,
               say(session.options, "refused", command.noun, text_at(*process, "id"),
                   text_at(*process, "reason.sentences"), text_at(*process, "reason.code")));
}

void tell(Session& session, const Command& command, const json::Value& answer) {
  auto& err = session.with.err;
  const auto* notes = answer.find("notes");
  if (notes != nullptr && notes->if_array() != nullptr && (!command.member.empty() || command.method == "AuditService/Prune")) {
    for (const auto& note : *notes->if_array()) err << say(session.options, "note", text_at(note, "")) << '\n';
  }
  if (text_at(answer, "dryRun") == "yes") err << say(session.options, "dry-run") << '\n';
  if (text_at(answer, "unchanged") == "yes") err << say(session.options, "unchanged") << '\n';
  if (text_at(answer, "narrowed") == "yes") err << say(session.options, "narrowed") << '\n';
}

}  // namespace

std::string purpose_of(const std::string& text) {
  return text.find(':') == std::string::npos && !text.empty() ? "dpv:" + text : text;
}

Result<std::int64_t> parse_span(std::string_view text) {
  const Error wrong = Error(ErrorCode::invalid_argument, fmt::format("`{}` is no span of time", text))
                          .mended_by("write days, hours, minutes or seconds as +8d, 36h, 10m, 5s");
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t seconds = 0;
  if (text.empty()) return wrong;
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end == text.data() + text.size() || count < 0 || count > 1'000'000'000) return wrong;
    const auto unit = std::string_view("smhd").find(*end);
    if (unit == std::string_view::npos) return wrong;
    constexpr std::int64_t kUnits[] = {1, 60, 3600, 86'400};
    seconds += count * kUnits[unit];
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  return seconds;
}

Result<json::Value> make_request(const Command& command, const Given& given) {
  json::Value request{json::Object{}};
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const auto& argument = command.arguments[i];
    if (argument.kind == Kind::flag) {
      if (given.flags[i] != 0) request.set(argument.field, true);
    } else if (argument.kind == Kind::list) {
      json::Array items;
      for (const auto& text : given.lists[i]) items.emplace_back(text);
      if (!items.empty()) request.set(argument.field, json::Value(std::move(items)));
    } else if (!given.values[i].empty()) {
      SLUIS_CHECK(put(request, argument, given.values[i]));
    }
  }
  if (!command.kind.empty()) request.set("kind", command.kind);
  if (given.dry_run) request.set("dryRun", true);
  return request;
}

/// What `-o name` prints of a row or an object.
std::string name_in(const json::Value& row, std::string_view paths) {
  for (std::size_t end = 0; !paths.empty(); paths.remove_prefix(std::min(paths.size(), end + 1))) {
    end = std::min(paths.find(' '), paths.size());
    if (std::string name = text_at(row, paths.substr(0, end)); !name.empty()) return name;
  }
  return {};
}

void print(Session& session, const Command& command, const json::Value& answer) {
  auto& out = session.with.out;
  const auto& form = session.options.output;
  if (form == "json") {
    out << json::serialise_pretty(answer);
  } else if (form == "yaml") {
    print_yaml(out, answer);
  } else if (is_list(command)) {
    const auto rows = rows_of(command, answer);
    if (form == "table") return print_table(out, command.columns, rows);
    for (const auto& row : rows) out << name_in(row, command.name_path) << '\n';
  } else {
    const auto* object = command.member.empty() ? &answer : answer.find(command.member);
    if (object == nullptr) return;
    if (form == "table") return print_members(out, *object);
    out << name_in(*object, command.name_path) << '\n';
  }
}

void run(Session& session, const Command& command, const Given& given) {
  auto request = make_request(command, given);
  if (!request) return session.fail(request.error(), 2);
  if (command.told) request->set("lang", session.options.lang);
  if (!asks(session, command, given)) return session.leave(1);
  auto answer = command.paged ? call_paged(session, command, *request, given.limit)
                              : session.call(std::string(command.method), *request);
  if (answer && given.wait && !given.dry_run) answer = wait_for(session, command, std::move(*answer), given);
  if (!answer) return session.fail(answer.error());
  tell(session, command, *answer);
  print(session, command, *answer);
  if (const auto good = check_outcome(session, command, *answer); !good) return session.fail(good.error());
  if (const int code = exit_of(command, *answer); code != 0) session.leave(code);
}

}  // namespace sluis::cli
