#include "tools/import/atproto/repository/repository.h"

#include <algorithm>

#include "tools/import/atproto/testing/made_blocks.h"
#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using namespace sluice::atproto::testing;

namespace {

struct Read {
  std::vector<std::string> records;  // "collection/rkey TAB cid"
  std::vector<std::string> malformed;
  bool whole = false;
  std::string did;
  std::string rev;
  std::string data;
};

Read read(const std::string& bytes) {
  CarReader car(bytes);
  Repository repository;
  Read seen;
  seen.whole = repository.read(car);
  for (const Malformed& one : repository.malformed()) {
    seen.malformed.push_back(one.place + ": " + one.reason);
  }
  if (!seen.whole) return seen;
  seen.did = repository.commit()->did;
  seen.rev = repository.commit()->rev;
  seen.data = repository.commit()->data.text();
  repository.walk(
      {.record =
           [&](const RepoRecord& record) {
             seen.records.push_back(std::string(record.collection) + "/" +
                                    std::string(record.rkey) + "\t" + record.cid.text());
           },
       .malformed =
           [&](const Malformed& one) { seen.malformed.push_back(one.place + ": " + one.reason); }});
  return seen;
}

std::string commit_json(const Cid& data, int version = 3) {
  return R"({"did":"did:plc:a","rev":"3jzfcijpj2z2a","sig":{"$bytes":""},"data":)" +
         link_json(data) + R"(,"prev":null,"version":)" + std::to_string(version) + "}";
}

}  // namespace

TEST_CASE("a real repository gives its commit and its records, in order") {
  const Read seen = read(file_bytes("jetstream-corpus/repo.car"));
  CHECK(seen.whole);
  CHECK(seen.malformed.empty());
  CHECK(seen.records == file_lines("jetstream-corpus/car_expected_records.tsv"));
  const auto commit = file_lines("jetstream-corpus/car_expected_commit.txt");
  CHECK("DID: " + seen.did == commit.at(1));
  CHECK("Data CID: " + seen.data == commit.at(2));
  CHECK("Revision: " + seen.rev == commit.at(4));
}

TEST_CASE("records of a real repository are all canonical") {
  const std::string bytes = file_bytes("jetstream-corpus/repo.car");
  CarReader car(bytes);
  Repository repository;
  REQUIRE(repository.read(car));
  std::size_t count = 0;
  repository.walk({.record =
                       [&](const RepoRecord& record) {
                         Document document;
                         std::string out;
                         CHECK_FALSE(decode_cbor(record.block, document));
                         CHECK_FALSE(append_canonical(document.root(), out));
                         CHECK(canonical(out) == out);
                         ++count;
                       },
                   .malformed = [](const Malformed&) { FAIL("malformed"); }});
  CHECK(count > 20);
}

TEST_CASE("a real repository that is cut short gives what is there, and says what is not") {
  const std::string whole = file_bytes("jetstream-corpus/repo.car");
  const Read all = read(whole);
  const Read seen = read(whole.substr(0, whole.size() * 3 / 4));
  CHECK(seen.whole);
  CHECK(seen.malformed.size() > 1);
  CHECK_THAT(seen.malformed.front(), Catch::EndsWith("ends inside a block"));
  CHECK(std::includes(all.records.begin(), all.records.end(), seen.records.begin(),
                      seen.records.end()));
}

TEST_CASE("without a commit that can be read nothing of a repository is") {
  MadeBlocks made;
  const Cid tree = made.tree({});
  const auto complaint = [&](const Cid& root) {
    const Read seen = read(made.car(root));
    CHECK_FALSE(seen.whole);
    return seen.malformed.at(0).substr(seen.malformed.at(0).find(": ") + 2);
  };
  CHECK(read(made.car(made.add(cbor_of(commit_json(tree))))).whole);
  CHECK(complaint(made.add(cbor_of(commit_json(tree, 2)))) == "no commit of version 3");
  CHECK(complaint(made.add(cbor_of("{}"))) == "no commit of version 3");
  CHECK(complaint(made.add("\xff")) == "a simple value other than null");
  CHECK(complaint(Cid::of(Cid::Codec::dag_cbor, "lost")) == "its block is missing");
  const Cid root = made.add(cbor_of(commit_json(tree)) + "x");
  made.blocks.back().second.pop_back();
  CHECK(complaint(root) == "its block's sha-256 is not its CID's");
  CHECK(read(varint(0)).malformed.back() == "CAR: no root");
}
