#include "tools/import/cell.h"

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("flags as spreadsheets, pandas and databases write them") {
  for (const char* yes : {"true", "TRUE", "True", "t", "T", "yes", "Y", "1", "1.0"}) {
    INFO(yes);
    CHECK(cell::flag(yes) == true);
  }
  for (const char* no : {"", "false", "FALSE", "f", "No", "n", "0", "0.0"}) {
    INFO(no);
    CHECK(cell::flag(no) == false);
  }
  for (const char* other : {"2", "-1", "ja", "WAHR", " true", "NaN", "null"}) {
    INFO(other);
    CHECK_FALSE(cell::flag(other));
  }
}

TEST_CASE("whole numbers, also of a column that has become real; nothing that was rounded") {
  CHECK(cell::whole_number("-7") == -7);
  CHECK(cell::whole_number("17.0") == 17);
  CHECK(cell::whole_number("-1.00") == -1);
  for (const char* other :
       {"", ".", "1.", "1.5", "1.4E+12", " 1", "1 ", "+1", "1,000", "0x1", "."}) {
    INFO(other);
    CHECK_FALSE(cell::whole_number(other));
  }
}

TEST_CASE("votes in numbers of either sign and in words") {
  CHECK(cell::choice("1", 1) == 1);
  CHECK(cell::choice("+1", 1) == 1);
  CHECK(cell::choice("1", -1) == -1);
  CHECK(cell::choice("-1.0", -1) == 1);
  CHECK(cell::choice("0", -1) == 0);
  CHECK(cell::choice("Agree", -1) == 1);
  for (const char* other : {"", "2", "-2", "yes", "true", "+-1", "--1", "0.5"}) {
    INFO(other);
    CHECK_FALSE(cell::choice(other, 1));
  }
}

TEST_CASE("times are milliseconds, or seconds where they are small") {
  CHECK(cell::milliseconds(1403054214) == 1403054214000);
  CHECK(cell::milliseconds(1403054214196) == 1403054214196);
  CHECK_FALSE(cell::milliseconds(1403054214196000));
  CHECK_FALSE(cell::milliseconds(-1));
  CHECK_FALSE(cell::milliseconds(99'999'999'999));  // as seconds: the year 5138
}
