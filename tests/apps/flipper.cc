// flipper VICTIM-DIR PATH... - what a hostile app does to files that it can reach: again and again
// each path, as soon as it is there, is for a moment a link to the victim, a link to a file in it,
// a second name of that file, or a FIFO. Ends at SIGTERM, and puts back what it took.
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

namespace {

volatile sig_atomic_t over = 0;

constexpr unsigned kExchange = 2, kNoReplace = 1;  // of renameat2(2)

// A name in a directory that was reached through no link: what another flipper has laid leads
// nobody to the victim, ourselves least of all.
struct Place {
  int directory = -1;
  std::string name;
};

int open_without_links(const std::string& path) {
  struct open_how how {};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
}

bool move(const Place& from, const Place& to, unsigned how) {
  return ::syscall(SYS_renameat2, from.directory, from.name.c_str(), to.directory, to.name.c_str(),
                   how) == 0;
}

bool lay(const std::string& trap, const std::string& victim, unsigned kind) {
  const std::string file = victim + "/file";
  switch (kind % 4) {
    case 0: return ::symlink(victim.c_str(), trap.c_str()) == 0;
    case 1: return ::symlink(file.c_str(), trap.c_str()) == 0;
    case 2: return ::link(file.c_str(), trap.c_str()) == 0;
    default: return ::mkfifo(trap.c_str(), 0600) == 0;
  }
}

// True if the name was something else for a moment.
bool swap(const Place& place, const Place& trap) {
  if (!move(place, trap, kExchange)) {
    if (!move(trap, place, kNoReplace)) return false;
    (void)move(place, trap, kNoReplace);
    return true;
  }
  // A name that has been taken meanwhile stays: what was there is gone with the trap.
  return move(place, trap, kExchange) || move(trap, place, kNoReplace);
}

bool flip(const std::string& path, const std::string& trap, const std::string& victim,
          unsigned kind) {
  const std::size_t slash = path.rfind('/');
  const int directory = open_without_links(path.substr(0, slash));
  if (directory < 0) return false;
  const bool flipped =
      lay(trap, victim, kind) && swap({directory, path.substr(slash + 1)}, {AT_FDCWD, trap});
  ::unlink(trap.c_str());
  ::close(directory);
  return flipped;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 100;
  ::signal(SIGTERM, [](int) { over = 1; });
  const std::string victim = argv[1], trap = victim + "." + std::to_string(::getpid());
  long count = 0;
  for (unsigned kind = 0; !over; ++kind)
    for (int i = 2; i < argc && !over; ++i)
      if (flip(argv[i], trap, victim, kind)) ++count;
  ::printf("%ld\n", count);
  return 0;
}
