// master/core/change_commands.h - the commands that change what is wanted of apps and instances:
// they check their arguments, record what is wanted, and wait.
#pragma once

#include <optional>
#include <string>

#include "master/core/slices.h"
#include "master/core/stops.h"

namespace dm::master {

class ChangeCommands {
 public:
  // What the commands act on; all of it outlives them.
  struct Parts {
    const ClusterOptions& options;
    Recorder& recorder;
    Requests& requests;
    Catalog& catalog;
    Transfers& transfers;
    Launches& launches;
    Stops& stops;
    Deletes& deletes;
    Slices& slices;
    Roster& roster;
    Reports& reports;
    const Lookup& lookup;
    const Facts& facts;
  };
  explicit ChangeCommands(const Parts& parts);

  void copy(Request& request, const Command& command, Now now);
  void launch(Request& request, const Command& command, Now now);
  void start(Request& request, Now now);
  void remove(Request& request, Now now);  // delete

 private:
  std::optional<Error> check_file_name(const Request& request, const PackageInfo& package,
                                       const std::string& app) const;
  Error no_app_to_launch(const std::string& app) const;
  Result<std::vector<std::string>> instances_to_start(const std::vector<std::string>& words,
                                                      Now now) const;
  Status register_version(const PackageInfo& package, const std::string& app, Now now);
  std::optional<Error> check_singleton(const Request& request, const std::string& app,
                                       Now now) const;
  Result<const WorkerView*> choose_worker(const Request& request, const std::string& app, Now now);
  void launch_one(const Request& asked, const std::string& app, Now now);
  void create_instance(const Request& request, const std::string& name, const std::string& app,
                       const std::string& worker, Now now);

  const ClusterOptions& options_;
  Recorder& recorder_;
  Requests& requests_;
  Catalog& catalog_;
  Transfers& transfers_;
  Launches& launches_;
  Stops& stops_;
  Deletes& deletes_;
  Slices& slices_;
  Roster& roster_;
  Reports& reports_;
  const Lookup& lookup_;
  const Facts& facts_;
  const State& state_;
};

}  // namespace dm::master
