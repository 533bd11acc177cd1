// master/core/catalog.h - the manifests of the versions that the state names. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/manifest.h"
#include "master/state/state.h"

namespace dm::master {

class Catalog {
 public:
  void add(const std::string& version, Manifest manifest) {
    manifests_[version] = std::move(manifest);
  }
  // nullptr if it is not known, or could not be read.
  const Manifest* find(const std::string& version) const {
    const auto found = manifests_.find(version);
    return found == manifests_.end() ? nullptr : &found->second;
  }
  // Drops what no version of the state names.
  void drop_unused(const State& state) {
    std::erase_if(manifests_,
                  [&](const auto& entry) { return !state.versions.contains(entry.first); });
  }
  // Every blob that some version needs.
  std::set<std::string> referenced_blobs(const State& state) const {
    std::set<std::string> blobs;
    for (const auto& [version, known] : state.versions) {
      blobs.insert(version);
      const Manifest* manifest = find(version);
      if (manifest == nullptr) continue;
      for (const Manifest::File& file : manifest->files) blobs.insert(file.sha256);
    }
    return blobs;
  }

 private:
  std::map<std::string, Manifest> manifests_;  // by version
};

}  // namespace dm::master
