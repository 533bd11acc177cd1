#include "worker/io/host_facts.h"

#include <limits.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/io/files.h"
#include "common/io/system.h"
#include "common/probe.h"
#include "worker/io/proc.h"

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#ifndef DM_VERSION
#define DM_VERSION "0"
#endif

namespace dm::worker {
namespace {

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// PRETTY_NAME of os-release(5), without its quotes; the kernel's name where there is none.
std::string system_name(const utsname& kernel) {
  const std::string text = read_small_file("/etc/os-release").value_or("");
  constexpr std::string_view kKey = "PRETTY_NAME=";
  const std::size_t at = text.find(kKey);
  if (at == std::string::npos) return std::string(kernel.sysname) + " " + kernel.release;
  std::string name = text.substr(at + kKey.size());
  name.resize(std::min(name.find('\n'), name.size()));
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
    name = name.substr(1, name.size() - 2);
  return name;
}

}  // namespace

HostFacts measure_host() {
  HostFacts facts;
  utsname kernel{};
  ::uname(&kernel);
  facts.os = system_name(kernel);
  facts.arch = arch_from_uname(kernel.machine);
#ifdef __GLIBC__
  facts.glibc = ::gnu_get_libc_version();
#endif
  facts.version = DM_VERSION;
  facts.boot_id = boot_id();
  facts.build = own_build();
  facts.cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  facts.mem_bytes = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * page_size();
  facts.started_mono_ms = read_clock().mono_ms;
  facts.path = kPath;
  return facts;
}

std::string short_host_name() {
  char name[HOST_NAME_MAX + 1] = "";
  ::gethostname(name, sizeof name - 1);
  std::string text(name);
  text.resize(std::min(text.find('.'), text.size()));
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string why_nothing_runs(const std::string& root) {
  for (const std::string& place : {root + "/apps", root}) {
    struct statvfs info {};
    if (::statvfs(place.c_str(), &info) == 0 && (info.f_flag & ST_NOEXEC) != 0)
      return place + " is on a file system that is mounted noexec, so no app can be started";
  }
  return {};
}

}  // namespace dm::worker
