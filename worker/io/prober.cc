#include "worker/io/prober.h"

#include <sys/utsname.h>

#include "common/io/host_libraries.h"

namespace dm::worker {

std::vector<std::string> run_probe(const Line& needs) {
  ManifestNeeds wanted;
  wanted.arch = needs.text("arch", "any");
  wanted.interpreter = needs.text("interp");
  for (const std::string& library : needs.all("lib")) wanted.needs.push_back({library, ""});
  for (const std::string& text : needs.all("symbols")) {
    // The version comes first: it holds no space, which a library's name may.
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) continue;
    wanted.needs.push_back({text.substr(space + 1), text.substr(0, space)});
  }
  utsname kernel{};
  ::uname(&kernel);
  // The libraries of a 32-bit program on a 64-bit machine stand elsewhere than the machine's own.
  const std::string arch = wanted.arch == "any" ? arch_from_uname(kernel.machine) : wanted.arch;
  return missing_needs(wanted, find_host_libraries(wanted, library_directories(arch)));
}

}  // namespace dm::worker
