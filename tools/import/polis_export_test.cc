#include "tools/import/polis_export.h"

#include <catch2/catch.hpp>

#include "tools/import/export_folder.h"

using namespace sluice;
using sluice::testing::ExportFolder;

namespace {

const std::string kHeader =
    "timestamp,comment-id,author-id,agrees,disagrees,moderated,is-meta,is-seed,comment-body\n";
const std::string kComments = kHeader +
                              "1403067224363,10,6,1,0,-1,false,false,\"two\nlines\"\n"
                              "1403067224362,9,5,1,0,1,true,true,\n";
const std::string kVotesHeader = "timestamp,datetime,comment-id,voter-id,vote\n";
const std::string kVotes = kVotesHeader +
                           "1403054214196,x,9,2,1\n"
                           "1403054214195,x,10,3,-1\n"
                           "1403054214196,x,9,1,0\n";

std::string complaint_of_votes(const std::string& rows) {
  return ExportFolder({{"comments.csv", kComments}, {"votes.csv", kVotesHeader + rows}})
      .complaint();
}

std::string complaint_of_comments(const std::string& rows) {
  return ExportFolder({{"comments.csv", kHeader + rows}, {"votes.csv", kVotes}}).complaint();
}

// "9:2=1 ...": comment, voter and choice in the order read.
std::string votes_of(const PolisExport& from) {
  std::string text;
  for (const PolisVote& vote : from.votes) {
    text += (text.empty() ? "" : " ") + std::to_string(vote.comment) + ":" +
            std::to_string(vote.voter) + "=" + std::to_string(vote.choice);
  }
  return text;
}

}  // namespace

TEST_CASE("comments are read by id, votes in the order of time, comment and voter") {
  const PolisExport read = ExportFolder({{"comments.csv", kComments},
                                         {"votes.csv", kVotes},
                                         {"summary.csv", "topic,\"A, B\"\nviews,3\n"}})
                               .read();
  CHECK(read.name == "talk");
  CHECK(read.topic == "A, B");
  REQUIRE(read.comments.size() == 2);
  CHECK(read.comments[0].id == 9);
  CHECK(read.comments[0].moderation == PolisModeration::accepted);
  CHECK(read.comments[0].is_meta == true);
  CHECK(read.comments[0].is_seed);
  CHECK(read.comments[1].moderated_out());
  CHECK(read.comments[1].body == "two\nlines");
  CHECK(votes_of(read) == "10:3=-1 9:1=0 9:2=1");
}

TEST_CASE("the matrix of votes is read under either of its names, by row and column") {
  const std::string matrix = "participant,xid,group-id,n-votes,9,10\n7,,0,2,1,-1\n3,,,1,,0\n";
  for (const char* name : {"participants-votes.csv", "participant-votes.csv"}) {
    const PolisExport read = ExportFolder({{"comments.csv", kComments}, {name, matrix}}).read();
    CHECK(votes_of(read) == "9:7=1 10:7=-1 10:3=0");
    CHECK_FALSE(read.votes[0].time);
    CHECK(describe(read.votes[2].origin) == std::string(name) + " line 3");
  }
  CHECK_THAT(ExportFolder({{"comments.csv", kComments},
                           {"participants-votes.csv", matrix},
                           {"participant-votes.csv", matrix}})
                 .complaint(),
             Catch::Contains("has both"));
}

TEST_CASE(
    "a matrix with a column that might be a comment, or with a participant twice, is refused") {
  const auto complaint = [](const std::string& text) {
    return ExportFolder({{"comments.csv", kComments}, {"participants-votes.csv", text}})
        .complaint();
  };
  CHECK(complaint("participant,9,name,n-votes\n7,1,Ada,1\n") == "none");
  CHECK_THAT(complaint("participant,9,9.1\n7,1,-1\n"),
             Catch::Contains("column 3 is named \"9.1\", no comment-id"));
  CHECK_THAT(complaint("participant, 9\n7,1\n"), Catch::Contains("column 2 is named \" 9\""));
  CHECK_THAT(complaint("participant,9,9\n7,1,-1\n"), Catch::Contains("two columns of comment 9"));
  CHECK_THAT(complaint("participant,9\n7,1\n7,-1\n"),
             Catch::Contains("line 3: participant is \"7\", who has a row above"));
  CHECK_THAT(complaint("participant,9\n7,NaN\n"),
             Catch::Contains("line 2: 9 is \"NaN\", not 1, 0 or -1, or empty"));
}

TEST_CASE("a matrix whose own n-agree and n-disagree contradict its sign is refused") {
  CHECK_THAT(
      ExportFolder(
          {{"comments.csv", "timestamp,comment-id,author-id,moderated,comment-body\n1,9,5,1,x\n"},
           {"participants-votes.csv", "participant,n-agree,n-disagree,9,10,11\n7,0,2,1,1,0\n"}})
          .complaint(),
      Catch::Contains("2 agree and 0 disagree on the row of participant 7") &&
          Catch::Contains("counts 0 agree and 2 disagree") && Catch::Contains("--agree -1"));
}

TEST_CASE("times in seconds are seconds; what is neither seconds nor milliseconds is refused") {
  const PolisExport read = ExportFolder({{"comments.csv", kComments},
                                         {"votes.csv", kVotesHeader + "1403054214,x,9,2,1\n"}})
                               .read();
  CHECK(read.votes[0].time == 1403054214000);
  CHECK_THAT(complaint_of_votes("1403054214196000,x,9,2,1\n"),
             Catch::Contains("votes.csv line 2: timestamp is \"1403054214196000\", no time"));
  CHECK_THAT(complaint_of_votes("1.40305E+12,x,9,2,1\n"),
             Catch::Contains("votes.csv line 2: timestamp is \"1.40305E+12\", not a whole number"));
}

TEST_CASE("values that are not known are refused with file, line and column") {
  CHECK_THAT(complaint_of_votes("1403054214,x,9,2,5\n"),
             Catch::Contains("votes.csv line 2: vote is \"5\", not 1, 0 or -1"));
  CHECK_THAT(complaint_of_votes("1403054214,x,9,2,\n"),
             Catch::Contains("votes.csv line 2: vote is \"\""));
  CHECK_THAT(
      complaint_of_comments("1403067224362,9,5,1,0,1,perhaps,true,x\n"),
      Catch::Contains("comments.csv line 2: is-meta is \"perhaps\", neither true nor false"));
  CHECK_THAT(complaint_of_comments("1403067224362,9,5,1,0,2,true,true,x\n"),
             Catch::Contains("comments.csv line 2: moderated is \"2\", not 1 (accepted)"));
  CHECK_THAT(complaint_of_comments("1403067224362,9,5,1,0,TRUE,true,true,x\n"),
             Catch::Contains("comments.csv line 2: moderated is \"TRUE\""));
}

TEST_CASE("a comment that the export has twice is taken once, with another text it is refused") {
  const std::string row = "1403067224362,9,5,1,0,1,true,true,x\n";
  const PolisExport read =
      ExportFolder({{"comments.csv", kHeader + row + row}, {"votes.csv", kVotes}}).read();
  CHECK(read.comments.size() == 1);
  CHECK_THAT(
      complaint_of_comments(row + "1403067224362,9,5,1,0,1,true,true,y\n"),
      Catch::Contains("comments.csv line 3: comment-id 9 is also another comment's, of line 2"));
}

TEST_CASE("what is no export says what is missing") {
  CHECK_THAT(ExportFolder({}).complaint(), Catch::Contains("no comments.csv"));
  CHECK_THAT(ExportFolder({{"comments.csv", kComments}}).complaint(), Catch::Contains("neither"));
}
