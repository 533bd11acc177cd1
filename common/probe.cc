#include "common/probe.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/escape.h"

namespace dm {
namespace {

constexpr std::string_view kNotInPath = ", which is not in the library path";
constexpr std::size_t kMostNamed = 20;

constexpr std::string_view kGlibcPrefix = "GLIBC_";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Cuts the digits off the front, without leading zeros: then the longer number is the larger.
std::string_view take_number(std::string_view& text) {
  const auto digits = static_cast<std::size_t>(
      std::find_if_not(text.begin(), text.end(), &is_digit) - text.begin());
  std::string_view number = text.substr(0, digits);
  text.remove_prefix(digits);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

int sign(bool less) {
  return less ? -1 : 1;
}

// What stands before the number: versions of one family can be compared.
std::string_view family(std::string_view version) {
  return version.substr(0, version.find_first_of("0123456789"));
}

const HostLibraries::Library* find(const HostLibraries& host, std::string_view name) {
  for (const auto& library : host.libraries)
    if (library.name == name) return &library;
  return nullptr;
}

// The newest version of a family that the library has; empty if none.
std::string_view newest(const HostLibraries::Library& library, std::string_view of_family) {
  std::string_view best;
  for (const std::string& version : library.versions)
    if (family(version) == of_family && (best.empty() || compare_versions(best, version) < 0))
      best = version;
  return best;
}

bool has_version(const HostLibraries::Library& library, std::string_view version) {
  // As ld.so has it: a library without any version definitions will do for all of them.
  return version.empty() || library.versions.empty() ||
         std::find(library.versions.begin(), library.versions.end(), version) !=
             library.versions.end();
}

std::string version_sentence(const HostLibraries::Library& library, std::string_view version) {
  const std::string_view best = newest(library, family(version));
  const std::string start =
      "needs " + escape_for_terminal(version) + " of " + escape_for_terminal(library.name);
  if (best.empty() || compare_versions(best, version) > 0) return start + ", which lacks it";
  return start + ", has up to " + escape_for_terminal(best);
}

std::vector<std::string> missing_libraries(const ManifestNeeds& needs, const HostLibraries& host) {
  std::vector<std::string> sentences;
  std::map<std::string_view, bool> told;  // by library
  // By library and family, the newest version that is missing.
  std::map<std::pair<std::string_view, std::string_view>, std::string_view> versions;
  for (const Manifest::Need& need : needs.needs) {
    const auto* library = find(host, need.library);
    if (!library) {
      if (std::exchange(told[need.library], true)) continue;
      sentences.push_back(
          "needs " + escape_for_terminal(need.library) +
          (need.library.starts_with('/') ? ", which is not there" : std::string(kNotInPath)));
    } else if (!has_version(*library, need.version)) {
      auto& version = versions[{need.library, family(need.version)}];
      if (version.empty() || compare_versions(version, need.version) < 0) version = need.version;
    }
  }
  for (const auto& [key, version] : versions)
    sentences.push_back(version_sentence(*find(host, key.first), version));
  return sentences;
}

}  // namespace

ManifestNeeds needs_of(const Manifest& manifest) {
  return {manifest.arch, manifest.interpreter, manifest.needs};
}

std::string arch_from_uname(std::string_view machine) {
  if (machine.size() == 4 && machine[0] == 'i' && machine.ends_with("86")) return "i386";
  // A 64-bit ARM processor that runs a 32-bit system calls itself armv8l.
  if (machine.starts_with("arm") && !machine.starts_with("arm64")) return "arm";
  return std::string(machine);
}

bool runs_on(std::string_view program_arch, std::string_view host_arch) {
  return program_arch == "any" || program_arch == host_arch ||
         (program_arch == "i386" && host_arch == "x86_64");
}

int compare_versions(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view x = take_number(a), y = take_number(b);
      if (x.size() != y.size()) return sign(x.size() < y.size());
      if (x != y) return sign(x < y);
    } else if (a[0] != b[0]) {
      return sign(a[0] < b[0]);
    } else {
      a.remove_prefix(1), b.remove_prefix(1);
    }
  }
  return a.empty() && b.empty() ? 0 : sign(a.empty());
}

std::string newest_glibc(const std::vector<Manifest::Need>& needs) {
  std::string_view best;
  for (const Manifest::Need& need : needs) {
    const std::string_view version = need.version;
    const bool numbered = version.starts_with(kGlibcPrefix) &&
                          version.size() > kGlibcPrefix.size() &&
                          version.find_first_not_of("0123456789.", kGlibcPrefix.size()) ==
                              version.npos;  // GLIBC_PRIVATE, GLIBC_ABI_DT_RELR are no numbers
    if (numbered && (best.empty() || compare_versions(best, version) < 0)) best = version;
  }
  return std::string(best.empty() ? best : best.substr(kGlibcPrefix.size()));
}

std::vector<std::string> missing_needs(const ManifestNeeds& needs, const HostLibraries& host) {
  if (!runs_on(needs.arch, host.arch))
    return {"built for " + escape_for_terminal(needs.arch) + ", this worker is " +
            escape_for_terminal(host.arch)};
  std::vector<std::string> sentences;
  if (!needs.interpreter.empty() && !host.has_interpreter)
    sentences.push_back("needs the interpreter " + escape_for_terminal(needs.interpreter) +
                        ", which this worker lacks");
  for (std::string& sentence : missing_libraries(needs, host))
    sentences.push_back(std::move(sentence));
  return sentences;
}

std::string explain_missing(const std::vector<std::string>& missing) {
  std::string text;
  bool lacks_library = false;
  for (std::size_t i = 0; i < missing.size() && i < kMostNamed; ++i) {
    text += (i == 0 ? "" : "; ") + missing[i];
    lacks_library = lacks_library || missing[i].ends_with(kNotInPath);
  }
  if (missing.size() > kMostNamed)
    text += "; and " + std::to_string(missing.size() - kMostNamed) + " more";
  return text + (lacks_library ? "; --lib FILE takes a library along" : "");
}

}  // namespace dm
