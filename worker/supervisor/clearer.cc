#include "worker/supervisor/clearer.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/io/files.h"
#include "common/io/remove_tree.h"
#include "common/io/system.h"
#include "worker/supervisor/child.h"

namespace dm::supervisor {
namespace {

constexpr std::size_t kMost = 4;            // at once
constexpr std::size_t kMostWords = 4096;    // of a report
constexpr int kDirectory = 3, kReport = 4;  // where the child has its descriptors
constexpr int kAbove = 10;                  // none of these two is below
constexpr std::string_view kDone = "done";

bool is_directory(const Fd& fd) {
  struct stat info {};
  return fd.valid() && ::fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode) &&
         (::fcntl(fd.get(), F_GETFL) & O_PATH) == 0;
}

// A child of ours, which has one thread: it may use all of libc. What we hold must not be there for
// the other processes of that user, nor its memory.
[[noreturn]] void empty_as(const AppUser& user, int directory, int report) {
  ::setsid();
  const int high_directory = ::fcntl(directory, F_DUPFD, kAbove);
  const int high_report = ::fcntl(report, F_DUPFD, kAbove);
  ::dup2(high_directory, kDirectory);
  ::dup2(high_report, kReport);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  close_from(kReport + 1, limit);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  Status emptied = system_error("become", user.name, EPERM);
  if (become_user(user)) emptied = empty_directory(kDirectory, "the working directory");
  (void)write_all(kReport, emptied ? kDone : std::string_view(emptied.error().message));
  ::_exit(0);
}

}  // namespace

void Clearer::refuse(const Asker& asker, const Error& error) {
  Line line("ERR");
  answer_(asker, line.add("id", asker.id).add("code", word(error.code)).add("msg", error.message));
}

void Clearer::clear(const Asker& asker, const Line& line, Fd directory) {
  const auto user = std::find_if(users_.begin(), users_.end(), [&](const AppUser& each) {
    return each.name == line.text("user");
  });
  if (user == users_.end())
    return refuse(asker, fail(Code::kDenied,
                              "no app runs as user " + std::string(line.text("user")) + " here"));
  if (!is_directory(directory))
    return refuse(asker, fail(Code::kBadArg, "one descriptor must come with it, a directory"));
  if (running_.size() >= kMost)
    return refuse(asker, fail(Code::kBusy, "too many directories are being emptied"));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refuse(asker, system_error("open a pipe", ""));
  Fd report(ends[0]);
  const Fd child_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return refuse(asker, system_error("fork", ""));
  if (child == 0) empty_as(*user, directory.get(), child_end.get());
  const std::int64_t number = next_number_++;
  const int fd = report.get();
  running_.emplace(number, Running{asker, std::move(report), {}});
  loop_.watch(fd, true, false, [this, number](Ready) { on_report(number); });
}

void Clearer::on_report(std::int64_t number) {
  Running& running = running_.at(number);
  char bytes[512];
  const ssize_t got = retry([&] { return ::read(running.report.get(), bytes, sizeof bytes); });
  if (got > 0 && running.words.size() < kMostWords)
    return (void)running.words.append(bytes, static_cast<std::size_t>(got));
  loop_.unwatch(running.report.get());
  const Running ended = std::move(running_.extract(number).mapped());
  if (ended.words == kDone) return answer_(ended.asker, Line("OK").add("id", ended.asker.id));
  const std::string why = ended.words.empty() ? "the helper ended early" : ended.words;
  refuse(ended.asker, fail(Code::kDenied, why));
}

}  // namespace dm::supervisor
