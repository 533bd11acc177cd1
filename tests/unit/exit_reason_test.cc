#include "worker/core/exit_reason.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {

constexpr int kCore = 0x80;

std::string explain(int raw, OurPart our_part = OurPart::kNothing, std::int64_t grace_ms = 10'000) {
  EndFacts facts;
  facts.status = decode_wait_status(raw);
  facts.our_part = our_part;
  facts.grace_ms = grace_ms;
  return explain_end(facts);
}

}  // namespace

TEST(exit_reason_of_what_ended_by_itself) {
  CHECK_EQ(explain(0), "exit code 0");
  CHECK_EQ(explain(3 << 8), "exit code 3");
  CHECK_EQ(explain(11 | kCore), "killed by SIGSEGV (core dumped)");
  CHECK_EQ(explain(11), "killed by SIGSEGV");
  CHECK_EQ(explain(6 | kCore), "killed by SIGABRT (core dumped)");
}

TEST(exit_reason_of_what_somebody_else_killed) {
  CHECK_EQ(explain(9), "killed by SIGKILL, not by dm");
  CHECK_EQ(explain(15), "killed by SIGTERM, not by dm");
  CHECK_EQ(explain(2), "killed by SIGINT, not by dm");
  CHECK_EQ(explain(61), "killed by signal 61, not by dm");
}

TEST(exit_reason_of_what_the_kernel_killed_for_memory) {
  EndFacts facts;
  facts.status = decode_wait_status(9);
  facts.oom_kill = true;
  facts.max_rss_bytes = 3 * 1024 * 1024;
  CHECK_EQ(
      explain_end(facts),
      "killed by SIGKILL, not by dm: out of memory (kernel oom_kill count rose, max RSS 3 MiB)");
  // The counter rose for another's sake.
  facts.status = decode_wait_status(15);
  CHECK_EQ(explain_end(facts), "killed by SIGTERM, not by dm");
  facts.status = decode_wait_status(9);
  facts.our_part = OurPart::kKilled;
  CHECK_EQ(explain_end(facts), "killed by operator: SIGKILL");
}

TEST(exit_reason_of_what_we_stopped) {
  CHECK_EQ(explain(0, OurPart::kStopped), "stopped by operator: SIGINT, exit code 0");
  CHECK_EQ(explain(2, OurPart::kStopped), "stopped by operator: SIGINT, killed by SIGINT");
  CHECK_EQ(explain(9, OurPart::kTimedOut), "ignored SIGINT for 10 s, killed by SIGKILL");
  CHECK_EQ(explain(9, OurPart::kTimedOut, 1500), "ignored SIGINT for 1500 ms, killed by SIGKILL");
  CHECK_EQ(explain(0, OurPart::kTimedOut), "stopped by operator: SIGINT, exit code 0");
  CHECK_EQ(explain(9, OurPart::kKilled), "killed by operator: SIGKILL");
  CHECK_EQ(explain(3 << 8, OurPart::kKilled), "exit code 3, before the operator's SIGKILL");
}

TEST(exit_reason_names_the_survivors_of_the_tree) {
  EndFacts facts;
  facts.left = 2;
  facts.survivors = {"8:sh", "9:a:b"};
  facts.status.exit_code = 0;
  CHECK_EQ(explain_end(facts), "exit code 0; left behind and ended: sh (8), a:b (9)");
  facts.left = 5;
  CHECK_EQ(explain_end(facts), "exit code 0; left behind and ended: sh (8), a:b (9) and 3 more");
  facts.survivors.clear();
  CHECK_EQ(explain_end(facts), "exit code 0; left behind and ended: 5 processes");
  facts.left = 1;
  CHECK_EQ(explain_end(facts), "exit code 0; left behind and ended: 1 process");
  // Our own SIGKILL is for the whole tree: nobody was left behind.
  facts.our_part = OurPart::kKilled;
  facts.status = decode_wait_status(9);
  CHECK_EQ(explain_end(facts), "killed by operator: SIGKILL");
}

TEST(exit_reason_prints_the_grace) {
  CHECK_EQ(print_grace(10'000), "10 s");
  CHECK_EQ(print_grace(0), "0 s");
  CHECK_EQ(print_grace(500), "500 ms");
  CHECK_EQ(print_grace(1001), "1001 ms");
}
