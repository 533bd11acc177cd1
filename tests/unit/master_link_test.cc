#include "worker/core/master_link.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {

// A link under test: what it asks for, as text.
struct Fixture {
  MasterLink link{"w1", "0123", "boot-1", 1};
  Now now{1000, 0};
  Effects out;

  std::string take() {
    std::string text;
    for (const Effect& effect : out) {
      if (std::holds_alternative<Connect>(effect)) text += "connect\n";
      if (const auto* e = std::get_if<Disconnect>(&effect)) text += "disconnect " + e->why + "\n";
      if (const auto* e = std::get_if<ToMaster>(&effect)) text += e->line.print();
      if (const auto* e = std::get_if<Say>(&effect)) text += "say " + e->text + "\n";
    }
    out.clear();
    return text;
  }
  void tick() { link.on_tick(now, out); }
  void tick_at_deadline() {
    now.mono_ms = link.next_deadline();
    tick();
  }
  MasterLink::Verdict hear(std::string_view text) {
    return link.on_line(*parse_line(text), now, out);
  }
  void welcome(std::string_view text = "WELCOME cluster=c heartbeat_ms=1000 missed=2") {
    now.mono_ms = std::max(now.mono_ms, link.next_deadline());
    tick();
    link.on_up(now);
    hear("DM proto=1");
    hear(text);
    take();
  }
  void drop(const std::string& why) { link.on_down(why, now, out); }
};

using Verdict = MasterLink::Verdict;

}  // namespace

TEST(master_link_dials_at_once_greets_and_is_up) {
  Fixture at;
  CHECK(at.link.next_deadline() <= at.now.mono_ms);
  at.tick();
  CHECK_EQ(at.take(), "connect\n");
  at.link.on_up(at.now);
  CHECK(at.hear("DM proto=1 nonce=00") == Verdict::kHandled);
  CHECK_EQ(at.take(), "HELLO proto=1 name=w1 id=0123 boot=boot-1\n");
  CHECK(!at.link.is_up());
  CHECK(at.hear("WELCOME cluster=c heartbeat_ms=250 missed=2") == Verdict::kWelcome);
  CHECK(at.link.is_up());
  CHECK_EQ(at.link.heartbeat_ms(), 250);
  CHECK_EQ(at.link.cluster(), "c");
  CHECK(at.hear("STOP id=1") == Verdict::kOrder);
}

TEST(master_link_every_step_of_the_greeting_has_its_time) {
  Fixture at;
  at.tick();
  at.take();
  CHECK_EQ(at.link.next_deadline() - at.now.mono_ms, 10'000);
  at.tick_at_deadline();
  CHECK_EQ(at.take(), "disconnect no answer to the connect\n");
  CHECK_EQ(at.link.next_deadline(), kNever);
  at.drop("timeout");
  at.tick_at_deadline();
  at.link.on_up(at.now);
  at.take();
  CHECK_EQ(at.link.next_deadline() - at.now.mono_ms, 5000);
  at.tick_at_deadline();
  CHECK_EQ(at.take(), "disconnect the master does not answer\n");
}

TEST(master_link_refuses_whoever_is_no_master) {
  for (const char* text : {"DM proto=2", "DM", "HTTP", "WELCOME"}) {
    Fixture at;
    at.tick();
    at.link.on_up(at.now);
    at.take();
    CHECK(at.hear(text) == Verdict::kHandled);
    CHECK_EQ(at.take(), "disconnect the peer is no dm-master of protocol 1\n");
    CHECK(!at.link.is_up());
  }
  Fixture at;
  at.tick();
  at.link.on_up(at.now);
  at.hear("DM proto=1");
  at.take();
  at.hear("STOP id=1 instance=web.1");
  CHECK_EQ(at.take(), "disconnect expected WELCOME, got STOP\n");
}

TEST(master_link_says_why_it_was_refused_once) {
  Fixture at;
  for (int i = 0; i < 3; ++i) {
    at.now.mono_ms = std::max(at.now.mono_ms, at.link.next_deadline());
    at.tick();
    at.link.on_up(at.now);
    at.hear("DM proto=1");
    at.take();
    at.hear("ERR code=exists msg=the%20name%1b%20is%20taken");
    const std::string why = at.take();
    CHECK(why.find("disconnect refused: the name") == 0);
    CHECK(why.find('\x1b') == std::string::npos);
    at.drop("refused");
    CHECK_EQ(at.take(), i == 0 ? "say no session with the master: refused\n" : "");
  }
}

TEST(master_link_comes_back_for_ever_ever_slower) {
  Fixture at;
  std::int64_t least = 50, most = 100;
  for (int i = 0; i < 12; ++i) {
    at.drop("refused");
    const std::int64_t wait = at.link.next_deadline() - at.now.mono_ms;
    CHECK(wait >= least && wait <= most);
    most = std::min<std::int64_t>(most * 2, 5000);
    least = most / 2;
    at.take();
    at.tick_at_deadline();
    CHECK_EQ(at.take(), "connect\n");
  }
}

TEST(master_link_a_session_that_held_makes_the_next_one_quick) {
  Fixture at;
  for (int i = 0; i < 8; ++i) {
    at.drop("refused");
    at.tick_at_deadline();
  }
  at.welcome();
  at.now.mono_ms += 5000;
  at.drop("reset");
  CHECK(at.link.next_deadline() - at.now.mono_ms <= 100);
  // One that is thrown out as soon as it is in does not hurry.
  for (int i = 0; i < 8; ++i) {
    at.welcome();
    at.drop("replaced");
  }
  CHECK(at.link.next_deadline() - at.now.mono_ms >= 2500);
}

TEST(master_link_misses_beats_and_leaves) {
  Fixture at;
  at.welcome();
  // The first beat has more time: a netcat that plays a master sends none.
  CHECK_EQ(at.link.next_deadline() - at.now.mono_ms, 30'000);
  CHECK(at.hear("BEAT seq=1") == Verdict::kHandled);
  CHECK_EQ(at.link.next_deadline() - at.now.mono_ms, 3000);
  at.now.mono_ms += 2999;
  at.tick();
  CHECK_EQ(at.take(), "");
  at.hear("BEAT seq=2");
  at.tick_at_deadline();
  CHECK_EQ(at.take(), "disconnect the master's beats stay away\n");
}

TEST(master_link_takes_no_absurd_interval) {
  for (const char* text : {"0", "-5", "x", "999999999999"}) {
    Fixture at;
    at.welcome(std::string("WELCOME heartbeat_ms=") + text + " missed=" + text);
    CHECK(at.link.is_up());
    CHECK(at.link.heartbeat_ms() >= 10 && at.link.heartbeat_ms() <= 600'000);
    at.hear("BEAT");
    CHECK(at.link.next_deadline() > at.now.mono_ms);
  }
}

TEST(master_link_never_answers_an_error) {
  Fixture at;
  at.welcome();
  CHECK(at.hear("ERR code=unknown-verb msg=no%20verb%20X") == Verdict::kHandled);
  CHECK_EQ(at.take(), "say the master says: no verb X\n");
}

TEST(master_link_says_why_it_leaves_once) {
  Fixture at;
  for (const char* said : {"disconnect old\nsay no session with the master: old\n",
                           "disconnect old\n", "disconnect old\n"}) {
    at.welcome();
    at.link.leave("old", at.now, at.out);
    CHECK(!at.link.is_up());
    CHECK(at.hear("STOP id=1") == Verdict::kHandled);
    at.drop("old");
    CHECK_EQ(at.take(), said);
  }
  at.welcome();
  at.drop("broken");
  CHECK_EQ(at.take(), "say no session with the master: broken\n");
}
