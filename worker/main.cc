// dm-worker: reads its options, takes its root directory, drops its privileges, runs the agent.
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/check.h"
#include "common/io/files.h"
#include "common/io/key_file.h"
#include "common/io/secrecy.h"
#include "common/io/system.h"
#include "worker/io/host_facts.h"
#include "worker/io/identity.h"
#include "worker/io/init.h"
#include "worker/io/inspect.h"
#include "worker/io/machine.h"
#include "worker/io/options.h"
#include "worker/io/privileges.h"
#include "worker/io/proc.h"
#include "worker/io/runtime.h"
#include "worker/io/say.h"
#include "worker/io/stop_apps.h"
#include "worker/supervisor/supervisor.h"

#ifndef DM_VERSION
#define DM_VERSION "0"
#endif

namespace dm {

using namespace worker;
using namespace supervisor;

namespace {

constexpr int kUsageError = 100;
constexpr int kSystemError = 111;

int give_up(const Error& error) {
  say(error.message);
  return kSystemError;
}

int supervise(const Options& options) {
  if (options.rehearse) return rehearse_supervisor(options.state_fd);
  SupervisorOptions how;
  how.root = options.root;
  how.app_users = options.app_users;
  how.tether_fd = options.tether_fd;
  how.ready_fd = options.ready_fd;
  how.agent_uid = options.agent_uid;
  how.use_cgroups = options.use_cgroups;
  how.state_fd = options.state_fd;
  // Nothing brings its children back.
  set_on_broken_check(OnBrokenCheck::kGoOn);
  return run_supervisor(how);
}

int stop_all(const Options& options) {
  const auto stopped = stop_apps(options.root);
  if (!stopped) return give_up(stopped.error());
  if (!stopped->has_run) {
    say("nothing runs in " + options.root);
    return 0;
  }
  std::string words = "every app of " + options.root + " has ended";
  if (const auto count = static_cast<std::int64_t>(stopped->orphans.size()); count > 0)
    words = "the apps of " + options.root + " have ended; not ended, as nobody knows whose: " +
            name_survivors(stopped->orphans, count);
  say(words);
  return 0;
}

int take_new_identity(const Options& options) {
  const auto aside = make_new_identity(options.root);
  if (!aside) return give_up(aside.error());
  say(options.root + " is a new worker now, without apps; what was known there is in " +
      options.root + "/" + *aside);
  return 0;
}

// Who we and the apps are to be; both empty if everything stays as it is.
struct Users {
  std::optional<Account> agent;
  std::vector<Account> apps;
};

Result<Users> choose_users(const Options& options) {
  if (::geteuid() != 0) {
    if (options.user_given) say("--user and --app-user have no effect: we are not root");
    return Users{};
  }
  std::vector<std::string> names = options.app_users;
  if (names.empty()) names.push_back("dm-app");
  Users users{find_account(options.user), {}};
  std::string missing = users.agent ? "" : options.user;
  for (const std::string& name : names) {
    const auto account = find_account(name);
    if (account) users.apps.push_back(*account);
    if (!account && missing.empty()) missing = name;
  }
  if (missing.empty()) return users;
  if (options.user_given) return fail(Code::kBadArg, "no user '" + missing + "' to run as");
  say("no user '" + missing + "': everything runs as root");
  return Users{};
}

// The limit that we were started with.
rlimit raise_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return limit;
}

// Whom the apps and the agent become must be able to reach the directory.
Status check_ways(const Options& options, const Users& users) {
  std::vector<Account> accounts = users.apps;
  if (users.agent) accounts.push_back(*users.agent);
  for (const Account& account : accounts)
    if (const auto closed = closed_directory(options.root, account))
      return fail(Code::kDenied, *closed + " is closed to user " + account.name +
                                     ", who is to work in " + options.root +
                                     ": choose another --root, or 'chmod o+x " + *closed + "'");
  return {};
}

// As root: leaves the directory to the agent's user before the supervisor makes its socket there.
Status prepare_as_root(const Options& options, const Users& users) {
  if (::geteuid() == 0) AppStore::sweep(options.root);
  const Status given = users.agent ? give_directory(options.root, *users.agent) : Status();
  return given ? check_ways(options, users) : given;
}

std::int64_t living(const Agent& agent) {
  return std::count_if(agent.instances().begin(), agent.instances().end(), [](const auto& entry) {
    return entry.second.state != RunState::kDown && entry.second.state != RunState::kBackoff;
  });
}

void watch_tether(Loop& loop, int fd) {
  loop.watch(fd, true, false, [&loop, fd](Ready) {
    char bytes[64];
    if (retry([&] { return ::read(fd, bytes, sizeof bytes); }) != 0) return;
    loop.unwatch(fd);
    loop.stop(0);  // the supervisor holds the same tether and ends the apps
  });
}

// Not where the system refused: the journal is not to blame for that.
Error with_way_out(Error error, const std::string& root) {
  error.message += "; nothing was changed";
  if (error.code == Code::kInternal || error.code == Code::kBadArg)
    error.message += ", see 'dm-worker --check " + root + "'";
  return error;
}

// Before anything is made there: somebody else's directory, or ours without its memory.
Status check_directory(const std::string& root) {
  const auto journal = JournalFile::look(root, "worker");
  if (!journal) return with_way_out(journal.error(), root);
  const bool is_blank = *journal == JournalFile::Beginning::kBlank;
  if (const auto lost = is_blank ? lost_memory(root) : std::nullopt) return *lost;
  return {};
}

// The worker's own key; nullopt with --insecure. A worker that held the master's secret could be
// anybody: that is refused.
Result<std::optional<AccessKey>> read_key(const Options& options) {
  if (options.key_file.empty()) return std::optional<AccessKey>();
  const auto key = read_key_file(options.key_file);
  if (!key) return key.error();
  if (key->kind == KeyKind::kSecret)
    return fail(Code::kDenied, options.key_file +
                                   " is the master's secret, which no worker may "
                                   "have; make a key by 'dm keygen --worker " +
                                   options.name + "'");
  if (key->kind != KeyKind::kWorker || key->name != options.name)
    return fail(Code::kDenied,
                options.key_file + " is not the key of a worker named " + options.name);
  return std::optional<AccessKey>(*key);
}

// On SIGHUP. The agent may have become a user who cannot read the file any more.
void read_key_again(const Options& options, Runtime& runtime) {
  const auto key = read_key(options);
  if (!key) return say(key.error().message + "; the key in use stays, a restart reads the new one");
  if (!*key) return;
  say("the key has been read again");
  runtime.use_key(**key);
}

int run(const Options& options, const BulkTarget& target, SupervisorStart supervisor, Fd link,
        AppStore& store, const Notify& notify) {
  HostFacts facts = measure_host();
  facts.name = options.name;
  facts.id = target.id;
  facts.root = options.root;
  facts.labels = options.labels;
  facts.join = options.join;
  facts.disk_floor_percent = options.disk_floor_percent;
  facts.app_users = supervisor.app_users;
  facts.cannot_run = why_nothing_runs(options.root);
  if (!facts.cannot_run.empty()) say(facts.cannot_run + "; the master is told to go elsewhere");
  if (!facts.app_users.empty() && !read_stat(1))
    say("/proc hides the processes of other users (hidepid): states and memory of apps are "
        "unknown");
  const auto seed = static_cast<std::uint64_t>(read_clock().wall_ms);
  Agent agent(std::move(facts), seed ^ std::hash<std::string>{}(target.id));
  std::string notice;
  auto journal = JournalFile::open(
      options.root, "worker",
      [&](const Line& record, std::int64_t) { return agent.replay(record); }, &notice);
  if (!journal) return give_up(with_way_out(journal.error(), options.root));
  if (!notice.empty()) say(notice);

  Loop loop;
  Runtime runtime(
      {loop, agent, *journal, store, notify, {options.logs_total, options.disk_floor_percent}},
      target, std::move(supervisor));
  for (int signal : {SIGTERM, SIGINT})
    loop.on_signal(signal, [&] {
      const std::int64_t apps = living(agent);
      if (runtime.leave(machine_stays_up()))
        say("leaving; " + std::to_string(apps) + (apps == 1 ? " app goes on" : " apps go on"));
    });
  loop.on_signal(SIGHUP, [&] { read_key_again(options, runtime); });
  if (options.tether_fd >= 0) watch_tether(loop, options.tether_fd);
  runtime.start(std::move(link));
  const int status = loop.run();
  // Helper threads may still be at work with what stands on this stack; none of it needs an end.
  ::_exit(status);
}

int run_agent(const Options& options) {
  ::umask(022);
  ::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow (RLIMIT_FSIZE) is an error of that write, to be told of.
  ::signal(SIGXFSZ, SIG_IGN);
  const Notify notify;
  const auto users = choose_users(options);
  if (!users) {
    say(users.error().message);
    return kUsageError;
  }
  // Read as who we are now; the file need not be readable for whom we become.
  const auto key = read_key(options);
  if (!key) return give_up(key.error());
  if (!*key) say("--insecure: no key; whoever listens at " + options.master.print() + " is obeyed");
  if (auto made = make_directories(options.root); !made) return give_up(made.error());
  const auto lock = lock_directory(options.root);
  if (!lock) return give_up(lock.error());
  if (auto ours = check_directory(options.root); !ours) return give_up(ours.error());
  if (auto prepared = prepare_as_root(options, *users); !prepared) return give_up(prepared.error());

  SupervisorStart supervisor;
  supervisor.root = options.root;
  std::vector<gid_t> app_groups;
  for (const Account& account : users->apps) {
    supervisor.app_users.push_back(account.name);
    app_groups.push_back(account.gid);
  }
  supervisor.agent_uid = users->agent ? users->agent->uid : ::geteuid();
  supervisor.tether_fd = options.tether_fd;
  supervisor.open_files = raise_open_files();
  supervisor.use_cgroups = options.use_cgroups;
  auto link = connect_supervisor(supervisor);
  if (!link) return give_up(link.error());
  if (users->agent) {
    if (auto dropped = become(*users->agent, users->apps); !dropped)
      return give_up(dropped.error());
    keep_memory_private();  // the key was read before the change of user
    supervisor.may_start = false;
  }

  const auto identity = read_or_make_identity(options.root);
  if (!identity) return give_up(identity.error());
  AppStore store(options.root, app_groups);
  if (auto prepared = store.prepare(); !prepared) return give_up(prepared.error());
  return run(options, {options.master, options.name, identity->id, *key, identity->secret},
             std::move(supervisor), std::move(*link), store, notify);
}

int main_of(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (!options) {
    say(options.error().message + "; try 'dm-worker --help'");
    return kUsageError;
  }
  switch (options->mode) {
    case Options::Mode::kHelp: ::printf("%s", help_text().c_str()); return 0;
    case Options::Mode::kVersion: ::printf("dm-worker %s\n", DM_VERSION); return 0;
    case Options::Mode::kNewIdentity: return take_new_identity(*options);
    case Options::Mode::kSupervise: return supervise(*options);
    case Options::Mode::kStopApps: return stop_all(*options);
    case Options::Mode::kCheck: return check_root(options->root);
    case Options::Mode::kRepair: return repair_root(options->root);
    case Options::Mode::kAgent:
      if (is_init()) return run_as_init(options->root, [&] { return run_agent(*options); });
      return run_agent(*options);
  }
  return kUsageError;
}

}  // namespace
}  // namespace dm

int main(int argc, char** argv) {
  dm::fill_standard_files();
  return dm::main_of(argc, argv);
}
