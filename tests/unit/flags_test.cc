#include "common/flags.h"

#include "common/help_rows.h"
#include "common/io/net.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

struct Options {
  std::string state;
  std::vector<std::string> labels;
  std::int64_t count = 7, wait_ms = 0, size = 0;
  bool quiet = false, shell = true;
  int dev = 0;
};

Status take_dev(Options& options, const std::string& value) {
  return take_number<&Options::dev, 1, 100>(options, value.empty() ? "2" : value);
}

constexpr Flag<Options> kFlags[] = {
    {{"state", Takes::kValue, "DIR", "/var/lib/x", "what is kept"}, &take_text<&Options::state>},
    {{"label", Takes::kValue, "K=V", "", "a label"}, &add_text<&Options::labels>},
    {{"count", Takes::kValue, "N", "7", "how many"}, &take_number<&Options::count, 1, 9>},
    {{"wait", Takes::kValue, "TIME", "", "how long"}, &take_duration<&Options::wait_ms, 10>},
    {{"size", Takes::kValue, "SIZE", "", "how much"}, &take_bytes<&Options::size, 1024>},
    {{"quiet", Takes::kNothing, "", "", "say less"}, &take_switch<&Options::quiet, true>},
    {{"no-shell", Takes::kNothing, "", "", "no shell"}, &take_switch<&Options::shell, false>},
    {{"dev", Takes::kPerhapsAValue, "N", "2", "try it out"}, &take_dev},
    {{"secret-fd", Takes::kValue, "N", "", ""}, &take_text<&Options::state>},
};

Result<FlagsRead> read(std::initializer_list<std::string> words, Options& options,
                       Operands operands = Operands::kNone) {
  const std::vector<std::string> list(words);
  return read_flags(kFlags, list, operands, options);
}

std::string error_of(std::initializer_list<std::string> words) {
  Options options;
  const auto result = read(words, options);
  return result ? "" : std::string(word(result.error().code)) + " " + result.error().message;
}

}  // namespace

TEST(flags_are_read_into_their_fields) {
  Options options;
  REQUIRE(read({"--state", "d", "--label=a=b", "--label", "c=d", "--count=3", "--wait", "2s",
                "--size", "4K", "--quiet", "--no-shell", "--dev=5"},
               options)
              .has_value());
  CHECK_EQ(options.state, "d");
  CHECK(options.labels == std::vector<std::string>({"a=b", "c=d"}));
  CHECK_EQ(options.count, 3);
  CHECK_EQ(options.wait_ms, 2000);
  CHECK_EQ(options.size, 4096);
  CHECK(options.quiet && !options.shell);
  CHECK_EQ(options.dev, 5);
  Options others;
  REQUIRE(read({"--dev", "--sta", "x", "--secret-fd", "y"}, others).has_value());
  CHECK_EQ(others.dev, 2);
  CHECK_EQ(others.state, "y");
  CHECK_EQ(others.count, 7);
}

TEST(flags_errors_name_the_option_and_what_to_do) {
  CHECK_EQ(error_of({"--stat3", "d"}), "bad-arg no option '--stat3'; did you mean --state?");
  CHECK_EQ(error_of({"--frobnicate"}), "bad-arg no option '--frobnicate'");
  CHECK_EQ(error_of({"-x"}), "bad-arg no option '-x'");
  CHECK_EQ(error_of({"--state"}), "bad-arg a value is missing: --state DIR");
  CHECK_EQ(error_of({"--state", ""}), "bad-arg --state: its value is empty");
  CHECK_EQ(error_of({"--quiet=yes"}), "bad-arg --quiet takes no value");
  CHECK_EQ(error_of({"--s", "1"}), "bad-arg '--s' could be --state or --size: give the whole name");
  CHECK_EQ(error_of({"--count", "10"}), "bad-arg --count: '10' is no number from 1 to 9");
  CHECK_EQ(error_of({"--wait", "1ms"}), "bad-arg --wait: '1ms' is too short: at least 10ms");
  CHECK_EQ(error_of({"--size", "1"}), "bad-arg --size: '1' is too little: at least 1 KiB");
  CHECK_EQ(error_of({"stray"}), "bad-arg did not expect 'stray': options begin with --");
  CHECK_EQ(error_of({"--", "--quiet"}), "bad-arg did not expect '--quiet': options begin with --");
  // A hidden row is found by its whole name only, and is never suggested.
  CHECK_EQ(error_of({"--secret-f", "1"}), "bad-arg no option '--secret-f'");
}

TEST(flags_operands_stand_where_they_may) {
  Options options;
  const auto first = read({"--quiet", "ps", "--all"}, options, Operands::kFirstEndsFlags);
  REQUIRE(first.has_value());
  CHECK(first->operands == std::vector<std::string>({"ps", "--all"}));
  const auto anywhere = read({"out", "--quiet", "--", "--all"}, options, Operands::kAnywhere);
  REQUIRE(anywhere.has_value());
  CHECK(anywhere->operands == std::vector<std::string>({"out", "--all"}));
}

TEST(flags_help_and_version_end_the_reading) {
  Options options;
  const auto help = read({"--quiet", "--help", "--count", "bad"}, options);
  REQUIRE(help.has_value());
  CHECK(help->wish == FlagsRead::Wish::kHelp);
  CHECK(read({"--version"}, options)->wish == FlagsRead::Wish::kVersion);
  const std::string text = flags_help(texts_of(kFlags));
  CHECK(text.find("  --state DIR             what is kept (/var/lib/x)\n") == 0);
  CHECK(text.find("  --dev[=N]               try it out (2)\n") != std::string::npos);
  CHECK(text.find("--help") != std::string::npos);
  CHECK(text.find("secret-fd") == std::string::npos);
}

TEST(help_rows_stay_in_80_columns) {
  const std::string row = help_row("--a-very-long-option LONGVALUE",
                                   std::string(30, 'x') + " " + std::string(30, 'y'), 26);
  CHECK_EQ(row, "  --a-very-long-option LONGVALUE\n" + std::string(26, ' ') + std::string(30, 'x') +
                    "\n" + std::string(26, ' ') + std::string(30, 'y') + "\n");
  CHECK_EQ(wrap_text("", 4), "");
  CHECK_EQ(wrap_text(std::string(90, 'z') + " a", 2), "  " + std::string(90, 'z') + "\n  a\n");
}

TEST(endpoints_that_look_right_and_are_not_are_refused) {
  CHECK_EQ(parse_endpoint("::1").error().message,
           "an IPv6 address stands in brackets, such as [::1]:7400; got '::1'");
  CHECK_EQ(parse_endpoint("http://h:7400").error().message,
           "expected HOST:PORT or a path, not an URL: 'http://h:7400'");
  CHECK_EQ(parse_endpoint("[::1]:7400")->print(), "[::1]:7400");
  CHECK_EQ(parse_endpoint("/a:b/c")->path, "/a:b/c");
}
