#pragma once

// What the network and its tests gave us: ../shared/data/atproto.

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/import/atproto/bytes/pieces.h"
#include "tools/import/atproto/messages/frame.h"
#include "tools/import/atproto/messages/jetstream.h"

namespace sluice::atproto::testing {

inline const std::filesystem::path kNetworkData = "../shared/data/atproto";

inline std::string file_bytes(const std::string& name) {
  return read_all(open_bytes(kNetworkData / name), 64 << 20);
}

inline std::vector<std::string> file_lines(const std::string& name) {
  Pieces pieces(open_bytes(kNetworkData / name));
  std::vector<std::string> lines;
  while (const auto line = pieces.line(kMaxLineBytes)) lines.emplace_back(*line);
  REQUIRE_FALSE(lines.empty());
  return lines;
}

// One value a line, "#" before a comment.
inline std::vector<std::string> listed(const std::string& name) {
  std::vector<std::string> values;
  for (std::string& line : file_lines("interop/syntax/" + name)) {
    if (!line.empty() && line.front() != '#') values.push_back(std::move(line));
  }
  return values;
}

inline std::vector<std::string> captured_frames() {
  Pieces pieces(open_bytes(kNetworkData / "jetstream-corpus/frames.bin.zst"));
  std::vector<std::string> frames;
  while (const auto frame = pieces.frame(kMaxFrameBytes)) frames.emplace_back(*frame);
  REQUIRE_FALSE(pieces.fault());
  REQUIRE(frames.size() == 150);
  return frames;
}

inline std::vector<std::string> captured_lines() {
  auto lines = file_lines("jetstream-corpus/expected_v1.jsonl");
  REQUIRE(lines.size() == 152);
  return lines;
}

// A message's content, an entry an op, without what differs between a frame and a line of
// Jetstream: the time it was said.
inline std::vector<std::string> described(const Message& message) {
  std::vector<std::string> all;
  const auto at = [](Moment moment) { return std::to_string(moment.time_since_epoch().count()); };
  if (const auto* commit = std::get_if<Commit>(&message.event)) {
    for (const RecordOp& op : commit->ops) {
      const char* const action = op.action == Action::create   ? "create"
                                 : op.action == Action::update ? "update"
                                                               : "delete";
      all.push_back(std::string(commit->did) + " " + std::string(commit->rev) + " " + action + " " +
                    std::string(op.collection) + "/" + std::string(op.rkey) + " " +
                    (op.cid ? op.cid->text() : "-") + " " + std::string(op.record));
    }
  } else if (const auto* stale = std::get_if<Stale>(&message.event)) {
    all.push_back(std::string(stale->did) + " stale " + std::string(stale->rev));
  } else if (const auto* identity = std::get_if<Identity>(&message.event)) {
    all.push_back(std::string(identity->did) + " identity " +
                  std::string(identity->handle.value_or("-")) + " " + at(identity->at));
  } else if (const auto* account = std::get_if<Account>(&message.event)) {
    all.push_back(std::string(account->did) + (account->active ? " active " : " inactive ") +
                  std::string(account->status) + " " + at(account->at));
  } else if (const auto* ignored = std::get_if<Ignored>(&message.event)) {
    all.push_back("ignored " + std::string(ignored->type));
  } else if (const auto* error = std::get_if<ServerError>(&message.event)) {
    all.push_back("error " + std::string(error->error) + " " + std::string(error->message));
  }
  for (const Malformed& malformed : message.malformed) {
    all.push_back("malformed " + malformed.place + ": " + malformed.reason);
  }
  return all;
}

}  // namespace sluice::atproto::testing
