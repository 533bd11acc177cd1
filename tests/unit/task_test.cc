#include "common/task.h"

#include <memory>

#include "tests/unit/check.h"

using namespace dm;

TEST(task_owns_what_cannot_be_copied) {
  int seen = 0;
  Task task = [owned = std::make_unique<int>(7), &seen] { seen += *owned; };
  Task moved = std::move(task);
  moved();
  moved();
  CHECK_EQ(seen, 14);
}

TEST(task_of_nothing_is_false) {
  CHECK(!Task());
  CHECK(!Task(nullptr));
  CHECK(!Task(std::function<void()>()));
  CHECK(static_cast<bool>(Task([] {})));
  Task task = [] {};
  task = nullptr;
  CHECK(!task);
}

TEST(work_returns_a_task) {
  int seen = 0;
  Work work = [owned = std::make_unique<int>(3), &seen]() mutable -> Task {
    return [owned = std::move(owned), &seen] { seen = *owned; };
  };
  work()();
  CHECK_EQ(seen, 3);
  const Work none = []() -> Task { return {}; };
  CHECK(static_cast<bool>(none));
}

TEST(callable_hands_arguments_through) {
  Callable<int(std::unique_ptr<int>, int)> add = [](std::unique_ptr<int> a, int b) {
    return *a + b;
  };
  CHECK_EQ(add(std::make_unique<int>(2), 3), 5);
}
