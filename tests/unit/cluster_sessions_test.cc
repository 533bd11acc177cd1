// Workers that come and go: states and their times, names, beats, what they say of instances.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

std::string presence(World& world, const std::string& worker) {
  const auto found = world.cluster().workers().find(worker);
  return found == world.cluster().workers().end() ? "none"
                                                  : std::string(word(found->second.presence));
}

constexpr const char* kId = "00000000000000000000000000000001";
constexpr const char* kOther = "00000000000000000000000000000002";

}  // namespace

TEST(sessions_a_worker_is_up_from_its_first_beat_and_lost_after_two_and_a_half) {
  World world;
  world.open("w1");
  CHECK_EQ(world.take(), "w1> WELCOME cluster=c1 epoch=e heartbeat_ms=1000 missed=2\n");
  world.hear("w1", "SYNCED");
  CHECK_EQ(presence(world, "w1"), "suspect");
  CHECK_EQ(world.print("workers --json"), "");
  world.hear("w1", "HEARTBEAT seq=1");
  CHECK_EQ(presence(world, "w1"), "up");
  CHECK(world.has("record WORKER name=w1"));
  world.pass(2499);
  CHECK_EQ(presence(world, "w1"), "up");
  world.pass(1);
  CHECK_EQ(presence(world, "w1"), "lost");
  CHECK(world.print("events").find("worker-lost  worker w1 is lost: no beat for 2s") !=
        std::string::npos);
  // It never lost its connection; its next beat brings it back.
  world.hear("w1", "HEARTBEAT seq=2");
  CHECK_EQ(presence(world, "w1"), "up");
}

TEST(sessions_the_master_beats_every_interval) {
  World world(100);
  world.join("w1");
  world.take();
  world.pass(350, {"w1"});
  CHECK_EQ(world.count("w1> BEAT seq="), 3);
  CHECK(world.has("w1> BEAT seq=3"));
  world.close("w1");
  world.take();
  world.pass(1000);
  CHECK_EQ(world.count("w1> BEAT"), 0);
}

TEST(sessions_a_closed_connection_shows_at_once_and_is_lost_later) {
  World world;
  world.join("w1");
  world.close("w1", "reset by peer");
  CHECK_EQ(presence(world, "w1"), "suspect");
  CHECK(world.print("events").find("worker-suspect  worker w1: reset by peer") !=
        std::string::npos);
  world.pass(2500);
  CHECK_EQ(presence(world, "w1"), "lost");
  // Nothing is left to wait for, and nobody is woken for it.
  world.pass(60'000);
  CHECK_EQ(world.cluster().next_deadline(), INT64_MAX);
}

TEST(sessions_one_that_said_bye_has_left_and_is_never_lost) {
  World world;
  world.join("w1");
  world.hear("w1", "BYE");
  world.close("w1");
  world.pass(10'000);
  CHECK_EQ(presence(world, "w1"), "left");
  world.join("w1");
  CHECK_EQ(presence(world, "w1"), "up");
}

TEST(sessions_a_name_belongs_to_an_id_until_it_is_forgotten) {
  World world;
  world.open("w1", kId);
  world.hear("w1", "HEARTBEAT seq=1");
  world.close("w1");
  world.take();
  world.open("w1", kOther);
  CHECK(world.has("w1> ERR code=exists"));
  CHECK(world.has("workers%20forget%20w1"));
  CHECK_EQ(world.count("w1 closed: "), 1);
  world.open("w1", kId);
  CHECK(world.has("w1> WELCOME"));
  world.hear("w1", "HEARTBEAT seq=1");
  world.run("workers forget w1");
  CHECK(world.has("ERR busy worker w1 is connected"));
  world.close("w1");
  world.take();
  world.run("workers forget w1");
  CHECK_EQ(world.take(),
           "record ASKED n=9 at=1700000000000 who=ann from=unix words=workers%20forget%20w1\n"
           "record FORGET worker=w1\n#2 out worker w1 is forgotten\n"
           "record COMMAND at=1700000000000 who=ann from=unix words=workers%20forget%20w1 code=ok "
           "n=9\n"
           "#2 OK\n");
  world.open("w1", kOther);
  CHECK(world.has("w1> WELCOME"));
}

TEST(sessions_the_same_id_replaces_its_session_and_gets_its_orders_again) {
  World world;
  world.open("w1", kId);
  world.hear("w1", "SYNCED");
  world.hear("w1", "HEARTBEAT seq=1");
  world.run_with_files("copy ./web", "web");
  CHECK_EQ(world.count("w1> PROBE id=e.1"), 1);
  // The old connection was half open: nobody has told the master that it is dead.
  world.open("w1", kId);
  CHECK(world.has("w1 closed: replaced by a new session"));
  world.take();
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("w1> PROBE id=e.1"), 1);
}

TEST(sessions_lines_of_a_replaced_session_count_for_nothing) {
  World world;
  world.open("w1", kId);
  world.hear("w1", "HEARTBEAT seq=1");
  world.open("w1", kId);
  Effects effects = world.cluster().on(SessionLine{1, line("BYE")}, world.now);
  CHECK(effects.empty());
  effects = world.cluster().on(SessionClosed{1, "x"}, world.now);
  CHECK(effects.empty());
  CHECK_EQ(presence(world, "w1"), "up");
}

TEST(sessions_bad_names_and_unknown_verbs_are_answered) {
  World world;
  world.open("../x");
  CHECK(world.has("../x> ERR code=bad-arg"));
  CHECK_EQ(world.count("../x closed: "), 1);
  world.join("w1");
  world.take();
  world.hear("w1", "NONSENSE id=7");
  CHECK_EQ(world.take(), "w1> ERR id=7 code=unknown-verb msg=no%20verb%20NONSENSE\n");
  // An answer to nothing, and to another's order.
  world.hear("w1", "OK id=e.99");
  world.hear("w1", "OK id=nonsense");
  world.hear("w1", "OK");
  CHECK_EQ(world.take(), "");
}

TEST(sessions_a_name_that_never_beat_was_never_a_worker) {
  World world;
  world.open("fake");
  world.hear("fake", "SYNCED");
  world.run("launch web --on fake");
  CHECK(world.has("ERR not-found"));
  world.close("fake");
  CHECK(world.cluster().workers().empty());
  world.open("fake");
  world.pass(5000);
  CHECK_EQ(world.print("workers --json"), "");
  CHECK_EQ(world.print("names"), "");
  world.hear("fake", "EXITED seq=3 instance=web.1 run=1 reason=x");
  CHECK(world.has("fake> ACK seq=3"));
  CHECK(world.journal().size() == 2);  // the audit of the launch
}

TEST(sessions_figures_that_are_none_are_absent) {
  World world;
  world.join("w1", "HEARTBEAT seq=1 cpu=nan mem_used=-5 mem_total=99999999999999999999 load1=x");
  const WorkerView& view = world.cluster().workers().at("w1");
  CHECK(!view.cpu_percent && !view.mem_used_bytes && !view.mem_total_bytes && !view.load1);
  world.hear("w1", "HEARTBEAT seq=2 cpu=12.5 mem_used=50 mem_total=100 disk_free=0 instances=3");
  CHECK_EQ(view.load(), 20.0);
  CHECK_EQ(view.instances, 3);
  CHECK(world.print("workers --json").find("\"available\":false") != std::string::npos);
}

TEST(sessions_exits_are_recorded_once_and_acknowledged_always) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  const std::string name = world.launch("web", "w1");
  const std::string exited =
      "EXITED seq=1 instance=web.1 run=1 pid=77 ended_ms=1700000001000 "
      "exit_code=3 core=0 reason=exit%20code%203";
  world.hear("w1", exited);
  const std::string text = world.take();
  // On disk before the worker may forget it.
  CHECK_ORDER(text, "record ENDED instance=web.1 run=1", "w1> ACK seq=1");
  CHECK_EQ(world.state_of("web.1"), "dead exit code 3");
  world.hear("w1", exited);
  CHECK_EQ(world.take(), "w1> ACK seq=1\n");
}

TEST(sessions_a_number_that_went_back_hides_no_exit) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=7 instance=web.1 run=1 exit_code=1 reason=exit%20code%201");
  world.run("start web.1");
  world.answer("w1", "LAUNCH", "OK pid=78 run=2");
  // The power failed before its youngest records were on disk.
  world.hear("w1", "EXITED seq=1 instance=web.1 run=2 reason=exit%20status%20unknown");
  CHECK_EQ(world.state_of("web.1"), "dead exit status unknown");
}

TEST(sessions_ends_that_were_dropped_are_counted) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1", " --restart always");
  const std::string rest = " instance=web.1 exit_code=1 reason=exit%20code%201 run=";
  world.hear("w1", "EXITED seq=1" + rest + "1");
  world.hear("w1", "EXITED seq=2" + rest + "2");
  CHECK(world.print("events").find("dropped") == std::string::npos);
  world.hear("w1", "EXITED seq=40" + rest + "40");
  world.hear("w1", "EXITED seq=41" + rest + "41");
  const std::string events = world.print("events");
  const std::string words = "37 ends of runs on w1 were dropped: more than it keeps";
  CHECK(events.find(words) != std::string::npos);
  CHECK(events.find("dropped") == events.rfind("dropped"));
}

TEST(sessions_an_end_told_again_under_another_number_is_not_recorded_twice) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1", " --restart always");
  world.hear("w1",
             "EXITED seq=1 instance=web.1 run=1 pid=77 started_ms=1000 ended_ms=2000 exit_code=3 "
             "reason=exit%20code%203");
  world.take();
  // The power failed; what is left of its records does not know that the run had ended.
  for (const std::string more : {"", "pid=77 started_ms=1000 "}) {
    world.hear("w1", "EXITED seq=2 instance=web.1 run=1 " + more +
                         "ended_ms=9000 reason=exit%20status%20unknown:%20worker%20rebooted");
    CHECK(!world.has("record ENDED"));
    CHECK(world.has("w1> ACK seq=2"));
    CHECK_EQ(world.cluster().state().instances.at("web.1").last_end->reason, "exit code 3");
  }
  // Nor that there was one at all: its number is another run's now.
  world.take();
  world.hear("w1",
             "EXITED seq=3 instance=web.1 run=1 pid=9 started_ms=8000 ended_ms=9000 exit_code=4 "
             "reason=exit%20code%204");
  CHECK(world.has("record ENDED instance=web.1 run=1"));
}

TEST(sessions_a_worker_speaks_only_for_its_own_instances) {
  World world;
  world.join("w1");
  world.join("w2");
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.hear("w2", "INSTANCE instance=web.1 state=zombie run=9 pid=1");
  world.hear("w2", "EXITED seq=5 instance=web.1 run=9 reason=lies");
  CHECK_EQ(world.state_of("web.1"), "sleeping");
  CHECK(!world.cluster().state().instances.at("web.1").last_end);
  CHECK(world.has("w2> ACK seq=5"));
  world.answer("w1", "NOSUCH", "OK");
  world.run("stop web.1");
  world.take();
  const std::string order = world.order("w1", "STOP");
  world.hear("w2", "OK id=" + order + " reason=lies");
  CHECK_EQ(world.take(), "");
}

TEST(sessions_what_a_worker_makes_long_is_cut) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.hear("w1",
             "EXITED seq=1 instance=web.1 run=9223372036854775807 started_ms=-5 "
             "ended_ms=9223372036854775807 reason=" +
                 std::string(60'000, 'x'));
  CHECK(world.journal().back().print().size() < 8000);
  CHECK(!world.print("ps --all --json").empty());
  CHECK(!world.print("describe web.1").empty());
}

TEST(sessions_a_run_that_began_again_is_an_event) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1", " --restart always");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=1 reason=exit%20code%201");
  world.hear("w1",
             "INSTANCE instance=web.1 desired=running state=backoff run=1 restarts=1 "
             "retry_ms=1700000005000");
  CHECK_EQ(world.state_of("web.1"), "backoff exit code 1, next try in 5s");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=2 restarts=1 pid=90");
  CHECK_EQ(world.state_of("web.1"), "running");
  const std::string events = world.print("events");
  CHECK(events.find("exited  web.1 on w1: exit code 1") != std::string::npos);
  CHECK(events.find("started  web.1 runs again on w1: run 2, pid 90") != std::string::npos);
}

TEST(sessions_an_end_is_told_before_the_run_that_followed) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1", " --restart always");
  world.close("w1");
  world.open("w1");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=1 reason=exit%20code%201");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=running run=2 restarts=1 pid=90");
  const std::string events = world.print("events");
  const auto ended = events.find("exited  web.1 on w1: exit code 1");
  const auto began = events.find("started  web.1 runs again on w1: run 2, pid 90");
  CHECK(ended < began);
  CHECK(began != std::string::npos);
}

TEST(sessions_what_a_worker_does_not_know_any_more_has_ended) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.hear("w1", "EXITED seq=1 instance=web.1 run=1 exit_code=0 reason=exit%20code%200");
  world.run("start web.1");
  world.answer("w1", "LAUNCH", "OK pid=79 run=2");
  world.close("w1");
  world.join("w1");
  CHECK_EQ(world.state_of("web.1"), "dead worker w1 has no record of it");
}

TEST(sessions_a_master_that_starts_again_waits_for_what_its_workers_say) {
  World world;
  world.join("w1");
  world.install("web", {"w1"});
  world.launch("web", "w1");
  world.restart();
  CHECK_EQ(presence(world, "w1"), "suspect");
  CHECK_EQ(world.state_of("web.1"), "unknown worker w1 has not reported yet");
  world.open("w1");
  world.hear("w1", "INSTANCE instance=web.1 desired=running state=sleeping run=1 pid=77");
  world.hear("w1", "SYNCED");
  world.hear("w1", "HEARTBEAT seq=1");
  CHECK_EQ(world.state_of("web.1"), "sleeping");
  world.restart();
  world.pass(2500);
  CHECK_EQ(presence(world, "w1"), "lost");
  CHECK_EQ(world.state_of("web.1"), "unknown worker w1 lost");
}

TEST(sessions_foreign_instances_are_said_once_however_often_a_worker_comes) {
  World world;
  const auto come = [&](const std::string& name, bool beats) {
    world.open("w1");
    world.hear("w1", "INSTANCE instance=" + name + " state=running run=1 pid=7");
    world.hear("w1", "SYNCED");
    if (beats) world.hear("w1", "HEARTBEAT seq=1");
  };
  // Of a name that was only tried nothing is kept: so nothing is said.
  come("ghost.1", false);
  world.close("w1");
  CHECK_EQ(world.count("say "), 0);
  for (int i = 0; i < 3; ++i) {
    come("ghost.1", true);
    world.close("w1");
  }
  CHECK_EQ(world.count("say worker w1 has ghost.1, of which no record speaks"), 1);
  world.pass(60'000);
  come("ghost.1", true);
  CHECK(world.print("ps").find("unknown to this master, left alone") != std::string::npos);
  CHECK(world.print("ps w1 --json").find("\"state\":\"foreign\"") != std::string::npos);
  CHECK(world.print("events --json")
            .find("\"kind\":\"foreign\",\"worker\":\"w1\",\"instance\":"
                  "\"ghost.1\"") != std::string::npos);
  world.hear("w1", "INSTANCE instance=ghost.1 state=dead run=1");
  CHECK(world.print("ps").find("ghost.1") == std::string::npos);
  CHECK(world.print("ps --all").find("dead, unknown to this master") != std::string::npos);
  world.close("w1");
  // One that beats before it has told all.
  world.pass(60'000);
  world.open("w1");
  world.hear("w1", "HEARTBEAT seq=1");
  for (int i = 101; i <= 125; ++i)
    world.hear("w1", "INSTANCE instance=ghost." + std::to_string(i) + " state=running run=1");
  world.hear("w1", "SYNCED");
  CHECK_EQ(world.count("say worker w1 has ghost."), 1 + 20);
  CHECK_EQ(world.count("say worker w1 has named 5 more instances of which no record speaks"), 1);
  // A name that it uses is given to no other, whether it was said or not.
  CHECK_EQ(world.cluster().state().next_number("ghost"), 126);
}
