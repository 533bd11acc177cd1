#include "worker/io/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <memory>

#include "common/codec.h"
#include "common/io/system.h"

namespace dm::worker {
namespace {

constexpr std::size_t kMaxEnviron = 512 * 1024;
constexpr int kMaxDepth = 16;  // of cgroups that an app makes below its own

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(const std::string& path) {
  return {::opendir(path.c_str()), &::closedir};
}

std::string proc_path(int pid, std::string_view file) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

// The number behind "NAME " at the beginning of a line.
std::optional<std::int64_t> named_number(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
      return parse_integer(line.substr(name.size() + 1));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return std::nullopt;
}

// Adds the decimal numbers of a text, whatever white space stands between them.
void append_numbers(std::string_view text, std::vector<int>& numbers) {
  while (true) {
    const std::size_t start = text.find_first_not_of(" \n");
    if (start == std::string_view::npos) return;
    const std::size_t end = text.find_first_of(" \n", start);
    if (const auto number = parse_integer(text.substr(start, end - start)))
      numbers.push_back(static_cast<int>(*number));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end);
  }
}

void append_cgroup_procs(const std::string& directory, int depth, std::vector<int>& pids) {
  if (const auto text = read_small_file(directory + "/cgroup.procs", std::size_t{1} << 24))
    append_numbers(*text, pids);
  // A cgroup without children has two links, as any directory: that spares the listing.
  struct stat info {};
  if (depth == 0 || ::lstat(directory.c_str(), &info) != 0 || info.st_nlink <= 2) return;
  const Directory listing = open_directory(directory);
  while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      append_cgroup_procs(directory + "/" + entry->d_name, depth - 1, pids);
  }
}

}  // namespace

std::optional<std::string> read_small_file(const std::string& path, std::size_t most) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return std::nullopt;
  std::string text;
  char bytes[4096];
  while (text.size() < most) {
    const ssize_t got = retry([&] { return ::read(fd.get(), bytes, sizeof bytes); });
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    text.append(bytes, static_cast<std::size_t>(got));
  }
  return text;
}

std::optional<ProcStat> read_stat(int pid) {
  const auto text = read_small_file(proc_path(pid, "stat"));
  return text ? parse_stat(*text) : std::nullopt;
}

std::vector<ProcStat> all_processes() {
  std::vector<ProcStat> processes;
  const Directory listing = open_directory("/proc");
  while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr) {
    const auto pid = parse_integer(entry->d_name);
    if (!pid) continue;
    if (auto stat = read_stat(static_cast<int>(*pid))) processes.push_back(std::move(*stat));
  }
  return processes;
}

std::optional<std::vector<int>> children_of(int pid) {
  const auto text = read_small_file(proc_path(pid, "task/" + std::to_string(pid) + "/children"),
                                    std::size_t{1} << 20);
  if (!text) return std::nullopt;
  std::vector<int> children;
  append_numbers(*text, children);
  return children;
}

std::optional<ProcMark> read_environ_mark(int pid) {
  const auto text = read_small_file(proc_path(pid, "environ"), kMaxEnviron);
  if (!text) return std::nullopt;
  ProcMark mark;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::size_t end = rest.find('\0');
    const std::string_view variable = rest.substr(0, end);
    if (variable.starts_with("DM_INSTANCE=")) mark.instance = variable.substr(12);
    if (variable.starts_with("LD_LIBRARY_PATH=")) mark.library_path = variable.substr(16);
    if (variable.starts_with("DM_RUN=")) mark.run = parse_integer(variable.substr(7)).value_or(0);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (mark.instance.empty() || mark.run < 1) return std::nullopt;
  return mark;
}

bool is_in_exec(int pid) {
  return read_small_file(proc_path(pid, "cmdline")) == "";
}

std::optional<unsigned> process_uid(int pid) {
  const auto text = read_small_file(proc_path(pid, "status"));
  constexpr std::string_view kKey = "\nUid:\t";
  const std::size_t at = text ? text->find(kKey) : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(*text).substr(at + kKey.size());
  const auto uid = parse_integer(rest.substr(0, rest.find('\t')));
  return uid ? std::optional(static_cast<unsigned>(*uid)) : std::nullopt;
}

std::string boot_id() {
  std::string id = read_small_file("/proc/sys/kernel/random/boot_id").value_or("");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::string own_build() {
  struct stat info {};
  if (::stat("/proc/self/exe", &info) != 0) return {};
  return std::to_string(info.st_dev) + "." + std::to_string(info.st_ino) + "." +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

long clock_ticks() {
  const long ticks = ::sysconf(_SC_CLK_TCK);
  return ticks > 0 ? ticks : 100;
}

long page_size() {
  const long bytes = ::sysconf(_SC_PAGESIZE);
  return bytes > 0 ? bytes : 4096;
}

std::int64_t oom_kill_count() {
  const auto text = read_small_file("/proc/vmstat");
  return text ? named_number(*text, "oom_kill").value_or(0) : 0;
}

std::vector<int> read_cgroup_procs(const std::string& directory) {
  std::vector<int> pids;
  append_cgroup_procs(directory, kMaxDepth, pids);
  return pids;
}

std::optional<bool> cgroup_populated(const std::string& directory) {
  const auto text = read_small_file(directory + "/cgroup.events");
  const auto number = text ? named_number(*text, "populated") : std::nullopt;
  if (!number) return std::nullopt;
  return *number != 0;
}

std::optional<CgroupUsage> read_cgroup_usage(const std::string& directory) {
  const auto text = read_small_file(directory + "/cpu.stat");
  if (!text) return std::nullopt;
  return CgroupUsage{named_number(*text, "user_usec").value_or(0),
                     named_number(*text, "system_usec").value_or(0)};
}

Fd open_process(int pid) {
#ifdef SYS_pidfd_open
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
#else
  (void)pid;
  errno = ENOSYS;
  return Fd();
#endif
}

bool signal_process(int pid, std::uint64_t start, int signal) {
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
  // The descriptor is taken first and the identity looked at afterwards: what it names then is
  // what the signal reaches, however often the number is given away meanwhile.
  const Fd process = open_process(pid);
  if (process.valid()) {
    const auto stat = read_stat(pid);
    if (!stat || stat->start != start) return false;
    return ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
  }
  if (errno != ENOSYS && errno != EMFILE && errno != ENFILE) return false;
#endif
  const auto stat = read_stat(pid);
  return stat && stat->start == start && ::kill(pid, signal) == 0;
}

}  // namespace dm::worker
