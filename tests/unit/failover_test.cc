#include "master/decide/failover.h"

#include "tests/unit/check.h"

using namespace dm::master;
using Change = FailoverPlan::Change;

namespace {

// Workers w1, w2 ...; a number is when one was lost, -1 stands for one that is here.
FailoverView absent(const std::vector<std::int64_t>& lost_at, std::int64_t now) {
  FailoverView view;
  view.now_mono_ms = now;
  view.move_after_ms = 10'000;
  for (std::size_t i = 0; i < lost_at.size(); ++i)
    view.workers.push_back(
        {"w" + std::to_string(i + 1), lost_at[i] >= 0, lost_at[i] >= 0, false, lost_at[i]});
  return view;
}

std::string moved(const FailoverPlan& plan) {
  std::string names;
  for (const std::string& name : plan.move_from) names += name + " ";
  return names;
}

}  // namespace

TEST(failover_waits_for_its_time) {
  CHECK_EQ(moved(plan_failover(absent({1000, -1}, 10'999))), "");
  CHECK_EQ(moved(plan_failover(absent({1000, -1}, 11'000))), "w1 ");
  CHECK_EQ(next_failover(absent({1000, -1}, 5000)), 11'000);
  CHECK_EQ(next_failover(absent({-1, -1}, 5000)), INT64_MAX);
}

TEST(failover_most_workers_gone_at_once_is_our_own_fault) {
  const FailoverPlan plan = plan_failover(absent({1000, 2000, -1}, 11'000));
  CHECK(plan.change == Change::kSuspend);
  CHECK_EQ(moved(plan), "");
  CHECK_EQ(plan.vanished, std::size_t{2});
  // Of two workers one may well die alone, and half of four is not more than half.
  CHECK_EQ(moved(plan_failover(absent({1000, 1000}, 11'000))), "w1 w2 ");
  CHECK_EQ(moved(plan_failover(absent({1000, 1000, -1, -1}, 11'000))), "w1 w2 ");
  // One after the other is no mass failure.
  CHECK_EQ(moved(plan_failover(absent({1000, 12'000, -1}, 22'000))), "w1 w2 ");
}

TEST(failover_an_operator_who_has_seen_the_loss_is_believed) {
  FailoverView view = absent({1000, 9000, -1}, 19'500);
  view.resumed_mono_ms = 9500;
  CHECK_EQ(moved(plan_failover(view)), "w1 w2 ");
  // But not for what is lost later.
  FailoverView later = absent({20'000, 20'000, -1}, 30'000);
  later.resumed_mono_ms = 9500;
  CHECK(plan_failover(later).change == Change::kSuspend);
}

TEST(failover_goes_on_when_most_are_back) {
  FailoverView view = absent({1000, 1000, -1}, 60'000);
  view.suspended = true;
  CHECK(plan_failover(view).change == Change::kNone);
  CHECK_EQ(moved(plan_failover(view)), "");
  view = absent({1000, -1, -1}, 60'000);
  view.suspended = true;
  CHECK(plan_failover(view).change == Change::kGoOn);
  view.suspended = false;
  CHECK_EQ(moved(plan_failover(view)), "w1 ");
}

TEST(failover_holds_after_a_start) {
  FailoverView view = absent({0, -1}, 20'000);
  view.hold_until_mono_ms = 30'000;
  CHECK_EQ(moved(plan_failover(view)), "");
  CHECK_EQ(next_failover(view), 30'000);
  view.now_mono_ms = 30'000;
  CHECK_EQ(moved(plan_failover(view)), "w1 ");
}

TEST(failover_a_goodbye_is_no_mass_failure) {
  FailoverView view = absent({1000, 1000, -1}, 11'000);
  view.workers[0].lost = view.workers[1].lost = false;  // they said BYE
  CHECK_EQ(moved(plan_failover(view)), "w1 w2 ");
}

TEST(failover_one_that_stays_is_given_longer) {
  FailoverView view = absent({1000, -1}, 11'000);
  view.workers[0].lost = false;
  view.workers[0].stays = true;
  view.move_left_ms = 600'000;
  CHECK_EQ(moved(plan_failover(view)), "");
  // Its singletons have ended with their leases.
  CHECK_EQ(plan_failover(view).move_leased_from.size(), 1U);
  CHECK_EQ(next_failover(view), 601'000);
  view.now_mono_ms = 601'000;
  CHECK_EQ(moved(plan_failover(view)), "w1 ");
  view.move_left_ms = INT64_MAX;
  CHECK_EQ(moved(plan_failover(view)), "");
  CHECK_EQ(next_failover(view), INT64_MAX);
}
