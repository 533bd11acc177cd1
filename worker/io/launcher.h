// worker/io/launcher.h - brings a run to the supervisor: makes the working directory, opens the
// log, sends the SPAWN with it. Keeps the order of what is said about one instance.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/io/jobs.h"
#include "worker/core/effects.h"
#include "worker/core/instance.h"
#include "worker/io/app_store.h"
#include "worker/io/supervisor_link.h"

namespace dm {

class Launcher {
 public:
  // `failed` is called from spawn() or from the loop.
  Launcher(Jobs& jobs, AppStore& store, SupervisorLink& link,
           std::function<void(SpawnFailed)> failed)
      : jobs_(jobs), store_(store), link_(link), failed_(std::move(failed)) {}
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Files that the instance gets at its first start are copied in a helper thread.
  void spawn(const Spawn& order, const InstanceSpec& spec);
  // Any other line to the supervisor; one about an instance whose files are being copied waits.
  void send(const Line& line);

 private:
  void made(const Spawn& order, const Status& outcome);
  void send_spawn(const Spawn& order);

  Jobs& jobs_;
  AppStore& store_;
  SupervisorLink& link_;
  std::function<void(SpawnFailed)> failed_;
  std::map<std::string, std::vector<std::string>> held_;  // instance: lines behind its SPAWN
};

}  // namespace dm
