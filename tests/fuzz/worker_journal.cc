// worker/core/agent.h, replay: any records; what they make is made again by the snapshot's records.
#include "tests/fuzz/target.h"
#include "worker/core/agent.h"

using namespace dm;
using namespace dm::worker;
using namespace dm::fuzz;

namespace {

HostFacts facts() {
  HostFacts facts;
  facts.name = "w1";
  facts.root = "/r";
  return facts;
}

std::string print(const std::vector<Line>& records) {
  std::string text;
  for (const Line& record : records) text += record.print();
  return text;
}

void check_same(const Instance& instance, const Agent& again, const std::string& name) {
  const Instance& other = again.instances().at(name);
  CHECK_EQ(print({report(other, true)}), print({report(instance, true)}));
  CHECK(other.spec.args == instance.spec.args && other.spec.env == instance.spec.env);
  CHECK(other.wanted == instance.wanted && other.run == instance.run);
  REQUIRE(other.exec_error.has_value() == instance.exec_error.has_value());
  if (other.exec_error) CHECK_EQ(other.exec_error->message, instance.exec_error->message);
}

}  // namespace

TARGET(worker_journal) {
  Agent agent(facts(), 1);
  for (const std::string_view row : rows_of(input)) {
    const auto record = parse_line(row);
    if (record) (void)agent.replay(*record).has_value();
  }
  const std::vector<Line> snapshot = agent.snapshot();
  Agent again(facts(), 1);
  for (const Line& record : snapshot) CHECK(again.replay(record).has_value());
  CHECK_EQ(print(again.snapshot()), print(snapshot));
  REQUIRE(again.instances().size() == agent.instances().size());
  for (const auto& [name, instance] : agent.instances()) check_same(instance, again, name);
}
