#include "master/state/state.h"

#include "master/state/snapshot.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

const std::string kOne(64, '1');
const std::string kTwo(64, '2');

// Applies records, each a line of text.
State state_of(const std::vector<std::string>& records) {
  State state;
  for (const std::string& text : records) CHECK(state.apply(*parse_line(text)).has_value());
  return state;
}

std::string print(const State& state) {
  std::string text;
  for (const Line& record : snapshot(state)) text += record.print();
  return text;
}

// The state, and the same rebuilt from its own snapshot, are one.
void check_snapshot(const State& state) {
  State again;
  for (const Line& record : snapshot(state)) CHECK(again.apply(record).has_value());
  CHECK(again == state);  // what no record speaks of would be missing in both texts
  CHECK_EQ(print(again), print(state));
}

std::vector<std::string> with_web() {
  return {"CLUSTER id=c",
          "EPOCH number=3 id=e",
          "WORKER name=w1 id=01",
          "WORKER name=w2 id=02",
          "VERSION app=web manifest=" + kOne + " at=5",
          "INSTALLED app=web manifest=" + kOne + " worker=w1",
          "INSTALLED app=web manifest=" + kOne + " worker=w2",
          "INSTANCE instance=web.4 app=web manifest=" + kOne +
              " worker=w1 restart=always at=9 arg=a%20b env=A=1"};
}

}  // namespace

TEST(state_is_rebuilt_by_its_records) {
  const State state = state_of(with_web());
  CHECK_EQ(state.cluster_id, "c");
  CHECK_EQ(state.epoch_number, 3);
  CHECK_EQ(state.workers.at("w2").id, "02");
  CHECK_EQ(state.apps.at("web").current, kOne);
  CHECK_EQ(state.apps.at("web").next_number, 5);
  CHECK_EQ(state.versions.at(kOne).installed_on.size(), 2U);
  const Placement& placement = state.instances.at("web.4");
  CHECK_EQ(placement.worker, "w1");
  CHECK(placement.restart == Restart::kAlways);
  CHECK_EQ(placement.args.at(0), "a b");
  CHECK_EQ(placement.env.at(0), "A=1");
  CHECK_EQ(placement.run, 1);
  CHECK(placement.desired == Desired::kRunning);
  check_snapshot(state);
}

TEST(state_of_an_end_and_of_what_is_wanted) {
  auto records = with_web();
  records.push_back(
      "ENDED instance=web.4 run=2 worker=w1 seq=7 pid=5 started_ms=1 ended_ms=2 "
      "signal=SIGSEGV core=1 cpu_user_ms=3 cpu_system_ms=4 max_rss_bytes=5 reason=x%20y");
  records.push_back("DESIRED instance=web.4 desired=killed");
  State state = state_of(records);
  const Placement& placement = state.instances.at("web.4");
  REQUIRE(placement.last_end.has_value());
  CHECK_EQ(placement.run, 2);
  CHECK_EQ(placement.last_end->signal.value_or(""), "SIGSEGV");
  CHECK(placement.last_end->core);
  CHECK(!placement.last_end->exit_code);
  CHECK_EQ(placement.last_end->reason, "x y");
  CHECK(placement.desired == Desired::kKilled);
  CHECK_EQ(state.acknowledged.at("w1"), 7);
  check_snapshot(state);
  // An older run does not hide a younger; a number never goes back.
  CHECK(state.apply(*parse_line("ENDED instance=web.4 run=1 worker=w1 seq=6 reason=old"))
            .has_value());
  CHECK_EQ(placement.last_end->run, 2);
  CHECK_EQ(state.acknowledged.at("w1"), 7);
  CHECK(state.apply(*parse_line("DESIRED instance=web.4 desired=running run=3")).has_value());
  CHECK_EQ(placement.run, 3);
  CHECK(state.apply(*parse_line("DESIRED instance=web.4 desired=running run=2")).has_value());
  CHECK_EQ(placement.run, 3);
  check_snapshot(state);
}

TEST(state_what_has_ended_needs_no_other_reason) {
  auto records = with_web();
  records.push_back("DESIRED instance=web.4 desired=stopped given_up=lost");
  const State unsure = state_of(records);
  CHECK_EQ(unsure.instances.at("web.4").given_up, "lost");
  check_snapshot(unsure);
  records.push_back("ENDED instance=web.4 run=1 exit=0");
  records.push_back("DESIRED instance=web.4 desired=stopped given_up=again");
  records.push_back("INSTANCE instance=web.4 app=web manifest=" + kOne + " given_up=again");
  const State sure = state_of(records);
  CHECK_EQ(sure.instances.at("web.4").given_up, "");
  check_snapshot(sure);
}

TEST(state_numbers_of_instances_never_go_back) {
  auto records = with_web();
  records.push_back("APP app=web next=2");
  const State state = state_of(records);
  CHECK_EQ(state.apps.at("web").next_number, 5);
  check_snapshot(state);
}

TEST(state_a_version_belongs_to_one_app) {
  State state = state_of(with_web());
  CHECK(!state.apply(*parse_line("VERSION app=api manifest=" + kOne)).has_value());
  CHECK(!state.apps.contains("api"));
  check_snapshot(state);
}

TEST(state_epochs_count_upwards) {
  const State state =
      state_of({"EPOCH number=1 id=a", "EPOCH number=3 id=c", "EPOCH number=2 id=b"});
  CHECK_EQ(state.epoch_number, 3);
  CHECK_EQ(state.epoch_id, "c");
  check_snapshot(state);
}

TEST(state_of_an_end_of_what_is_gone_counts_its_number) {
  const State state =
      state_of({"ENDED instance=gone.1 run=1 worker=w1 seq=7 reason=x", "ACKED worker=w2 seq=9",
                "DESIRED instance=gone.1 desired=stopped"});
  CHECK_EQ(state.acknowledged.at("w1"), 7);
  CHECK_EQ(state.acknowledged.at("w2"), 9);
  CHECK(state.instances.empty());
  check_snapshot(state);
}

TEST(state_deletes_are_kept_until_done) {
  auto records = with_web();
  records.push_back("DELETING app=web worker=w1");
  records.push_back("APP app=web next=5 deleted=1");
  State state = state_of(records);
  CHECK(state.versions.empty());
  CHECK(state.apps.at("web").current.empty());
  CHECK(state.instances.contains("web.4"));
  check_snapshot(state);
  CHECK(state.apply(*parse_line("DELETED app=web worker=w1")).has_value());
  CHECK(state.instances.empty());
  CHECK(state.deletes.empty());
  CHECK_EQ(state.apps.at("web").next_number, 5);
  check_snapshot(state);
}

TEST(state_what_is_placed_anew_cancels_a_delete) {
  auto records = with_web();
  records.push_back("DELETING app=web worker=w1");
  records.push_back("DELETING app=web worker=w2");
  records.push_back("INSTALLED app=web manifest=" + kOne + " worker=w1");
  State state = state_of(records);
  CHECK(!state.deletes.contains("w1"));
  CHECK(state.deletes.contains("w2"));
  CHECK(state.apply(*parse_line("INSTANCE instance=web.5 app=web manifest=" + kOne + " worker=w2"))
            .has_value());
  CHECK(state.deletes.empty());
  check_snapshot(state);
}

TEST(state_an_install_that_comes_after_the_delete_leaves_nothing) {
  const State state = state_of({"INSTALLED app=web manifest=" + kOne + " worker=w1"});
  CHECK(state.versions.empty());
  CHECK_EQ(print(state), "");
}

TEST(state_older_versions_are_kept_and_the_current_one_known) {
  auto records = with_web();
  records.push_back("VERSION app=web manifest=" + kTwo + " at=6");
  State state = state_of(records);
  CHECK_EQ(state.apps.at("web").current, kTwo);
  check_snapshot(state);
  CHECK(state.apply(*parse_line("VERSION app=web manifest=" + kOne + " at=7")).has_value());
  CHECK_EQ(state.apps.at("web").current, kOne);
  CHECK_EQ(state.versions.size(), 2U);
  check_snapshot(state);
}

TEST(state_forgets_a_worker_with_all_that_was_on_it) {
  auto records = with_web();
  records.push_back("DELETING app=api worker=w1");
  records.push_back("ACKED worker=w1 seq=3");
  records.push_back("FORGET worker=w1");
  const State state = state_of(records);
  CHECK(!state.workers.contains("w1"));
  CHECK(state.instances.empty());
  CHECK(state.deletes.empty());
  CHECK(state.acknowledged.empty());
  CHECK_EQ(state.versions.at(kOne).installed_on.size(), 1U);
  check_snapshot(state);
}

TEST(state_refuses_records_that_it_does_not_write) {
  State state;
  for (const char* text : {"NONSENSE", "NONSENSE instance=web.1", "INSTANCE instance=web app=web",
                           "VERSION app=web", "VERSION manifest=x", "EPOCH number=0 id=e"})
    CHECK(!state.apply(*parse_line(text)).has_value());
  CHECK(state.apply(*parse_line("COMMAND who=ann words=ps code=ok")).has_value());
  CHECK_EQ(print(state), "");
}

TEST(state_an_end_is_read_as_it_is_printed_and_cut_where_it_is_long) {
  const RunEnd end = parse_end(*parse_line("EXITED run=3 pid=-5 exit_code=7 core=0 reason=r"));
  CHECK_EQ(end.exit_code.value_or(-1), 7);
  CHECK(!end.pid);
  CHECK_EQ(parse_end(print_end("web.1", end)).run, 3);
  Line line("EXITED");
  line.add("reason", std::string(10'000, 'x')).add("signal", std::string(10'000, 'y'));
  CHECK(print_end("web.1", parse_end(line)).print().size() < 5000);
}

TEST(state_figures_stay_where_sums_cannot_overflow) {
  const auto value = [](const std::string& text) {
    return figure(*parse_line("A a=" + text), "a").value_or(-1);
  };
  CHECK_EQ(value("0"), 0);
  CHECK_EQ(value("1000000000000000"), 1'000'000'000'000'000);
  for (const char* text : {"1000000000000001", "9223372036854775807", "-1", "x", ""})
    CHECK_EQ(value(text), -1);
  CHECK(!figure(Line("A"), "a"));
}

TEST(state_of_the_newer_fields_goes_into_the_snapshot) {
  auto records = with_web();
  records.push_back("LAUNCHED instance=web.4 run=1");  // of an older version
  records.push_back("LAUNCHED instance=web.4 run=2 at=-5");
  records.push_back("LAUNCHED instance=web.4 run=3 at=7");
  records.push_back("LAUNCHED instance=web.4 run=4 at=9");
  records.push_back("DESIRED instance=web.4 desired=running run=5 who=bob moves=0");
  records.push_back("DESIRED instance=web.4 desired=stopped quarantined=a%20b");
  records.push_back("LEASED instance=web.3 lease_ms=5000");
  records.push_back("LEASED instance=web.2 lease_ms=5000");
  records.push_back("LEASED instance=web.2 lease_ms=0");
  const State state = state_of(records);
  const Placement& placement = state.instances.at("web.4");
  CHECK_EQ(placement.begun, 4);
  CHECK_EQ(placement.begun_ms, 7);
  CHECK_EQ(placement.run, 5);
  CHECK_EQ(placement.asked_by, "bob");
  CHECK_EQ(placement.quarantined, "a b");
  CHECK_EQ(state.held.size(), 1U);
  CHECK_EQ(state.held.at("web.3"), 5000);
  check_snapshot(state);
  State started = state_of(records);
  CHECK(started.apply(*parse_line("DESIRED instance=web.4 desired=running")).has_value());
  CHECK_EQ(started.instances.at("web.4").quarantined, "");
}

TEST(state_keeps_a_fence_and_what_was_asked_through_a_snapshot) {
  State state;
  for (const char* record : {"EPOCH number=3 id=aa", "FENCED at=5 why=an%20old%20copy",
                             "ASKED n=7 at=5 who=ann from=unix words=stop%20web"})
    CHECK(state.apply(*parse_line(record)).has_value());
  CHECK_EQ(state.fence, "an old copy");
  CHECK_EQ(state.asked.size(), 1U);
  check_snapshot(state);
}
