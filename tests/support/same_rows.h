#pragma once

// Whether rows are what they must be, as readers see them.

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <string>
#include <vector>

#include "deliberation/tables.pb.h"
#include "schemas/descriptors/row_options.h"

namespace sluice::testing {

// The votes of {"b":"agree","a":"pass"} sorted: {"a":"pass","b":"agree"}.
inline std::string in_order(const std::string& votes) {
  if (votes.empty()) return votes;
  std::vector<std::string> each;
  for (std::size_t at = 1; at < votes.size();) {
    const std::size_t end = std::min(votes.find(',', at), votes.size() - 1);
    each.push_back(votes.substr(at, end - at));
    at = end + 1;
  }
  std::sort(each.begin(), each.end());
  std::string text;
  for (const std::string& vote : each) text += (text.empty() ? "{" : ",") + vote;
  return text + votes.back();
}

// What readers see of a row: no more than its columns, a ballot's votes in the order of their ids.
template <class Row>
Row shown(Row row) {
  const auto* reflection = row.GetReflection();
  for (int i = 0; i < Row::descriptor()->field_count(); ++i) {
    const auto* field = Row::descriptor()->field(i);
    if (!is_column(*field)) reflection->ClearField(&row, field);
  }
  if constexpr (std::is_same_v<Row, deliberation::Ballot>) row.set_votes(in_order(row.votes()));
  return row;
}

// Equal rows are equal bytes.
template <class Row>
std::string bytes(const Row& row) {
  std::string out;
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  row.SerializeToCodedStream(&coded);
  coded.Trim();
  return out;
}

// What differs, for a person; empty: nothing does. Both are in key order.
template <class Row>
std::string difference(const std::vector<Row>& found, const std::vector<Row>& expected) {
  for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
    const std::string have = i < found.size() ? shown(found[i]).DebugString() : "nothing\n";
    const std::string want = i < expected.size() ? shown(expected[i]).DebugString() : "nothing\n";
    const bool same = i < found.size() && i < expected.size() &&
                      bytes(shown(found[i])) == bytes(shown(expected[i]));
    if (!same) return Row::descriptor()->name() + ": found\n" + have + "expected\n" + want;
  }
  return {};
}

// Of all rows those of one conversation.
template <class Row>
std::vector<Row> of_conversation(std::vector<Row> rows, const std::string& id) {
  std::erase_if(rows, [&](const Row& row) { return row.conversation_id() != id; });
  return rows;
}

}  // namespace sluice::testing
