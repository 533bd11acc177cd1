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
#include "worker/supervisor/upgrade.h"

namespace dm::supervisor {
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

void unblock_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void detach(const std::vector<int>& kept) {
  ::setsid();  // fails for one who leads a session already
  ::umask(022);
  const int null = ::open("/dev/null", O_RDWR | O_NOCTTY);
  for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; ++fd) ::dup2(null, fd);
  close_all_but(kept);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
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

// What is open already when we begin: handed over by our former self, or by whoever started us.
struct Inherited {
  Fd tether, ready, lock, listener, agent;
  rlimit open_files{};  // what apps get
  std::string program;  // the file that we were started from, at first
  std::optional<HandOver> former;
};

Fd take_over(const Line& head, std::string_view name) {
  Fd fd(static_cast<int>(head.number_or(name, -1)));
  if (fd.valid()) ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

Result<Inherited> inherit(const SupervisorOptions& options) {
  Inherited own;
  if (options.state_fd < 0) {
    own.program = own_program();
    own.tether = keep(options.tether_fd);
    own.ready = keep(options.ready_fd);
    return own;
  }
  auto former = read_hand_over(options.state_fd);
  if (!former) return former.error();
  own.former = std::move(*former);
  const Line& head = own.former->head;
  own.tether = take_over(head, "tether");
  own.lock = take_over(head, "lock");
  own.listener = take_over(head, "listener");
  own.agent = take_over(head, "agent");
  own.program = head.text("program");
  own.open_files = {static_cast<rlim_t>(head.number_or("open_files", 0)),
                    static_cast<rlim_t>(head.number_or("most_open_files", 0))};
  return own;
}

Result<HostMachine::Settings> make_settings(const SupervisorOptions& options,
                                            const std::string& root, const rlimit& open_files) {
  HostMachine::Settings settings;
  settings.root = root;
  settings.use_cgroups = options.use_cgroups;
  settings.open_files = open_files;
  settings.can_switch = ::geteuid() == 0;
  if (!settings.can_switch) return settings;
  auto users = find_users(options.app_users);
  if (!users) return users.error();
  settings.app_users = std::move(*users);
  return settings;
}

Status open_socket(const std::string& root, Inherited& own) {
  auto lock = take_lock(root + "/supervisor.lock");
  if (!lock) return lock.error();
  own.lock = std::move(*lock);
  auto listener = listen_on(Endpoint{"", 0, root + "/supervisor.sock"});
  if (!listener) return listener.error();
  own.listener = std::move(*listener);
  return {};
}

std::vector<std::string> arguments(const SupervisorOptions& options, const std::string& root) {
  std::vector<std::string> list = {"dm-worker", "--supervise", "--root",
                                   root,        "--agent-uid", std::to_string(options.agent_uid)};
  for (const std::string& user : options.app_users) list.insert(list.end(), {"--app-user", user});
  if (!options.use_cgroups) list.push_back("--no-cgroup");
  return list;
}

// Returns only if it fails.
Error upgrade(const SupervisorOptions& options, const std::string& root, const Inherited& own,
              HandOver state, std::vector<int> kept) {
  const auto program = open_upgrade(own.program);
  if (!program) return program.error();
  state.head.add("lock", own.lock.get()).add("program", own.program);
  state.head.add("open_files", static_cast<std::int64_t>(own.open_files.rlim_cur));
  state.head.add("most_open_files", static_cast<std::int64_t>(own.open_files.rlim_max));
  kept.push_back(own.lock.get());
  return become(*program, arguments(options, root), state, kept);
}

Status serve(const SupervisorOptions& options, const std::string& root, Inherited& own) {
  Loop loop;
  for (int signal : kUnheard) loop.on_signal(signal, [] {});
  if (!own.former) own.open_files = raise_open_files();
  auto settings = make_settings(options, root, own.open_files);
  if (!settings) return settings.error();
  std::optional<ActAs> as_agent(std::in_place, options.agent_uid);
  if (!own.former)
    if (auto opened = open_socket(root, own); !opened) return opened.error();
  as_agent.reset();

  Server server(loop, std::move(own.listener), std::move(own.tether),
                {options.agent_uid, uid_t{0}, ::geteuid()}, *settings);
  loop.on_signal(SIGCHLD, [&server] { server.on_child_ended(); });
  server.allow_upgrade([&](const HandOver& state, const std::vector<int>& kept) {
    return upgrade(options, root, own, state, kept);
  });
  if (own.former) server.go_on(*own.former, std::move(own.agent));
  own.former.reset();
  (void)retry([&] { return ::write(own.ready.get(), "ready\n", 6); });
  own.ready.reset();
  loop.run();
  // While the lock is still held: afterwards it may be the socket of another.
  as_agent.emplace(options.agent_uid);
  ::unlink((root + "/supervisor.sock").c_str());
  return {};
}

}  // namespace

int rehearse_supervisor(int state_fd) {
  auto state = read_hand_over(state_fd);
  if (!state) return kCannotBegin;
  RunTable table;
  for (const Line& line : state->lines) {
    const bool is_run = line.verb() == "RUN" || line.verb() == "EXITED";
    if (is_run && !table.load(line)) return kCannotBegin;
  }
  return 0;
}

int run_supervisor(const SupervisorOptions& options) {
  auto own = inherit(options);
  const std::unique_ptr<char, void (*)(void*)> root(::realpath(options.root.c_str(), nullptr),
                                                    &::free);
  if (!own || !root || ::chdir("/") != 0) return kCannotBegin;
  const bool is_new = !own->former;
  detach({own->tether.get(), own->ready.get(), own->lock.get(), own->listener.get(),
          own->agent.get()});
  // Of a former self they are blocked, and whatever came since then waits.
  if (is_new) unblock_signals();
  const auto served = serve(options, root.get(), *own);
  if (served) return 0;
  const std::string words = "error: " + served.error().message + "\n";
  (void)retry([&] { return ::write(own->ready.get(), words.data(), words.size()); });
  return kCannotBegin;
}

}  // namespace dm::supervisor
