#include "common/io/loop.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/io/system.h"
#include "tests/unit/check.h"

namespace dm {
namespace {

constexpr int kPatienceMs = 500;

// In a child: says what comes first, a byte on `in` or the deadline.
[[noreturn]] void wait_in_loop(int in, int out) {
  Loop loop;
  std::string order;
  loop.watch(in, true, false, [&](Ready) {
    char byte;
    (void)!::read(in, &byte, 1);
    order += 'r';
  });
  loop.at(read_clock().mono_ms + kPatienceMs, [&] {
    order += 'd';
    loop.stop(0);
  });
  (void)!::write(out, "b", 1);
  loop.run();
  (void)!::write(out, order.data(), order.size());
  ::_exit(0);
}

// What the child did, if it was stopped before its deadline, got a byte, and went on behind it.
std::string order_of_a_stopped_child() {
  int in[2], out[2];
  if (::pipe(in) != 0 || ::pipe(out) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child < 0) return "no child";
  if (child == 0) wait_in_loop(in[0], out[1]);
  char byte;
  if (::read(out[0], &byte, 1) != 1) return "no word";
  const std::int64_t begun = read_clock().mono_ms;
  ::kill(child, SIGSTOP);
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  const bool in_time = read_clock().mono_ms < begun + kPatienceMs / 2;
  while (read_clock().mono_ms <= begun + kPatienceMs) ::usleep(10'000);
  (void)!::write(in[1], "x", 1);
  ::kill(child, SIGCONT);
  ::waitpid(child, &status, 0);
  char order[8];
  const ssize_t got = ::read(out[0], order, sizeof order);
  for (const int fd : {in[0], in[1], out[0], out[1]}) ::close(fd);
  return in_time && got > 0 ? std::string(order, static_cast<std::size_t>(got)) : "";
}

}  // namespace

TEST(a_loop_that_was_stopped_reads_before_it_judges) {
  std::string order;
  for (int tries = 0; order.empty() && tries < 10; ++tries) order = order_of_a_stopped_child();
  CHECK_EQ(order, "rd");
}

// Ten thousand workers have beaten while the loop was stopped: none of them is late.
TEST(each_of_ten_thousand_descriptors_is_read_before_a_deadline_is_judged) {
  constexpr int kMany = 10'000;
  rlimit limit{};
  CHECK_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < kMany + 100) return;
  limit.rlim_cur = limit.rlim_max;
  CHECK_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  Loop loop;
  std::vector<Fd> fds;
  int heard = 0, heard_by_then = 0;
  for (int i = 0; i < kMany; ++i) {
    fds.emplace_back(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    loop.watch(fds.back().get(), true, false, [&heard, fd = fds.back().get()](Ready) {
      std::uint64_t value = 0;
      heard += ::read(fd, &value, sizeof value) == sizeof value ? 1 : 0;
    });
  }
  loop.at(read_clock().mono_ms, [&] {
    heard_by_then = heard;
    loop.stop(0);
  });
  loop.run();
  CHECK_EQ(heard_by_then, kMany);
}

}  // namespace dm
