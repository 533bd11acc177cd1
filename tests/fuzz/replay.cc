// usage: dm-fuzz TARGET FILE|DIR...
// The driver for every compiler: runs a target on files, and, of a directory, on each file, each
// beginning of it, and each of it with one byte changed, until that is done or 10 s are over.
// An input that ends the program is left in TARGET.crash.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/target.h"

// AddressSanitizer ends a program without a signal, but calls this first.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kMost = std::chrono::seconds(10);
constexpr unsigned kHangSeconds = 30;

// For the signal handler, which knows no arguments.
std::string_view at_work;
char crash_file[256];

void leave_input() {
  const int fd = ::open(crash_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool left = fd >= 0 && ::write(fd, at_work.data(), at_work.size()) >= 0;
  const char* const what = left ? "the input is in " : "cannot write ";
  for (const char* const part : {what, static_cast<const char*>(crash_file), "\n"})
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) return;
}

void on_crash(int number) {
  leave_input();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void catch_crashes(const char* target) {
  std::snprintf(crash_file, sizeof crash_file, "%s.crash", target);
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM})
    std::signal(number, &on_crash);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(&leave_input);
}

class Replay {
 public:
  explicit Replay(const dm::fuzz::Target& target) : target_(target) {}

  void run(std::string_view input) {
    // A copy of its very size, so that a sanitizer sees a read beyond its end.
    const std::vector<char> bytes(input.begin(), input.end());
    at_work = {bytes.data(), bytes.size()};
    ::alarm(kHangSeconds);
    target_.run(at_work);
    ++runs_;
  }

  // All seeds have their turn at each step, whatever time there is.
  void run_changes(const std::vector<std::string>& seeds) {
    for (const std::string& seed : seeds) run(seed);
    for (const std::string& seed : seeds)
      for (std::size_t size = 0; size < seed.size() && in_time(); ++size)
        run(std::string_view(seed).substr(0, size));
    for (int change = 0; change < kChanges; ++change)
      for (const std::string& seed : seeds)
        for (std::size_t at = 0; at < seed.size() && in_time(); ++at)
          run(changed(seed, at, change));
  }

  void tell() const {
    std::printf("%s: %d inputs%s\n", target_.name, runs_,
                in_time() ? "" : ", the rest left out after 10 s");
  }

 private:
  static constexpr std::string_view kBytes{"\0\n \x1b\x7f%\"9A\xff", 10};
  static constexpr int kChanges = 3 + static_cast<int>(kBytes.size());

  static std::string changed(std::string text, std::size_t at, int change) {
    if (change == 0) {
      text[at] = static_cast<char>(text[at] ^ 1);
    } else if (change == 1) {
      text.erase(at, 1);
    } else if (change == 2) {
      text.insert(at, 1, text[at]);
    } else {
      text[at] = kBytes[static_cast<std::size_t>(change - 3)];
    }
    return text;
  }

  bool in_time() const { return Clock::now() - begun_ < kMost; }

  const dm::fuzz::Target& target_;
  Clock::time_point begun_ = Clock::now();
  int runs_ = 0;
};

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> seeds_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const auto& file : files) seeds.push_back(content_of(file));
  return seeds;
}

}  // namespace

int main(int argc, char** argv) {
  const dm::fuzz::Target* target = argc > 2 ? dm::fuzz::find(argv[1]) : nullptr;
  if (target == nullptr) {
    std::fprintf(stderr, "usage: dm-fuzz TARGET FILE|DIR...\n");
    return 100;
  }
  catch_crashes(target->name);
  Replay replay(*target);
  for (int i = 2; i < argc; ++i) {
    if (std::filesystem::is_directory(argv[i])) {
      const auto seeds = seeds_in(argv[i]);
      if (seeds.empty()) {
        std::fprintf(stderr, "dm-fuzz: no seeds in %s\n", argv[i]);
        return 1;
      }
      replay.run_changes(seeds);
    } else if (std::filesystem::exists(argv[i])) {
      replay.run(content_of(argv[i]));
    } else {
      std::fprintf(stderr, "dm-fuzz: no file %s\n", argv[i]);
      return 1;
    }
  }
  replay.tell();
  return 0;
}
