#include "tests/bench/swarm_worker.h"

#include <array>
#include <cstdio>
#include <variant>

#include "common/io/system.h"

namespace dm::bench {

using worker::Effect;
using worker::Effects;
using worker::kNever;
using worker::MasterLink;

namespace {

// An unknown verb is answered in turn: the answer shows that all lines before it were handled.
constexpr std::string_view kEcho = "ECHO";
constexpr std::string_view kEchoId = "swarm";
constexpr std::array<std::string_view, 6> kSpecKeys = {"app",           "manifest", "restart",
                                                       "log_max_bytes", "arg",      "env"};

std::string padded_hex(std::int64_t number) {
  char text[40];
  std::snprintf(text, sizeof text, "%032llx", static_cast<unsigned long long>(number));
  return text;
}

Line ok(const Line& order) {
  return Line("OK").add("id", order.text("id"));
}

}  // namespace

const SwarmWorker::OrderRow SwarmWorker::kOrders[] = {
    {"LAUNCH", &SwarmWorker::launch},     {"ACK", &SwarmWorker::acknowledged},
    {"STOP", &SwarmWorker::end},          {"KILL", &SwarmWorker::end},
    {"PROBE", &SwarmWorker::agree},       {"INSTALL", &SwarmWorker::agree},
    {"DELETE", &SwarmWorker::remove_app}, {"FORGET", &SwarmWorker::prune},
    {"USAGE", &SwarmWorker::usage},       {"LOG", &SwarmWorker::not_found},
    {"LEASE", &SwarmWorker::nothing},     {"CANCEL", &SwarmWorker::nothing},
};

SwarmWorker::SwarmWorker(std::int64_t number, const std::string& prefix, const AccessKey* secret,
                         SwarmTotals& totals)
    : name_(prefix + std::to_string(number)),
      id_(padded_hex(number + 1)),
      totals_(totals),
      link_(name_, id_, "boot-of-the-swarm", static_cast<std::uint64_t>(number)) {
  if (secret != nullptr) key_ = derive_worker_key(*secret, name_, 1);
}

void SwarmWorker::on_up(Now now) {
  connected_ = true;
  link_.on_up(now);
}

void SwarmWorker::on_bytes(std::string_view bytes, Now now) {
  in_.feed(bytes);
  while (!hang_up_) {
    const auto line = in_.next();
    if (!line) break;
    if (!seals_) {
      on_line(*line, now);
    } else if (const auto opened = seals_->in.open(*line)) {
      on_line(*opened, now);
    } else {
      hang_up_ = true;
    }
  }
}

void SwarmWorker::on_down(Now now) {
  if (is_up_) --totals_.up;
  if (connected_) ++totals_.cut;
  connected_ = is_up_ = hang_up_ = false;
  in_ = LineBuffer(kMaxLine);
  unsent_.clear();
  dm_.reset();
  handshake_.reset();
  seals_.reset();
  next_beat_ms_ = kNever;
  Effects effects;
  link_.on_down("the session has ended", now, effects);
  perform(effects);
}

void SwarmWorker::on_tick(Now now) {
  if (next_beat_ms_ <= now.mono_ms) {
    next_beat_ms_ += link_.heartbeat_ms();
    if (next_beat_ms_ <= now.mono_ms) next_beat_ms_ = now.mono_ms + link_.heartbeat_ms();
    beat();
  }
  const bool was_up = link_.is_up();
  Effects effects;
  link_.on_tick(now, effects);
  perform(effects);
  // Counted by its reason, so not as a cut.
  if (was_up && hang_up_) ++totals_.hung_up, --totals_.cut;
}

std::int64_t SwarmWorker::next_deadline() const {
  return std::min(next_beat_ms_, link_.next_deadline());
}

bool SwarmWorker::take_dial() {
  return std::exchange(dial_, false);
}

bool SwarmWorker::take_hang_up() {
  return std::exchange(hang_up_, false);
}

void SwarmWorker::on_line(std::string_view text, Now now) {
  const auto line = parse_line(text);
  if (!line || !greeting(*line)) {
    hang_up_ = true;
    return;
  }
  if (line->verb() == "ERR" && line->text("id") == kEchoId) {
    if (!is_up_) ++totals_.up;
    is_up_ = true;
    return;
  }
  if (line->verb() == "ERR" && !link_.is_up()) ++totals_.refused, --totals_.cut;
  Effects effects;
  const MasterLink::Verdict verdict = link_.on_line(*line, now, effects);
  perform(effects);
  if (verdict == MasterLink::Verdict::kWelcome) begin_session(now);
  if (verdict == MasterLink::Verdict::kOrder) obey(*line, now);
}

// False if the master has not proved that it holds the secret.
bool SwarmWorker::greeting(const Line& line) {
  if (line.verb() == "DM") dm_ = line;
  if (!key_ || line.verb() != "WELCOME") return true;
  if (!handshake_ || !proof_fits(line.text("proof"), handshake_->master_proof(line))) return false;
  seals_ = handshake_->seals_of_peer();
  handshake_.reset();
  return true;
}

void SwarmWorker::perform(const Effects& effects) {
  for (const Effect& effect : effects) {
    if (const auto* sent = std::get_if<worker::ToMaster>(&effect)) hello(sent->line);
    if (std::holds_alternative<worker::Connect>(effect)) dial_ = true;
    if (std::holds_alternative<worker::Disconnect>(effect)) hang_up_ = true;
  }
}

void SwarmWorker::hello(Line line) {
  if (key_ && dm_) handshake_ = begin_handshake(*key_, *dm_, random_hex(16), line);
  unsent_ += line.print();
}

void SwarmWorker::say(const Line& line) {
  unsent_ += seals_ ? seals_->out.seal(line.print()) : line.print();
}

void SwarmWorker::begin_session(Now now) {
  Line info("INFO");
  info.add("os", "Linux").add("arch", "x86_64").add("cpus", 2).add("mem", 8'000'000'000);
  info.add("glibc", "2.36").add("version", DM_VERSION).add("boot", id_).add("uptime_ms", 0);
  if (!obeyed_epoch_.empty()) info.add("epoch", obeyed_epoch_);
  say(info);
  for (const Line& ended : ends_) say(ended);
  for (const auto& [name, run] : runs_) {
    Line line = instance_line(name, run);
    for (const auto& [key, value] : run.spec.fields()) line.add(key, value);
    say(line);
  }
  say(Line("SYNCED"));
  beat();
  say(Line(kEcho).add("id", kEchoId));
  next_beat_ms_ = now.mono_ms + link_.heartbeat_ms();
}

void SwarmWorker::beat() {
  Line line("HEARTBEAT");
  line.add("seq", ++beats_).add("cpu", "3.50").add("mem_used", 500'000'000);
  line.add("mem_total", 8'000'000'000).add("disk_free", 90'000'000'000).add("load1", "0.10");
  line.add("instances", living_).add("children_user_ms", 10).add("children_system_ms", 10);
  line.add("children_max_rss_bytes", 1'000'000).add("children_reaped", next_end_ - 1);
  say(line);
}

void SwarmWorker::obey(const Line& order, Now now) {
  ++totals_.orders;
  if (order.has("id")) obeyed_epoch_ = link_.epoch();
  for (const OrderRow& row : kOrders)
    if (row.verb == order.verb()) return (this->*row.handler)(order, now);
  refuse(order, "unknown-verb", "no verb " + order.verb());
}

Line SwarmWorker::instance_line(const std::string& name, const Run& run) const {
  Line line("INSTANCE");
  line.add("instance", name).add("desired", run.lives ? "running" : "stopped");
  line.add("state", run.lives ? "sleeping" : "dead").add("run", run.run).add("restarts", 0);
  if (!run.lives) return line;
  line.add("pid", run.pid).add("started_ms", run.started_ms).add("cpu_user_ms", 1);
  line.add("cpu_system_ms", 1).add("cpu_percent", "0.00").add("rss_bytes", 1'000'000);
  return line.add("max_rss_bytes", 1'000'000);
}

// An order that comes twice changes nothing and gets the same answer.
void SwarmWorker::launch(const Line& order, Now now) {
  const std::string name(order.text("instance"));
  const std::int64_t number = order.number_or("run", 1);
  Run& run = runs_[name];
  if (run.lives && run.run < number) return refuse(order, "exists", name + " is running");
  if (run.run < number) {
    run = Run();
    run.run = number;
    run.pid = next_pid_++;
    run.started_ms = now.wall_ms;
    run.lives = true;
    for (const auto& [key, value] : order.fields())
      for (const std::string_view kept : kSpecKeys)
        if (key == kept) run.spec.add(key, value);
    ++living_, ++totals_.living, ++totals_.launched;
    say(instance_line(name, run));
  }
  say(ok(order).add("pid", run.pid).add("run", run.run));
}

void SwarmWorker::end(const Line& order, Now now) {
  const std::string name(order.text("instance"));
  const auto found = runs_.find(name);
  if (found == runs_.end()) return refuse(order, "not-found", "no instance " + name);
  Run& run = found->second;
  if (run.lives) {
    run.lives = false;
    --living_, --totals_.living;
    Line line("EXITED");
    line.add("seq", next_end_++).add("instance", name).add("run", run.run).add("pid", run.pid);
    line.add("started_ms", run.started_ms).add("ended_ms", now.wall_ms);
    line.add("signal", order.verb() == "KILL" ? "SIGKILL" : "SIGINT").add("core", 0);
    line.add("cpu_user_ms", 1).add("cpu_system_ms", 1).add("max_rss_bytes", 1'000'000);
    line.add("reason", "ended by the swarm");
    ends_.push_back(line);
    say(line);
    say(instance_line(name, run));
  }
  say(ok(order).add("reason", "ended by the swarm"));
}

void SwarmWorker::remove_app(const Line& order, Now) {
  const std::string prefix = std::string(order.text("app")) + ".";
  for (auto at = runs_.lower_bound(prefix); at != runs_.end() && at->first.starts_with(prefix);) {
    if (at->second.lives) return refuse(order, "busy", at->first + " is running");
    at = runs_.erase(at);
  }
  say(ok(order));
}

void SwarmWorker::prune(const Line& order, Now) {
  for (const std::string& name : order.all("instance")) {
    const auto found = runs_.find(name);
    if (found == runs_.end()) continue;
    if (found->second.lives) return refuse(order, "busy", name + " is running");
    runs_.erase(found);
  }
  say(ok(order));
}

void SwarmWorker::agree(const Line& order, Now) {
  Line answer = ok(order);
  if (order.verb() == "INSTALL")
    answer.add("sent", 0).add("there", 1).add("bytes", 0).add("elapsed_ms", 1);
  say(answer);
}

void SwarmWorker::usage(const Line& order, Now now) {
  if (order.has("instance") && !runs_.contains(std::string(order.text("instance"))))
    return not_found(order, now);
  Line answer = ok(order);
  answer.add("cpu_user_ms", 1).add("cpu_system_ms", 1).add("max_rss_bytes", 1'000'000);
  say(answer.add(order.has("instance") ? "rss_bytes" : "reaped", 1'000'000));
}

void SwarmWorker::not_found(const Line& order, Now) {
  refuse(order, "not-found", "no instance " + std::string(order.text("instance")));
}

void SwarmWorker::acknowledged(const Line& line, Now) {
  const std::int64_t seq = line.number_or("seq", 0);
  while (!ends_.empty() && ends_.front().number_or("seq", 0) <= seq) ends_.pop_front();
}

void SwarmWorker::refuse(const Line& order, std::string_view code, std::string_view why) {
  say(Line("ERR").add("id", order.text("id")).add("code", code).add("msg", why));
}

}  // namespace dm::bench
