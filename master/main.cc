// dm-master: the daemon and its shell.
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/notify.h"
#include "master/io/dev.h"
#include "master/io/inspect.h"
#include "master/io/server.h"
#include "master/io/shell_child.h"

namespace {

using namespace dm;
using namespace dm::master;

constexpr int kSystemError = 111;
constexpr int kHungUp = 129;  // of the shell: its terminal is gone

int complain(const Error& error) {
  ::fprintf(stderr, "dm-master: %s\n", escape_for_terminal(error.message).c_str());
  return kSystemError;
}

// Of connections there may be thousands; the usual limit is a thousand descriptors, and may be
// raised.
void raise_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Status attach_shell(Server& server, ShellChild& shell) {
  Endpoint control;
  control.path = server.control_path();
  if (!control.is_unix())
    return fail(Code::kBadArg, "the shell needs a Unix control socket; add --no-shell");
  return shell.start(control);
}

// A script and `quit` end the master; a shell that dies otherwise, as by a hangup of the terminal,
// leaves it running, except one that was only tried out.
void shell_ended(Server& server, const ShellChild& shell, int status, bool is_trial) {
  if (!shell.is_interactive() || status == 0 || (is_trial && status == kHungUp))
    return server.stop(status);
  shell.retake_terminal();
  ::fprintf(stderr, "dm-master: the shell ended (status %d); the master goes on\n", status);
}

// What whoever started a daemon expects of it: to end when told, to tell that it is ready.
void serve_system(Server& server, const Notify& notify) {
  for (int signal : {SIGTERM, SIGINT})
    server.loop().on_signal(signal, [&] {
      notify.send("STOPPING=1");
      server.stop(0);
    });
  server.loop().on_signal(SIGHUP, [&] { server.reload_keys(); });
  notify.send("READY=1");
  notify.feed_watchdog(server.loop());
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_files();
  Options options;
  if (const auto leave = read_options(argc, argv, options)) {
    ::fputs(leave->out.c_str(), stdout);
    ::fputs(leave->error.c_str(), stderr);
    return leave->status;
  }
  if (!options.check.empty()) return check_state(options.check);
  if (!options.repair.empty()) return repair_state(options.repair);
  ::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow (RLIMIT_FSIZE) is an error of that write, to be told of.
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGTTOU, SIG_IGN);
  raise_open_files();
  const Notify notify;
  std::optional<DevCluster> dev;
  if (options.dev_workers > 0) {
    auto made = DevCluster::make();
    if (!made) return complain(made.error());
    dev = std::move(*made);
    options.state = dev->directory() + "/master";
    options.secret_files = {dev->secret_file()};
  }
  ShellChild shell;
  int status = 0;
  {
    Server server(options);
    if (auto opened = server.open(); !opened) {
      if (dev) dev->end();
      return complain(opened.error());
    }
    serve_system(server, notify);
    server.loop().on_signal(SIGCHLD, [&] {
      if (const auto ended = shell.take_status())
        shell_ended(server, shell, *ended, dev.has_value());
    });
    if (dev)
      if (auto started = dev->start(options.dev_workers, server.port()); !started)
        return complain(started.error());
    const auto attach = [&] {
      if (auto attached = attach_shell(server, shell); !attached)
        server.stop(complain(attached.error()));
    };
    // A script's first line may be a launch: the workers of --dev are given time to connect.
    if (options.shell) server.when_up(options.dev_workers, attach);
    status = server.run();
    shell.end();
  }
  if (dev) dev->end();
  shell.retake_terminal();
  return status;
}
