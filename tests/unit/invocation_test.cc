#include "master/commands/invocation.h"

#include "common/shell_words.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

Result<Invocation> parse(const std::string& words) {
  return parse_invocation(*split_words(words));
}

std::string error_of(const std::string& words) {
  const auto parsed = parse(words);
  return parsed ? "none" : std::string(word(parsed.error().code)) + " " + parsed.error().message;
}

}  // namespace

TEST(invocation_operands_options_and_the_rest) {
  const auto launch =
      parse("launch web --count 3 --env A=1 --env=B=2 --restart=always -- -p 80 -- --json");
  REQUIRE(launch.has_value());
  CHECK_EQ(launch->command->name, "launch");
  CHECK_EQ(launch->operands.size(), 1U);
  CHECK_EQ(launch->number("--count", 1), 3);
  CHECK_EQ(launch->values("--env").size(), 2U);
  CHECK_EQ(launch->values("--env")[1], "B=2");
  CHECK_EQ(launch->value("--restart").value_or(""), "always");
  REQUIRE(launch->rest.size() == 4);
  CHECK_EQ(launch->rest[2], "--");
  CHECK(!launch->has("--json"));
  CHECK_EQ(launch->number("--nosuch", 7), 7);
}

TEST(invocation_options_stand_anywhere_and_short_ones_with_their_value) {
  const auto logs = parse("logs -n20 web.1 -f");
  REQUIRE(logs.has_value());
  CHECK_EQ(logs->number("-n", 0), 20);
  CHECK(logs->has("-f"));
  CHECK_EQ(parse("stop --timeout 1m30s web")->duration_ms("--timeout", 0), 90'000);
  CHECK_EQ(parse("stop web")->duration_ms("--timeout", 5), 5);
  // Behind "--" a word is an operand, whatever it looks like.
  CHECK_EQ(parse("stop -- --timeout")->operands.at(0), "--timeout");
  CHECK_EQ(parse("stop -")->operands.at(0), "-");
}

TEST(invocation_says_what_is_wrong_and_what_would_be_right) {
  CHECK_EQ(error_of("lunch web"), "unknown-verb no command 'lunch'; did you mean 'launch'?");
  CHECK_EQ(error_of("zzzzzzzz"), "unknown-verb no command 'zzzzzzzz'; 'help' lists them");
  CHECK_EQ(error_of("kill"), "bad-arg kill: TARGET... is missing; usage: kill TARGET...");
  CHECK_EQ(error_of("version 1"), "bad-arg version: did not expect '1'; usage: version");
  CHECK(error_of("launch web --coun 3")
            .find("no option '--coun', did you mean --count?; usage: "
                  "launch") != std::string::npos);
  for (const char* mark : {"DM_INSTANCE=x", "DM_RUN=7"})
    CHECK(error_of("launch web --env " + std::string(mark)).find("cannot be set") !=
          std::string::npos);
  CHECK_EQ(error_of("launch web --env DM_RUNNER=7"), "none");
  CHECK(error_of("launch web --count").find("--count wants a value") != std::string::npos);
  CHECK(error_of("ps --all=1").find("--all takes no value") != std::string::npos);
  CHECK(error_of("stop web --timeout 1s --timeout 2s").find("--timeout is given twice") !=
        std::string::npos);
  CHECK(error_of("stop ''").find("an empty word stands for nothing") != std::string::npos);
  CHECK_EQ(parse_invocation({}).error().message.find("no command ''"), 0U);
}

TEST(invocation_checks_each_kind_of_value) {
  CHECK(error_of("launch web --count 0").find("wants a number from 1 to 100000") !=
        std::string::npos);
  CHECK(error_of("launch web --count 100001").find("from 1 to") != std::string::npos);
  CHECK(error_of("launch web --count x").find("from 1 to") != std::string::npos);
  CHECK(error_of("launch web --env A").find("wants NAME=VALUE") != std::string::npos);
  CHECK(error_of("launch web --env =A").find("wants NAME=VALUE") != std::string::npos);
  CHECK(error_of("launch web --restart maybe").find("wants no|on-failure|always") !=
        std::string::npos);
  CHECK(error_of("launch web --restart 'no|always'").find("wants no|") != std::string::npos);
  CHECK(error_of("copy ./x --as UPPER").find("wants an app name") != std::string::npos);
  CHECK(error_of("copy ./x --to ''").find("is empty") != std::string::npos);
  CHECK(error_of("logs web.1 -n -5").find("wants a number from 0") != std::string::npos);
  CHECK(error_of("stop web --timeout fast").find("--timeout 'fast'") != std::string::npos);
  for (const char* fine : {"launch web --env A= --count 100000", "logs web.1 -n 0", "stop a b c",
                           "launch web --restart no", "events -n0"})
    CHECK_EQ(error_of(fine), "none");
}

TEST(invocation_shows_bad_words_without_their_controls) {
  const std::string error = parse_invocation({"\x1b[31mps"}).error().message;
  CHECK(error.find('\x1b') == std::string::npos);
}

TEST(invocation_takes_no_nul) {
  const auto parsed = parse_invocation({"launch", "web", "--", std::string("a\0b", 3)});
  REQUIRE(!parsed.has_value());
  CHECK(parsed.error().message.find("NUL") != std::string::npos);
}

TEST(invocation_knows_which_commands_bring_files) {
  CHECK(needs_files(*parse("copy web")));
  CHECK(needs_files(*parse("launch ./web")));
  CHECK(!needs_files(*parse("launch web")));
  CHECK(!needs_files(*parse("ps")));
  const PackageRequest request =
      package_request(*parse("copy ./web --lib a.so --lib b.so --file c --as api"));
  CHECK_EQ(request.executable, "./web");
  CHECK_EQ(request.libs.size(), 2U);
  CHECK_EQ(request.files.size(), 1U);
  CHECK_EQ(request.app, "api");
}

TEST(invocation_options_that_would_be_passed_over_are_refused) {
  for (const char* option : {"--as x", "--lib x", "--file x"}) {
    const std::string words = std::string("launch web ") + option;
    CHECK(error_of(words).starts_with("bad-arg launch: --"));
    CHECK(error_of(words).find(" is for a FILE, and 'web' is an app") != std::string::npos);
    CHECK_EQ(error_of(std::string("launch ./web ") + option), "none");
  }
  CHECK(error_of("logs web.1 -p --run 2").starts_with("bad-arg logs: -p is the run before"));
  CHECK_EQ(error_of("logs web.1 -p"), "none");
  CHECK_EQ(error_of("logs web.1 --run 2 -f -t -n 1 --since 5m -o x"), "none");
  CHECK_EQ(error_of("history --since 2026-01-02T03:04:05Z"), "none");
  CHECK(error_of("history --since yesterday").find("or a time like 2026-01-02T03:04:05Z") !=
        std::string::npos);
}

TEST(invocation_since_is_so_long_ago_or_a_moment) {
  constexpr std::int64_t kNow = 1'767'323'045'000;  // 2026-01-02T03:04:05Z
  const auto ago = [](const std::string& since) {
    return parse_invocation({"history", "--since", since})->ago_ms("--since", kNow);
  };
  CHECK_EQ(ago("5m"), 300'000);
  CHECK_EQ(ago("2026-01-02T03:04:00Z"), 5000);
  CHECK_EQ(ago("2026-01-02T03:04:04.250Z"), 750);
  CHECK_EQ(ago("2027-01-01T00:00:00Z"), 0);
}
