// worker/supervision/spawn_order.h: what the supervisor reads from an agent that may be anybody's.
#include "worker/supervision/spawn_order.h"

#include "tests/fuzz/target.h"

using namespace dm;
using namespace dm::supervisor;

TARGET(spawn_order) {
  const auto line = parse_line(input);
  if (!line) return;
  const auto key = parse_run_key(*line);
  const auto order = parse_spawn_order(*line);
  if (!order) {
    CHECK(order.error().code == Code::kBadArg);
    return;
  }
  REQUIRE(key.has_value());
  CHECK(order->key == *key);
  CHECK(is_instance_name(order->key.instance));
  CHECK(order->key.instance.find('/') == std::string::npos);
  CHECK(order->key.run > 0);
  CHECK(order->exe.starts_with('/') && order->cwd.starts_with('/'));
  CHECK(!order->args.empty());
  // The mark by which a process is found again cannot be set by the order.
  REQUIRE(order->env.size() >= 2);
  CHECK_EQ(order->env[0], "DM_INSTANCE=" + key->instance);
  CHECK_EQ(order->env[1], "DM_RUN=" + std::to_string(key->run));
  for (std::size_t i = 0; i < order->env.size(); ++i) {
    const std::string name = order->env[i].substr(0, order->env[i].find('=') + 1);
    CHECK(name.size() > 1 && name.ends_with('='));
    for (std::size_t j = 0; j < i; ++j) CHECK(!order->env[j].starts_with(name));
  }
  for (const bool can_switch : {false, true}) {
    const auto user = choose_user(order->user, {"dm-app", "web"}, can_switch);
    if (user) CHECK(*user == "dm-app" || *user == "web" || user->empty());
    if (user && can_switch) CHECK(!user->empty());
  }
}
