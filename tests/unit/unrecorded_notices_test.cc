#include "master/observed/unrecorded_notices.h"

#include "tests/unit/check.h"

using namespace dm::master;

namespace {

std::set<std::string> names(int from, int to) {
  std::set<std::string> all;
  for (int i = from; i <= to; ++i) all.insert("web." + std::to_string(i));
  return all;
}

std::string print(const UnrecordedNotices::News& news) {
  std::string text;
  for (const std::string& name : news.named) text += name + " ";
  return text + "+" + std::to_string(news.more);
}

}  // namespace

TEST(foreign_notices_say_each_once_until_it_is_gone) {
  UnrecordedNotices notices;
  CHECK_EQ(print(notices.tell({}, 0)), "+0");
  CHECK_EQ(print(notices.tell(names(1, 2), 1000)), "web.1 web.2 +0");
  std::int64_t now = 1000 + UnrecordedNotices::kPauseMs;
  CHECK_EQ(print(notices.tell(names(1, 2), now)), "+0");
  CHECK_EQ(print(notices.tell(names(1, 3), now)), "web.3 +0");
  now += UnrecordedNotices::kPauseMs;
  CHECK_EQ(print(notices.tell(names(2, 3), now)), "+0");
  CHECK_EQ(print(notices.tell(names(1, 3), now)), "web.1 +0");
}

TEST(foreign_notices_are_few_and_the_rest_is_counted) {
  UnrecordedNotices notices;
  CHECK_EQ(print(notices.tell(names(100, 129), 0)),
           "web.100 web.101 web.102 web.103 web.104 web.105 web.106 web.107 web.108 web.109 "
           "web.110 web.111 web.112 web.113 web.114 web.115 web.116 web.117 web.118 web.119 +10");
  // Other names each time it comes.
  for (int i = 1; i <= 50; ++i)
    CHECK_EQ(print(notices.tell(names(10 * i, 10 * i + 1), i * 1000)), "+0");
  CHECK_EQ(print(notices.tell(names(7, 8), UnrecordedNotices::kPauseMs)), "web.7 web.8 +100");
}
