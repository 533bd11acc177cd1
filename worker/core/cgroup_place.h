// worker/core/cgroup_place.h - where in the cgroup v2 tree a worker may make its own. Pure: it is
// given the texts of /proc and never reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dm::worker {

// The directory of our own cgroup: the v2 mount named in /proc/self/mountinfo (it may be mounted
// below a v1 tree) and the line "0::/PATH" of /proc/self/cgroup (cgroups(7)). nullopt where there
// is no such mount, or where it does not show our place.
std::optional<std::string> own_cgroup(std::string_view mountinfo, std::string_view self_cgroup);

// "dm-" and 8 hex digits: the name below which a root directory's instances have their cgroups.
// The same root has the same name for ever (FNV-1a, 32 bits).
std::string cgroup_base_name(std::string_view root);

}  // namespace dm::worker
