// Whether agree is 1 or -1: what the files declare, what a person says, and what counts contradict.
#include "tools/import/vote_sign.h"

#include <catch2/catch.hpp>

#include "tools/import/export_folder.h"

using namespace sluice;
using sluice::testing::ExportFolder;

namespace {

// Comment 0 with these counts; one vote on it.
ExportFolder one_vote(const std::string& counts, const std::string& vote,
                      const std::string& summary = "topic,t\n") {
  return ExportFolder(
      {{"comments.csv",
        "timestamp,comment-id,author-id,agrees,disagrees,moderated,comment-body\n1700000000,0,0," +
            counts + ",1,x\n"},
       {"votes.csv", "timestamp,comment-id,voter-id,vote\n1700000100,0,1," + vote + "\n"},
       {"summary.csv", summary}});
}

// The same as the API answers it.
ExportFolder one_vote_of_api(const std::string& counts, const std::string& vote) {
  return ExportFolder(
      {{"comments.json", R"([{"tid":0,"pid":0,"txt":"x","created":"1700000000000",)"
                         R"("mod":0)" +
                             counts + "}]"},
       {"votes.json", R"([{"tid":0,"pid":1,"vote":)" + vote + R"(,"modified":1700000100000}])"}});
}

const std::string kDeclared = "vote-convention,agree=-1;disagree=+1;pass=0;format=other/1\n";

}  // namespace

TEST_CASE("a convention is understood when it says what agree is and does not contradict itself") {
  CHECK(declared_agree("agree=-1;disagree=+1;pass=0;format=other/1") == -1);
  CHECK(declared_agree("agree=1") == 1);
  CHECK(declared_agree("disagree=-1, agree=+1") == 1);
  for (const char* other : {"", "agree", "agree=2", "agree=0", "agree=1;disagree=1", "disagree=1",
                            "agree=1;pass=-1", "agree=yes"}) {
    INFO(other);
    CHECK_FALSE(declared_agree(other));
  }
}

TEST_CASE("votes are read by the sign that summary.csv declares") {
  CHECK(one_vote("1,0", "-1", kDeclared).read().votes[0].choice == 1);
  CHECK(one_vote("0,1", "1", kDeclared).read().votes[0].choice == -1);
  // Unquoted commas part the value into fields.
  CHECK(one_vote("1,0", "-1", "vote-convention,agree=-1,disagree=1\n").read().votes[0].choice == 1);
  CHECK_THAT(one_vote("1,0", "1", "topic,t\nvote-convention,positive is good\n").complaint(),
             Catch::Contains("summary.csv line 2: vote-convention is \"positive is good\"") &&
                 Catch::Contains("--agree"));
}

TEST_CASE("counts that contradict the sign are refused with both numbers") {
  CHECK_THAT(one_vote("1,0", "-1").complaint(),
             Catch::Contains("votes.csv has 0 agree and 1 disagree on comment 0, but comments.csv "
                             "counts 1 agree and 0 disagree") &&
                 Catch::Contains("--agree -1"));
  CHECK_THAT(one_vote("0,1", "-1", kDeclared).complaint(), Catch::Contains("counts 0 agree and 1"));
  CHECK(one_vote("1,0", "-1").read(Agree::minus_one).votes[0].choice == 1);
  CHECK(one_vote("0,1", "-1", kDeclared).read(Agree::plus_one).votes[0].choice == -1);
  CHECK_THAT(one_vote("1,0", "1").complaint(Agree::minus_one), Catch::Contains("--agree 1"));
}

TEST_CASE("counts that are near, or say nothing, contradict nothing") {
  CHECK(one_vote("30,17", "-1").complaint() == "none");  // as bad either way
  CHECK(one_vote("1,1", "-1").complaint() == "none");
  CHECK(one_vote(",", "-1").complaint() == "none");
  // A vote that was taken back counts twice in some exports.
  CHECK(one_vote("2,1", "1").complaint() == "none");
}

TEST_CASE("words mean what they say, whatever number agree is") {
  CHECK(one_vote(",", "Disagree", kDeclared).read().votes[0].choice == -1);
  CHECK(one_vote(",", "pass").read().votes[0].choice == 0);
}

TEST_CASE("the API's files do not declare a sign: their counts tell, or a person") {
  const std::string agreed = R"(,"agree_count":1,"disagree_count":0)";
  CHECK(one_vote_of_api(agreed, "1").read().votes[0].choice == 1);
  CHECK_THAT(
      one_vote_of_api(agreed, "-1").complaint(),
      Catch::Contains("votes.json has 0 agree and 1 disagree on comment 0, but comments.json "
                      "counts 1 agree and 0 disagree") &&
          Catch::Contains("--agree -1"));
  CHECK(one_vote_of_api(agreed, "-1").read(Agree::minus_one).votes[0].choice == 1);
  CHECK_THAT(one_vote_of_api("", "-1").complaint(),
             Catch::Contains("votes.json does not say which number agree is"));
  CHECK_THAT(one_vote_of_api(R"(,"agree_count":1,"disagree_count":1)", "-1").complaint(),
             Catch::Contains("does not tell"));
  CHECK(one_vote_of_api("", "-1").read(Agree::minus_one).votes[0].choice == 1);
  CHECK(one_vote_of_api("", "0").read().votes[0].choice == 0);
}
