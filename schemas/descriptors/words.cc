#include "schemas/descriptors/words.h"

#include <algorithm>

namespace sluice {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

// Whether a name in capitals is this word.
bool equal_lower(std::string_view name, std::string_view word) {
  return std::equal(name.begin(), name.end(), word.begin(), word.end(),
                    [](char a, char b) { return lower(a) == b; });
}

// CamelCase as snake_case.
std::string snake_case(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (is_upper(c) && !out.empty()) out += '_';
    out += lower(c);
  }
  return out;
}

}  // namespace

std::string type_of(const google::protobuf::FieldDescriptor& fact) {
  std::string type = fact.name();
  const std::size_t dot = type.find('_');
  if (dot != std::string::npos) type[dot] = '.';
  return type;
}

std::string word_of(const google::protobuf::EnumValueDescriptor& value) {
  std::string word = value.name();
  for (char& c : word) c = lower(c);
  const std::string prefix = snake_case(value.type()->name()) + "_";
  if (word.starts_with(prefix)) word.erase(0, prefix.size());
  return word;
}

const google::protobuf::EnumValueDescriptor* value_of(const google::protobuf::EnumDescriptor& type,
                                                      std::string_view word) {
  // Asked for every event: no text is made for a value that it is not.
  const std::string prefix = snake_case(type.name()) + "_";
  for (int i = 0; i < type.value_count(); ++i) {
    std::string_view name = type.value(i)->name();
    if (equal_lower(name.substr(0, prefix.size()), prefix)) name.remove_prefix(prefix.size());
    if (equal_lower(name, word)) return type.value(i);
  }
  return nullptr;
}

std::string table_name(const google::protobuf::Descriptor& row) { return snake_case(row.name()); }

}  // namespace sluice
