#include "tools/import/polis_events.h"

#include <catch2/catch.hpp>
#include <set>

#include "tools/import/export_folder.h"

using namespace sluice;
using sluice::testing::ExportFolder;

namespace {

using Files = std::map<std::string, std::string>;

const std::string kCommentsHeader =
    "timestamp,comment-id,author-id,agrees,disagrees,moderated,is-meta,is-seed,comment-body\n";
const std::string kTen = "1403067224363,10,6,0,1,-1,false,false,\"two\nlines\"\n";
const std::string kNine = "1403067224362,9,5,1,0,1,true,true,\n";
const std::string kVotesHeader = "timestamp,datetime,comment-id,voter-id,vote\n";
const std::string kVotes =
    "1403054214196,x,9,2,1\n"
    "1403054214195,x,10,3,-1\n"
    "1403054214196,x,9,1,0\n"
    "1403054214196,x,9,1,0\n";

Files files(const std::string& comments = kTen + kNine, const std::string& votes = kVotes) {
  return {{"comments.csv", kCommentsHeader + comments}, {"votes.csv", kVotesHeader + votes}};
}

std::vector<std::string> events_of(const Files& of, const std::string& id = "c1") {
  std::vector<std::string> events;
  polis_events(ExportFolder(of).read(), id,
               [&](const std::string& event, const std::string&) { events.push_back(event); });
  return events;
}

bool has(const std::string& event, std::string_view part) {
  return event.find(part) != std::string::npos;
}

std::string id_of(const std::string& event) {
  const auto begin = event.find("\"id\":\"") + 6;
  return event.substr(begin, event.find('"', begin) - begin);
}

// Those of `after` that `before` did not have.
std::vector<std::string> new_in(const std::vector<std::string>& after,
                                const std::vector<std::string>& before) {
  const std::set<std::string> seen(before.begin(), before.end());
  std::vector<std::string> added;
  for (const std::string& event : after) {
    if (!seen.contains(event)) added.push_back(event);
  }
  return added;
}

}  // namespace

TEST_CASE("comments come by id, votes by time, comment and voter, then what moderators did") {
  Files of = files();
  of["summary.csv"] = "topic,\"A, B\"\nviews,3\n";
  const auto events = events_of(of);
  const std::vector<std::vector<std::string_view>> wanted = {
      {"conversation.created", R"("title":"A, B")", R"("owner_id":"import")",
       R"("actorrole":"service")"},
      {"import.started", R"("total":10)"},
      {"opinion.created", R"("opinion_id":"9")", R"("body":"-")", R"("is_seed":true)",
       R"("auto_vote":false)"},
      {"opinion.created", R"("opinion_id":"10")", R"("body":"two\u000alines")",
       R"("time":"2014-06-18T04:53:44.363Z")"},
      {"vote.set", R"("opinion_id":"10")", R"("participant_id":"3")", R"("choice":"disagree")"},
      {"vote.set", R"("participant_id":"1")", R"("choice":"pass")",
       R"("time":"2014-06-18T01:16:54.196Z")"},
      {"vote.set", R"("participant_id":"1")", R"("choice":"pass")"},
      {"vote.set", R"("participant_id":"2")", R"("choice":"agree")"},
      {"opinion.moderated", R"("opinion_id":"9")", R"("state":"none")"},
      {"opinion.moderated", R"("opinion_id":"10")", R"("state":"hide")"},
      {"opinion.marked_meta", R"("opinion_id":"9")", R"("meta":true)"},
      {"opinion.marked_meta", R"("opinion_id":"10")", R"("meta":false)"},
      {"import.completed"}};
  REQUIRE(events.size() == wanted.size());
  CHECK(polis_event_count(ExportFolder(of).read()) == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (const auto part : wanted[i]) {
      INFO(events[i]);
      CHECK(has(events[i], part));
    }
  }
}

TEST_CASE("what the files do not say about moderation is not said") {
  const auto events =
      events_of({{"comments.csv",
                  "timestamp,comment-id,author-id,moderated,comment-body\n1403067224362,9,5,0,x\n"},
                 {"votes.csv", kVotesHeader}});
  CHECK(events.size() == 4);
}

TEST_CASE("every row has an id of its own, made of what it says") {
  const auto events = events_of(files());
  std::set<std::string> ids;
  for (const std::string& event : events) ids.insert(id_of(event));
  CHECK(ids.size() == events.size());
  CHECK(id_of(events[2]) == "polis/c1/comment/9");
  CHECK(id_of(events[4]) == "polis/c1/vote/10/3/1403054214195");
  // Voter, comment and time twice: numbered.
  CHECK(id_of(events[5]) == "polis/c1/vote/9/1/1403054214196");
  CHECK(id_of(events[6]) == "polis/c1/vote/9/1/1403054214196/2");
}

TEST_CASE("the order of an export's rows changes nothing") {
  const auto events = events_of(files());
  CHECK(events_of(files()) == events);
  CHECK(events_of(files(kNine + kTen,
                        "1403054214196,x,9,1,0\n1403054214196,x,9,2,1\n"
                        "1403054214196,x,9,1,0\n1403054214195,x,10,3,-1\n")) == events);
}

TEST_CASE("of a later export only what is new is new, in an import of its own") {
  const auto monday = events_of(files());
  const auto tuesday = events_of(files("1403067229999,11,6,1,0,0,false,false,late\n" + kTen + kNine,
                                       "1403054215000,x,9,3,-1\n" + kVotes));
  std::vector<std::string> kinds;
  for (const std::string& event : new_in(tuesday, monday)) {
    kinds.push_back(event.substr(event.find("\"type\":") + 8, 8));
  }
  // The import and what moderators say now belong to the later export.
  CHECK(kinds == std::vector<std::string>{"import.s", "opinion.", "vote.set", "opinion.",
                                          "opinion.", "opinion.", "opinion.", "opinion.",
                                          "import.c"});
  const auto import_id = [](const std::string& event) {
    return event.substr(event.find("import_id"), 34);
  };
  CHECK(import_id(monday[1]) != import_id(tuesday[1]));
  CHECK(import_id(tuesday[1]) == import_id(tuesday.back()));
}

TEST_CASE("what moderators decide later has an id of its own, also when it is taken back") {
  std::string accepted = kTen;
  accepted.replace(accepted.find(",-1,"), 4, ",1,");
  const std::string later = "1403054216000,x,9,4,1\n";
  const auto first = events_of(files());
  const auto second = events_of(files(accepted + kNine));
  const auto third = events_of(files(kTen + kNine, kVotes + later));
  const auto said = [](const std::vector<std::string>& events, std::string_view state) {
    for (const std::string& event : events) {
      if (has(event, "opinion.moderated") && has(event, R"("opinion_id":"10")") &&
          has(event, state)) {
        return id_of(event);
      }
    }
    return std::string();
  };
  REQUIRE_FALSE(said(second, "none").empty());
  REQUIRE_FALSE(said(third, "hide").empty());
  CHECK(said(first, "hide") != said(third, "hide"));
}

TEST_CASE("without times a vote is voter, comment and choice") {
  const Files of = {
      {"comments.csv", kCommentsHeader + kTen + kNine},
      {"participants-votes.csv", "participant,xid,group-id,n-votes,9,10\n7,,0,2,1,-1\n3,,,1,,0\n"}};
  const auto events = events_of(of);
  CHECK(id_of(events[4]) == "polis/c1/vote/9/7/agree");
  CHECK(id_of(events[6]) == "polis/c1/vote/10/3/pass");
  CHECK_FALSE(has(events[6], R"("time")"));
  CHECK(has(events[0], R"("title":"talk")"));
}

TEST_CASE("titles and bodies are cut by code points") {
  std::string long_title;
  for (int i = 0; i < 141; ++i) long_title += "\xc3\xa4";
  Files of = files();
  of["summary.csv"] = "topic," + long_title + "\n";
  CHECK(has(events_of(of)[0], long_title.substr(0, 280) + '"'));
  CHECK(shortened_texts(ExportFolder(of).read()) ==
        std::vector<std::string>{"the topic has 141 characters: the first 140 are imported"});
}

TEST_CASE("a conversation needs an id") {
  CHECK_THROWS_WITH(events_of(files(), "no id"), Catch::Contains("--conversation-id"));
}
