#include "master/commands/env_file.h"

#include "master/commands/invocation.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

using Words = std::vector<std::string>;

Result<std::string> content_of(const std::string& path) {
  if (path == "vars") return std::string("A=1\n\n# no\nB= x 'y' \r\nC=");
  if (path == "bad") return std::string("A=1\nsecret\n");
  return fail(Code::kNotFound, "cannot open " + path);
}

}  // namespace

TEST(env_file_lines_become_options) {
  const auto words = expand_env_files(
      {"launch", "web", "--env-file", "vars", "--env", "A=2", "--", "--env-file", "bad"},
      content_of);
  REQUIRE(words.has_value());
  CHECK(*words == Words({"launch", "web", "--env", "A=1", "--env", "B= x 'y' ", "--env",
                         "C=", "--env", "A=2", "--", "--env-file", "bad"}));
  CHECK(*expand_env_files({"launch", "web", "--env-file=vars"}, content_of) ==
        Words({"launch", "web", "--env", "A=1", "--env", "B= x 'y' ", "--env", "C="}));
  // Without its value it is left to parse_invocation().
  CHECK(*expand_env_files({"launch", "--env-file"}, content_of) == Words({"launch", "--env-file"}));
}

TEST(env_file_errors_name_the_line_and_no_secret) {
  CHECK_EQ(expand_env_files({"--env-file", "bad"}, content_of).error().message,
           "bad: line 2 is no NAME=VALUE");
  CHECK_EQ(expand_env_files({"--env-file", "gone"}, content_of).error().message,
           "cannot open gone");
}

TEST(env_values_and_arguments_are_hidden_in_the_trail) {
  const auto invocation =
      parse_invocation({"launch", "web", "--env", "KEY=secret", "--count", "2", "--", "a", "b c"});
  REQUIRE(invocation.has_value());
  CHECK_EQ(words_for_trail(*invocation), "launch web --env KEY=... --count 2 -- (2 arguments)");
  CHECK_EQ(words_for_trail(*parse_invocation({"stop", "a b", "--timeout", "3s"})),
           "stop 'a b' --timeout 3s");
  CHECK_EQ(words_for_trail(*parse_invocation({"launch", "web", "--", "a"})),
           "launch web -- (1 argument)");
  CHECK_EQ(hide_value("A=b=c"), "A=...");
}
