// master/core/cluster.h: workers that say anything, operators that ask for anything. What the
// journal then holds makes the same state again, and nobody can set a deadline that never ends.
//
// Rows of the input:  w1+ID  w1 opens a session    w1-  it closes    w1:LINE  it says a line
//                     w1!VERB REST  it answers its latest order of that verb
//                     t N    so many milliseconds pass               anything else is a command
#include "master/core/cluster.h"

#include <algorithm>

#include "common/escape.h"
#include "common/shell_words.h"
#include "master/state/snapshot.h"
#include "tests/fuzz/target.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::fuzz;
using dm::test::World;

namespace {

constexpr std::size_t kMostRows = 60;     // a fast target finds more than a thorough one
constexpr std::int64_t kMostMs = 30'000;  // and long waits are what costs most

std::string print(const std::vector<Line>& records) {
  std::string text;
  for (const Line& record : records) text += record.print();
  return text;
}

void answer(World& world, const std::string& worker, std::string_view text) {
  const std::string verb(take_until(text, ' '));
  if (parse_line(text)) world.answer(worker, verb, text);
}

void act_for(World& world, const std::string& worker, char act, std::string_view text) {
  switch (act) {
    case '+': return world.open(worker, std::string(text));
    case '-': return world.close(worker);
    case ':': return parse_line(text) ? world.hear(worker, text) : void();
    case '!': return answer(world, worker, text);
    default: return;
  }
}

void command(World& world, std::string_view text) {
  const auto words = split_words(text);
  const auto invocation = words ? parse_invocation(*words) : Error{};
  if (!invocation) return;
  if (needs_files(*invocation))
    world.run_with_files(text, "web");
  else
    world.run(text);
}

void act(World& world, std::string_view row) {
  if (row.size() > 2 && row[0] == 'w' && row[1] >= '1' && row[1] <= '3') {
    act_for(world, std::string(row.substr(0, 2)), row[2], row.substr(3));
  } else if (row.starts_with("t ")) {
    world.pass(std::clamp<std::int64_t>(parse_integer(row.substr(2)).value_or(0), 0, kMostMs));
  } else {
    command(world, row);
  }
}

}  // namespace

TARGET(cluster) {
  World world;
  auto rows = rows_of(input);
  rows.resize(std::min(rows.size(), kMostRows));
  for (const std::string_view row : rows) act(world, row);
  world.pass(1);  // never ends if a deadline stays due
  for (const std::string_view listing : {"ps --all --json", "workers", "usage", "events"}) {
    const std::string shown = world.print(listing);
    for (const std::string_view row : rows_of(shown)) CHECK_EQ(escape_for_terminal(row), row);
  }
  const std::string before = print(master::snapshot(world.cluster().state()));
  const master::State state = world.cluster().state();
  world.restart();
  CHECK_EQ(print(master::snapshot(world.cluster().state())), before);
  CHECK(world.cluster().state() == state);
}
