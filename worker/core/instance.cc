#include "worker/core/instance.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/names.h"
#include "common/sha256.h"
#include "common/units.h"

namespace dm::worker {
namespace {

constexpr int kSigkill = 9;

struct PolicyRow {
  RestartPolicy policy;
  std::string_view word;
};
constexpr PolicyRow kPolicies[] = {{RestartPolicy::kNo, "no"},
                                   {RestartPolicy::kOnFailure, "on-failure"},
                                   {RestartPolicy::kAlways, "always"}};

struct KernelStateRow {
  char letter;
  std::string_view word;
};
// The states of proc(5) in the words of SPEC 6.
constexpr KernelStateRow kKernelStates[] = {
    {'R', "running"}, {'S', "sleeping"}, {'I', "sleeping"}, {'D', "disk-wait"}, {'T', "stopped"},
    {'t', "stopped"}, {'Z', "zombie"},   {'X', "zombie"},   {'x', "zombie"}};

constexpr std::int64_t kUnknownLogMost = std::int64_t{1} << 40;
constexpr std::string_view kExecFailed = "exec failed: ";

std::string decimal(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

Line end_line(const Instance& instance, std::int64_t ended_ms) {
  Line line("EXITED");
  line.add("instance", instance.spec.name).add("run", instance.run);
  if (instance.pid > 0) line.add("pid", instance.pid);
  if (instance.started_ms > 0) line.add("started_ms", instance.started_ms);
  line.add("ended_ms", ended_ms);
  return line;
}

}  // namespace

std::string_view boot_of(std::string_view supervisor) {
  return supervisor.substr(0, supervisor.find('/'));
}

std::string_view word(RestartPolicy policy) {
  for (const PolicyRow& row : kPolicies)
    if (row.policy == policy) return row.word;
  return "no";
}

std::optional<RestartPolicy> restart_policy_from(std::string_view word) {
  for (const PolicyRow& row : kPolicies)
    if (row.word == word) return row.policy;
  return std::nullopt;
}

Line print_spec(std::string_view verb, const InstanceSpec& spec) {
  Line line(verb);
  line.add("instance", spec.name).add("app", spec.app);
  if (spec.is_known()) line.add("manifest", spec.manifest);
  line.add("restart", word(spec.restart));
  if (spec.log_max_bytes != kDefaultLogMost) line.add("log_max_bytes", spec.log_max_bytes);
  if (spec.lease_ms > 0) line.add("lease_ms", spec.lease_ms);
  for (const std::string& arg : spec.args) line.add("arg", arg);
  for (const std::string& env : spec.env) line.add("env", env);
  return line;
}

Result<InstanceSpec> parse_spec(const Line& line) {
  InstanceSpec spec;
  spec.name = line.text("instance");
  spec.app = line.text("app");
  spec.manifest = line.text("manifest");
  const auto name = parse_instance_name(spec.name);
  if (!name || name->app != spec.app || !is_app_name(spec.app))
    return fail(Code::kBadArg, "instance= and app= must be APP.N and APP");
  const bool may_lack = line.verb() == "INSTANCE" && !line.has("manifest");
  if (!may_lack && !is_sha256_hex(spec.manifest))
    return fail(Code::kBadArg, "manifest= must be a SHA-256");
  const auto policy = restart_policy_from(line.text("restart", "no"));
  if (!policy) return fail(Code::kBadArg, "restart= must be no, on-failure or always");
  spec.restart = *policy;
  spec.log_max_bytes = line.number_or("log_max_bytes", kDefaultLogMost);
  spec.lease_ms = std::clamp<std::int64_t>(line.number_or("lease_ms", 0), 0, kMaxDurationMs);
  if (spec.log_max_bytes < kLeastLogMost)
    return fail(Code::kBadArg, "log_max_bytes= must be at least " + std::to_string(kLeastLogMost));
  spec.args = line.all("arg");
  spec.env = line.all("env");
  for (const std::string& env : spec.env)
    if (env.find('=') == std::string::npos || env.front() == '=')
      return fail(Code::kBadArg, "env= must be NAME=VALUE");
  return spec;
}

Result<InstanceSpec> unknown_spec(std::string_view name) {
  const auto parsed = parse_instance_name(name);
  const std::string app = parsed ? parsed->app : "";
  return parse_spec(
      Line("INSTANCE").add("instance", name).add("app", app).add("log_max_bytes", kUnknownLogMost));
}

std::string_view state_word(const Instance& instance) {
  if (instance.state != RunState::kUp) {
    const bool is_new = instance.state == RunState::kDown && instance.run == 0 && instance.wanted;
    return is_new ? "starting" : word(instance.state);
  }
  for (const KernelStateRow& row : kKernelStates)
    if (row.letter == instance.usage.kernel_state) return row.word;
  return word(instance.state);
}

Line report(const Instance& instance, bool full) {
  Line line = full ? print_spec("INSTANCE", instance.spec) : Line("INSTANCE");
  if (!full) line.add("instance", instance.spec.name);
  line.add("desired", instance.wanted ? "running" : "stopped");
  line.add("state", state_word(instance)).add("run", instance.run);
  line.add("restarts", instance.restarts);
  if (is_alive(instance) && instance.pid > 0) {
    line.add("pid", instance.pid).add("started_ms", instance.started_ms);
    if (instance.cpu_percent) line.add("cpu_percent", decimal(*instance.cpu_percent));
    add_usage(line, instance);
  }
  if (instance.state == RunState::kBackoff && instance.retry_wall_ms > 0)
    line.add("retry_ms", instance.retry_wall_ms);
  return line;
}

EndOfRun describe_end(const Instance& instance, const Line& exited) {
  EndFacts facts;
  const bool is_known = !exited.has("unknown");
  if (is_known) facts.status = decode_wait_status(static_cast<int>(exited.number_or("status", 0)));
  facts.our_part = exited.has("lease_over") ? OurPart::kLeaseOver : instance.our_part;
  facts.because = instance.because;
  if (exited.has("all_stopped") && facts.our_part == OurPart::kNothing) {
    facts.our_part = facts.status.signal == kSigkill ? OurPart::kTimedOut : OurPart::kStopped;
    facts.because = "dm-worker --stop-apps";
  }
  facts.grace_ms = exited.has("lease_over") ? instance.spec.lease_ms : instance.grace_ms;
  facts.oom_kill = exited.number_or("oom_kills", 0) > 0;
  facts.max_rss_bytes = exited.number_or("max_rss_bytes", 0);
  facts.left = exited.number_or("left", 0);
  facts.survivors = exited.all("survivor");
  facts.survivors_killed = instance.survivors_killed;
  Line line = end_line(instance, exited.number_or("ended_ms", 0));
  if (facts.status.exit_code) line.add("exit_code", *facts.status.exit_code);
  if (facts.status.signal != 0) line.add("signal", signal_name(facts.status.signal));
  if (is_known) {
    line.add("core", facts.status.core ? 1 : 0);
    line.add("cpu_user_ms", exited.number_or("user_us", 0) / 1000);
    line.add("cpu_system_ms", exited.number_or("system_us", 0) / 1000);
    line.add("max_rss_bytes", facts.max_rss_bytes);
  }
  line.add("reason", explain_end(facts));
  return line;
}

EndOfRun describe_failed_start(const Instance& instance, const Error& error, Now now) {
  Line line = end_line(instance, now.wall_ms);
  line.add("failed", word(error.code)).add("reason", std::string(kExecFailed) + error.message);
  return line;
}

std::optional<Error> failed_start_of(const EndOfRun& end) {
  if (!end.has("failed")) return std::nullopt;
  std::string_view message = end.text("reason");
  if (message.starts_with(kExecFailed)) message.remove_prefix(kExecFailed.size());
  return fail(code_from(end.text("failed")), std::string(message));
}

EndOfRun describe_unknown_end(const Instance& instance, bool rebooted, Now now) {
  Line line = end_line(instance, now.wall_ms);
  // Not even whether it began: a launch that is sent again must not be told that it did.
  if (instance.pid == 0) line.add("failed", word(Code::kInternal));
  line.add("reason", rebooted ? "exit status unknown: worker rebooted" : "exit status unknown");
  return line;
}

Line instance_record(const Instance& instance) {
  Line record = print_spec("INSTANCE", instance.spec);
  record.add("desired", instance.wanted ? "running" : "stopped").add("run", instance.run);
  return std::move(record.add("restarts", instance.restarts));
}

Line run_record(const Instance& instance) {
  Line record("RUN");
  record.add("instance", instance.spec.name).add("run", instance.run);
  return std::move(record.add("restarts", instance.restarts));
}

Line started_record(const Instance& instance) {
  Line record("STARTED");
  record.add("instance", instance.spec.name).add("run", instance.run);
  record.add("pid", instance.pid).add("start", instance.pid_start);
  record.add("started_ms", instance.started_ms);
  if (!instance.cgroup.empty()) record.add("cgroup", instance.cgroup);
  return record;
}

bool is_alive(const Instance& instance) {
  return instance.state != RunState::kDown && instance.state != RunState::kBackoff;
}

bool take_sample(Instance& instance, const InstanceSample& sample, Now now) {
  const InstanceSample& last = instance.usage;
  if (!sample.cpu_user_ms && !sample.rss_bytes) {
    // Its process has ended just now, or nobody may look: what was known stays.
    const bool is_other = sample.kernel_state != last.kernel_state;
    instance.usage.kernel_state = sample.kernel_state;
    return is_other;
  }
  const std::int64_t elapsed = now.mono_ms - instance.sampled_ms;
  const bool is_news = instance.sampled_ms == 0 || sample.kernel_state != last.kernel_state ||
                       sample.cpu_user_ms != last.cpu_user_ms ||
                       sample.cpu_system_ms != last.cpu_system_ms ||
                       sample.rss_bytes != last.rss_bytes;
  const auto percent_before = instance.cpu_percent;
  instance.cpu_percent.reset();
  if (instance.sampled_ms > 0 && elapsed > 0 && sample.cpu_user_ms && last.cpu_user_ms) {
    const std::int64_t spent = *sample.cpu_user_ms - *last.cpu_user_ms +
                               sample.cpu_system_ms.value_or(0) - last.cpu_system_ms.value_or(0);
    instance.cpu_percent =
        std::max(100.0 * static_cast<double>(spent), 0.0) / static_cast<double>(elapsed);
  }
  instance.usage = sample;
  instance.sampled_ms = now.mono_ms;
  instance.max_rss_seen = std::max(instance.max_rss_seen, sample.rss_bytes.value_or(0));
  return is_news || instance.cpu_percent != percent_before;
}

void add_usage(Line& line, const Instance& instance) {
  const InstanceSample& usage = instance.usage;
  if (usage.cpu_user_ms) line.add("cpu_user_ms", *usage.cpu_user_ms);
  if (usage.cpu_system_ms) line.add("cpu_system_ms", *usage.cpu_system_ms);
  if (usage.rss_bytes) line.add("rss_bytes", *usage.rss_bytes);
  if (instance.max_rss_seen > 0) line.add("max_rss_bytes", instance.max_rss_seen);
}

void forget_run(Instance& instance) {
  instance.pid = instance.pid_start = instance.started_ms = 0;
  instance.cgroup.clear();
  instance.our_part = OurPart::kNothing;
  instance.exec_error.reset();
  instance.exited.reset();
  instance.survivors_killed = false;
  instance.usage = {};
  instance.sampled_ms = 0;
  instance.cpu_percent.reset();
  instance.max_rss_seen = 0;
}

void await(Instance& instance, std::string_view id, PendingAnswer::Kind kind) {
  for (const PendingAnswer& answer : instance.answers)
    if (answer.id == id && answer.kind == kind) return;
  instance.answers.push_back({std::string(id), kind, instance.state == RunState::kBackoff});
}

bool has_waiting_launch(const Instance& instance) {
  return std::any_of(instance.answers.begin(), instance.answers.end(), [](const auto& answer) {
    return answer.kind == PendingAnswer::Kind::kLaunch;
  });
}

bool may_run(const Instance& instance, Now now) {
  return instance.spec.lease_ms == 0 || instance.lease_until > now.mono_ms;
}

bool wants_restart(const Instance& instance, const EndOfRun& end) {
  if (!instance.wanted) return false;
  switch (instance.spec.restart) {
    case RestartPolicy::kNo: return false;
    case RestartPolicy::kAlways: return true;
    case RestartPolicy::kOnFailure: return end.number_or("exit_code", -1) != 0;
  }
  return false;
}

}  // namespace dm::worker
