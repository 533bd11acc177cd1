// master/state/state.h: any records; what they make is made again by the snapshot's records.
#include "master/state/snapshot.h"

#include "tests/fuzz/target.h"

using namespace dm;
using namespace dm::fuzz;

namespace {

std::string print(const std::vector<Line>& records) {
  std::string text;
  for (const Line& record : records) text += record.print();
  return text;
}

}  // namespace

TARGET(master_state) {
  master::State state;
  for (const std::string_view row : rows_of(input)) {
    const auto record = parse_line(row);
    if (record) (void)state.apply(*record).has_value();
  }
  const std::vector<Line> records = master::snapshot(state);
  master::State again;
  for (const Line& record : records) CHECK(again.apply(record).has_value());
  CHECK_EQ(print(master::snapshot(again)), print(records));
  CHECK(again == state);
}
