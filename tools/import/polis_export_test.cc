#include "tools/import/polis_export.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "storage/base/errors.h"

using namespace sluice;

namespace {

class Folder {
 public:
  explicit Folder(std::map<std::string, std::string> files) {
    std::string name = (std::filesystem::temp_directory_path() / "polis-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    top_ = name;
    std::filesystem::create_directory(path());
    for (const auto& [file, text] : files) std::ofstream(path() / file) << text;
  }
  ~Folder() { std::filesystem::remove_all(top_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::filesystem::path path() const { return top_ / "talk"; }

 private:
  std::filesystem::path top_;
};

const std::string kComments =
    "timestamp,comment-id,author-id,agrees,disagrees,moderated,is-meta,is-seed,comment-body\n"
    "1403067224363,10,6,1,0,-1,false,false,\"two\nlines\"\n"
    "1403067224362,9,5,1,0,1,true,true,\n";
const std::string kVotes =
    "timestamp,datetime,comment-id,voter-id,vote\n"
    "1403054214196,x,9,2,1\n"
    "1403054214195,x,10,3,-1\n"
    "1403054214196,x,9,1,0\n"
    "1403054214196,x,9,1,0\n";

std::vector<std::string> events_of(const Folder& folder, const std::string& id = "c1") {
  std::vector<std::string> events;
  polis_events(read_polis_export(folder.path() / ""), id,
               [&](const std::string& event, const std::string&) { events.push_back(event); });
  return events;
}

bool has(const std::string& event, std::string_view part) {
  return event.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("comments come by id, votes by time, comment and voter, then what moderators did") {
  const Folder folder({{"comments.csv", kComments},
                       {"votes.csv", kVotes},
                       {"summary.csv", "topic,\"A, B\"\nviews,3\n"}});
  const auto events = events_of(folder);
  REQUIRE(events.size() == 11);
  CHECK(polis_event_count(read_polis_export(folder.path())) == 11);
  const std::vector<std::vector<std::string_view>> wanted = {
      {"conversation.created", R"("title":"A, B")", R"("owner_id":"import")",
       R"("actorrole":"service")"},
      {"import.started", R"("total":8)"},
      {"opinion.created", R"("opinion_id":"9")", R"("body":"-")", R"("is_seed":true)",
       R"("auto_vote":false)"},
      {"opinion.created", R"("opinion_id":"10")", R"("body":"two\u000alines")",
       R"("time":"2014-06-18T04:53:44.363Z")"},
      {"vote.set", R"("opinion_id":"10")", R"("participant_id":"3")", R"("choice":"disagree")"},
      {"vote.set", R"("participant_id":"1")", R"("choice":"pass")",
       R"("time":"2014-06-18T01:16:54.196Z")"},
      {"vote.set", R"("participant_id":"1")", R"("choice":"pass")"},
      {"vote.set", R"("participant_id":"2")", R"("choice":"agree")"},
      {"opinion.moderated", R"("opinion_id":"10")", R"("state":"hide")"},
      {"opinion.marked_meta", R"("opinion_id":"9")", R"("meta":true)"},
      {"import.completed"}};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (const auto part : wanted[i]) {
      INFO(events[i]);
      CHECK(has(events[i], part));
    }
  }
}

TEST_CASE("every row has an id of its own, the same at every import") {
  const Folder folder({{"comments.csv", kComments}, {"votes.csv", kVotes}});
  const auto events = events_of(folder);
  std::set<std::string> ids;
  for (const std::string& event : events) ids.insert(event.substr(0, event.find(",\"source\"")));
  CHECK(ids.size() == events.size());
  CHECK(events_of(folder) == events);
  CHECK(has(events[5], R"("id":"talk/votes.csv/3")"));
}

TEST_CASE("without votes.csv the participants' last votes are taken, by row and column") {
  const Folder folder({{"comments.csv", kComments},
                       {"participants-votes.csv",
                        "participant,xid,group-id,n-votes,9,10\n7,,0,2,1,-1\n3,,,1,,0\n"}});
  const auto events = events_of(folder);
  REQUIRE(events.size() == 10);
  CHECK(has(events[4], R"("opinion_id":"9","participant_id":"7","choice":"agree")"));
  CHECK(has(events[5], R"("opinion_id":"10","participant_id":"7","choice":"disagree")"));
  CHECK(has(events[6], R"("opinion_id":"10","participant_id":"3","choice":"pass")"));
  CHECK_FALSE(has(events[6], R"("time")"));
  CHECK(has(events[0], R"("title":"talk")"));
}

TEST_CASE("times in seconds are seconds") {
  const Folder folder({{"comments.csv", kComments},
                       {"votes.csv", "timestamp,comment-id,voter-id,vote\n1403054214,9,2,1\n"}});
  CHECK(has(events_of(folder)[4], R"("time":"2014-06-18T01:16:54.000Z")"));
}

TEST_CASE("titles and bodies are cut by code points") {
  std::string long_title;
  for (int i = 0; i < 141; ++i) long_title += "\xc3\xa4";
  const Folder folder({{"comments.csv", kComments},
                       {"votes.csv", kVotes},
                       {"summary.csv", "topic," + long_title + "\n"}});
  const std::string created = events_of(folder)[0];
  CHECK(has(created, long_title.substr(0, 280) + '"'));
}

TEST_CASE("what is no export says what is missing") {
  CHECK_THROWS_WITH(read_polis_export(Folder({}).path()), Catch::Contains("no comments.csv"));
  CHECK_THROWS_WITH(read_polis_export(Folder({{"comments.csv", kComments}}).path()),
                    Catch::Contains("neither"));
  const Folder bad({{"comments.csv", kComments},
                    {"votes.csv", "timestamp,comment-id,voter-id,vote\n1,9,2,5\n"}});
  CHECK_THROWS_WITH(read_polis_export(bad.path()), Catch::Contains("line 2"));
  const Folder folder({{"comments.csv", kComments}, {"votes.csv", kVotes}});
  CHECK_THROWS_WITH(events_of(folder, "no id"), Catch::Contains("--conversation-id"));
}
