#include "tools/import/csv.h"

#include <catch2/catch.hpp>

#include "storage/base/errors.h"

using namespace sluice;

namespace {

std::vector<std::vector<std::string>> rows_of(std::string_view text) {
  CsvRows rows(text, "test.csv");
  std::vector<std::vector<std::string>> all;
  for (std::vector<std::string> fields; rows.next(fields);) all.push_back(fields);
  return all;
}

using Rows = std::vector<std::vector<std::string>>;

}  // namespace

TEST_CASE("a row ends in LF, in CRLF or with the text") {
  const Rows wanted = {{"a", "b"}, {"1", "2"}};
  CHECK(rows_of("a,b\n1,2\n") == wanted);
  CHECK(rows_of("a,b\r\n1,2\r\n") == wanted);
  CHECK(rows_of("a,b\n1,2") == wanted);
  CHECK(rows_of("a,b\n\n\r\n1,2\n\n") == wanted);
}

TEST_CASE("quotes keep commas, line ends and doubled quotes") {
  CHECK(rows_of("\"a,b\",\"c\nd\r\ne\",\"say \"\"no\"\"\",\"\"\n") ==
        Rows{{"a,b", "c\nd\r\ne", "say \"no\"", ""}});
  CHECK(rows_of("\"x\"") == Rows{{"x"}});
  CHECK(rows_of("\"x\"\r\ny") == Rows{{"x"}, {"y"}});
}

TEST_CASE("empty fields count, also the last one") {
  CHECK(rows_of(",\n,,\na,") == Rows{{"", ""}, {"", "", ""}, {"a", ""}});
  CHECK(rows_of("").empty());
}

TEST_CASE("a quote in the middle of a plain field and a lone CR stand for themselves") {
  CHECK(rows_of("5\" pipe,a\rb\n") == Rows{{"5\" pipe", "a\rb"}});
}

TEST_CASE("what cannot be read says where") {
  CHECK_THROWS_WITH(rows_of("a\n\"b\nc\n"),
                    Catch::Contains("line 2") && Catch::Contains("never closed"));
  CHECK_THROWS_WITH(rows_of("a\n\"b\nc\"d\n"), Catch::Contains("line 3"));
  CHECK_THROWS_WITH(CsvFile::parse("a,b\n\"1\n\",2\n3\n", "t.csv"),
                    Catch::Contains("t.csv line 4: 1 fields"));
  CHECK_THROWS_AS(CsvFile::parse("", "t.csv"), Misconfigured);
  CHECK_THROWS_WITH(CsvFile::parse("a,b\r1,2\r", "t.csv"), Catch::Contains("CR alone"));
}

TEST_CASE("columns are found by name and numbers are whole") {
  const CsvFile file = CsvFile::parse("id,name\n-7,x\n1.5,y\n", "t.csv");
  CHECK(file.number(file.rows()[0], file.column("id")) == -7);
  CHECK_THROWS_WITH(file.number(file.rows()[1], 0), Catch::Contains("line 3: id is \"1.5\""));
  CHECK_THROWS_WITH(file.column("nam"), Catch::Contains("no column nam; its columns: id, name"));
  CHECK_THROWS_WITH(CsvFile::parse("id;name\n", "t.csv").column("id"),
                    Catch::Contains("not separated by commas"));
  CHECK_THROWS_WITH(CsvFile::parse("id,x,id\n", "t.csv").column("id"),
                    Catch::Contains("the column id twice, as number 1 and 3"));
}

TEST_CASE("what spreadsheets add below and beside the rows is left out") {
  const CsvFile file = CsvFile::parse("a,b,\n1,2,\n3,4,,,\n,,,,\n,\n", "t.csv");
  REQUIRE(file.rows().size() == 2);
  CHECK(file.rows()[1].fields == std::vector<std::string>{"3", "4", ""});
  CHECK_THROWS_WITH(CsvFile::parse("a,b\n1,2,3\n", "t.csv"), Catch::Contains("3 fields"));
  CHECK_THROWS_WITH(CsvFile::parse("a,b\n1\n", "t.csv"), Catch::Contains("1 fields"));
}
