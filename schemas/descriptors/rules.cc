#include "schemas/descriptors/rules.h"

#include <array>
#include <cmath>
#include <memory>
#include <set>
#include <unordered_map>

#include "schemas/descriptors/words.h"
#include "sluice/rule.pb.h"
#include "storage/base/check.h"
#include "storage/base/mutex.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::size_t kLongestId = 64;
constexpr std::array<bool, 256> kIdCharacters = [] {
  std::array<bool, 256> allowed{};
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-")) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  return allowed;
}();
constexpr std::size_t kLongestEventId = 200;  // characters

// What a message's fields must meet, read from the options once.
struct MessagePlan;
struct FieldPlan {
  const FieldDescriptor* field;
  Rule rule;
  std::unique_ptr<MessagePlan> items;             // of a message field
  const FieldDescriptor* unique_by = nullptr;     // of the items
  const FieldDescriptor* differs_from = nullptr;  // of the same message
  bool timestamp = false;                         // one of google.protobuf
};
struct MessagePlan {
  explicit MessagePlan(const Descriptor& type);
  std::vector<FieldPlan> fields;
};

MessagePlan::MessagePlan(const Descriptor& type) {
  for (int i = 0; i < type.field_count(); ++i) {
    FieldPlan plan{type.field(i), type.field(i)->options().GetExtension(rule), nullptr};
    if (plan.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      plan.items = std::make_unique<MessagePlan>(*plan.field->message_type());
      plan.timestamp = !plan.field->is_repeated() &&
                       plan.field->message_type()->full_name() == "google.protobuf.Timestamp";
    }
    if (!plan.rule.unique_by().empty()) {
      plan.unique_by = plan.field->message_type()->FindFieldByName(plan.rule.unique_by());
      CHECK(plan.unique_by != nullptr, "unique_by names a field of the items");
    }
    if (!plan.rule.differs_from().empty()) {
      plan.differs_from = type.FindFieldByName(plan.rule.differs_from());
      CHECK(plan.differs_from != nullptr, "differs_from names a field of the same message");
    }
    fields.push_back(std::move(plan));
  }
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
  return count;
}

// Without a fraction where there is none.
std::string number_text(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e18) {
    return std::to_string(static_cast<long long>(number));
  }
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string range_text(const Rule& rule, const std::string& unit) {
  if (!rule.has_max()) return "at least " + number_text(rule.min()) + unit;
  if (!rule.has_min()) return "at most " + number_text(rule.max()) + unit;
  return number_text(rule.min()) + " to " + number_text(rule.max()) + unit;
}

bool within(const Rule& rule, double number) {
  return !(rule.has_min() && number < rule.min()) && !(rule.has_max() && number > rule.max());
}

std::string check_text(const Rule& rule, std::string_view text) {
  const bool id = rule.id() || (rule.id_or_empty() && !text.empty());
  if (id && !is_id(text)) return "must be 1 to 64 of A-Z a-z 0-9 . _ ~ -";
  if (id && !rule.has_min() && !rule.has_max()) return {};
  if (text.find('\0') != std::string_view::npos) return "must not contain U+0000";
  if (!rule.has_min() && !rule.has_max()) return {};
  const std::size_t length = code_points(text);
  if (within(rule, static_cast<double>(length))) return {};
  return "must be " + range_text(rule, " characters long") + ", is " + std::to_string(length);
}

template <class Number>
std::string check_number(const Rule& rule, Number number) {
  const double value = static_cast<double>(number);
  if (!std::isfinite(value)) return "must be a finite number";
  if (within(rule, value)) return {};
  return "must be " + range_text(rule, "");
}

// A message finds its reflection by a table and a lock's flag: asked once a message, not once a
// field.
void set_default(Message& message, const Reflection& reflection, const FieldPlan& plan) {
  const std::string& text = plan.rule.default_();
  switch (plan.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(&message, plan.field, text);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(&message, plan.field, text == "true");
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = value_of(*plan.field->enum_type(), text);
      CHECK(value != nullptr, "a default is one of the enum's words");
      return reflection.SetEnum(&message, plan.field, value);
    }
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&message, plan.field, std::stoll(text));
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&message, plan.field, std::stoi(text));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(&message, plan.field, std::stoull(text));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(&message, plan.field,
                                  static_cast<std::uint32_t>(std::stoul(text)));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.SetDouble(&message, plan.field, std::stod(text));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection.SetFloat(&message, plan.field, std::stof(text));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      CHECK(false, "a message has no default");
  }
}

std::string check_value(const Message& message, const Reflection& reflection,
                        const FieldPlan& plan) {
  const FieldDescriptor* field = plan.field;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      const std::string& text = reflection.GetStringReference(message, field, &scratch);
      if (field->type() == FieldDescriptor::TYPE_BYTES) {
        return check_number(plan.rule, static_cast<std::uint64_t>(text.size()));
      }
      std::string reason = check_text(plan.rule, text);
      if (reason.empty() && plan.differs_from != nullptr &&
          text == reflection.GetStringReference(message, plan.differs_from, &scratch)) {
        reason = "must differ from " + plan.differs_from->name();
      }
      return reason;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = reflection.GetEnumValue(message, field);
      if (field->enum_type()->FindValueByNumber(number) != nullptr) return {};
      return "is no value of " + field->enum_type()->name() + ": " + std::to_string(number);
    }
    case FieldDescriptor::CPPTYPE_INT64:
      return check_number(plan.rule, reflection.GetInt64(message, field));
    case FieldDescriptor::CPPTYPE_INT32:
      return check_number(plan.rule, reflection.GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return check_number(plan.rule, reflection.GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return check_number(plan.rule, reflection.GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return check_number(plan.rule, reflection.GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return check_number(plan.rule, reflection.GetFloat(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return {};
  }
  return {};
}

// Cuts it down to the millisecond, as every time is.
std::string check_timestamp(Message& timestamp) {
  constexpr std::int64_t kMillisecondsASecond = 1000;
  constexpr std::int64_t kSecondsMax = INT64_MAX / kMillisecondsASecond;
  constexpr std::int32_t kNanosAMillisecond = 1'000'000;
  constexpr std::int32_t kNanosASecond = 1'000'000'000;
  const auto& reflection = *timestamp.GetReflection();
  const FieldDescriptor* second = timestamp.GetDescriptor()->FindFieldByNumber(1);
  const FieldDescriptor* nano = timestamp.GetDescriptor()->FindFieldByNumber(2);
  const std::int64_t seconds = reflection.GetInt64(timestamp, second);
  const std::int32_t nanos = reflection.GetInt32(timestamp, nano);
  const bool small = seconds >= -kSecondsMax && seconds <= kSecondsMax;
  if (!small || !is_storable(seconds * kMillisecondsASecond)) {
    return "must be in the years 1 to 9999";
  }
  if (nanos < 0 || nanos >= kNanosASecond) return "must have 0 to 999999999 nanos";
  reflection.SetInt32(&timestamp, nano, nanos - nanos % kNanosAMillisecond);
  return {};
}

void check_message(Message& message, const MessagePlan& plan, const std::string& path,
                   std::vector<Fault>& faults);

void check_list(Message& message, const Reflection& reflection, const FieldPlan& plan,
                const std::string& path, std::vector<Fault>& faults) {
  const int size = reflection.FieldSize(message, plan.field);
  if (!within(plan.rule, size)) {
    faults.push_back(
        {path, "must have " + range_text(plan.rule, " items") + ", has " + std::to_string(size)});
  }
  if (!plan.items) return;
  std::set<std::string> met;
  for (int i = 0; i < size; ++i) {
    Message& item = *reflection.MutableRepeatedMessage(&message, plan.field, i);
    const std::string item_path = path + "[" + std::to_string(i) + "]";
    check_message(item, *plan.items, item_path + ".", faults);
    if (plan.unique_by == nullptr) continue;
    const std::string id = item.GetReflection()->GetString(item, plan.unique_by);
    if (!met.insert(id).second) {
      faults.push_back({item_path + "." + plan.unique_by->name(), "stands in the list twice"});
    }
  }
}

void check_present(Message& message, const Reflection& reflection, const FieldPlan& plan,
                   const std::string& path, std::vector<Fault>& faults) {
  if (std::string reason = check_value(message, reflection, plan); !reason.empty()) {
    faults.push_back({path + plan.field->name(), std::move(reason)});
  }
  if (plan.timestamp) {
    std::string reason = check_timestamp(*reflection.MutableMessage(&message, plan.field));
    if (!reason.empty()) faults.push_back({path + plan.field->name(), std::move(reason)});
  } else if (plan.items) {
    check_message(*reflection.MutableMessage(&message, plan.field), *plan.items,
                  path + plan.field->name() + ".", faults);
  }
}

void check_message(Message& message, const MessagePlan& plan, const std::string& path,
                   std::vector<Fault>& faults) {
  const auto& reflection = *message.GetReflection();
  for (const FieldPlan& field : plan.fields) {
    if (field.field->is_repeated()) {
      if (reflection.FieldSize(message, field.field) > 0 || field.rule.has_min()) {
        check_list(message, reflection, field, path + field.field->name(), faults);
      }
    } else if (reflection.HasField(message, field.field)) {
      check_present(message, reflection, field, path, faults);
    } else if (field.rule.has_default_()) {
      set_default(message, reflection, field);
    } else if (field.rule.required()) {
      faults.push_back({path + field.field->name(), "is required"});
    }
  }
}

}  // namespace

struct FactRules::Plan : MessagePlan {
  explicit Plan(const Descriptor& fact);
  bool service_only;
  const FieldDescriptor* key = nullptr;
};

FactRules::Plan::Plan(const Descriptor& fact)
    : MessagePlan(fact), service_only(fact.options().GetExtension(sluice::service_only)) {
  for (const FieldPlan& field : fields) {
    if (field.rule.key()) key = field.field;
  }
  CHECK(key != nullptr, "each fact has a key field");
}

FactRules::FactRules(const Descriptor& fact) : plan_(std::make_unique<const Plan>(fact)) {}

FactRules::FactRules(FactRules&&) noexcept = default;
FactRules::~FactRules() = default;

const FactRules& FactRules::of(const Descriptor& fact) {
  // Nearly always the same fact as the last time on this thread.
  thread_local const Descriptor* last_fact = nullptr;
  thread_local const FactRules* last_rules = nullptr;
  if (last_fact == &fact) return *last_rules;

  static Mutex mutex;
  static std::unordered_map<const Descriptor*, FactRules> known;
  const MutexLock lock(mutex);
  last_rules = &known.try_emplace(&fact, fact).first->second;
  last_fact = &fact;
  return *last_rules;
}

std::vector<Fault> FactRules::check(Message& fact) const {
  static const std::string no_path;
  std::vector<Fault> faults;
  check_message(fact, *plan_, no_path, faults);
  return faults;
}

bool FactRules::service_only() const { return plan_->service_only; }

const std::string& FactRules::key_name() const { return plan_->key->name(); }

std::string_view FactRules::key(const Message& fact) const {
  std::string scratch;
  const std::string& key = fact.GetReflection()->GetStringReference(fact, plan_->key, &scratch);
  CHECK(&key != &scratch, "a key is a plain text field");
  return key;
}

std::vector<Fault> check_rules(Message& event) {
  const auto& reflection = *event.GetReflection();
  const auto* fact =
      reflection.GetOneofFieldDescriptor(event, event.GetDescriptor()->oneof_decl(0));
  if (fact == nullptr) return {{"", "no known fact"}};
  return FactRules::of(*fact->message_type()).check(*reflection.MutableMessage(&event, fact));
}

std::string_view key_of(const Message& event) {
  const auto& reflection = *event.GetReflection();
  const auto* fact =
      reflection.GetOneofFieldDescriptor(event, event.GetDescriptor()->oneof_decl(0));
  if (fact == nullptr) return {};
  return FactRules::of(*fact->message_type()).key(reflection.GetMessage(event, fact));
}

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > kLongestId) return false;
  bool fine = true;
  for (const char c : text) fine &= kIdCharacters[static_cast<unsigned char>(c)];
  return fine;
}

bool is_printable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    // U+0080 to U+009F are c2 80 to c2 9f.
    const bool c1 =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) return false;
  }
  return true;
}

bool is_event_id(std::string_view text) {
  return !text.empty() && is_printable(text) && code_points(text) <= kLongestEventId;
}

bool is_storable(std::int64_t milliseconds) {
  constexpr std::int64_t kYear1 = -62'135'596'800'000;
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  return milliseconds >= kYear1 && milliseconds < kYear10000;
}

}  // namespace sluice
