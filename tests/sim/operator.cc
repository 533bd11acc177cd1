#include "tests/sim/operator.h"

#include <algorithm>

#include "common/sha256.h"

namespace dm::sim {

Operator::Operator(Timeline& timeline, Ledger& ledger, MasterNode& master, int workers,
                   std::function<bool(const std::string&)> has_app)
    : timeline_(timeline),
      ledger_(ledger),
      master_(master),
      workers_(workers),
      has_app_(std::move(has_app)),
      singleton_(timeline.chance(0.5) ? some_app() : "") {
  master_.set_clients(
      {[this](master::RequestId request, const std::string& text) { out(request, text); },
       [this](master::RequestId request, const std::optional<Error>& error) {
         finished(request, error);
       },
       [this] { asked_.clear(); }});
}

void Operator::act() {
  if (!master_.is_running()) return;
  const std::int64_t kind = timeline_.below(100);
  if (kind < 15) return copy();
  if (kind < 55) return launch();
  if (kind < 80) return end();
  if (kind < 93) return start();
  remove();
}

bool Operator::wants_more(const std::string& verb) const {
  return verb == "copy" || verb == "launch" || verb == "start";
}

void Operator::ask(Asked asked, std::optional<master::PackageInfo> package) {
  const master::RequestId request = static_cast<master::RequestId>(++commands_);
  asked.began = commands_;
  timeline_.trace("#" + std::to_string(request) + " " + asked.words);
  for (auto& [other, under_way] : asked_) {
    if (under_way.app != asked.app) continue;
    const bool deletes = asked.verb == "delete" || under_way.verb == "delete";
    if (wants_more(under_way.verb) || deletes) asked.overlaps = true;
    if (wants_more(asked.verb) || deletes) under_way.overlaps = true;
  }
  if (wants_more(asked.verb)) ledger_.wants_app(asked.app);
  if (asked.verb == "start")
    for (const std::string& name : asked.targets) ledger_.wants(name);
  if (asked.verb == "delete")
    std::erase_if(kept_, [&](const std::string& name) { return app_of(name) == asked.app; });
  const std::string words = asked.words;
  asked_[request] = std::move(asked);
  master_.command(request, words, std::move(package));
}

void Operator::copy() {
  Asked asked;
  asked.verb = "copy";
  asked.app = some_app();
  asked.words = "copy ./" + asked.app;
  if (timeline_.chance(0.2))
    asked.words += " --to w" + std::to_string(timeline_.between(1, workers_));
  master::PackageInfo package;
  const std::string content = asked.app + std::to_string(timeline_.below(3));
  package.manifest.app = package.manifest.exe = asked.app;
  package.manifest.arch = "x86_64";
  package.manifest.files.push_back({FileKind::kExe, asked.app, sha256_hex(content), 10, 0755});
  package.version = sha256_hex("manifest of " + content);
  if (asked.words.find("--to") != std::string::npos &&
      !master_.cluster().state().workers.contains(asked.words.substr(asked.words.rfind(' ') + 1)))
    return;
  ask(std::move(asked), std::move(package));
}

void Operator::launch() {
  static constexpr const char* kPolicies[] = {"no", "no", "on-failure", "always"};
  Asked asked;
  asked.verb = "launch";
  asked.app = some_app();
  asked.words = "launch " + asked.app + " --restart " + kPolicies[timeline_.below(4)];
  if (timeline_.chance(0.4))
    asked.words += " --on w" + std::to_string(timeline_.between(1, workers_));
  if (asked.app == singleton_)
    asked.words += timeline_.chance(0.5) ? " --singleton --lease 5s" : " --singleton";
  else if (timeline_.chance(0.3))
    asked.words += " --count " + std::to_string(timeline_.between(2, 4));
  ask(std::move(asked), std::nullopt);
}

std::string Operator::some_instance() {
  const auto& all = master_.cluster().state().instances;
  if (all.empty()) return "";
  return std::next(all.begin(), timeline_.below(static_cast<std::int64_t>(all.size())))->first;
}

void Operator::end() {
  Asked asked;
  const std::string name = some_instance();
  if (name.empty()) return;
  asked.app = app_of(name);
  asked.verb = timeline_.chance(0.3) ? "kill" : "stop";
  const bool whole_app = timeline_.chance(0.15);
  asked.words = asked.verb + " " + (whole_app ? asked.app : name);
  if (asked.verb == "stop" && timeline_.chance(0.5)) asked.words += " --timeout 2s";
  for (const auto& [each, placement] : master_.cluster().state().instances)
    if (whole_app ? placement.app == asked.app : each == name) asked.targets.push_back(each);
  ask(std::move(asked), std::nullopt);
}

void Operator::start() {
  Asked asked;
  const std::string name = some_instance();
  if (name.empty()) return;
  asked.verb = "start";
  asked.app = app_of(name);
  asked.words = "start " + name;
  asked.targets.push_back(name);
  ask(std::move(asked), std::nullopt);
}

void Operator::remove() {
  Asked asked;
  asked.verb = "delete";
  asked.app = some_app();
  asked.words = "delete " + asked.app;
  if (timeline_.chance(0.6)) asked.words += " --force";
  ask(std::move(asked), std::nullopt);
}

// "APP.N WORKER PID", of a launch.
void Operator::out(master::RequestId request, const std::string& text) {
  const auto found = asked_.find(request);
  if (found == asked_.end()) return;
  timeline_.trace("#" + std::to_string(request) + " out " + text);
  if (found->second.verb == "launch")
    found->second.launched.push_back(text.substr(0, text.find(' ')));
}

void Operator::finished(master::RequestId request, const std::optional<Error>& error) {
  auto node = asked_.extract(request);
  SIM_CHECK(timeline_, !node.empty(), "a command is answered twice");
  if (node.empty()) return;
  timeline_.trace("#" + std::to_string(request) + (error ? " ERR " + error->message : " OK"));
  if (!error) fulfilled(node.mapped());
}

void Operator::fulfilled(const Asked& asked) {
  if (asked.verb == "launch" && !asked.overlaps)
    kept_.insert(asked.launched.begin(), asked.launched.end());
  check_kept();
  if (asked.overlaps) return;
  if (asked.verb == "stop" || asked.verb == "kill")
    for (const std::string& name : asked.targets) ledger_.was_stopped(name);
  if (asked.verb != "delete") return;
  ledger_.was_deleted(asked.app);
  SIM_CHECK(timeline_, !has_app_(asked.app), "files of " + asked.app + " are left by its delete");
  const auto& apps = master_.cluster().state().apps;
  SIM_CHECK(timeline_, !apps.contains(asked.app) || apps.at(asked.app).current.empty(),
            asked.app + " is there after its delete");
}

void Operator::check_kept() const {
  if (!master_.is_running()) return;
  const auto& all = master_.cluster().state().instances;
  for (const std::string& name : kept_)
    SIM_CHECK(timeline_, all.contains(name) || ledger_.is_forgotten(name),
              name + " was launched with OK and is not known");
}

std::vector<std::string> Operator::unanswered() const {
  std::vector<std::string> words;
  for (const auto& [request, asked] : asked_) words.push_back(asked.words);
  return words;
}

}  // namespace dm::sim
