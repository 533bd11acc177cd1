#include "worker/core/cgroup_place.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::worker;

namespace {

std::string place(std::string_view mountinfo, std::string_view self) {
  return own_cgroup(mountinfo, self).value_or("none");
}

constexpr char kHybrid[] =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:3 - cgroup2 cgroup2 rw\n";
constexpr char kUnified[] = "29 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";

}  // namespace

TEST(cgroup_place_finds_v2_below_v1) {
  CHECK_EQ(place(kHybrid, "9:name=systemd:/x\n0::/\n"), "/sys/fs/cgroup/unified");
  CHECK_EQ(place(kUnified, "0::/system.slice/dm.service\n"),
           "/sys/fs/cgroup/system.slice/dm.service");
}

TEST(cgroup_place_is_none_without_v2) {
  CHECK_EQ(place("32 31 0:29 / /c rw - cgroup cgroup rw,cpu\n", "0::/\n"), "none");
  CHECK_EQ(place(kUnified, "3:cpu:/\n"), "none");
  CHECK_EQ(place("", ""), "none");
}

TEST(cgroup_place_is_none_where_our_place_is_not_shown) {
  CHECK_EQ(place(kUnified, "0::/gone (deleted)\n"), "none");
  CHECK_EQ(place(kUnified, "0::/../outside\n"), "none");
  const char bound[] = "29 23 0:26 /a/b /cg rw - cgroup2 cgroup2 rw\n";
  CHECK_EQ(place(bound, "0::/a/b/c\n"), "/cg/c");
  CHECK_EQ(place(bound, "0::/a/b\n"), "/cg");
  CHECK_EQ(place(bound, "0::/a/bc\n"), "none");
  CHECK_EQ(place(bound, "0::/x\n"), "none");
}

TEST(cgroup_place_reads_escaped_paths) {
  CHECK_EQ(place("29 23 0:26 / /mnt/a\\040b\\134 rw - cgroup2 none rw\n", "0::/\n"), "/mnt/a b\\");
}

TEST(cgroup_place_names_a_root_for_ever) {
  CHECK_EQ(cgroup_base_name(""), "dm-811c9dc5");  // the offset of FNV-1a itself
  CHECK_EQ(cgroup_base_name("a"), "dm-e40c292c");
  CHECK_EQ(cgroup_base_name("foobar"), "dm-bf9cf968");
}
