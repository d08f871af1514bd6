#include "tools/sluice/cli/secrets.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace sluice {
namespace {

std::vector<std::string> hidden(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  hide_secrets(pointers);
  return words;
}

std::string hidden(const std::string& word) { return hidden(std::vector{word}).front(); }

}  // namespace

TEST_CASE("secrets are overwritten in the words of a command line, and nothing else") {
  CHECK(hidden("postgresql://me:SECRET@host/db") == "postgresql://me:******@host/db");
  CHECK(hidden("postgresql://me:S/E@C:T@host/db") == "postgresql://me:*******@host/db");
  CHECK(hidden("--postgres=postgresql://me:S/E@host/db") ==
        "--postgres=postgresql://me:***@host/db");
  CHECK(hidden("postgresql://host/db?user=me&password=SECRET&x=1") ==
        "postgresql://host/db?user=me&password=******&x=1");
  CHECK(hidden("postgresql://host/db?pass%77ord=SECRET") ==
        "postgresql://host/db?pass%77ord=******");
  CHECK(hidden("host=h password=SECRET user=me") == "host=h password=****** user=me");
  CHECK(hidden("host=h password = 'SE\\'C RET' user=me") ==
        "host=h password = *********** user=me");
  CHECK(hidden("password =SECRET") == "password =******");
  CHECK(hidden("sasl.password=SECRET,client.id=a") == "sasl.password=******,client.id=a");
  CHECK(hidden("ssl.key.pem=-----BEGIN A KEY-----\nab=cd\n,client.id=a") ==
        "ssl.key.pem=****************************,client.id=a");
  CHECK(hidden("sasl.oauthbearer.client.secret=SECRET") == "sasl.oauthbearer.client.secret=******");
  CHECK(hidden(std::vector<std::string>{"post", "--api-key", "SECRET", "file"}) ==
        std::vector<std::string>{"post", "--api-key", "******", "file"});
  CHECK(hidden("--api-key=SECRET") == "--api-key=******");
  for (const char* word : {"", "=", "a=b", "--api-keys=x", "postgresql://127.0.0.1:5432/d",
                           "http://host:8080/a?b=c", "password"}) {
    CHECK(hidden(word) == word);
  }
}

}  // namespace sluice
