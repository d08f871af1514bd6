#include "tools/sluice/cli/program.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

struct Properties {
  std::string http;
  std::int64_t batch = 10;
  std::chrono::milliseconds retry_for{1000};
  std::uint64_t memory = 512 << 20;
  std::vector<std::string> domains;
  bool cold = false;
  std::optional<double> share;
  std::optional<std::chrono::milliseconds> horizon;
  std::string postgres;
};

// A program of a command that only looks at what it was told, and of another, which shares a
// property with it.
struct Run {
  explicit Run(const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment = {}) {
    std::ostringstream said;
    Program program(said);
    Command command = program.root().command("go", "Goes", "sluice go");
    command.text("http", told.http, "Where").required();
    command.number("batch", told.batch, 1, 100, "How many");
    command.duration("retry-for", told.retry_for, 0ms, "How long");
    command.bytes("memory", told.memory, 1 << 20, "How much");
    command.list("domains", told.domains, "Which");
    command.flag("cold", told.cold, "Whether");
    command.cores("share", told.share, "How much of it");
    command.duration("horizon", told.horizon, 1s, "How far");
    command.text("postgres", told.postgres, "Whose").own();
    std::string others;
    Command other = program.root().command("look", "Looks", "sluice look");
    other.text("postgres", others, "Whose");
    other.runs([](const OutputForm&) { return Exit::done; });
    command.runs([this](const OutputForm& form) {
      ran = true;
      json = form.json;
      return Exit::found;
    });
    std::vector<const char*> words{"sluice"};
    for (const std::string& word : arguments) words.push_back(word.c_str());
    std::vector<const char*> variables;
    for (const std::string& variable : environment) variables.push_back(variable.c_str());
    variables.push_back(nullptr);
    code = program.run(static_cast<int>(words.size()), words.data(), variables.data());
    errors = said.str();
  }
  Properties told;
  bool ran = false;
  bool json = false;
  int code = -1;
  std::string errors;
};

class File {
 public:
  explicit File(const std::string& text) {
    const int fd = ::mkstemp(name_.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    std::ofstream(name_) << text;
  }
  ~File() { std::filesystem::remove(name_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const char* name() const { return name_.c_str(); }

 private:
  std::string name_ = (std::filesystem::temp_directory_path() / "program-XXXXXX").string();
};

}  // namespace

TEST_CASE("flags are read into types and the command's answer is the exit code") {
  const Run run({"go", "--http", "u", "--batch=7", "--retry-for", "250ms", "--memory", "2MiB",
                 "--domains", "a,b", "--cold"});
  INFO(run.errors);
  CHECK(run.code == 1);
  CHECK(run.told.batch == 7);
  CHECK(run.told.retry_for == 250ms);
  CHECK(run.told.memory == 2 << 20);
  CHECK(run.told.domains == std::vector<std::string>{"a", "b"});
  CHECK(run.told.cold);
}

TEST_CASE("a flag wins over the environment, that over the file, that over the default") {
  const File file(
      "http = \"from-file\"\nbatch = 3\n[go]\nmemory = \"3MiB\"\ncold = true\ndomains = [\"x\", "
      "\"y\"]\n");
  const Run run({"go", "--config", file.name(), "--batch", "5"},
                {"SLUICE_BATCH=4", "SLUICE_MEMORY=4MiB", "PATH=/bin", "SLUICE_CACHE=/x"});
  INFO(run.errors);
  CHECK(run.code == 1);
  CHECK(run.told.http == "from-file");
  CHECK(run.told.batch == 5);
  CHECK(run.told.memory == 4 << 20);
  CHECK(run.told.retry_for == 1s);
  CHECK(run.told.domains == std::vector<std::string>{"x", "y"});
  CHECK(run.told.cold);
}

TEST_CASE("a property of a command's own is set by its flag and its table, and by nothing else") {
  const File for_all("postgres = \"all\"\n");
  const File for_one("postgres = \"all\"\n[go]\npostgres = \"one\"\n");
  const auto postgres = [](const Run& run) {
    INFO(run.errors);
    CHECK(run.code == 1);
    return run.told.postgres;
  };
  CHECK(postgres(Run({"go", "--http", "u"}, {"SLUICE_POSTGRES=shell"})).empty());
  CHECK(postgres(Run({"go", "--http", "u", "--config", for_all.name()})).empty());
  CHECK(postgres(Run({"go", "--http", "u", "--config", for_one.name()},
                     {"SLUICE_POSTGRES=shell"})) == "one");
  CHECK(postgres(Run({"go", "--http", "u", "--postgres", "flag", "--config", for_one.name()})) ==
        "flag");
}

TEST_CASE("how a result is printed is a property of each command, as any other") {
  const File for_all("json = true\n");
  const File for_one("[go]\njson = true\n");
  const File for_another("[look]\njson = true\n");
  const auto json = [](const std::vector<std::string>& arguments,
                       const std::vector<std::string>& environment = {}) {
    const Run run(arguments, environment);
    INFO(run.errors);
    CHECK(run.ran);
    return run.json;
  };
  CHECK_FALSE(json({"go", "--http", "u"}));
  CHECK(json({"go", "--http", "u", "--json"}));
  CHECK(json({"go", "--http", "u"}, {"SLUICE_JSON=true"}));
  CHECK(json({"go", "--http", "u", "--config", for_all.name()}));
  CHECK(json({"go", "--http", "u", "--config", for_one.name()}));
  CHECK_FALSE(json({"go", "--http", "u", "--config", for_another.name()}));
  CHECK_FALSE(json({"go", "--http", "u", "--json=false"}, {"SLUICE_JSON=true"}));
  CHECK(Run({"go", "--http", "u"}, {"SLUICE_JSON=perhaps"}).code == 2);
  // What asks for a page is none.
  CHECK_THAT(Run({"go", "--http", "u"}, {"SLUICE_VERSION=1"}).errors,
             Catch::Contains("SLUICE_VERSION is not known"));
}

TEST_CASE("an unknown name is an error wherever it stands, and the nearest one is named") {
  const auto refused = [](const Run& run, const std::string& saying) {
    INFO(run.errors);
    CHECK(run.code == 2);
    CHECK_FALSE(run.ran);
    CHECK_THAT(run.errors, Catch::Contains(saying));
    CHECK(std::ranges::count(run.errors, '\n') == 1);
  };
  refused(Run({"go", "--htp", "u"}), "did you mean --http?");
  refused(Run({"og"}), "did you mean go?");
  refused(Run({"go", "--http", "u"}, {"SLUICE_BACH=1"}), "did you mean SLUICE_BATCH?");
  refused(Run({"go", "--http", "u"}, {"SLUICE_ZZZZZZZZ=1"}), "SLUICE_ZZZZZZZZ is not known");
  refused(Run({"go", "--http", "u"}, {"SLUICE_CRASH_AT=flush.comitted"}), "flush.committed");
  refused(Run({"go", "--http", "u"}, {"SLUICE_CRASH_AT=flush.committed:soon"}), "\"soon\"");
  refused(Run({"go", "--http", "u"}, {"SLUICE_CRASH_AT=flush.committed:0"}), "\"0\"");
  const File file("htpp = \"x\"\n");
  refused(Run({"go", "--http", "u"}, {std::string("SLUICE_CONFIG=") + file.name()}),
          "did you mean http?");
  const File table("[og]\nhttp = \"x\"\n");
  refused(Run({"go", "--http", "u", "--config", table.name()}),
          "[og] is no command; did you mean go?");
  refused(Run({"go", "--http", "u", "--config", "/nowhere.toml"}), "cannot read /nowhere.toml");
  const File broken("http = \"x");
  refused(Run({"go", "--config", broken.name()}), "line 1");
}

TEST_CASE("what is wrong with a value is said, and what would be right") {
  CHECK_THAT(Run({"go", "--http", "u", "--memory", "2mb"}).errors, Catch::Contains("MiB"));
  CHECK_THAT(Run({"go", "--http", "u", "--memory", "1KiB"}).errors,
             Catch::Contains("at least 1MiB"));
  CHECK_THAT(Run({"go", "--http", "u", "--batch", "101"}).errors, Catch::Contains("from 1 to 100"));
  CHECK_THAT(Run({"go", "--http", "u", "--retry-for", "1y"}).errors, Catch::Contains("ms, s, m"));
  CHECK_THAT(Run({"go", "--http", "u"}, {"SLUICE_MEMORY=x"}).errors,
             Catch::Contains("SLUICE_MEMORY: \"x\""));
}

TEST_CASE("a text that is given is not empty, and a variable that is empty is not set") {
  CHECK_THAT(Run({"go", "--http", ""}).errors, Catch::Contains("--http: is empty"));
  CHECK(Run({"go", "--http", "u", "--postgres="}).code == 2);
  const Run unset({"go", "--http", "u"}, {"SLUICE_BATCH=", "SLUICE_MEMORY="});
  INFO(unset.errors);
  CHECK(unset.ran);
  CHECK_THAT(Run({"go"}, {"SLUICE_HTTP="}).errors, Catch::Contains("--http is required"));
}

TEST_CASE("a list takes one word, so that what follows is not taken for more of it") {
  const Run run({"go", "--http", "u", "--domains", "a,b", "c"});
  CHECK(run.code == 2);
  CHECK_THAT(run.errors, Catch::Contains("c is not known"));
  CHECK(Run({"go", "--http", "u", "--domains", "a", "--domains", "b"}).told.domains ==
        std::vector<std::string>{"a", "b"});
}

TEST_CASE("values out of bounds and of another form are errors") {
  const auto refused = [](const Run& run) { return run.code == 2 && !run.ran; };
  CHECK(refused(Run({"go", "--http", "u", "--batch", "0"})));
  CHECK(refused(Run({"go", "--http", "u", "--batch", "1.5"})));
  CHECK(refused(Run({"go", "--http", "u", "--memory", "10KiB"})));
  CHECK(refused(Run({"go", "--http", "u", "--retry-for", "soon"})));
  CHECK(refused(Run({"go", "--http", "u"}, {"SLUICE_BATCH=101"})));
  CHECK(refused(Run({"go"})));
}

TEST_CASE("what has no default is not there where nobody says it") {
  const Run silent({"go", "--http", "h"});
  CHECK_FALSE(silent.told.share);
  CHECK_FALSE(silent.told.horizon);
  const Run said({"go", "--http", "h", "--share", "0.25", "--horizon", "3h"});
  CHECK(said.told.share == 0.25);
  CHECK(said.told.horizon == std::chrono::hours(3));
  CHECK(Run({"go", "--http", "h"}, {"SLUICE_SHARE=1"}).told.share == 1.0);
  for (const char* wrong : {"0", "1025", "-0.5", "nan", "inf", "half", "0.5x", "", "1e-3"}) {
    INFO(wrong);
    const Run run({"go", "--http", "h", "--share", wrong});
    CHECK((run.code == 2 && !run.ran));
  }
  CHECK(Run({"go", "--http", "h", "--horizon", "10ms"}).code == 2);
}

TEST_CASE("a word of the command line is not repeated at length, and what to do is kept") {
  const Run run({"go", "--http", "u", "--batch", std::string(50'000, 'x')});
  CHECK(run.code == 2);
  CHECK(run.errors.size() < 500);
  CHECK_THAT(run.errors, Catch::Contains("xxx... (50000 bytes) ...xxx") &&
                             Catch::Contains("is not a whole number from 1 to 100"));
  // Nor is what came in another way; no letter is cut in two.
  std::string letters = "SLUICE_BATCH=";
  for (int i = 0; i < 30'000; ++i) letters += "ö";
  const Run outside({"go", "--http", "u"}, {letters});
  CHECK(outside.errors.size() < 5'000);
  CHECK_THAT(outside.errors, Catch::Contains("ö... (") && Catch::Contains(") ...ö"));
}
