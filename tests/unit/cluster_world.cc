#include "tests/unit/cluster_world.h"

#include <algorithm>

#include "common/names.h"
#include "common/sha256.h"
#include "common/shell_words.h"
#include "tests/unit/check.h"

namespace dm::test {

using namespace dm::master;

Line line(std::string_view text) {
  auto parsed = parse_line(text);
  if (!parsed) failed(__FILE__, __LINE__, "no line: " + std::string(text));
  return parsed ? *parsed : Line();
}

namespace {

// The lines of a text, each behind `head`.
void add_lines(std::vector<std::string>& log, const std::string& head, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    log.push_back(head + std::string(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string digest_of(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return to_hex(hash.finish());
}

ClusterOptions options_for(std::int64_t heartbeat_ms, int starts) {
  ClusterOptions options;
  options.heartbeat_ms = heartbeat_ms;
  options.cluster_id = "c1";
  options.epoch = starts == 1 ? "e" : "e" + std::to_string(starts);
  return options;
}

}  // namespace

World::World(std::int64_t heartbeat_ms)
    : heartbeat_ms_(heartbeat_ms),
      cluster_(std::make_unique<Cluster>(options_for(heartbeat_ms, 1))) {
  cluster_->begin(now);
}

void World::restart() {
  cluster_ = std::make_unique<Cluster>(options_for(heartbeat_ms_, ++starts_));
  std::int64_t seq = 0;
  for (const Line& record : journal_) CHECK(cluster_->replay(record, ++seq).has_value());
  for (const auto& [version, known] : cluster_->state().versions)
    cluster_->provide(version, manifests_[version]);
  sessions_.clear();
  names_.clear();
  cluster_->begin(now);
  feed(EpochKeys{epoch_keys_});
}

void World::set_secret(const std::string& secret) {
  epoch_keys_ = {secret};
  feed(EpochKeys{epoch_keys_});
}

std::string World::claim(const std::string& epoch, const std::string& secret) {
  return "INFO epoch=" + epoch + " record=7 seal=" + seal_epoch(secret, {"c1", epoch, 7});
}

void World::remember(std::string_view record) {
  journal_.push_back(line(record));
}

void World::feed(const Event& event) {
  for (const Effect& effect : cluster_->on(event, now)) note(effect);
}

void World::note(const Effect& effect) {
  struct Visitor {
    World& world;
    void add(const std::string& text) { world.log_.push_back(text); }
    static std::string head(RequestId request) { return "#" + std::to_string(request) + " "; }
    void operator()(const Append& e) {
      world.journal_.push_back(e.record);
      // What it tells is looked at by `events`.
      if (e.record.verb() == "EVENT") return;
      add_lines(world.log_, "record ", e.record.print());
    }
    void operator()(const ToSession& e) {
      const std::string& worker = world.names_[e.session];
      if (e.line.has("id")) world.orders_[worker + " " + e.line.verb()] = e.line.text("id");
      add_lines(world.log_, worker + "> ", e.line.print());
    }
    void operator()(const CloseSession& e) { add(world.names_[e.session] + " closed: " + e.why); }
    void operator()(const Out& e) { add_lines(world.log_, head(e.request) + "out ", e.text); }
    void operator()(const Note& e) { add(head(e.request) + "note " + e.text); }
    void operator()(const Progress& e) {
      add(head(e.request) + "progress " + e.what + " " + std::to_string(e.done) + "/" +
          std::to_string(e.total));
    }
    void operator()(const Finish& e) {
      add(head(e.request) +
          (e.error ? "ERR " + std::string(word(e.error->code)) + " " + e.error->message : "OK"));
    }
    void operator()(const ExpectStream& e) {
      add("expect stream " + e.order + " of " + e.worker +
          (e.weave ? " as " + e.weave->prefix : "") +
          (e.tail ? " for the tail of " + e.tail->instance : ""));
    }
    void operator()(const StreamDue& e) { add("stream due " + e.order); }
    void operator()(const DropStream& e) { add("drop stream " + e.order); }
    void operator()(const KeysChanged&) { add("keys changed"); }
    void operator()(const CollectBlobs&) { add("collect blobs"); }
    void operator()(const ReadHistory& e) {
      add("read history of '" + e.filter.name + "' for #" + std::to_string(e.request));
    }
    void operator()(const DropHistory& e) { add("drop history " + std::to_string(e.before)); }
    void operator()(const ReadTail& e) {
      add("read tail of " + e.instance + " for #" + std::to_string(e.request));
    }
    void operator()(const KeepTail& e) {
      add("keep tail " + e.tail.instance + "/" + std::to_string(e.tail.run) + " " + e.tail.text);
    }
    void operator()(const DropTails& e) { add("drop tails of " + fold_names(e.instances)); }
    void operator()(const Say& e) { add("say " + e.text); }
  };
  std::visit(Visitor{*this}, effect);
}

void World::open(const std::string& worker, const std::string& id) {
  open(SessionOpened{0, worker, id, ""});
}

void World::open(SessionOpened opened) {
  opened.session = next_session_++;
  opened.address = "10.0.0.1:" + std::to_string(opened.session);
  sessions_[opened.name] = opened.session;
  names_[opened.session] = opened.name;
  feed(opened);
}

void World::close(const std::string& worker, const std::string& why) {
  feed(SessionClosed{sessions_[worker], why});
}

void World::hear(const std::string& worker, std::string_view text) {
  feed(SessionLine{sessions_[worker], line(text)});
}

void World::return_with(const std::string& worker, std::string_view instance) {
  open(worker);
  hear(worker, instance);
  take();
  hear(worker, "SYNCED");
}

void World::join(const std::string& worker, std::string_view beat) {
  open(worker);
  hear(worker, "SYNCED");
  hear(worker, beat);
}

RequestId World::run(std::string_view words) {
  const RequestId request = next_request_++;
  const auto split = split_words(words);
  const auto invocation = parse_invocation(*split);
  if (!invocation)
    failed(__FILE__, __LINE__, std::string(words) + ": " + invocation.error().message);
  else
    feed(Command{request, *invocation, {"ann", "unix"}, std::nullopt});
  return request;
}

RequestId World::run_with_files(std::string_view words, const std::string& app,
                                const std::string& content) {
  const RequestId request = next_request_++;
  PackageInfo package;
  package.manifest.app = package.manifest.exe = app;
  package.manifest.arch = "x86_64";
  package.manifest.files.push_back({FileKind::kExe, app, digest_of(content), 10, 0755});
  package.manifest.needs.push_back({"libc.so.6", "GLIBC_2.34"});
  package.version = digest_of(app + content);
  manifests_[package.version] = package.manifest;
  feed(Command{request, *parse_invocation(*split_words(words)), {"ann", "unix"}, package});
  return request;
}

void World::install(const std::string& app, const std::vector<std::string>& workers) {
  std::string to;
  for (const std::string& worker : workers) to += (to.empty() ? "" : ",") + worker;
  run_with_files("copy ./" + app + " --to " + to, app);
  for (const std::string& worker : workers) {
    answer(worker, "PROBE", "OK");
    answer(worker, "INSTALL", "OK sent=1 there=0 bytes=10 elapsed_ms=100");
  }
  take();
}

std::string World::launch(const std::string& app, const std::string& worker,
                          const std::string& more) {
  run("launch " + app + " --on " + worker + more);
  const auto& all = cluster_->state().apps.at(app);
  const std::string name = app + "." + std::to_string(all.next_number - 1);
  answer(worker, "LAUNCH", "OK pid=77 run=1");
  hear(worker, "INSTANCE instance=" + name +
                   " desired=running state=sleeping run=1 restarts=0 pid=77"
                   " started_ms=1700000000000");
  take();
  return name;
}

void World::answer(const std::string& worker, const std::string& verb, std::string_view text) {
  Line answer = line(text);
  Line with_id(answer.verb());
  with_id.add("id", order(worker, verb));
  for (const auto& [key, value] : answer.fields()) with_id.add(key, value);
  feed(SessionLine{sessions_[worker], with_id});
}

std::string World::order(const std::string& worker, const std::string& verb) const {
  const auto found = orders_.find(worker + " " + verb);
  return found == orders_.end() ? "" : found->second;
}

void World::cancel(RequestId request) {
  feed(Cancel{request});
}

void World::stream_ended(const std::string& order, std::optional<Error> error) {
  feed(master::StreamEnded{order, std::move(error)});
}

void World::pass(std::int64_t ms, const std::vector<std::string>& beating) {
  const std::int64_t end = now.mono_ms + ms;
  std::int64_t beat = now.mono_ms;
  while (true) {
    if (!beating.empty() && beat <= now.mono_ms) {
      for (const std::string& worker : beating) hear(worker, "HEARTBEAT seq=9 cpu=10");
      beat = now.mono_ms + heartbeat_ms_;
    }
    std::int64_t next = std::min(end, cluster_->next_deadline());
    if (!beating.empty()) next = std::min(next, beat);
    next = std::max(next, now.mono_ms);
    now.wall_ms += next - now.mono_ms;
    now.mono_ms = next;
    if (cluster_->next_deadline() <= now.mono_ms) feed(Tick{});
    if (now.mono_ms >= end && cluster_->next_deadline() > now.mono_ms) return;
  }
}

std::string World::take() {
  std::string text;
  for (const std::string& each : log_) text += each + "\n";
  log_.clear();
  return text;
}

int World::count(std::string_view start) const {
  return static_cast<int>(std::count_if(log_.begin(), log_.end(),
                                        [&](const auto& each) { return each.starts_with(start); }));
}

bool World::has(std::string_view part) const {
  return std::any_of(log_.begin(), log_.end(),
                     [&](const std::string& each) { return each.find(part) != std::string::npos; });
}

std::string World::state_of(const std::string& instance) const {
  if (!cluster_->state().instances.contains(instance)) return "none";
  const InstanceRow row = cluster_->row(instance, now);
  return row.state + (row.reason.empty() ? "" : " " + row.reason);
}

std::string World::print(std::string_view words) {
  const std::size_t before = log_.size();
  run(words);
  std::string text;
  for (std::size_t i = before; i < log_.size(); ++i) {
    const std::size_t at = log_[i].find(" out ");
    if (at != std::string::npos) text += log_[i].substr(at + 5) + "\n";
  }
  log_.resize(before);
  return text;
}

World with_web(const std::vector<std::string>& workers) {
  World world;
  for (const std::string& worker : workers) world.join(worker);
  world.install("web", workers);
  return world;
}

}  // namespace dm::test
