#include "schemas/descriptors/contract_text.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "schemas/descriptors/row_options.h"
#include "sluice/rule.pb.h"
#include "sluice/table.pb.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

struct Contract {
  std::map<std::string, const Descriptor*> messages;
  std::map<std::string, const EnumDescriptor*> enums;
};

bool is_state(const FieldDescriptor& field) {
  return field.options().GetExtension(column) == COLUMN_NONE;
}

void add(const Descriptor& message, Contract& to) {
  if (!to.messages.emplace(message.full_name(), &message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (is_state(field)) continue;
    if (field.enum_type() != nullptr)
      to.enums.emplace(field.enum_type()->full_name(), field.enum_type());
    if (field.message_type() != nullptr) add(*field.message_type(), to);
  }
}

bool has_rows(const FileDescriptor& file) {
  for (int i = 0; i < file.message_type_count(); ++i) {
    if (is_row(*file.message_type(i))) return true;
  }
  return false;
}

std::string type_text(const FieldDescriptor& field) {
  if (field.is_map()) {
    return "map<" + type_text(*field.message_type()->map_key()) + "," +
           type_text(*field.message_type()->map_value()) + ">";
  }
  if (field.enum_type() != nullptr) return field.enum_type()->full_name();
  if (field.message_type() != nullptr) return field.message_type()->full_name();
  return field.type_name();
}

std::string field_text(const FieldDescriptor& field) {
  std::string text = std::to_string(field.number()) + " " + field.name() + " " + type_text(field);
  const auto& options = field.options();
  const Rule& rules = options.GetExtension(rule);
  if (field.is_repeated() && !field.is_map()) text += " repeated";
  if (field.real_containing_oneof() != nullptr) {
    text += " oneof " + field.real_containing_oneof()->name();
  } else if (field.has_presence() && field.message_type() == nullptr) {
    text += " optional";
  }
  if (options.GetExtension(key) || rules.key()) text += " key";
  if (rules.required()) text += " required";
  if (rules.has_default_()) text += " default \"" + rules.default_() + "\"";
  if (options.GetExtension(column) == COLUMN_TIMESTAMP) text += " timestamp";
  if (options.GetExtension(column) == COLUMN_JSON) text += " json";
  return text;
}

std::string message_text(const Descriptor& message) {
  std::map<int, std::string> fields;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (!is_state(field)) fields.emplace(field.number(), field_text(field));
  }
  std::string text = (is_row(message) ? "table " : "message ") + message.full_name() + "\n";
  for (const auto& [number, line] : fields) text += "  " + line + "\n";
  return text;
}

std::string enum_text(const EnumDescriptor& type) {
  std::map<int, std::string> values;
  for (int i = 0; i < type.value_count(); ++i) {
    values.emplace(type.value(i)->number(), type.value(i)->name());
  }
  std::string text = "enum " + type.full_name() + "\n";
  for (const auto& [number, name] : values)
    text += "  " + std::to_string(number) + " " + name + "\n";
  return text;
}

// Lines by number, under the line that names what they belong to.
using Lines = std::map<int, std::string>;
using Parsed = std::map<std::string, Lines>;

Parsed parse(std::string_view text) {
  Parsed parsed;
  std::map<int, std::string>* lines = nullptr;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    if (!line.starts_with("  ")) {
      lines = &parsed[std::string(line)];
      continue;
    }
    int number = 0;
    std::from_chars(line.data() + 2, line.data() + line.size(), number);
    if (lines != nullptr) lines->emplace(number, line.substr(2));
  }
  return parsed;
}

bool has_word(std::string_view line, std::string_view word) {
  return (std::string(line) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

std::string name_in(std::string_view line) {
  line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
  return std::string(line.substr(0, line.find(' ')));
}

// What is wrong with a line that was not released; empty: nothing.
std::string unfit(const std::string& owner, const Lines& released, int number,
                  const std::string& line) {
  const auto same_name = std::ranges::find_if(
      released, [&](const auto& old) { return name_in(old.second) == name_in(line); });
  if (same_name != released.end())
    return "takes the name of number " + std::to_string(same_name->first);
  if (has_word(line, "required")) return "is required, but what was posted before lacks it";
  if (!owner.starts_with("table ")) return "";
  if (has_word(line, "key")) return "is a key, but the rows that are there lack it";
  if (!released.empty() && number < released.rbegin()->first) {
    return "comes before columns that readers have: give it a number above " +
           std::to_string(released.rbegin()->first);
  }
  return "";
}

void compare(const std::string& owner, const Lines& released, const Lines& now,
             std::vector<std::string>& broken) {
  for (const auto& [number, line] : released) {
    const auto same = now.find(number);
    if (same == now.end()) {
      broken.push_back(owner + ": \"" + line + "\" is gone");
    } else if (same->second != line) {
      broken.push_back(owner + ": \"" + line + "\" is now \"" + same->second + "\"");
    }
  }
  for (const auto& [number, line] : now) {
    if (released.contains(number)) continue;
    const std::string why = unfit(owner, released, number, line);
    if (!why.empty()) broken.push_back(owner + ": \"" + line + "\" " + why);
  }
}

}  // namespace

std::string contract_text(std::span<const FileDescriptor* const> files) {
  Contract contract;
  for (const FileDescriptor* file : files) {
    const bool rows = has_rows(*file);
    for (int i = 0; i < file->message_type_count(); ++i) {
      const Descriptor& message = *file->message_type(i);
      if (!rows || is_published(message)) add(message, contract);
    }
  }
  std::string text;
  for (const auto& [name, message] : contract.messages) {
    if (!message->options().map_entry()) text += message_text(*message);
  }
  for (const auto& [name, type] : contract.enums) text += enum_text(*type);
  return text;
}

std::vector<std::string> broken_promises(std::string_view released, std::string_view now) {
  std::vector<std::string> broken;
  const Parsed present = parse(now);
  for (const auto& [owner, lines] : parse(released)) {
    const auto found = present.find(owner);
    if (found == present.end()) {
      broken.push_back(owner + " is gone");
    } else {
      compare(owner, lines, found->second, broken);
    }
  }
  return broken;
}

}  // namespace sluice
