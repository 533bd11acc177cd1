#include "worker/supervision/spawn_order.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::supervisor;

namespace {

Result<SpawnOrder> order(const std::string& text) {
  return parse_spawn_order(*parse_line("SPAWN " + text));
}

std::string chosen(const std::string& wanted, const std::vector<std::string>& allowed,
                   bool can_switch) {
  const auto user = choose_user(wanted, allowed, can_switch);
  return user ? "(" + *user + ")" : std::string(word(user.error().code));
}

constexpr char kGood[] = "instance=web-1.12 run=3 path=/b/web cwd=/w arg=web arg=-x";

}  // namespace

TEST(spawn_order_reads_a_whole_line) {
  const auto read = order(std::string(kGood) + " env=A=1 env=B= user=app");
  REQUIRE(read.has_value());
  CHECK_EQ(read->key.instance, "web-1.12");
  CHECK_EQ(read->key.run, 3);
  CHECK_EQ(read->exe, "/b/web");
  CHECK_EQ(read->cwd, "/w");
  CHECK_EQ(read->user, "app");
  CHECK(read->args == (std::vector<std::string>{"web", "-x"}));
  CHECK(read->env == (std::vector<std::string>{"DM_INSTANCE=web-1.12", "DM_RUN=3", "A=1", "B="}));
}

TEST(spawn_order_sets_the_mark_itself) {
  const auto read =
      order(std::string(kGood) + " env=DM_RUN=9 env=DM_INSTANCE=other.1 env=DM_RUNS=2");
  REQUIRE(read.has_value());
  CHECK(read->env == (std::vector<std::string>{"DM_INSTANCE=web-1.12", "DM_RUN=3", "DM_RUNS=2"}));
}

TEST(spawn_order_later_variables_win) {
  const auto read = order(std::string(kGood) + " env=HOME=/a env=X=1 env=HOME=/b");
  REQUIRE(read.has_value());
  REQUIRE(read->env.size() == 4);
  CHECK_EQ(read->env[2], "HOME=/b");
}

TEST(spawn_order_refuses_what_is_missing_or_wrong) {
  for (const char* bad :
       {"", "instance=web.1", "instance=web.1 run=0 path=/b cwd=/w arg=a",
        "instance=web.1 run=1 path=b cwd=/w arg=a", "instance=web.1 run=1 path=/b cwd=w arg=a",
        "instance=web.1 run=1 path=/b cwd=/w",
        "instance=web.1 run=1 path=/b cwd=/w arg=a env=noequals",
        "instance=web.1 run=1 path=/b cwd=/w arg=a env==x"}) {
    const auto read = order(bad);
    REQUIRE(!read.has_value());
    CHECK(read.error().code == Code::kBadArg);
  }
}

TEST(spawn_order_instance_names_are_safe_file_names) {
  for (const char* good : {"a.1", "0_-.999999999999999999"}) CHECK(is_instance_name(good));
  for (const char* bad : {"", "a", "a.", ".1", "..", "a.1.2", "a.x", "A.1", "-a.1", "a/b.1", "a.-1",
                          "../a.1", "a.1/", "a.1234567890123456789"})
    CHECK(!is_instance_name(bad));
  CHECK(is_instance_name(std::string(63, 'a') + ".1"));
  CHECK(!is_instance_name(std::string(64, 'a') + ".1"));
}

TEST(spawn_order_switches_to_named_users_only) {
  CHECK_EQ(chosen("", {"app", "web"}, true), "(app)");
  CHECK_EQ(chosen("web", {"app", "web"}, true), "(web)");
  CHECK_EQ(chosen("root", {"app", "web"}, true), "denied");
  CHECK_EQ(chosen("root", {}, true), "denied");
  CHECK_EQ(chosen("", {}, true), "()");
  CHECK_EQ(chosen("web", {"web"}, false), "()");
}
