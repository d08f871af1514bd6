#include "tools/import/atproto/repository/mst.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

#include "tools/import/atproto/bytes/sha256.h"
#include "tools/import/atproto/data/dag_cbor.h"
#include "tools/import/atproto/data/fields.h"
#include "tools/import/atproto/syntax/syntax.h"

namespace sluice::atproto {

std::size_t mst_common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

namespace {

constexpr std::size_t kMaxKey = 1024;  // a path has 830 at most

struct Entry {
  std::size_t shared;  // bytes with the key before it in the node
  std::string_view suffix;
  Cid record;
  std::optional<Cid> right;  // the tree behind the key
};

struct Node {
  std::optional<Cid> left;
  std::vector<Entry> entries;
};

// False: neither null nor a link.
bool read_tree(Value map, std::string_view key, std::optional<Cid>& into) {
  into = link_field(map, key);
  return into.has_value() || (map.find(key) && !present(map, key));
}

std::optional<Entry> read_entry(Value value) {
  const auto shared = integer_field(value, "p");
  const auto suffix = bytes_field(value, "k");
  const auto record = link_field(value, "v");
  std::optional<Cid> right;
  if (!shared || *shared < 0 || !suffix || !record || !read_tree(value, "t", right)) {
    return std::nullopt;
  }
  return Entry{static_cast<std::size_t>(*shared), *suffix, *record, right};
}

// The reason, or nullptr.
const char* read_node(std::string_view block, Document& document, Node& node) {
  if (const auto fault = decode_cbor(block, document)) return fault->reason;
  const auto entries = document.root().find("e");
  if (!read_tree(document.root(), "l", node.left) || !entries || entries->kind() != Kind::list) {
    return "no node of an MST";
  }
  for (const Value value : entries->items()) {
    const auto entry = read_entry(value);
    if (!entry) return "no node of an MST";
    node.entries.push_back(*entry);
  }
  return nullptr;
}

// Makes the key of an entry of the key before it in the node. nullptr, or why there is none.
const char* next_key(const Entry& entry, std::string& key) {
  if (entry.shared > key.size()) return "a key that shares more than the key before it has";
  if (entry.shared + entry.suffix.size() > kMaxKey) return "a key of more than 1,024 bytes";
  const auto behind = std::string_view(key).substr(entry.shared);
  if (mst_common_prefix(behind, entry.suffix) > 0) {
    return "a key that shares more with the key before it than it says";
  }
  key.resize(entry.shared);
  key += entry.suffix;
  return nullptr;
}

std::string node_at(const Cid& cid) { return "MST node " + cid.text(); }

class Walk {
 public:
  Walk(const BlockIndex& blocks, const MstVisitor& visitor)
      : blocks_(blocks), visitor_(visitor), seen_(blocks.size()) {}

  // No level: the root, whose first key says it.
  void tree(const Cid& cid, std::optional<int> level);

 private:
  void malformed(std::string place, const char* reason) {
    visitor_.malformed({std::move(place), reason});
  }
  // nullptr, or why it cannot be visited.
  const char* open(const Cid& cid, std::optional<int> level, Node& node);
  const char* find(const Cid& cid, std::size_t& number) const;
  void entry(const Entry& entry, const Cid& node, int level);

  const BlockIndex& blocks_;
  const MstVisitor& visitor_;
  std::vector<bool> seen_;
  std::string key_;   // of the entry at hand
  std::string last_;  // the greatest key so far; "" before the first
  Document document_;
};

const char* Walk::find(const Cid& cid, std::size_t& number) const {
  const auto found = blocks_.find(cid);
  if (!found) return "its block is missing";
  number = *found;
  return cid.is_of(blocks_[number].data) ? nullptr : "its block's sha-256 is not its CID's";
}

const char* Walk::open(const Cid& cid, std::optional<int> level, Node& node) {
  std::size_t number = 0;
  if (level && *level < 0) return "below the level of leaves";
  if (const char* const reason = find(cid, number)) return reason;
  if (seen_[number]) return "there for the second time";
  seen_[number] = true;
  if (const char* const reason = read_node(blocks_[number].data, document_, node)) return reason;
  const bool hollow = node.entries.empty() && node.left.has_value() != level.has_value();
  return hollow ? "a node with nothing in it" : nullptr;
}

void Walk::entry(const Entry& entry, const Cid& node, int level) {
  const auto path = parse_record_path(key_);
  const bool rises = key_ > last_;
  if (rises) last_ = key_;
  if (!path) return malformed(node_at(node), "a key that is no collection/rkey");
  if (!rises) return malformed(key_, "not above the key before it");
  if (mst_height(key_) != level) return malformed(key_, "of another height than its node");
  std::size_t number = 0;
  if (const char* const reason = find(entry.record, number)) return malformed(key_, reason);
  visitor_.record({path->collection, path->rkey, entry.record, blocks_[number].data});
}

void Walk::tree(const Cid& cid, std::optional<int> level) {
  Node node;
  if (const char* const reason = open(cid, level, node)) return malformed(node_at(cid), reason);
  const int own = level.value_or(node.entries.empty() ? 0 : mst_height(node.entries[0].suffix));
  if (node.left) tree(*node.left, own - 1);
  std::string previous;
  for (const Entry& one : node.entries) {
    if (const char* const reason = next_key(one, previous)) {
      return malformed(node_at(cid), reason);
    }
    key_ = previous;
    entry(one, cid, own);
    if (one.right) tree(*one.right, own - 1);
  }
}

}  // namespace

int mst_height(std::string_view key) {
  int zeros = 0;
  for (const char c : sha256(key)) {
    const auto byte = static_cast<unsigned char>(c);
    zeros += std::countl_zero(byte);
    if (byte != 0) break;
  }
  return zeros / 2;
}

void walk_mst(const BlockIndex& blocks, const Cid& root, const MstVisitor& visitor) {
  Walk(blocks, visitor).tree(root, std::nullopt);
}

}  // namespace sluice::atproto
