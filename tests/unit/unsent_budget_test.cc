#include "master/limits/unsent_budget.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

TEST(budget_is_not_counted_again_before_it_may_be_passed) {
  UnsentBudget budget(100);
  CHECK(!budget.add(60));
  CHECK(!budget.add(40));
  CHECK(budget.add(1));
  // Most of it had been sent.
  CHECK(budget.recount({{1, 10}, {2, 1}}).empty());
  CHECK(!budget.add(89));
  CHECK(budget.add(1));
}

TEST(budget_that_is_passed_costs_who_holds_most) {
  UnsentBudget budget(100);
  CHECK(budget.add(150));
  CHECK(budget.recount({{1, 30}, {2, 80}, {3, 40}}) == std::vector<GuestId>{2});
  CHECK(!budget.add(30));
  CHECK(budget.add(1));
  CHECK(budget.recount({{1, 100}, {3, 90}, {4, 20}, {5, 80}}) == (std::vector<GuestId>{1, 3}));
}

TEST(budget_may_cost_everybody) {
  UnsentBudget budget(1);
  CHECK(budget.add(10));
  CHECK_EQ(budget.recount({{1, 5}, {2, 5}}).size(), 2U);
  CHECK(!budget.add(1));
}
