#include "tests/unit/supervisor_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "common/io/net.h"
#include "common/io/system.h"
#include "worker/io/proc.h"

namespace dm::test {

using namespace supervisor;
using namespace worker;

namespace {

std::int64_t now_ms() {
  return read_clock().mono_ms;
}

// Waits until the descriptor is readable; false at the deadline.
bool wait_readable(int fd, std::int64_t deadline_ms) {
  pollfd waiting{fd, POLLIN, 0};
  const std::int64_t left = deadline_ms - now_ms();
  return left > 0 && retry([&] { return ::poll(&waiting, 1, static_cast<int>(left)); }) > 0;
}

struct Pipe {
  Pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) ::abort();
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  Fd read_end, write_end;
};

// Reads to the end of file; what has come until the deadline otherwise.
std::string read_all(int fd) {
  std::string text;
  char bytes[256];
  const std::int64_t deadline = now_ms() + kPatienceMs;
  while (wait_readable(fd, deadline)) {
    const ssize_t got = retry([&] { return ::read(fd, bytes, sizeof bytes); });
    if (got <= 0) break;
    text.append(bytes, static_cast<std::size_t>(got));
  }
  return text;
}

std::vector<ProcStat> descendants(int ancestor) {
  const std::vector<ProcStat> all = all_processes();
  std::vector<ProcStat> found;
  std::vector<int> parents{ancestor};
  for (std::size_t i = 0; i < parents.size(); ++i)
    for (const ProcStat& process : all)
      if (process.ppid == parents[i]) {
        parents.push_back(process.pid);
        found.push_back(process);
      }
  return found;
}

// Whatever a broken supervisor leaves behind has become ours. What forks is stopped first.
void kill_descendants() {
  for (int signal : {SIGSTOP, SIGSTOP, SIGSTOP, SIGKILL})
    for (const ProcStat& process : descendants(::getpid()))
      signal_process(process.pid, process.start, signal);
  while (retry([] { return ::waitpid(-1, nullptr, 0); }) > 0)
    for (const ProcStat& process : descendants(::getpid()))
      signal_process(process.pid, process.start, SIGKILL);
}

}  // namespace

// --- AgentSide ---

AgentSide::AgentSide(const std::string& root) {
  auto fd = connect_blocking(Endpoint{"", 0, root + "/supervisor.sock"}, kPatienceMs);
  if (fd) fd_ = std::move(*fd);
}

void AgentSide::send(const std::string& text, const std::vector<int>& descriptors) {
  alignas(cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))] = {};
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  }
  std::size_t sent = 0;
  while (sent < text.size()) {
    part = {const_cast<char*>(text.data()) + sent, text.size() - sent};
    const ssize_t count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
    message.msg_control = nullptr;
    message.msg_controllen = 0;
  }
}

bool AgentSide::read_more(std::int64_t deadline_ms) {
  if (ended_ || !wait_readable(fd_.get(), deadline_ms)) return false;
  char bytes[65536];
  const ssize_t got = retry([&] { return ::read(fd_.get(), bytes, sizeof bytes); });
  if (got <= 0) {
    ended_ = true;
    return false;
  }
  in_.feed(std::string_view(bytes, static_cast<std::size_t>(got)));
  while (const auto text = in_.next())
    if (auto line = parse_line(*text)) lines_.push_back(std::move(*line));
  return true;
}

Line AgentSide::wait_for(const std::function<bool(const Line&)>& wanted) {
  const std::int64_t deadline = now_ms() + kPatienceMs;
  std::size_t seen = 0;
  do {
    for (; seen < lines_.size(); ++seen) {
      if (!wanted(lines_[seen])) continue;
      Line line = lines_[seen];
      lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(seen));
      return line;
    }
  } while (read_more(deadline));
  return Line();
}

Line AgentSide::wait_for(const std::string& verb) {
  return wait_for([&](const Line& line) { return line.verb() == verb; });
}

Line AgentSide::answer(const std::string& id) {
  return wait_for([&](const Line& line) {
    return (line.verb() == "OK" || line.verb() == "ERR") && line.text("id") == id;
  });
}

Line AgentSide::exited(const std::string& instance) {
  return wait_for([&](const Line& line) {
    return line.verb() == "EXITED" && line.text("instance") == instance;
  });
}

bool AgentSide::wait_for_end() {
  const std::int64_t deadline = now_ms() + kPatienceMs;
  while (read_more(deadline)) {
  }
  return ended_;
}

// --- SupervisorFixture ---

SupervisorFixture::SupervisorFixture(bool use_cgroups, std::vector<std::string> app_users,
                                     const std::function<void()>& before) {
  char name[] = "/tmp/dm-supervisor-test-XXXXXX";
  root_ = ::mkdtemp(name);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  options_.root = root_;
  options_.app_users = std::move(app_users);
  options_.agent_uid = ::geteuid();
  options_.use_cgroups = use_cgroups;
  before_ = before;
  begin();
}

void SupervisorFixture::begin() {
  Pipe tether, ready;
  options_.tether_fd = tether.read_end.get();
  options_.ready_fd = ready.write_end.get();
  pid_ = ::fork();
  if (pid_ == 0) {
    if (before_) before_();
    ::_exit(run_supervisor(options_));
  }
  ready.write_end.reset();
  tether_ = std::move(tether.write_end);
  ready_ = read_all(ready.read_end.get());
}

void SupervisorFixture::replace() {
  ::kill(pid_, SIGKILL);
  (void)retry([&] { return ::waitpid(pid_, nullptr, 0); });
  begin();
}

SupervisorFixture::~SupervisorFixture() {
  cut_tether();
  if (!wait_for_end()) ::kill(pid_, SIGKILL);
  kill_descendants();
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::optional<int> SupervisorFixture::wait_for_end() {
  if (status_) return status_;
  const std::int64_t deadline = now_ms() + kPatienceMs;
  const Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!wait_readable(ended.get(), deadline)) return std::nullopt;
  int status = 0;
  if (retry([&] { return ::waitpid(pid_, &status, 0); }) != pid_) return std::nullopt;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return status_;
}

// --- LogFile ---

// Whoever holds the file open holds this lock: it belongs to the open file, not to a process.
LogFile::LogFile() {
  char name[] = "/tmp/dm-log-XXXXXX";
  write_end.reset(::mkostemp(name, O_APPEND | O_CLOEXEC));
  read_end_.reset(::open(name, O_RDONLY | O_CLOEXEC));
  ::unlink(name);
  ::flock(write_end.get(), LOCK_SH);
}

void LogFile::read_more() {
  char bytes[4096];
  for (ssize_t count; (count = ::read(read_end_.get(), bytes, sizeof bytes)) > 0;)
    got.append(bytes, static_cast<std::size_t>(count));
}

bool LogFile::read_until(const std::string& text) {
  const std::int64_t deadline = now_ms() + kPatienceMs;
  while (true) {
    const bool is_over = ::flock(read_end_.get(), LOCK_EX | LOCK_NB) == 0;
    if (is_over) ::flock(read_end_.get(), LOCK_UN);
    read_more();
    if (!text.empty() && got.find(text) != std::string::npos) return true;
    if (is_over) return text.empty();
    if (now_ms() > deadline) return false;
    ::poll(nullptr, 0, 2);
  }
}

std::string spawn_line(const std::string& instance, int run, const std::vector<std::string>& argv,
                       const std::string& more) {
  Line line("SPAWN");
  line.add("id", instance).add("instance", instance).add("run", run);
  line.add("path", argv[0]).add("env", "PATH=/usr/local/bin:/usr/bin:/bin");
  for (const std::string& arg : argv) line.add("arg", arg);
  std::string text = line.print();
  text.pop_back();
  return text + (more.find("cwd=") == std::string::npos ? " cwd=/ " : " ") + more + "\n";
}

Line spawn(AgentSide& agent, LogFile& log, const std::string& instance,
           const std::vector<std::string>& argv, const std::string& more, int run) {
  agent.send(spawn_line(instance, run, argv, more), {log.write_end.get()});
  log.write_end.reset();
  return agent.answer(instance);
}

}  // namespace dm::test
