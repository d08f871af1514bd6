#pragma once

// Comma-separated values as RFC 4180 has them, and as spreadsheets write them: fields in quotes may
// hold commas, doubled quotes and line ends; rows end in CRLF or LF. The first row names the
// columns.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Walks the rows of a text. Misconfigured, with the line, where the text is not of this form.
class CsvRows {
 public:
  // `text` must outlive this; `name` is for messages.
  CsvRows(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  // Reads the next row that is not an empty line into `fields`; false at the end.
  bool next(std::vector<std::string>& fields);

  // Where the row last read begins, from 1.
  [[nodiscard]] std::uint64_t line() const { return row_line_; }

 private:
  void quoted(std::string& field);
  void plain(std::string& field);

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  std::uint64_t row_line_ = 1;
};

// A whole file, its rows as wide as its header. Rows whose fields are all empty are left out:
// spreadsheets write them below the last row.
class CsvFile {
 public:
  struct Row {
    std::uint64_t line;
    std::vector<std::string> fields;
  };

  // Misconfigured when the file cannot be read as text (text_file.h), or has rows of another width.
  static CsvFile read(const std::filesystem::path& path);
  static CsvFile parse(std::string_view text, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  [[nodiscard]] bool has(std::string_view column) const;
  // Misconfigured when there is no such column, or more than one.
  [[nodiscard]] std::size_t column(std::string_view name) const;

  // Misconfigured, with file and line: what is wrong with the row.
  [[noreturn]] void fail(const Row& row, const std::string& what) const;
  // The same of one field, with its column and text: `what` completes "vote is "5", ...".
  [[noreturn]] void fail(const Row& row, std::size_t column, const std::string& what) const;
  // The field as a whole number, also when it is written "17.0"; Misconfigured when it is none.
  [[nodiscard]] std::int64_t number(const Row& row, std::size_t column) const;

 private:
  void add(Row row);

  std::string name_;
  std::vector<std::string> header_;
  std::vector<Row> rows_;
};

}  // namespace sluice
