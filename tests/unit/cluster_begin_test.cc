// What a master records at its start takes numbers: they stand in the journal.
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

TEST(begin_records_reach_the_journal_with_the_first_event) {
  World world;
  world.remember("EPOCH number=1000001 id=bb new=1");
  const std::size_t before = world.journal().size();
  world.restart();  // and its first event
  CHECK_EQ(world.journal().size(), before + 1);
  CHECK_EQ(world.journal().back().text("kind"), "notice");
}
