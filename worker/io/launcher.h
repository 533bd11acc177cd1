// worker/io/launcher.h - brings a run to the supervisor: makes the working directory, opens the
// log, sends the SPAWN with it. Keeps the order of what is said about one instance.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/io/jobs.h"
#include "worker/core/effects.h"
#include "worker/core/instance.h"
#include "worker/io/app_store.h"
#include "worker/io/supervisor_link.h"

namespace dm::worker {

class Launcher {
 public:
  // `copies`: for the files of an instance, which may take minutes. `failed` is called from the
  // loop, perhaps from within spawn().
  Launcher(Loop& loop, Jobs& copies, AppStore& store, SupervisorLink& link,
           std::function<void(SpawnFailed)> failed)
      : loop_(loop),
        copies_(copies),
        starts_(loop, 1),
        store_(store),
        link_(link),
        failed_(std::move(failed)) {}
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Directories and files are made in helper threads, but for a few restarts at a time.
  void spawn(const Spawn& order, const InstanceSpec& spec);
  // Any other line to the supervisor; one about an instance whose SPAWN is being prepared waits.
  void send(const Line& line);

 private:
  // What a SPAWN needs: the log, or why there is none.
  struct Prepared {
    Spawn order;
    std::optional<Error> error;
    Fd log;
  };
  struct Start {
    Spawn order;
    std::string app, version;
    bool has_work_dir;
  };
  using Batch = std::vector<Prepared>;

  void prepare_waiting();
  Task prepare_all(const std::vector<Start>& starts);
  Prepared prepare(const Start& start) const;
  void send_all(Batch& batch);
  bool send_spawn(Prepared& prepared);

  Loop& loop_;
  Jobs& copies_;
  Jobs starts_;
  AppStore& store_;
  SupervisorLink& link_;
  std::function<void(SpawnFailed)> failed_;
  std::deque<Start> waiting_;  // for the one helper thread
  bool preparing_ = false;
  int at_once_ = 0;                                       // restarts of this round of the loop
  std::map<std::string, std::vector<std::string>> held_;  // instance: lines behind its SPAWN
};

}  // namespace dm::worker
