#include "tools/sluice/doctor/finding.h"

#include <algorithm>

#include "storage/base/json_writer.h"

namespace sluice {

bool Diagnosis::has(std::string_view code) const {
  return std::ranges::count(findings, code, &Finding::code) > 0;
}

void Diagnosis::put_first(std::string_view code) {
  std::ranges::stable_partition(findings, [&](const Finding& each) { return each.code == code; });
}

std::string Diagnosis::json() const {
  JsonWriter json;
  json.begin_object().name("findings").begin_array();
  for (const Finding& each : findings) {
    json.begin_object().field("code", each.code).field("what", each.what);
    json.name("evidence").json(each.evidence).name("since");
    each.since ? json.text(*each.since) : json.null();
    json.field("next", each.next).end_object();
  }
  json.end_array().name("skipped").begin_array();
  for (const Skipped& each : skipped) {
    json.begin_object().field("code", each.code).field("why", each.why).end_object();
  }
  return json.end_array().end_object().take();
}

std::string Diagnosis::text() const {
  std::string text;
  for (const Finding& each : findings) {
    text += each.code + ": " + each.what + "\n";
    if (each.since) text += "  since: " + *each.since + "\n";
    text += "  evidence: " + each.evidence + "\n  next: " + each.next + "\n\n";
  }
  if (findings.empty()) text += "nothing found\n";
  if (!findings.empty() && !note.empty()) text += note + "\n";
  for (const Skipped& each : skipped) text += "not asked: " + each.code + ": " + each.why + "\n";
  return text;
}

std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) c == '\'' ? word += "'\\''" : word += c;
  return word + "'";
}

}  // namespace sluice
