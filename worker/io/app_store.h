// worker/io/app_store.h - the files of a worker below its root directory: versions of apps, the
// instances' working directories, logs. Never spawns, never speaks to anybody.
//
//   apps/APP/VERSION/{bin,lib,files}/NAME, manifest   hard links to blobs
//   work/APP.N/ with tmp/                             an instance's own, kept over its runs
//   logs/APP.N.RUN                                    one per run
//   logs/APP.N.RUN.times, .gone                       what log_keeper.h writes beside it
//   logs/APP.N.dropped                                and what it dropped
//
// Names are checked before they become paths, and no link is followed below the root directory,
// whatever an app may have laid there (common/io/beneath.h). Calls that say so block and are for
// helper threads; threads may share one store.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/io/blob_store.h"
#include "common/manifest.h"

namespace dm::worker {

class AppStore {
 public:
  // `app_groups`: the groups of the users that apps run as, each app's at its place
  // (worker/core/app_place.h); empty where they share the agent's user.
  AppStore(std::string root, std::vector<gid_t> app_groups);
  AppStore(const AppStore&) = delete;
  AppStore& operator=(const AppStore&) = delete;

  // Makes the directories. Errors: system_error's.
  Status prepare();
  // Removes what an earlier remove() could only rename, because files of the apps' user stood in
  // it. Best effort; at the start, while we are still root.
  static void sweep(const std::string& root);

  const std::string& root() const { return root_; }
  const BlobStore& blobs() const { return blobs_; }

  // Keeps blobs from being collected as long as it lives, so that a version can be put together.
  class Pin {
   public:
    Pin(AppStore& store, std::vector<std::string> blobs);
    ~Pin();
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

   private:
    AppStore& store_;
    std::vector<std::string> blobs_;
  };

  // Puts a version together from its blobs, all of which are there and pinned; one that is
  // installed already is a success. Blocks. Errors: bad-arg, not-found for a missing blob,
  // no-space, system_error's.
  Status install(const std::string& app, const std::string& version, const Manifest& manifest);

  // Empties a directory as the app user at that place in `app_groups`, to whom what is in it
  // belongs. Without one such a directory cannot be removed.
  using Clear = std::function<Status(Fd directory, std::size_t app_user)>;
  void use_clearer(Clear clear) { clear_ = std::move(clear); }

  // Removes every version of an app, the working directories and logs of `instances`, and then
  // each blob that no version holds any more. Blocks. Errors: bad-arg; the first that stood in the
  // way of a working directory, with what is left of it; system_error's.
  Status remove(const std::string& app, const std::vector<std::string>& instances);
  // Removes only the working directories and logs of `instances`. Blocks. Errors: as above.
  Status remove_instances(const std::vector<std::string>& instances);

  // Whether make_work_dir() would do nothing, and whether it would have files to copy, which
  // takes its time. Both quick.
  bool has_work_dir(const std::string& instance) const;
  bool has_files(const std::string& app, const std::string& version) const;
  // The instance's working directory: whole, with the version's files copied into it, or absent.
  // Errors: bad-arg, no-space, system_error's.
  Status make_work_dir(const std::string& instance, const std::string& app,
                       const std::string& version);

  // The log of a run, for appending. Quick. Errors: bad-arg, system_error's.
  Result<Fd> open_log(const std::string& instance, std::int64_t run) const;
  // The same, for reading. Errors: not-found if there is none.
  Result<Fd> read_log(const std::string& instance, std::int64_t run) const;

  // The directory of the logs, borrowed.
  int logs_directory() const { return logs_.get(); }

  // Free bytes for the worker's user; nullopt if the kernel does not tell.
  std::optional<std::int64_t> free_bytes() const;

 private:
  Status close_to_others(const Fd& place, const std::string& app) const;
  Status link_files(int place, const std::string& name, const std::string& version,
                    const Manifest& manifest) const;
  // Whom something is shared with: nobody but ourselves if nullopt.
  using Group = std::optional<gid_t>;
  Status make_with_files(int work, const std::string& instance, const std::string& version,
                         Group group) const;
  Status copy_files(const std::string& version, int to, Group group) const;
  static Status share(const Fd& file, const std::string& shown, unsigned mode, Group group);
  Status drop_version_tree(const std::string& app);
  Status drop_instances(const std::vector<std::string>& instances);
  Status drop_work_dir(int work, const std::string& instance) const;
  Status drop_logs(const std::set<std::string>& instances) const;
  void collect();
  // Below the root.
  static std::string version_path(const std::string& app, const std::string& version) {
    return "apps/" + app + "/" + version;
  }
  static std::string work_path(const std::string& instance) { return "work/" + instance; }

  std::string root_;
  std::vector<gid_t> app_groups_;
  Clear clear_;
  BlobStore blobs_;
  Fd top_, logs_;     // the root directory, and the logs' in it
  std::mutex mutex_;  // guards pinned_, and collect() against new pins
  std::multiset<std::string> pinned_;
};

}  // namespace dm::worker
