#include "master/io/server.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "common/io/files.h"
#include "common/io/system.h"

namespace dm::master {
namespace {

constexpr int kMostJobs = 64;
constexpr int kSystemError = 111;
// Beyond what the lost part of a journal can have counted to.
constexpr std::int64_t kEpochLeap = 1'000'000;
constexpr std::int64_t kPatienceMs = 10'000;
constexpr std::int64_t kJournalSlack = 4 * 1024 * 1024;

void say(const std::string& text) {
  std::fprintf(stderr, "dm-master: %s\n", text.c_str());
}

}  // namespace

Server::Server(Options options)
    : options_(std::move(options)), jobs_(loop_, kMostJobs), keys_(options_.secret_files) {}

Server::~Server() {
  if (!control_path_.empty()) ::unlink(control_path_.c_str());
}

Status Server::open() {
  if (auto loaded = keys_.load(); !loaded) return loaded;
  if (keys_.is_open()) say("--insecure: no keys; whoever reaches these addresses is trusted");
  for (auto step :
       {&Server::open_state, &Server::read_journal, &Server::load_manifests, &Server::listen})
    if (auto done = (this->*step)(); !done) return done;
  cluster_->begin(loop_.now());
  arm();
  return {};
}

Status Server::open_state() {
  if (auto made = make_directories(options_.state, 0700); !made) return made;
  auto lock = lock_directory(options_.state);
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  blobs_ = std::make_unique<BlobStore>(options_.state + "/blobs");
  return blobs_->prepare();
}

Status Server::read_journal() {
  // The core is made when the journal has said which cluster this is.
  State known;
  std::vector<Line> records;
  std::string notice;
  auto journal = JournalFile::open(
      options_.state, "master",
      [&](const Line& record) {
        Status applied = known.apply(record);
        if (applied && record.verb() != "COMMAND") records.push_back(record);
        return applied;
      },
      &notice);
  if (!journal)
    return fail(journal.error().code, journal.error().message +
                                          "; nothing was changed, see "
                                          "'dm-master --check " +
                                          options_.state + "'");
  if (!notice.empty()) say(notice);
  journal_ = std::move(*journal);
  const auto begin = [&](const Line& record) {
    journal_->add(record);
    records.push_back(record);
  };
  if (known.cluster_id.empty()) begin(Line("CLUSTER").add("id", random_hex(16)));
  Line epoch("EPOCH");
  epoch.add("number", known.epoch_number + (options_.new_epoch ? kEpochLeap : 1));
  epoch.add("id", random_hex(8));
  if (options_.new_epoch) epoch.add("new", 1);
  begin(epoch);
  if (auto written = journal_->write(); !written) return written;
  if (::fdatasync(journal_->fd()) != 0) return system_error("sync", "the journal");
  State now_known;
  for (const Line& record : records) (void)now_known.apply(record);
  ClusterOptions core;
  core.heartbeat_ms = options_.heartbeat_ms;
  core.move_after_ms = options_.move_after_ms;
  core.cluster_id = now_known.cluster_id;
  core.epoch = std::to_string(now_known.epoch_number) + "-" + now_known.epoch_id;
  cluster_ = std::make_unique<Cluster>(core);
  for (const Line& record : records) (void)cluster_->replay(record);
  journal_floor_ = journal_->size();
  return {};
}

Status Server::load_manifests() {
  for (const auto& [sha256, version] : cluster_->state().versions) {
    const auto text = blobs_->read(sha256, kMaxManifest);
    auto manifest = text ? parse_manifest(*text) : Result<Manifest>(text.error());
    if (manifest)
      cluster_->provide(sha256, std::move(*manifest));
    else
      say("version " + sha256.substr(0, 12) + " of " + version.app + ": " +
          manifest.error().message);
  }
  return {};
}

Status Server::listen() {
  auto listener = listen_on(options_.listen);
  if (!listener) return listener.error();
  const std::string address = local_name(listener->get());
  const auto bound = parse_endpoint(address);
  if (bound) port_ = bound->port;
  hub_ = std::make_unique<Hub>(Hub{loop_, jobs_, *blobs_, *cluster_, keys_,
                                   [this](const Event& event) { dispatch(event); }});
  control_ =
      std::make_unique<ControlPort>(*hub_, [this](RequestId request) { bulk_->drained(request); });
  bulk_ = std::make_unique<BulkPort>(
      *hub_,
      [this](RequestId request, std::string_view bytes) { return control_->out(request, bytes); },
      [this](const Progress& progress) { control_->progress(progress); },
      [this](RequestId request, const std::string& text) { control_->note(request, text); });
  commits_ = std::make_unique<CommitQueue<Effect, Append>>(
      &*journal_, jobs_, [this](Effect& effect) { perform(effect); },
      [this](const Error& error) {
        say(error.message + "; nothing more can be promised, ending");
        loop_.stop(kSystemError);
      });
  workers_ = std::make_unique<WorkerPort>(*hub_, std::move(*listener), *bulk_);
  say("listening on " + address);
  if (options_.control.empty()) {
    Endpoint standard;
    standard.path = options_.state + "/control.sock";
    options_.control.push_back(standard);
  }
  for (const Endpoint& endpoint : options_.control) {
    auto control = listen_on(endpoint);
    if (!control) return control.error();
    say("control on " + (endpoint.is_unix() ? endpoint.path : local_name(control->get())));
    if (endpoint.is_unix() && control_path_.empty()) control_path_ = absolute_path(endpoint.path);
    control_->listen(std::move(*control), endpoint.is_unix());
  }
  if (options_.port_file.empty()) return {};
  return replace_file(options_.port_file, std::to_string(port_) + "\n");
}

void Server::dispatch(const Event& event) {
  commits_->submit(cluster_->on(event, loop_.now()));
  shorten_journal();
  arm_soon();
  if (when_up_) count_workers();
}

void Server::reload_keys() {
  if (auto loaded = keys_.load(); !loaded)
    say("keys are kept as they were: " + loaded.error().message);
  else
    say("keys read again");
}

void Server::when_up(int workers, std::function<void()> task) {
  awaited_ = workers;
  when_up_ = std::move(task);
  patience_ = loop_.at(loop_.now().mono_ms + kPatienceMs, [this] {
    awaited_ = 0;
    count_workers();
  });
  loop_.later([this] { count_workers(); });
}

void Server::count_workers() {
  const auto& all = cluster_->workers();
  const auto up = std::count_if(all.begin(), all.end(), [](const auto& entry) {
    return entry.second.presence == Presence::kUp && entry.second.synced;
  });
  if (up < awaited_ || !when_up_) return;
  loop_.cancel(patience_);
  loop_.later(std::exchange(when_up_, nullptr));
}

// Once a round: a thousand lines of a worker ask for the next deadline once.
void Server::arm_soon() {
  if (will_arm_) return;
  will_arm_ = true;
  loop_.later([this] {
    will_arm_ = false;
    arm();
  });
}

void Server::arm() {
  loop_.cancel(timer_);
  const std::int64_t deadline = cluster_->next_deadline();
  if (deadline == INT64_MAX) return;
  timer_ = loop_.at(deadline, [this] { dispatch(Tick{}); });
}

void Server::perform(Effect& effect) {
  struct Visitor {
    Server& server;
    void operator()(const Append&) {}
    void operator()(const ToSession& e) { server.workers_->send(e.session, e.line); }
    void operator()(const CloseSession& e) { server.workers_->close(e.session, e.why); }
    void operator()(const Out& e) { server.control_->out(e.request, e.text); }
    void operator()(const Note& e) { server.control_->note(e.request, e.text); }
    void operator()(const Progress& e) { server.control_->progress(e); }
    void operator()(const Finish& e) { server.control_->finish(e.request, e.error); }
    void operator()(const ExpectStream& e) { server.bulk_->expect(e.order, e.worker, e.request); }
    void operator()(const DropStream& e) { server.bulk_->drop(e.order); }
    void operator()(const CollectBlobs&) { server.collect_blobs(); }
    void operator()(const Say& e) {
      // On a terminal the shell shows it as an event, above the line being typed.
      if (!server.options_.shell || ::isatty(STDERR_FILENO) == 0) say(e.text);
    }
  };
  std::visit(Visitor{*this}, effect);
}

// What no version needs any more, and no operator is just bringing up.
void Server::collect_blobs() {
  std::set<std::string> keep = cluster_->referenced_blobs();
  keep.merge(control_->pinned());
  jobs_.run([keep = std::move(keep), store = *blobs_]() -> Loop::Task {
    for (const std::string& blob : store.list())
      if (!keep.contains(blob)) (void)store.remove(blob);
    return {};
  });
}

// Between two batches, when most of the journal is history that the state no longer needs.
void Server::shorten_journal() {
  if (!commits_->is_idle() || journal_->size() < 4 * journal_floor_ + kJournalSlack) return;
  if (auto replaced = journal_->replace(cluster_->snapshot()); !replaced)
    say("cannot shorten the journal: " + replaced.error().message);
  journal_floor_ = journal_->size();
}

}  // namespace dm::master
