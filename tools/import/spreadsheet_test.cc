// The same conversation in whatever form a spreadsheet or a library writes it is read as the same.
#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "tools/import/export_folder.h"

using namespace sluice;
using sluice::testing::ExportFolder;

namespace {

using Table = std::vector<std::vector<std::string>>;  // the header first

// What is told of a conversation, in the forms that are read.
struct Comment {
  std::int64_t id;
  std::string body;
  int moderated;
  bool is_meta;
};
struct Vote {
  std::int64_t comment, voter;
  int choice;
};

template <class T>
T one_of(const std::vector<T>& choices) {
  return *rc::gen::elementOf(choices);
}

int below(int bound) { return *rc::gen::inRange(0, bound); }

std::string number(std::int64_t value) {
  return std::to_string(value) + one_of<std::string>({"", "", ".0"});
}

std::string truth(bool value) {
  return value ? one_of<std::string>({"true", "TRUE", "True", "t", "yes", "Y", "1", "1.0"})
               : one_of<std::string>({"false", "FALSE", "False", "f", "no", "N", "0", "0.0", ""});
}

std::string body() {
  const std::vector<std::string> pieces{
      "a", ",", "\"", "\n", "\r\n", " ", "\xc3\xa4", "\xf0\x9f\x98\x80", ";"};
  std::string text;
  for (int left = below(6); left > 0; --left) text += one_of(pieces);
  return text;
}

// Columns in another order, and some that nobody asked for.
Table shuffled(Table table) {
  const std::size_t width = table[0].size();
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < width; ++i) {
    order.insert(order.begin() + below(static_cast<int>(order.size()) + 1), i);
  }
  const bool has_extra = *rc::gen::arbitrary<bool>();
  Table moved;
  for (const auto& row : table) {
    auto& to = moved.emplace_back();
    if (has_extra) to.push_back(moved.size() == 1 ? "note" : "some \"note\"");
    for (const std::size_t i : order) to.push_back(row[i]);
  }
  return moved;
}

std::string quoted(const std::string& field) {
  const bool must = field.find_first_of(",\"\n\r") != std::string::npos;
  if (!must && !*rc::gen::arbitrary<bool>()) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

// As a file: quoting, line ends, columns and rows of nothing at the end, encoding.
std::string written(const Table& table) {
  const std::string line_end = one_of<std::string>({"\n", "\r\n"});
  const std::string tail(static_cast<std::size_t>(below(3)), ',');
  std::string text;
  for (const auto& row : table) {
    std::string line;
    for (const auto& field : row)
      line += (line.empty() && &field == &row[0] ? "" : ",") + quoted(field);
    text += line + tail + line_end;
  }
  for (int left = below(3); left > 0; --left) {
    text += std::string(table[0].size() + static_cast<std::size_t>(below(3)), ',') + line_end;
  }
  if (below(2) == 0) return text;
  return "\xef\xbb\xbf" + text;
}

std::string comments_csv(const std::vector<Comment>& comments) {
  Table table{{"timestamp", "comment-id", "author-id", "moderated", "is-meta", "comment-body"}};
  for (const Comment& c : comments) {
    table.push_back({number(1700000000 + c.id), number(c.id), number(c.id % 7), number(c.moderated),
                     truth(c.is_meta), c.body});
  }
  return written(shuffled(table));
}

std::string votes_csv(const std::vector<Vote>& votes) {
  Table table{{"timestamp", "comment-id", "voter-id", "vote"}};
  std::int64_t at = 1700000000000;
  for (const Vote& v : votes) {
    const std::string word = v.choice > 0 ? "agree" : v.choice < 0 ? "disagree" : "pass";
    table.push_back({std::to_string(++at), number(v.comment), number(v.voter),
                     below(4) == 0 ? word : number(v.choice)});
  }
  return written(shuffled(table));
}

}  // namespace

TEST_CASE("a conversation is read as the same from any spreadsheet's form") {
  rc::check("every comment and vote means what was written", [] {
    std::vector<Comment> comments;
    for (int id = 0; id < 5; ++id) {
      comments.push_back({id, body(), below(3) - 1, *rc::gen::arbitrary<bool>()});
    }
    std::vector<Vote> votes;
    for (int left = below(8); left > 0; --left) votes.push_back({below(5), below(4), below(3) - 1});

    const PolisExport read =
        ExportFolder({{"comments.csv", comments_csv(comments)}, {"votes.csv", votes_csv(votes)}})
            .read();
    RC_ASSERT(read.comments.size() == comments.size());
    for (std::size_t i = 0; i < comments.size(); ++i) {
      RC_ASSERT(read.comments[i].id == comments[i].id);
      RC_ASSERT(read.comments[i].body == comments[i].body);
      RC_ASSERT(static_cast<int>(read.comments[i].moderation) == comments[i].moderated);
      RC_ASSERT(read.comments[i].is_meta == comments[i].is_meta);
    }
    RC_ASSERT(read.votes.size() == votes.size());
    for (std::size_t i = 0; i < votes.size(); ++i) {
      RC_ASSERT(read.votes[i].comment == votes[i].comment);
      RC_ASSERT(read.votes[i].voter == votes[i].voter);
      RC_ASSERT(read.votes[i].choice == votes[i].choice);
    }
  });
}
