#include "tests/sim/host.h"

#include <algorithm>

#include "tests/sim/master_node.h"

namespace dm::sim {
namespace {

constexpr std::int64_t kWallStartMs = 1'700'000'000'000;
constexpr std::int64_t kUptimeMs = 5000;

}  // namespace

Host::Host(Timeline& timeline, Ledger& ledger, MasterNode& master, int index)
    : timeline_(timeline),
      ledger_(ledger),
      master_(master),
      index_(index),
      name_("w" + std::to_string(index + 1)),
      host_life_(timeline),
      agent_life_(timeline),
      local_(timeline, 200),
      journal_(timeline, "worker") {}

Now Host::now() const {
  return {kUptimeMs + (timeline_.now() - booted_at_) / kMs,
          kWallStartMs + timeline_.now() / kMs + wall_offset_ms_};
}

worker::HostFacts Host::facts() const {
  worker::HostFacts facts;
  facts.name = name_;
  const std::string digits = std::to_string(index_ + 1);
  facts.id = std::string(32 - digits.size(), '0') + digits;
  facts.root = "/r";
  facts.os = "Linux";
  facts.arch = "x86_64";
  facts.boot_id = boot_id();
  facts.cpus = 4;
  facts.mem_bytes = 1000;
  facts.path = "/bin";
  return facts;
}

bool Host::is_cut_off() const {
  return master_.network().is_blocked(index_);
}

void Host::trace(const std::string& text) const {
  if (timeline_.is_tracing()) timeline_.trace(name_ + " " + text);
}

bool Host::has_app(const std::string& app) const {
  return std::any_of(files_.begin(), files_.end(), [&](const File& file) {
    return file.first == app && !lost_files_.contains(file);
  });
}

void Host::note_files(const std::string& app, const std::string& version, bool lost) {
  if (lost)
    lost_files_.emplace(app, version);
  else
    lost_files_.erase({app, version});
}

void Host::note_put_back(const master::State& known) {
  for (const auto& [app, version] : files_) {
    const auto found = known.versions.find(version);
    if (found == known.versions.end() || !found->second.sent_to.contains(name_))
      lost_files_.emplace(app, version);
  }
}

void Host::remove_files(const std::string& app) {
  std::erase_if(files_, [&](const File& file) { return file.first == app; });
  std::erase_if(lost_files_, [&](const File& file) { return file.first == app; });
  ledger_.wiped(index_, app);
}

Network::Id Host::connect_supervisor(Network::Handlers agent) {
  if (supervisor_ && supervisor_->has_ended()) supervisor_->start_again(next_pid_++);
  if (!supervisor_) {
    SimMachine::Place place{host_life_,  local_, ledger_, index_, boot_id(),
                            next_pid_++, {},     {},      {}};
    place.now = [this] { return now(); };
    place.has_files = [this](const std::vector<std::string>& environment) {
      std::string app, version;
      for (const std::string& env : environment) {
        if (env.starts_with("DM_APP=")) app = env.substr(7);
        if (env.starts_with("DM_VERSION=")) version = env.substr(11);
      }
      return has_files(app, version);
    };
    place.end = [this] { supervisor_fuse_ends_power_ ? crash() : crash_supervisor(); };
    supervisor_ = std::make_unique<SimMachine>(std::move(place));
  }
  return supervisor_->connect(std::move(agent));
}

void Host::note_order(const Line& order) {
  if (order.verb() == "LOG") return;  // changes nothing
  const std::string_view id = order.text("id");
  const std::int64_t epoch = parse_integer(id.substr(0, id.find('-'))).value_or(0);
  SIM_CHECK(timeline_, id.empty() || epoch >= latest_epoch_,
            name_ + " got " + order.verb() + " of an old epoch: " + std::string(id));
  latest_epoch_ = std::max(latest_epoch_, epoch);
}

void Host::start_agent() {
  if (running_) return;
  trace("the agent starts");
  running_ = true;
  process_ = std::make_unique<AgentProcess>(*this, master_);
}

void Host::jump_clock(std::int64_t ms) {
  wall_offset_ms_ += ms;
  if (ms < 0) ledger_.clock_went_back(index_);
}

void Host::light_fuse(std::int64_t effects, bool power) {
  fuse_ = effects;
  fuse_ends_power_ = power;
}

void Host::light_supervisor_fuse(std::int64_t effects, bool power) {
  if (!supervisor_ || supervisor_->has_ended()) return;
  supervisor_->light_fuse(effects);
  supervisor_fuse_ends_power_ = power;
}

void Host::put_out_fuses() {
  fuse_ = 0;
  if (supervisor_) supervisor_->light_fuse(0);
}

void Host::burn() {
  if (fuse_ > 0 && --fuse_ == 0) fuse_ends_power_ ? crash() : crash_agent();
}

void Host::crash_agent() {
  if (!running_) return;
  trace("the agent is killed");
  running_ = false;
  agent_life_.die();
  journal_.process_died();
  if (const auto session = process_->session()) master_.network().abandon(*session, Side::kClient);
  if (const auto supervisor = process_->supervisor()) local_.abandon(*supervisor, Side::kClient);
  agent_life_.later(timeline_.between(1, 3000) * kMs, [this] { start_agent(); });
}

void Host::crash_supervisor() {
  if (!supervisor_ || supervisor_->has_ended()) return;
  trace("the supervisor is killed");
  supervisor_->kill();
}

void Host::crash() {
  trace("the machine loses power");
  if (running_) {
    if (const auto session = process_->session()) master_.network().vanish(*session, Side::kClient);
    if (const auto link = process_->supervisor()) local_.vanish(*link, Side::kClient);
  }
  running_ = false;
  agent_life_.die();
  host_life_.die();
  journal_.host_died();
  supervisor_.reset();
  ledger_.host_died(index_);
  ++boots_;
  booted_at_ = timeline_.now();
  agent_life_.later(timeline_.between(1000, 20'000) * kMs, [this] { start_agent(); });
}

void Host::bury() {
  crash();
  agent_life_.die();
  buried_ = true;
}

}  // namespace dm::sim
