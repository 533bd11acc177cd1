// worker/io/sampler.h - measures the machine and the instances from /proc and the cgroups. Reads
// some files per process: for a helper thread, one at a time. Decides nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "worker/core/effects.h"

namespace dm::worker {

class Sampler {
 public:
  // `root`: whose file system's free space counts.
  explicit Sampler(std::string root) : root_(std::move(root)) {}

  struct Target {
    std::string instance;
    int pid = 0;
    std::uint64_t start = 0;
    std::string cgroup;  // empty: the tree is found through /proc
  };
  // One sample per target, in their order. The first one has no CPU percentage of the machine: it
  // is the difference between two. `supervisor` is the pid that orphans become children of. The
  // children's figures are left 0: the supervisor knows them.
  Sampled take(const std::vector<Target>& targets, int supervisor);

 private:
  HostSample host();
  InstanceSample from_cgroup(const Target& target);
  void from_proc(const std::vector<Target>& targets, int supervisor,
                 std::vector<InstanceSample>& samples) const;

  std::string root_;
  std::uint64_t busy_ = 0, total_ = 0;  // ticks of all processors, at the last sample
  // A cgroup counts the CPU time of all its runs; this is what those before the present one used.
  struct Before {
    int pid = 0;
    std::int64_t user_us = 0, system_us = 0;
  };
  std::map<std::string, Before> before_;
};

}  // namespace dm::worker
