// worker/core/agent.h: a master and a supervisor that say anything. What the journal then holds can
// be read again, and the snapshot of it says the same.
//
// Rows of the input:  M LINE  the master says    S LINE  the supervisor    t N  milliseconds pass
//                     MU MD SU SD  a connection stands or is gone    I APP  an install is done
//                     F ID  a FORGET is done
#include "worker/core/agent.h"

#include <algorithm>

#include "tests/fuzz/target.h"
#include "tests/unit/agent_world.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::fuzz;
using dm::test::AgentWorld;

namespace {

constexpr std::size_t kMostRows = 100;

void connection(AgentWorld& world, std::string_view word) {
  if (word == "MU") world.feed(MasterUp{});
  if (word == "MD") world.feed(MasterDown{"cut"});
  if (word == "SU") world.feed(SupervisorUp{});
  if (word == "SD") world.feed(SupervisorDown{});
}

void act(AgentWorld& world, std::string_view row) {
  std::string_view text = row;
  const std::string_view word = take_until(text, ' ');
  const bool is_line = parse_line(text).has_value();
  if (word == "M" && is_line) world.order(text);
  if (word == "S" && is_line) world.supervisor(text);
  if (word == "I") {
    const std::string app(text), manifest(dm::test::kManifest);
    world.feed(Installed{{"i", app, manifest, app, 1, 0, 10, 5}, std::nullopt});
  }
  if (word == "F") world.feed(InstancesRemoved{std::string(text), std::nullopt});
  if (word == "t")
    world.pass(std::clamp<std::int64_t>(parse_integer(text).value_or(0), 0, 100'000));
  connection(world, row);
}

}  // namespace

TARGET(agent) {
  AgentWorld world;
  auto rows = rows_of(input);
  rows.resize(std::min(rows.size(), kMostRows));
  for (const std::string_view row : rows) act(world, row);
  world.pass(1);    // never ends if a deadline stays due
  world.restart();  // CHECKs that every record is read
  const std::string replayed = world.snapshot();
  world.restart_from_snapshot();
  CHECK_EQ(world.snapshot(), replayed);
}
