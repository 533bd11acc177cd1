#include "worker/core/instance.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {

const std::string kVersion(64, 'a');

Line line(std::string_view text) {
  return *parse_line(text);
}

Line spec_line(const std::string& more) {
  return line("LAUNCH instance=web.1 app=web manifest=" + kVersion + " " + more);
}

Instance web() {
  Instance instance;
  instance.spec = *parse_spec(spec_line("restart=always"));
  instance.run = 2;
  return instance;
}

}  // namespace

TEST(instance_spec_is_printed_as_it_is_read) {
  const auto spec =
      parse_spec(spec_line("restart=on-failure arg=a%20b arg= arg=c env=A=1=2 env=B="));
  REQUIRE(spec.has_value());
  CHECK_EQ(spec->args.size(), 3U);
  CHECK_EQ(spec->args[1], "");
  CHECK(spec->restart == RestartPolicy::kOnFailure);
  const auto again = parse_spec(print_spec("INSTANCE", *spec));
  REQUIRE(again.has_value());
  CHECK_EQ(print_spec("X", *again).print(), print_spec("X", *spec).print());
  CHECK(parse_spec(spec_line("x=1"))->restart == RestartPolicy::kNo);
}

TEST(instance_spec_names_the_field_that_is_wrong) {
  for (const char* text :
       {"LAUNCH app=web", "LAUNCH instance=web app=web", "LAUNCH instance=api.1 app=web",
        "LAUNCH instance=../x.1 app=../x", "LAUNCH instance=web.01 app=web"})
    CHECK_EQ(parse_spec(line(text)).error().message, "instance= and app= must be APP.N and APP");
  CHECK_EQ(parse_spec(line("LAUNCH instance=web.1 app=web manifest=AA")).error().message,
           "manifest= must be a SHA-256");
  CHECK_EQ(parse_spec(line("LAUNCH instance=web.1 app=web")).error().message,
           "manifest= must be a SHA-256");
  CHECK_EQ(parse_spec(spec_line("restart=never")).error().message,
           "restart= must be no, on-failure or always");
  for (const char* env : {"env=A", "env==x", "env="})
    CHECK_EQ(parse_spec(spec_line(env)).error().message, "env= must be NAME=VALUE");
}

TEST(instance_of_unknown_spec_is_known_by_its_name) {
  const auto spec = unknown_spec("web.1");
  REQUIRE(spec.has_value());
  CHECK(!spec->is_known() && spec->app == "web" && spec->restart == RestartPolicy::kNo);
  const auto again = parse_spec(print_spec("INSTANCE", *spec));
  REQUIRE(again.has_value());
  CHECK(!again->is_known() && again->log_max_bytes == spec->log_max_bytes);
  for (const char* name : {"", "web", "web.0", "all.1", "../x.1"}) CHECK(!unknown_spec(name));
}

TEST(instance_state_words_are_the_kernels_own_while_it_lives) {
  Instance instance = web();
  instance.state = RunState::kUp;
  struct {
    char letter;
    std::string_view word;
  } const rows[] = {{'R', "running"}, {'S', "sleeping"}, {'D', "disk-wait"}, {'T', "stopped"},
                    {'t', "stopped"}, {'Z', "zombie"},   {'I', "sleeping"},  {'?', "running"}};
  for (const auto& row : rows) {
    instance.usage.kernel_state = row.letter;
    CHECK_EQ(state_word(instance), row.word);
  }
  instance.state = RunState::kStopping;
  CHECK_EQ(state_word(instance), "stopping");
  instance.state = RunState::kDown;
  CHECK_EQ(state_word(instance), "dead");
  instance.run = 0;
  CHECK_EQ(state_word(instance), "starting");
}

TEST(instance_report_says_what_changes_and_at_first_what_does_not) {
  Instance instance = web();
  CHECK_EQ(report(instance, false).print(),
           "INSTANCE instance=web.1 desired=running state=dead run=2 restarts=0\n");
  CHECK(report(instance, true).text("restart") == "always");
  instance.state = RunState::kUp;
  instance.pid = 7;
  instance.started_ms = 5;
  instance.usage = {"web.1", 7, 'S', 10, 20, 4096, {}};
  instance.cpu_percent = 12.34;
  instance.max_rss_seen = 8192;
  CHECK_EQ(report(instance, false).print(),
           "INSTANCE instance=web.1 desired=running state=sleeping run=2 restarts=0 pid=7 "
           "started_ms=5 cpu_percent=12.3 cpu_user_ms=10 cpu_system_ms=20 rss_bytes=4096 "
           "max_rss_bytes=8192\n");
  instance.wanted = false;
  instance.state = RunState::kBackoff;
  instance.retry_wall_ms = 99;
  CHECK_EQ(report(instance, false).print(),
           "INSTANCE instance=web.1 desired=stopped state=backoff run=2 restarts=0 retry_ms=99\n");
}

TEST(instance_end_has_the_supervisors_figures) {
  Instance instance = web();
  instance.pid = 7;
  instance.started_ms = 100;
  const EndOfRun end = describe_end(
      instance,
      line("EXITED status=139 user_us=1500 system_us=999 max_rss_bytes=4096 ended_ms=200"));
  CHECK_EQ(end.print(),
           "EXITED instance=web.1 run=2 pid=7 started_ms=100 ended_ms=200 signal=SIGSEGV core=1 "
           "cpu_user_ms=1 cpu_system_ms=0 max_rss_bytes=4096 "
           "reason=killed%20by%20SIGSEGV%20(core%20dumped)\n");
  const EndOfRun oom = describe_end(instance, line("EXITED status=9 oom_kills=1"));
  CHECK(oom.text("reason").find("out of memory") != std::string_view::npos);
  CHECK(describe_end(instance, line("EXITED status=9 oom_kills=0")).text("reason").find("memory") ==
        std::string_view::npos);
}

TEST(instance_end_of_a_failed_start_can_be_read_back) {
  const Instance instance = web();
  const EndOfRun end =
      describe_failed_start(instance, fail(Code::kExecFailed, "Permission denied"), Now{1, 2});
  CHECK_EQ(end.text("reason"), "exec failed: Permission denied");
  const auto error = failed_start_of(end);
  REQUIRE(error.has_value());
  CHECK_EQ(error->message, "Permission denied");
  CHECK(error->code == Code::kExecFailed);
  CHECK(!failed_start_of(line("EXITED exit_code=1 reason=x")).has_value());
}

TEST(instance_end_that_nobody_saw_says_so) {
  Instance instance = web();
  instance.pid = 7;
  CHECK_EQ(describe_unknown_end(instance, false, Now{1, 2}).print(),
           "EXITED instance=web.1 run=2 pid=7 ended_ms=2 reason=exit%20status%20unknown\n");
  instance.pid = 0;
  CHECK(failed_start_of(describe_unknown_end(instance, false, Now{1, 2})).has_value());
}

TEST(instance_policy_decides_by_how_it_ended) {
  const Line ok = line("EXITED exit_code=0"), bad = line("EXITED exit_code=1");
  const Line killed = line("EXITED signal=SIGKILL"), failed = line("EXITED failed=exec-failed");
  Instance instance = web();
  for (const Line& end : {ok, bad, killed, failed}) CHECK(wants_restart(instance, end));
  instance.spec.restart = RestartPolicy::kOnFailure;
  CHECK(!wants_restart(instance, ok));
  for (const Line& end : {bad, killed, failed}) CHECK(wants_restart(instance, end));
  instance.spec.restart = RestartPolicy::kNo;
  for (const Line& end : {ok, bad, killed, failed}) CHECK(!wants_restart(instance, end));
  instance.spec.restart = RestartPolicy::kAlways;
  instance.wanted = false;
  for (const Line& end : {ok, bad, killed, failed}) CHECK(!wants_restart(instance, end));
}

TEST(instance_answers_are_waited_for_once_each) {
  Instance instance = web();
  await(instance, "1", PendingAnswer::Kind::kStop);
  await(instance, "1", PendingAnswer::Kind::kStop);
  CHECK(!has_waiting_launch(instance));
  await(instance, "1", PendingAnswer::Kind::kLaunch);
  await(instance, "2", PendingAnswer::Kind::kStop);
  CHECK_EQ(instance.answers.size(), 3U);
  CHECK(has_waiting_launch(instance));
}
