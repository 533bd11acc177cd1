// dm-killer N DIR PROGRAM ARG...: runs a program and kills it, SIGKILL, as it enters the Nth system
// call by which any of its threads would change something below DIR: that one does not happen any
// more, everything before it has. Says which it was. With N = 0 nothing is killed and the calls are
// counted. strace counts for each thread on its own, and our threads are short.
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

namespace {

enum class Names { kDescriptor, kFirstPath, kSecondPath, kCreation };

struct Change {
  long number;
  const char* name;
  Names names;
};
constexpr Change kChanges[] = {
    {SYS_write, "write", Names::kDescriptor},
    {SYS_pwrite64, "pwrite64", Names::kDescriptor},
    {SYS_writev, "writev", Names::kDescriptor},
    {SYS_fsync, "fsync", Names::kDescriptor},
    {SYS_fdatasync, "fdatasync", Names::kDescriptor},
    {SYS_sync_file_range, "sync_file_range", Names::kDescriptor},
    {SYS_ftruncate, "ftruncate", Names::kDescriptor},
    {SYS_fchmod, "fchmod", Names::kDescriptor},
    {SYS_openat, "openat", Names::kCreation},
    {SYS_openat2, "openat2", Names::kSecondPath},
    {SYS_mkdirat, "mkdirat", Names::kSecondPath},
    {SYS_unlinkat, "unlinkat", Names::kSecondPath},
    {SYS_renameat, "renameat", Names::kSecondPath},
    {SYS_renameat2, "renameat2", Names::kSecondPath},
    {SYS_linkat, "linkat", Names::kSecondPath},
#ifdef SYS_rename
    {SYS_mkdir, "mkdir", Names::kFirstPath},
    {SYS_unlink, "unlink", Names::kFirstPath},
    {SYS_rename, "rename", Names::kFirstPath},
#endif
};

pid_t program = 0;

void pass_on(int signal) {
  if (program > 0) ::kill(program, signal);
}

std::string descriptor_path(pid_t pid, std::uint64_t fd) {
  char path[PATH_MAX] = "";
  const std::string link =
      "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(static_cast<int>(fd));
  return ::readlink(link.c_str(), path, sizeof path - 1) > 0 ? path : "";
}

std::string text_at(pid_t pid, std::uint64_t address) {
  char text[256] = "";
  iovec to{text, sizeof text - 1}, from{reinterpret_cast<void*>(address), sizeof text - 1};
  // It may stand so near to the end of a page that less of it can be read.
  while (from.iov_len > 0 && ::process_vm_readv(pid, &to, 1, &from, 1, 0) < 0) from.iov_len /= 2;
  return text;
}

// What the call would change; empty if it changes nothing below `directory`.
std::string object_of(pid_t pid, const __ptrace_syscall_info& info, const Change& change,
                      const std::string& directory) {
  const auto& args = info.entry.args;
  std::string path;
  switch (change.names) {
    case Names::kDescriptor: path = descriptor_path(pid, args[0]); break;
    case Names::kFirstPath: path = text_at(pid, args[0]); break;
    case Names::kCreation:
      if ((args[2] & O_CREAT) == 0) return "";
      [[fallthrough]];
    case Names::kSecondPath:
      path = text_at(pid, args[1]);
      if (!path.starts_with("/")) path = descriptor_path(pid, args[0]) + "/" + path;
  }
  return path.starts_with(directory) ? path : "";
}

std::string change_of(pid_t pid, const std::string& directory) {
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return "";
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return "";
  for (const Change& change : kChanges) {
    if (static_cast<std::uint64_t>(change.number) != info.entry.nr) continue;
    const std::string object = object_of(pid, info, change, directory);
    return object.empty() ? "" : std::string(change.name) + " " + object;
  }
  return "";
}

int end_as(int status, long count) {
  std::printf("ended after %ld calls\n", count);
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status);
}

int trace(long nth, const std::string& directory) {
  std::set<pid_t> known = {program};
  for (long count = 0;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return 111;
    if (!WIFSTOPPED(status)) {
      if (pid == program) return end_as(status, count);
      continue;
    }
    int signal = WSTOPSIG(status);
    const bool is_call = signal == (SIGTRAP | 0x80);
    if (is_call) {
      const std::string change = change_of(pid, directory);
      if (!change.empty() && ++count == nth) {
        std::printf("killed at call %ld: %s\n", count, change.c_str());
        ::kill(program, SIGKILL);
        continue;
      }
    }
    // A thread begins with a stop that is ours, not its own.
    const bool is_ours = is_call || signal == SIGTRAP || known.insert(pid).second;
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, reinterpret_cast<void*>(is_ours ? 0L : signal));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 100;
  program = ::fork();
  if (program == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    ::execvp(argv[3], argv + 3);
    ::_exit(111);
  }
  struct sigaction action {};
  action.sa_handler = pass_on;
  ::sigaction(SIGTERM, &action, nullptr);
  int status = 0;
  ::waitpid(program, &status, 0);
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (::ptrace(PTRACE_SETOPTIONS, program, nullptr, reinterpret_cast<void*>(options)) != 0) {
    std::printf("cannot trace: %s\n", std::strerror(errno));
    ::kill(program, SIGKILL);
    return 77;
  }
  ::ptrace(PTRACE_SYSCALL, program, nullptr, nullptr);
  return trace(std::atol(argv[1]), argv[2]);
}
