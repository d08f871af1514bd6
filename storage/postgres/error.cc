#include "storage/postgres/error.h"

#include <libpq-fe.h>

#include <algorithm>

#include "storage/base/errors.h"

namespace sluice {

void raise_postgres(std::string_view state, const std::string& message) {
  const std::string text = message + " [" + std::string(state) + "]";
  if (state.empty() || state.starts_with("08") || state.starts_with("40") ||
      state.starts_with("53") || state.starts_with("57") || state.starts_with("58") ||
      state.starts_with("55") || state == "25P03" || state == "25006" || state == "XX000") {
    throw Retryable(state == "25006" ? text +
                                           ": name the primary, as a user that may write (the URL "
                                           "`postgres` that `sluice up` prints, not `reader`)"
                                     : text);
  }
  if (state.starts_with("22") || state.starts_with("23") || state.starts_with("XX")) {
    throw Corrupt(text);
  }
  // Schemas, tables, columns and functions that are not there.
  const bool unprepared =
      state == "3F000" || state == "42P01" || state == "42703" || state == "42883";
  throw Misconfigured(
      text + (unprepared
                  ? ": run `sluice schema apply` on this database, which says what is lost where "
                    "rows were"
                  : ""));
}

bool has_state(const std::exception& failure, std::string_view state) {
  return std::string_view(failure.what()).find("[" + std::string(state) + "]") !=
         std::string_view::npos;
}

std::string said(const std::exception& failure) {
  const std::string text = failure.what();
  return text.substr(0, text.find(" in "));
}

std::string in_one_line(const char* message) {
  std::string text;
  for (std::string_view rest = message ? message : ""; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    (text += text.empty() ? "" : " ") += line.substr(begin);
  }
  return text;
}

std::string name_of_statement(std::string_view sql) {
  constexpr int kWords = 3;
  constexpr std::size_t kBytesMost = 60;
  std::string name;
  int words = 0;
  while (!sql.empty()) {
    const auto begin = std::min(sql.find_first_not_of(" \t\n"), sql.size());
    sql.remove_prefix(begin);
    const std::string_view word = sql.substr(0, sql.find_first_of(" \t\n"));
    if (word.empty()) break;
    if (words == kWords || name.size() + word.size() > kBytesMost) return name + " ...";
    name.append(name.empty() ? "" : " ").append(word);
    sql.remove_prefix(word.size());
    ++words;
  }
  return name;
}

std::string message_of(const pg_result* result) {
  std::string text;
  for (const char field : {PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT}) {
    const std::string part = in_one_line(PQresultErrorField(result, field));
    // To whoever types SQL: nobody is to drop by our word what somebody built on our tables.
    const bool drops_all = part.find("CASCADE") != std::string::npos;
    if (field == PG_DIAG_MESSAGE_HINT && drops_all) continue;
    if (!part.empty()) (text += text.empty() ? "" : "; ") += part;
  }
  return text.empty() ? in_one_line(PQresultErrorMessage(result)) : text;
}

}  // namespace sluice
