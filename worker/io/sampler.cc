#include "worker/io/sampler.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/io/system.h"
#include "worker/core/process_owners.h"
#include "worker/io/proc.h"

namespace dm::worker {
namespace {

std::int64_t ticks_to_us(std::uint64_t ticks) {
  static const long per_second = clock_ticks();
  return static_cast<std::int64_t>(ticks) * 1'000'000 / per_second;
}

std::int64_t rss_of(const ProcStat& stat) {
  static const long bytes = page_size();
  return static_cast<std::int64_t>(stat.rss_pages) * bytes;
}

// The number behind "NAME:" in /proc/meminfo, which is in kB.
std::int64_t memory_field(const std::string& text, const char* name) {
  const std::size_t at = text.find(name);
  if (at == std::string::npos) return 0;
  return std::strtoll(text.c_str() + at + std::strlen(name), nullptr, 10) * 1024;
}

// What processes use, together.
struct Used {
  std::int64_t user_us = 0, system_us = 0, rss_bytes = 0;

  void add(const ProcStat& stat) {
    rss_bytes += rss_of(stat);
    user_us += ticks_to_us(stat.utime + stat.cutime);
    system_us += ticks_to_us(stat.stime + stat.cstime);
  }
};

void set_cpu(InstanceSample& sample, std::int64_t user_us, std::int64_t system_us) {
  sample.cpu_user_ms = user_us / 1000;
  sample.cpu_system_ms = system_us / 1000;
}

void set(InstanceSample& sample, const Used& used) {
  sample.rss_bytes = used.rss_bytes;
  set_cpu(sample, used.user_us, used.system_us);
}

// A cgroup counts the time of all its runs: those before the present one are taken off.
void add_cgroup(InstanceSample& sample, const Sampler::Target& target,
                const std::optional<ProcStat>& main) {
  Used used;
  bool is_known = false;
  for (int pid : read_cgroup_procs(target.cgroup)) {
    const auto stat = main && pid == main->pid ? main : read_stat(pid);
    if (!stat) continue;
    used.add(*stat);
    is_known = true;
  }
  if (is_known) set(sample, used);
  const auto counted = read_cgroup_usage(target.cgroup);
  if (!counted) return;
  sample.before = target.before.value_or(
      UsedBefore{std::max<std::int64_t>(counted->user_us - used.user_us, 0),
                 std::max<std::int64_t>(counted->system_us - used.system_us, 0)});
  set_cpu(sample, counted->user_us - sample.before->user_us,
          counted->system_us - sample.before->system_us);
}

}  // namespace

Sampled Sampler::take(const std::vector<Target>& targets, bool scans, int supervisor) {
  const std::int64_t begun = read_clock().mono_ms;
  Sampled sampled;
  sampled.host = host();
  bool has_cgroups = true;
  for (const Target& target : targets) {
    has_cgroups = has_cgroups && !target.cgroup.empty();
    sampled.instances.push_back(one(target));
  }
  if (scans && !has_cgroups) from_proc(targets, supervisor, sampled.instances);
  sampled.took_ms = read_clock().mono_ms - begun;
  return sampled;
}

HostSample Sampler::host() {
  HostSample sample;
  const std::string stat = read_small_file("/proc/stat").value_or("");
  std::array<unsigned long long, 8> t{};  // user nice system idle iowait irq softirq steal
  if (std::sscanf(stat.c_str(), "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2],
                  &t[3], &t[4], &t[5], &t[6], &t[7]) >= 4) {
    std::uint64_t total = 0;
    for (auto ticks : t) total += ticks;
    const std::uint64_t busy = total - t[3] - t[4];
    // Idle time may run backwards by a tick (proc(5)), and the first sample has no other.
    if (total_ > 0 && total > total_ && busy >= busy_)
      sample.cpu_percent = std::min(
          100.0, 100.0 * static_cast<double>(busy - busy_) / static_cast<double>(total - total_));
    total_ = total;
    busy_ = busy;
  }
  const std::string memory = read_small_file("/proc/meminfo").value_or("");
  sample.mem_total_bytes = memory_field(memory, "MemTotal:");
  sample.mem_used_bytes = sample.mem_total_bytes - memory_field(memory, "MemAvailable:");
  sample.load1 = std::strtod(read_small_file("/proc/loadavg").value_or("").c_str(), nullptr);
  struct statvfs disk {};
  if (::statvfs(root_.c_str(), &disk) == 0) {
    const auto block = static_cast<std::int64_t>(disk.f_frsize);
    sample.disk_free_bytes = static_cast<std::int64_t>(disk.f_bavail) * block;
    sample.disk_total_bytes = static_cast<std::int64_t>(disk.f_blocks) * block;
  }
  return sample;
}

InstanceSample Sampler::one(const Target& target) {
  InstanceSample sample;
  sample.instance = target.instance;
  sample.pid = target.pid;
  auto main = read_stat(target.pid);
  if (main && main->start != target.start) main.reset();
  if (main) sample.kernel_state = main->state;
  if (!target.cgroup.empty()) {
    add_cgroup(sample, target, main);
  } else if (main) {
    Used used;
    used.add(*main);
    set(sample, used);
  }
  return sample;
}

void Sampler::from_proc(const std::vector<Target>& targets, int supervisor,
                        std::vector<InstanceSample>& samples) {
  const std::vector<ProcStat> processes = all_processes();
  std::vector<RunRoot> roots;
  for (const Target& target : targets) roots.push_back({target.instance, target.pid, target.start});
  const auto owners = owners_of(processes, roots, supervisor, [](const ProcStat& process) {
    const auto mark = read_environ_mark(process.pid);
    return mark ? mark->instance : std::string();
  });
  std::vector<std::optional<Used>> used(targets.size());
  for (std::size_t i = 0; i < processes.size(); ++i) {
    if (!owners[i] || !targets[*owners[i]].cgroup.empty()) continue;
    if (!used[*owners[i]]) used[*owners[i]].emplace();
    used[*owners[i]]->add(processes[i]);
  }
  for (std::size_t i = 0; i < targets.size(); ++i)
    if (used[i]) set(samples[i], *used[i]);
}

}  // namespace dm::worker
