// worker/io/init.h - a worker that is the first process of a container: nobody else there reaps
// orphans, and with its end every process of the container is killed. Decides nothing about apps.
#pragma once

#include <functional>
#include <string>

namespace dm::worker {

// True for the first process of a PID namespace.
bool is_init();

// Runs `agent` in a child process and returns its exit status, or 128 and a signal's number.
// Meanwhile reaps everybody, and passes SIGHUP on. At SIGTERM and SIGINT it has every app of the
// root directory stopped in order, as `dm-worker --stop-apps` does, and then ends the agent.
int run_as_init(const std::string& root, const std::function<int()>& agent);

}  // namespace dm::worker
