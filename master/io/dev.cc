#include "master/io/dev.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "common/io/files.h"
#include "common/io/key_file.h"
#include "common/io/remove_tree.h"
#include "common/io/system.h"

namespace dm::master {
namespace {

constexpr int kEndMs = 15'000;

std::string worker_program() {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length <= 0) return "dm-worker";
  const std::string beside = parent_directory(path.data());
  // In the build tree the two lie in neighbouring folders.
  for (const char* place : {"/dm-worker", "/../worker/dm-worker"})
    if (::access((beside + place).c_str(), X_OK) == 0) return beside + place;
  return "dm-worker";
}

// Only async-signal-safe calls are needed here: no thread exists when the guardian is forked.
[[noreturn]] void be_worker(const std::string& program, const std::string& directory, int number,
                            std::uint16_t port, int tether) {
  const std::string name = "w" + std::to_string(number);
  const std::string root = directory + "/" + name;
  const std::string log = directory + "/" + name + ".log";
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::fcntl(tether, F_SETFD, 0);
  const std::string master = "127.0.0.1:" + std::to_string(port);
  const std::string fd = std::to_string(tether);
  const std::string key = directory + "/" + name + ".key";
  ::execlp(program.c_str(), "dm-worker", "--secret-file", key.c_str(), "--master", master.c_str(),
           "--name", name.c_str(), "--root", root.c_str(), "--tether-fd", fd.c_str(),
           static_cast<char*>(nullptr));
  ::perror("dm-master: start dm-worker");
  ::_exit(127);
}

// Waits for every process that is left, also those that the workers leave behind: as a subreaper
// it becomes their parent.
void wait_for_all() {
  while (retry([] { return ::waitpid(-1, nullptr, 0); }) > 0) {
  }
}

[[noreturn]] void guard(const std::string& directory, int count, std::uint16_t port, int tether) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const std::string program = worker_program();
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  for (int number = 1; number <= count; ++number)
    if (::fork() == 0) be_worker(program, directory, number, port, tether);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(null, STDERR_FILENO);
  pollfd waiting{tether, POLLIN, 0};
  (void)retry([&] { return ::poll(&waiting, 1, -1); });
  wait_for_all();
  (void)remove_tree(directory);
  ::_exit(0);
}

}  // namespace

Result<DevCluster> DevCluster::make() {
  const char* base = ::getenv("TMPDIR");
  std::string path = std::string(base && *base == '/' ? base : "/tmp") + "/dm-dev-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return system_error("make", path);
  // Root's workers become other users, who must get to their own directories; keys are 0600.
  if (::geteuid() == 0 && ::chmod(path.c_str(), 0711) != 0)
    return system_error("change the mode of", path);
  DevCluster dev;
  dev.directory_ = path;
  if (auto made = write_key_file(dev.secret_file(), make_secret()); !made) return made.error();
  return dev;
}

Status DevCluster::start(int count, std::uint16_t port) {
  const auto secret = read_key_file(secret_file());
  if (!secret) return secret.error();
  for (int number = 1; number <= count; ++number) {
    const std::string name = "w" + std::to_string(number);
    const std::string file = directory_ + "/" + name + ".key";
    if (auto made = write_key_file(file, derive_worker_key(*secret, name, 1)); !made) return made;
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("make", "a pipe");
  const Fd read_end(ends[0]);
  tether_.reset(ends[1]);
  guardian_ = ::fork();
  if (guardian_ < 0) return system_error("start", "the workers");
  if (guardian_ > 0) return {};
  // Nothing of the master's stays open here but the tether, at a low number.
  constexpr int kTether = 3;
  if (read_end.get() != kTether) ::dup2(read_end.get(), kTether);
#ifdef SYS_close_range
  ::syscall(SYS_close_range, 4U, ~0U, 0U);
#endif
  guard(directory_, count, port, kTether);
}

void DevCluster::end() {
  tether_.reset();
  if (guardian_ <= 0) return void(remove_tree(directory_));
  for (int waited = 0; waited < kEndMs; waited += 20) {
    if (::waitpid(guardian_, nullptr, WNOHANG) == guardian_) return;
    ::poll(nullptr, 0, 20);
  }
}

}  // namespace dm::master
