#include "worker/io/supervisor_start.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "common/io/net.h"
#include "common/io/system.h"

namespace dm::worker {
namespace {

constexpr int kStartMs = 5000;
constexpr const char* kThisProgram = "/proc/self/exe";
// Where the child has the descriptors that it keeps, and numbers above which none of ours is hit.
constexpr int kReadyFd = 3, kTetherFd = 4, kAbove = 10;

std::vector<std::string> arguments(const SupervisorStart& how) {
  std::vector<std::string> list = {"dm-worker",   "--supervise",
                                   "--root",      how.root,
                                   "--agent-uid", std::to_string(how.agent_uid),
                                   "--ready-fd",  std::to_string(kReadyFd)};
  for (const std::string& user : how.app_users) list.insert(list.end(), {"--app-user", user});
  if (how.tether_fd >= 0) list.insert(list.end(), {"--tether-fd", std::to_string(kTetherFd)});
  if (!how.use_cgroups) list.push_back("--no-cgroup");
  return list;
}

// Between fork and exec, perhaps with threads: only what signal-safety(7) lists.
[[noreturn]] void become_supervisor(const SupervisorStart& how, int ready, int tether,
                                    const char* program, char* const* argv) {
  ::setsid();
  // The supervisor is nobody's business to wait for: its parent is init from here on.
  if (::fork() != 0) ::_exit(0);
  ::setrlimit(RLIMIT_NOFILE, &how.open_files);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(ready, kReadyFd);
  if (tether >= 0) ::dup2(tether, kTetherFd);
  ::execv(program, argv);
  ::execv(kThisProgram, argv);  // its file has been removed or replaced
  ::_exit(111);
}

// Its first words: "ready", or "error: ..." and why; an end without words is an error too.
Status await_ready(int fd) {
  std::string words;
  const std::int64_t until = read_clock().mono_ms + kStartMs;
  while (words.find('\n') == std::string::npos) {
    pollfd waiting{fd, POLLIN, 0};
    const auto left = static_cast<int>(until - read_clock().mono_ms);
    if (left <= 0 || ::poll(&waiting, 1, left) == 0)
      return fail(Code::kTimeout, "start the supervisor: not ready within 5 s");
    char bytes[1024];
    const ssize_t got = retry([&] { return ::read(fd, bytes, sizeof bytes); });
    if (got <= 0) return fail(Code::kInternal, "start the supervisor: it ended at once");
    words.append(bytes, static_cast<std::size_t>(got));
  }
  words.resize(words.find('\n'));
  if (words == "ready") return {};
  return fail(Code::kInternal, "start the supervisor: " + words);
}

Status start(const SupervisorStart& how) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("open a pipe", "");
  Fd ready_read(ends[0]), ready_write(ends[1]);
  Fd ready(::fcntl(ready_write.get(), F_DUPFD_CLOEXEC, kAbove));
  const Fd tether(how.tether_fd < 0 ? -1 : ::fcntl(how.tether_fd, F_DUPFD_CLOEXEC, kAbove));
  std::vector<std::string> list = arguments(how);
  std::vector<char*> argv;
  for (std::string& argument : list) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // By its own name: that is what ps(1) shows.
  std::array<char, PATH_MAX> program{};
  if (::readlink(kThisProgram, program.data(), program.size() - 1) < 0) program[0] = '\0';
  const pid_t child = ::fork();
  if (child < 0) return system_error("fork", "the supervisor");
  if (child == 0) become_supervisor(how, ready.get(), tether.get(), program.data(), argv.data());
  int status = 0;
  (void)retry([&] { return ::waitpid(child, &status, 0); });
  // Ours must be closed for the end of the pipe to show.
  ready_write.reset();
  ready.reset();
  return await_ready(ready_read.get());
}

// The agent's user may have put a socket of its own in the supervisor's place; it cannot have given
// it another listener than itself. Who switches users for us is root, else it is who we are.
bool is_the_supervisor(const Fd& fd, const SupervisorStart& how) {
  const uid_t wanted = how.app_users.empty() ? ::geteuid() : 0;
  return peer_uid(fd.get()) == wanted;
}

}  // namespace

std::string supervisor_socket(const std::string& root) {
  return root + "/supervisor.sock";
}

Result<Fd> connect_supervisor(const SupervisorStart& how) {
  const std::string path = supervisor_socket(how.root);
  const Endpoint endpoint{"", 0, path};
  // Twice: the one that we start may meet another that has just begun, and one that runs may end
  // as we knock.
  Status started;
  for (int tries = 0; tries < 2; ++tries) {
    if (auto fd = start_connect(endpoint)) {
      if (is_the_supervisor(*fd, how)) return fd;
      if (how.may_start) ::unlink(path.c_str());
    }
    if (!how.may_start) return fail(Code::kNotFound, "no supervisor runs in " + how.root);
    started = start(how);
  }
  auto fd = start_connect(endpoint);
  if (!fd && !started) return started.error();
  if (fd && !is_the_supervisor(*fd, how))
    return fail(Code::kDenied, path + " is another user's, who is not the supervisor");
  return fd;
}

}  // namespace dm::worker
