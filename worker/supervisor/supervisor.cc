#include "worker/supervisor/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "common/io/net.h"
#include "common/io/system.h"
#include "worker/supervisor/server.h"

namespace dm {
namespace {

constexpr int kCannotBegin = 111;

// They end an agent, a terminal's jobs, a unit; the supervisor stays. They are blocked, not
// ignored, because apps would inherit what is ignored.
constexpr int kUnheard[] = {SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGPIPE,
                            SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};

// The agent's user as the owner of every file that is made meanwhile, and the judge of every path:
// as root we touch nothing in a directory where the agent could lay a link in our way.
class ActAs {
 public:
  explicit ActAs(uid_t uid) { ::setfsuid(::geteuid() == 0 ? uid : ::geteuid()); }
  ~ActAs() { ::setfsuid(::geteuid()); }
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;
};

Fd keep(int fd) {
  return Fd(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

void close_range_of(int first, int last) {
#ifdef SYS_close_range
  if (first <= last && ::syscall(SYS_close_range, static_cast<unsigned>(first),
                                 static_cast<unsigned>(last), 0U) == 0)
    return;
#endif
  const int end = static_cast<int>(std::min<long>(last, ::sysconf(_SC_OPEN_MAX)));
  for (int fd = first; fd <= end; ++fd) ::close(fd);
}

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  int first = STDERR_FILENO + 1;
  for (int fd : kept) {
    if (fd < first) continue;
    close_range_of(first, fd - 1);
    first = fd + 1;
  }
  close_range_of(first, 0x7fffffff);
}

void detach(const std::vector<int>& kept) {
  ::setsid();  // fails for one who leads a session already
  ::umask(022);
  const int null = ::open("/dev/null", O_RDWR | O_NOCTTY);
  for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; ++fd) ::dup2(null, fd);
  close_all_but(kept);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_NAME, "dm-supervisor", 0, 0, 0);  // it would be "exe", of /proc/self/exe
}

// Our own limit rises to what is allowed; apps get what the worker was started with.
rlimit raise_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return limit;
}

Result<Fd> take_lock(const std::string& path) {
  Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return system_error("open", path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Code::kBusy, path + " is held by another supervisor");
  return lock;
}

Result<Runs::Settings> make_settings(const SupervisorOptions& options, const std::string& root) {
  Runs::Settings settings;
  settings.root = root;
  settings.use_cgroups = options.use_cgroups;
  settings.open_files = raise_open_files();
  settings.can_switch = ::geteuid() == 0;
  if (!settings.can_switch) return settings;
  auto users = find_users(options.app_users);
  if (!users) return users.error();
  settings.app_users = std::move(*users);
  return settings;
}

Status serve(const SupervisorOptions& options, const std::string& root, Fd tether, Fd& ready) {
  const std::string socket = root + "/supervisor.sock";
  Loop loop;
  for (int signal : kUnheard) loop.on_signal(signal, [] {});
  auto settings = make_settings(options, root);
  if (!settings) return settings.error();
  std::optional<ActAs> as_agent(std::in_place, options.agent_uid);
  const auto lock = take_lock(root + "/supervisor.lock");
  if (!lock) return lock.error();
  auto listener = listen_on(Endpoint{"", 0, socket});
  if (!listener) return listener.error();
  as_agent.reset();

  Server server(loop, std::move(*listener), std::move(tether),
                {options.agent_uid, uid_t{0}, ::geteuid()}, *settings);
  loop.on_signal(SIGCHLD, [&server] { server.on_child_ended(); });
  (void)retry([&] { return ::write(ready.get(), "ready\n", 6); });
  ready.reset();
  loop.run();
  // While the lock is still held: afterwards it may be the socket of another.
  as_agent.emplace(options.agent_uid);
  ::unlink(socket.c_str());
  return {};
}

}  // namespace

int run_supervisor(const SupervisorOptions& options) {
  Fd tether = keep(options.tether_fd);
  Fd ready = keep(options.ready_fd);
  const std::unique_ptr<char, void (*)(void*)> root(::realpath(options.root.c_str(), nullptr),
                                                    &::free);
  if (!root || ::chdir("/") != 0) return kCannotBegin;
  detach({tether.get(), ready.get()});
  auto served = serve(options, root.get(), std::move(tether), ready);
  if (served) return 0;
  const std::string words = "error: " + served.error().message + "\n";
  (void)retry([&] { return ::write(ready.get(), words.data(), words.size()); });
  return kCannotBegin;
}

}  // namespace dm
