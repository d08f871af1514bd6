#pragma once

// Blocks, CARs and trees for the tests of what reads them, built from the specification's words.

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tools/import/atproto/repository/mst.h"
#include "tools/import/atproto/testing/made_cbor.h"

namespace sluice::atproto::testing {

inline std::string varint(std::size_t number) {
  std::string out;
  for (; number >= 0x80; number >>= 7) out += static_cast<char>((number & 0x7f) | 0x80);
  return out + static_cast<char>(number);
}

// Blocks, in the order they were put in.
struct MadeBlocks {
  std::vector<std::pair<Cid, std::string>> blocks;

  Cid add(std::string block) {
    const Cid cid = Cid::of(Cid::Codec::dag_cbor, block);
    blocks.emplace_back(cid, std::move(block));
    return cid;
  }
  [[nodiscard]] BlockIndex index() const {
    BlockIndex index;
    for (const auto& [cid, data] : blocks) index.add({cid, data});
    index.sort();
    return index;
  }
  [[nodiscard]] std::string car(const Cid& root) const {
    const std::string header = cbor_of("{\"roots\":[" + link_json(root) + "],\"version\":1}");
    std::string out = varint(header.size()) + header;
    for (const auto& [cid, data] : blocks) {
      out += varint(Cid::kBytes + data.size());
      out.append(cid.bytes()).append(data);
    }
    return out;
  }
  // The root of the tree of these keys, built from the specification's words.
  Cid tree(const std::map<std::string, Cid>& keys) {
    int level = 0;
    for (const auto& [key, cid] : keys) level = std::max(level, mst_height(key));
    return *subtree(keys, level);
  }
  // Nothing where it has no keys; a root of no keys is a node all the same.
  std::optional<Cid> subtree(const std::map<std::string, Cid>& keys, int level) {
    std::map<std::string, Cid> between;
    std::string left = "null";
    std::vector<std::string> entries;  // each without its end, which is the tree behind it
    std::string previous;
    const auto tree_between = [&] {
      const auto made = between.empty() ? std::nullopt : subtree(between, level - 1);
      between.clear();
      return made ? link_json(*made) : std::string("null");
    };
    const auto close = [&] {
      if (entries.empty()) {
        left = tree_between();
      } else {
        entries.back() += tree_between() + "}";
      }
    };
    for (const auto& [key, cid] : keys) {
      if (mst_height(key) != level) {
        between.emplace(key, cid);
        continue;
      }
      close();
      const std::size_t shared = mst_common_prefix(previous, key);
      entries.push_back("{\"p\":" + std::to_string(shared) +
                        ",\"k\":" + bytes_json(std::string_view(key).substr(shared)) +
                        ",\"v\":" + link_json(cid) + ",\"t\":");
      previous = key;
    }
    close();
    std::string node = "{\"l\":" + left + ",\"e\":[";
    for (std::size_t i = 0; i < entries.size(); ++i) node += (i > 0 ? "," : "") + entries[i];
    return add(cbor_of(node + "]}"));
  }
};

}  // namespace sluice::atproto::testing
