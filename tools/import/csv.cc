#include "tools/import/csv.h"

#include <simdjson.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string at_line(const std::string& name, std::uint64_t line) {
  return name + " line " + std::to_string(line) + ": ";
}

std::string unpacked(const std::filesystem::path& path) {
  gzFile_s* const file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw Misconfigured("cannot read " + path.string());
  std::string text;
  std::array<char, 1 << 16> part{};
  int read = 0;
  while ((read = gzread(file, part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<std::size_t>(read));
  }
  // Where it is cut short only closing says so.
  const bool packed = gzdirect(file) == 0;
  const bool whole = gzclose(file) == Z_OK && read == 0 && packed;
  if (!whole) throw Misconfigured(path.string() + " is not a whole gzip file");
  return text;
}

}  // namespace

CsvRows::CsvRows(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
}

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
      const auto end = std::min(text_.find_first_of(",\n", at_), text_.size());
      field = text_.substr(at_, end - at_);
      at_ = end;
      const bool row_ends = at_ < text_.size() && text_[at_] == '\n';
      if (row_ends && field.ends_with('\r')) field.pop_back();
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
  if (path.extension() == ".gz") return parse(unpacked(path), path.filename().string());
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) throw Misconfigured("cannot read " + path.string());
  return parse(text.view(), path.filename().string());
}

CsvFile CsvFile::parse(std::string_view text, std::string name) {
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    throw Misconfigured(name + " is not UTF-8: convert it first, for instance with iconv");
  }
  CsvFile file;
  file.name_ = std::move(name);
  CsvRows rows(text, file.name_);
  if (!rows.next(file.header_))
    throw Misconfigured(file.name_ + " is empty: its first row names the columns");
  for (Row row; rows.next(row.fields);) {
    row.line = rows.line();
    if (row.fields.size() != file.header_.size()) {
      throw Misconfigured(at_line(file.name_, row.line) + std::to_string(row.fields.size()) +
                          " fields, but the header has " + std::to_string(file.header_.size()));
    }
    file.rows_.push_back(std::move(row));
    row = {};
  }
  return file;
}

bool CsvFile::has(std::string_view column) const { return std::ranges::count(header_, column) > 0; }

std::size_t CsvFile::column(std::string_view name) const {
  const auto found = std::ranges::find(header_, name);
  if (found == header_.end()) throw Misconfigured(name_ + " has no column " + std::string(name));
  return static_cast<std::size_t>(found - header_.begin());
}

void CsvFile::fail(const Row& row, const std::string& what) const {
  throw Misconfigured(at_line(name_, row.line) + what);
}

std::int64_t CsvFile::number(const Row& row, std::size_t column) const {
  const std::string& text = row.fields[column];
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    fail(row, header_[column] + " is \"" + text + "\", not a whole number");
  }
  return value;
}

}  // namespace sluice
