#include "worker/supervisor/upgrade.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "common/io/system.h"
#include "common/line_buffer.h"
#include "worker/io/proc.h"

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr const char* kThisProgram = "/proc/self/exe";
constexpr int kFormat = 1;
constexpr int kRehearsalMs = 5000;

// Nobody but root and us can change what stands behind this descriptor.
Status check_owner(const struct stat& info, const std::string& path) {
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return fail(Code::kDenied, path + " belongs to another user");
  const bool is_sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !is_sticky)
    return fail(Code::kDenied, path + " may be written by others");
  return {};
}

Status check_running(const struct stat& info, const std::string& path) {
  struct stat own {};
  if (::stat(kThisProgram, &own) != 0) return {};
  const bool is_same = own.st_dev == info.st_dev && own.st_ino == info.st_ino;
  if (!is_same) return {};
  return fail(Code::kExists, path + " is what runs already");
}

// The last directory above the file, each one checked on the way.
Result<Fd> open_parent(const std::string& path) {
  Fd at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t begin = 1;;) {
    struct stat info {};
    const std::string here = path.substr(0, std::max<std::size_t>(1, begin - 1));
    if (!at.valid() || ::fstat(at.get(), &info) != 0) return system_error("open", here);
    if (auto owned = check_owner(info, here); !owned) return owned.error();
    const std::size_t slash = path.find('/', begin);
    if (slash == std::string::npos) return at;
    const std::string part = path.substr(begin, slash - begin);
    at = Fd(::openat(at.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    begin = slash + 1;
  }
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> array;
  for (std::string& string : strings) array.push_back(string.data());
  array.push_back(nullptr);
  return array;
}

void keep_over_exec(const std::vector<int>& fds, bool keep) {
  for (int fd : fds) ::fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

Result<Fd> write_state(const HandOver& state) {
  Fd file(::memfd_create("dm-supervisor", MFD_CLOEXEC));
  if (!file.valid()) return system_error("make a file in memory", "");
  std::string text = state.head.print();
  for (const Line& line : state.lines) text += line.print();
  text += Line("END").add("lines", state.lines.size()).print();
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t wrote =
        retry([&] { return ::write(file.get(), text.data() + done, text.size() - done); });
    if (wrote < 0) return system_error("write", "the state");
    done += static_cast<std::size_t>(wrote);
  }
  return file;
}

// A program that cannot even begin, for want of a library say, or that does not understand our
// state, would take every exit status with it.
Status rehearse(const Fd& program, std::vector<std::string> arguments, int state_fd) {
  arguments.push_back("--rehearse");
  const std::vector<char*> argv = pointers(arguments);
  const pid_t child = ::fork();
  if (child < 0) return system_error("fork", "");
  if (child == 0) {
    ::fcntl(state_fd, F_SETFD, 0);
    ::fexecve(program.get(), argv.data(), environ);
    ::_exit(127);
  }
  const Fd process = open_process(child);
  pollfd waiting{process.get(), POLLIN, 0};
  if (process.valid() && retry([&] { return ::poll(&waiting, 1, kRehearsalMs); }) <= 0)
    ::kill(child, SIGKILL);
  int status = 0;
  (void)retry([&] { return ::waitpid(child, &status, 0); });
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(Code::kInternal, "the new program cannot take over");
}

}  // namespace

std::string own_program() {
  std::array<char, PATH_MAX> path{};
  if (::readlink(kThisProgram, path.data(), path.size() - 1) <= 0) return {};
  std::string text = path.data();
  // proc(5): its file has been removed or replaced since.
  constexpr std::string_view kGone = " (deleted)";
  if (text.ends_with(kGone)) text.resize(text.size() - kGone.size());
  return text;
}

Result<Fd> open_upgrade(const std::string& path) {
  if (!path.starts_with('/')) return fail(Code::kDenied, "nobody knows what we were started from");
  const auto parent = open_parent(path);
  if (!parent) return parent.error();
  const std::string name = path.substr(path.rfind('/') + 1);
  Fd file(::openat(parent->get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) return system_error("open", path);
  if (!S_ISREG(info.st_mode) || (info.st_mode & (S_ISUID | S_ISGID)) != 0)
    return fail(Code::kDenied, path + " is no ordinary program");
  if (auto owned = check_owner(info, path); !owned) return owned.error();
  if (auto other = check_running(info, path); !other) return other.error();
  return file;
}

Error become(const Fd& program, std::vector<std::string> arguments, const HandOver& state,
             const std::vector<int>& kept) {
  const auto file = write_state(state);
  if (!file) return file.error();
  arguments.insert(arguments.end(), {"--state-fd", std::to_string(file->get())});
  if (auto rehearsed = rehearse(program, arguments, file->get()); !rehearsed)
    return rehearsed.error();
  const std::vector<char*> argv = pointers(arguments);
  std::vector<int> all = kept;
  all.push_back(file->get());
  keep_over_exec(all, true);
  ::fexecve(program.get(), argv.data(), environ);
  const int error = errno;
  keep_over_exec(all, false);
  return fail(Code::kInternal, "execve: " + errno_words(error));
}

Result<HandOver> read_hand_over(int state_fd) {
  const auto bad = [] { return fail(Code::kBadLine, "no state of a supervisor"); };
  HandOver state;
  LineBuffer in(kMaxLine);
  std::array<char, 16384> bytes{};
  off_t offset = 0;
  while (true) {
    // The rehearsal shares our file position, so nobody uses it.
    const ssize_t got =
        retry([&] { return ::pread(state_fd, bytes.data(), bytes.size(), offset); });
    if (got <= 0) return bad();  // END has not come
    offset += got;
    in.feed({bytes.data(), static_cast<std::size_t>(got)});
    while (const auto text = in.next()) {
      const auto line = parse_line(*text);
      if (!line) return bad();
      const bool is_first = state.head.verb().empty();
      if (is_first && (line->verb() != "HAND-OVER" || line->number("format") != kFormat))
        return bad();
      if (line->verb() == "END")
        return line->number("lines") == static_cast<std::int64_t>(state.lines.size())
                   ? Result<HandOver>(std::move(state))
                   : bad();
      if (is_first)
        state.head = *line;
      else
        state.lines.push_back(*line);
    }
    if (in.too_long()) return bad();
  }
}

}  // namespace dm::supervisor
