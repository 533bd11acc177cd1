// common/manifest.h: a text is one version or none; nothing in it can become a path.
#include "common/manifest.h"

#include <algorithm>

#include "common/escape.h"
#include "common/names.h"
#include "common/probe.h"
#include "common/sha256.h"
#include "tests/fuzz/target.h"

using namespace dm;

TARGET(manifest) {
  const auto manifest = parse_manifest(input);
  if (!manifest) {
    CHECK(manifest.error().code == Code::kBadArg || manifest.error().code == Code::kTooLong);
    CHECK_EQ(escape_for_terminal(manifest.error().message), manifest.error().message);
    return;
  }
  CHECK_EQ(print_manifest(*manifest), input);
  CHECK(is_app_name(manifest->app));
  CHECK(is_arch_word(manifest->arch));
  REQUIRE(!manifest->files.empty());
  CHECK_EQ(manifest->files.front().name, manifest->exe);
  CHECK(manifest->files.size() <= kMaxManifestFiles && manifest->needs.size() <= kMaxManifestNeeds);
  for (const Manifest::File& file : manifest->files) {
    CHECK(!file.name.empty() && file.name != "." && file.name != "..");
    CHECK(file.name.find_first_of(std::string_view("/\n\0", 3)) == file.name.npos);
    CHECK(is_sha256_hex(file.sha256));
    CHECK(file.size >= 0 && file.mode <= 0777);
  }
  // Equal content in another order is the same version.
  Manifest shuffled = *manifest;
  std::reverse(shuffled.files.begin(), shuffled.files.end());
  std::reverse(shuffled.needs.begin(), shuffled.needs.end());
  CHECK_EQ(print_manifest(shuffled), input);

  // A worker that has nothing lacks something of every need; each sentence can be shown.
  for (const std::string& why : missing_needs(needs_of(*manifest), {manifest->arch, false, {}}))
    CHECK_EQ(escape_for_terminal(why), why);
  const std::string newest = newest_glibc(manifest->needs);
  for (const Manifest::Need& need : manifest->needs) {
    CHECK_EQ(compare_versions(need.version, need.version), 0);
    CHECK_EQ(compare_versions(need.version, newest), -compare_versions(newest, need.version));
  }
}
