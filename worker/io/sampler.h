// worker/io/sampler.h - measures the machine and the instances from /proc and the cgroups. Reads
// some files per process: for a helper thread, one at a time. Decides nothing.
#pragma once

#include <cstdint>
#include <optional>
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
    std::string cgroup;                // empty: the tree is found through /proc
    std::optional<UsedBefore> before;  // from the last sample of this run
  };
  // One sample per target, in their order. The first one has no CPU percentage of the machine: it
  // is the difference between two. `scans`: the trees of those without a cgroup are looked for
  // among all processes, else their main process stands for them. `supervisor` is the pid that
  // orphans become children of. The children's figures are left 0: the supervisor knows them.
  Sampled take(const std::vector<Target>& targets, bool scans, int supervisor);

 private:
  HostSample host();
  static InstanceSample one(const Target& target);
  static void from_proc(const std::vector<Target>& targets, int supervisor,
                        std::vector<InstanceSample>& samples);

  std::string root_;
  std::uint64_t busy_ = 0, total_ = 0;  // ticks of all processors, at the last sample
};

}  // namespace dm::worker
