#include "storage/postgres/array_text.h"

#include "storage/postgres/copy_text.h"

namespace sluice {

void ArrayText::separate() {
  if (list_.size() > 1) list_ += ',';
}

void ArrayText::add(std::string_view value) {
  separate();
  list_ += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') list_ += '\\';
    list_ += c;
  }
  list_ += '"';
}

void ArrayText::add(std::int64_t value) {
  separate();
  append_number(value, list_);
}

void ArrayText::add_null() {
  separate();
  list_ += "NULL";
}

}  // namespace sluice
