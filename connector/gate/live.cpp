#include "connector/gate/live.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {

constexpr std::string_view kData = "data:";

}  // namespace

std::string_view media_type_of(LiveForm form) {
  switch (form) {
    case LiveForm::lines: return kLinesType;
    case LiveForm::events: return kEventsType;
  }
  return {};
}

std::optional<LiveForm> live_form(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find_first_of("; "));
  if (content_type == kLinesType) return LiveForm::lines;
  if (content_type == kEventsType) return LiveForm::events;
  return std::nullopt;
}

std::string LiveWriter::write(std::string_view rows) {
  if (form_ == LiveForm::lines) return std::string(rows);
  std::string out;
  out.reserve(rows.size() + rows.size() / 2);
  while (!rows.empty()) {
    const std::string_view row = rows.substr(0, rows.find('\n'));
    rows.remove_prefix(std::min(rows.size(), row.size() + 1));
    out += "id: " + std::to_string(++id_) + "\ndata: ";
    out += row;
    out += "\n\n";
  }
  return out;
}

std::string_view LiveWriter::keep_alive() const { return form_ == LiveForm::lines ? "\n" : ": nothing new\n\n"; }

Result<std::string> LiveReader::take(std::string_view bytes) {
  waiting_ += bytes;
  std::size_t whole = 0;
  for (std::size_t end = waiting_.find('\n', read_); end != std::string::npos; end = waiting_.find('\n', read_)) {
    const bool ends = is_whole(std::string_view(waiting_).substr(read_, end - read_));
    read_ = end + 1;
    if (ends) whole = read_;
  }
  if (waiting_.size() - whole > kLiveRowBytes) {
    return Error(ErrorCode::limit_exceeded, "a row or event of more than " + std::to_string(kLiveRowBytes) + " bytes");
  }
  std::string out = waiting_.substr(0, whole);
  waiting_.erase(0, whole);
  read_ -= whole;
  return out;
}

/// Whether what came is whole with this line.
bool LiveReader::is_whole(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (form_ == LiveForm::lines) {
    if (!line.empty()) (event_ += line) += '\n', ++event_rows_;
  } else if (line.starts_with(kData)) {
    line.remove_prefix(kData.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    (event_ += line) += '\n';
    ++event_rows_;
  }
  if (form_ == LiveForm::events && !line.empty()) return false;
  digest_.update(event_);
  bytes_ += event_.size();
  rows_ += event_rows_;
  event_.clear();
  event_rows_ = 0;
  return true;
}

}  // namespace sluis::gate
