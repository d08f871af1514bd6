#include "storage/postgres/audit/cells.h"

#include <cmath>
#include <cstdlib>

#include "storage/base/json_writer.h"
#include "storage/postgres/copy_text.h"

namespace sluice {
namespace {

constexpr std::size_t kShownMax = std::size_t{8} << 10;

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      plain += text[i];
      continue;
    }
    const char c = text[++i];
    plain += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
  }
  return plain;
}

double number_of(std::string_view text) { return std::strtod(std::string(text).c_str(), nullptr); }

// "2026-01-31 12:00:00.5+00" as to_jsonb() has it.
std::string time_json(std::string_view text) {
  std::string time(text);
  const std::size_t space = time.find(' ');
  if (space != std::string::npos) time[space] = 'T';
  if (time.ends_with("+00")) time += ":00";
  return json_string(time);
}

}  // namespace

void RowCells::read(const google::protobuf::Message& row) {
  line_.clear();
  cells_.clear();
  unescaped_.clear();
  // Cells borrow from it.
  unescaped_.reserve(columns_.size());
  append_line(row, columns_, false, line_, scratch_);
  std::string_view rest(line_.data(), line_.size() - 1);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string_view text = rest.substr(0, rest.find('\t'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    if (text == "\\N") {
      cells_.emplace_back();
    } else if (text.find('\\') == std::string_view::npos) {
      cells_.emplace_back(text);
    } else {
      cells_.emplace_back(unescaped_.emplace_back(unescape(text)));
    }
  }
}

SameCell same_cell(const Column& column, const Cell& a, const Cell& b) {
  if (a == b) return SameCell::yes;
  if (!a || !b) return SameCell::no;
  switch (column.kind) {
    case Column::Kind::real: {
      const double x = number_of(*a);
      const double y = number_of(*b);
      return x == y || (std::isnan(x) && std::isnan(y)) ? SameCell::yes : SameCell::no;
    }
    case Column::Kind::json:
    case Column::Kind::json_text:
      return SameCell::ask;
    case Column::Kind::text:
    case Column::Kind::number:
    case Column::Kind::flag:
    case Column::Kind::bytes:
    case Column::Kind::word:
    case Column::Kind::timestamp:
      return SameCell::no;
  }
  return SameCell::no;
}

std::string cell_json(const Column& column, const Cell& cell) {
  if (!cell) return "null";
  if (cell->size() > kShownMax) {
    return json_string("(" + std::to_string(cell->size()) + " bytes)");
  }
  switch (column.kind) {
    case Column::Kind::number:
    case Column::Kind::json:
    case Column::Kind::json_text:
      return std::string(*cell);
    case Column::Kind::flag:
      return *cell == "t" ? "true" : "false";
    case Column::Kind::real:
      return std::isfinite(number_of(*cell)) ? std::string(*cell) : json_string(*cell);
    case Column::Kind::timestamp:
      return time_json(*cell);
    case Column::Kind::text:
    case Column::Kind::bytes:
    case Column::Kind::word:
      break;
  }
  return json_string(*cell);
}

}  // namespace sluice
