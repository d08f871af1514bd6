#include "tools/import/csv.h"

#include <algorithm>

#include "storage/base/errors.h"
#include "tools/import/cell.h"
#include "tools/import/text_file.h"

namespace sluice {
namespace {

constexpr std::size_t kMostHeaderShown = 200;

std::string at_line(const std::string& name, std::uint64_t line) {
  return name + " line " + std::to_string(line) + ": ";
}

// "timestamp, comment-id, ...": of a header, cut where it is long.
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (text.size() + name.size() > kMostHeaderShown) return text + ", ...";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

bool is_empty(const std::string& field) { return field.empty(); }

}  // namespace

// From behind the opening quote to behind the closing one.
void CsvRows::quoted(std::string& field) {
  const std::uint64_t begun = line_;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '\n') ++line_;
    if (c != '"') {
      field += c;
    } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
      field += c;
      ++at_;
    } else {
      ++at_;
      const std::string_view rest = text_.substr(at_);
      if (rest.empty() || rest[0] == ',' || rest[0] == '\n' || rest.starts_with("\r\n")) return;
      throw Misconfigured(at_line(name_, line_) +
                          "a quoted field goes on behind its closing quote");
    }
  }
  throw Misconfigured(at_line(name_, begun) + "a quote is never closed");
}

void CsvRows::plain(std::string& field) {
  const auto end = std::min(text_.find_first_of(",\n", at_), text_.size());
  field = text_.substr(at_, end - at_);
  at_ = end;
  const bool row_ends = at_ < text_.size() && text_[at_] == '\n';
  if (row_ends && field.ends_with('\r')) field.pop_back();
}

bool CsvRows::next(std::vector<std::string>& fields) {
  while (at_ < text_.size() && (text_[at_] == '\n' || text_.substr(at_).starts_with("\r\n"))) {
    at_ += text_[at_] == '\n' ? 1 : 2;
    ++line_;
  }
  fields.clear();
  if (at_ >= text_.size()) return false;
  row_line_ = line_;
  for (;;) {
    std::string& field = fields.emplace_back();
    if (at_ < text_.size() && text_[at_] == '"') {
      ++at_;
      quoted(field);
    } else {
      plain(field);
    }
    if (text_.substr(at_).starts_with("\r\n")) ++at_;
    if (at_ >= text_.size()) return true;
    if (text_[at_++] == '\n') {
      ++line_;
      return true;
    }
  }
}

CsvFile CsvFile::read(const std::filesystem::path& path) {
  return parse(read_text(path), path.filename().string());
}

CsvFile CsvFile::parse(std::string_view text, std::string name) {
  CsvFile file;
  file.name_ = std::move(name);
  if (text.find('\n') == std::string_view::npos && text.find('\r') != std::string_view::npos) {
    throw Misconfigured(file.name_ + " ends its lines in CR alone: save it with LF or CRLF");
  }
  CsvRows rows(text, file.name_);
  if (!rows.next(file.header_))
    throw Misconfigured(file.name_ + " is empty: its first row names the columns");
  for (Row row; rows.next(row.fields);) {
    row.line = rows.line();
    file.add(std::move(row));
    row = {};
  }
  return file;
}

void CsvFile::add(Row row) {
  if (std::ranges::all_of(row.fields, is_empty)) return;
  const std::size_t width = header_.size();
  if (row.fields.size() > width &&
      std::all_of(row.fields.begin() + static_cast<std::ptrdiff_t>(width), row.fields.end(),
                  is_empty)) {
    row.fields.resize(width);
  }
  if (row.fields.size() != width) {
    fail(row, std::to_string(row.fields.size()) + " fields, but the header has " +
                  std::to_string(width));
  }
  rows_.push_back(std::move(row));
}

bool CsvFile::has(std::string_view column) const { return std::ranges::count(header_, column) > 0; }

std::size_t CsvFile::column(std::string_view name) const {
  const auto found = std::ranges::find(header_, name);
  if (found == header_.end()) {
    const bool other = header_.size() == 1 && header_[0].find_first_of(";\t") != std::string::npos;
    throw Misconfigured(name_ + " has no column " + std::string(name) +
                        (other ? ": its fields are not separated by commas; save it with commas"
                               : "; its columns: " + listed(header_)));
  }
  const auto again = std::find(found + 1, header_.end(), name);
  if (again != header_.end()) {
    throw Misconfigured(name_ + " has the column " + std::string(name) + " twice, as number " +
                        std::to_string(found - header_.begin() + 1) + " and " +
                        std::to_string(again - header_.begin() + 1) + ": keep one");
  }
  return static_cast<std::size_t>(found - header_.begin());
}

void CsvFile::fail(const Row& row, const std::string& what) const {
  throw Misconfigured(at_line(name_, row.line) + what);
}

void CsvFile::fail(const Row& row, std::size_t column, const std::string& what) const {
  fail(row, header_[column] + " is \"" + row.fields[column] + "\", " + what);
}

std::int64_t CsvFile::number(const Row& row, std::size_t column) const {
  const auto value = cell::whole_number(row.fields[column]);
  if (!value) fail(row, column, "not a whole number");
  return *value;
}

}  // namespace sluice
