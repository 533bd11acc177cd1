// common/probe.h - can a worker run a version: what the version needs against what the worker
// has. Pure: common/io/host_libraries.h looks what is there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/manifest.h"

namespace dm {

// The part of a manifest that a worker is asked about before a byte is copied.
struct ManifestNeeds {
  std::string arch;         // "any" for a script
  std::string interpreter;  // empty if there is none
  std::vector<Manifest::Need> needs;
};
ManifestNeeds needs_of(const Manifest& manifest);

// What was found of it on the worker.
struct HostLibraries {
  struct Library {
    std::string name;
    std::vector<std::string> versions;  // those that it defines; may be none
  };
  std::string arch;  // arch_from_uname()
  bool has_interpreter = false;
  std::vector<Library> libraries;  // only those that are there, of the right architecture
};

// The word of a manifest for utsname's machine: "i686" is i386, "armv7l" is arm; others as they
// are.
std::string arch_from_uname(std::string_view machine);

// Whether a machine can run programs of an architecture: its own, i386 on x86_64, and "any".
bool runs_on(std::string_view program_arch, std::string_view host_arch);

// Compares numbers within texts by value: "GLIBC_2.4" is before "GLIBC_2.34". Negative, 0 or
// positive.
int compare_versions(std::string_view a, std::string_view b);

// The newest GLIBC_ version among the needs without its prefix, "2.34"; empty if there is none.
std::string newest_glibc(const std::vector<Manifest::Need>& needs);

// Why the version cannot run there, a sentence each; empty if it can. For another architecture
// that is the only one; of several missing versions of a library the newest is named.
//   "built for aarch64, this worker is x86_64"
//   "needs the interpreter /usr/bin/python3, which this worker lacks"
//   "needs libpq.so.5, which is not in the library path"
//   "needs GLIBC_2.38 of libc.so.6, has up to GLIBC_2.36"
std::vector<std::string> missing_needs(const ManifestNeeds& needs, const HostLibraries& host);

// All of these in one sentence for whoever copies it, and what to do about libraries. The first 20
// are named, the others counted. REQUIRES at least one.
std::string explain_missing(const std::vector<std::string>& missing);

}  // namespace dm
