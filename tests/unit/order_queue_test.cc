#include "master/limits/order_queue.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

Line order(int id, const std::string& instance, std::size_t bytes = 0) {
  Line line("LAUNCH");
  line.add("id", id);
  if (!instance.empty()) line.add("instance", instance);
  return line.add("env", std::string(bytes, 'x'));
}

// The ids in the order in which they go.
std::string all(OrderQueue& queue) {
  std::string ids;
  while (const auto line = queue.pop()) ids += std::string(line->text("id")) + " ";
  return ids;
}

constexpr std::size_t kLong = 50'000;

}  // namespace

TEST(short_orders_pass_long_ones) {
  OrderQueue queue;
  queue.push(order(1, "a.1", kLong));
  queue.push(order(2, "a.2", kLong));
  queue.push(order(3, "b.1"));
  queue.push(order(4, ""));
  CHECK_EQ(queue.size(), 4U);
  CHECK_EQ(all(queue), "3 4 1 2 ");
  CHECK(queue.empty());
}

TEST(orders_of_one_instance_never_pass_each_other) {
  OrderQueue queue;
  queue.push(order(1, "a.1", kLong));
  queue.push(order(2, "a.1"));
  queue.push(order(3, "b.1"));
  queue.push(order(4, "a.1"));
  queue.push(order(5, "b.1", kLong));
  queue.push(order(6, "b.1"));
  CHECK_EQ(all(queue), "3 1 2 4 5 6 ");
  queue.push(order(7, "a.1"));
  queue.push(order(8, "a.2"));
  CHECK_EQ(all(queue), "7 8 ");
}

TEST(long_orders_without_an_instance_keep_their_own_order) {
  OrderQueue queue;
  queue.push(order(1, "", kLong));
  queue.push(order(2, ""));
  queue.push(order(3, "a.1"));
  CHECK_EQ(all(queue), "3 1 2 ");
}

TEST(long_orders_go_as_they_are_answered) {
  OrderQueue queue;
  const int many = static_cast<int>(OrderQueue::kWindow / kLong) + 1;
  for (int id = 1; id <= many + 3; ++id) queue.push(order(id, "a." + std::to_string(id), kLong));
  int gone = 0;
  while (queue.pop()) ++gone;
  CHECK_EQ(gone, many);
  CHECK(!queue.empty());
  queue.push(order(100, "b.1"));  // a short one goes all the same
  CHECK_EQ(all(queue), "100 ");
  queue.answered("100");
  queue.answered("nonsense");
  CHECK(!queue.pop());
  queue.answered("2");
  queue.answered("2");
  CHECK_EQ(all(queue), std::to_string(many + 1) + " ");
  queue.give_up();
  CHECK_EQ(all(queue), std::to_string(many + 2) + " " + std::to_string(many + 3) + " ");
  CHECK(queue.empty());
}
