// usage: dm-digest ENGINE [FILE...]
// Prints the SHA-256 of the files, or of standard input, as sha256sum does, computed by one engine:
// plain, x86 or arm. Status 77 if this processor lacks it.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string_view>

#include "common/sha256.h"

namespace {

using dm::Sha256Engine;

constexpr struct {
  std::string_view name;
  Sha256Engine engine;
} kEngines[] = {
    {"plain", Sha256Engine::kPlain}, {"x86", Sha256Engine::kX86}, {"arm", Sha256Engine::kArm}};

std::optional<Sha256Engine> engine_named(std::string_view name) {
  for (const auto& row : kEngines)
    if (row.name == name) return row.engine;
  return std::nullopt;
}

// False if the descriptor cannot be read to its end.
bool print_digest(Sha256Engine engine, int fd, const char* name) {
  static char bytes[256 * 1024];
  dm::Sha256 hash(engine);
  while (true) {
    const ssize_t got = ::read(fd, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    hash.update(bytes, static_cast<std::size_t>(got));
  }
  std::printf("%s  %s\n", dm::to_hex(hash.finish()).c_str(), name);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const auto engine = argc > 1 ? engine_named(argv[1]) : std::nullopt;
  if (!engine) return 100;
  if (!dm::can_use(*engine)) return 77;
  if (argc == 2) return print_digest(*engine, STDIN_FILENO, "-") ? 0 : 1;
  for (int i = 2; i < argc; ++i) {
    const int fd = ::open(argv[i], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !print_digest(*engine, fd, argv[i])) return 1;
    ::close(fd);
  }
}
