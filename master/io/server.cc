#include "master/io/server.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/system.h"
#include "master/io/inspect.h"

namespace dm::master {
namespace {

constexpr int kMostJobs = 64;
constexpr int kMostTransfers = 256;
constexpr int kSystemError = 111;
// Beyond what the lost part of a journal can have counted to.
constexpr std::int64_t kEpochLeap = 1'000'000;
constexpr std::int64_t kPatienceMs = 10'000;

// The history is kept, and goes, in pieces of that size. The journal may hold one that is not
// saved yet.
std::int64_t piece_of(std::int64_t history_max_bytes) {
  return std::min<std::int64_t>(4 * 1024 * 1024, history_max_bytes / 4);
}

// What could drive a terminal or look like another line is spelled out: names come from elsewhere.
void say(const std::string& text) {
  std::fprintf(stderr, "dm-master: %s\n", escape_for_terminal(text).c_str());
}

void tell_missing(const std::vector<std::string>& key_files) {
  for (const std::string& file : key_files)
    say("key file " + file + " is not there; SIGHUP reads it when it is");
}

}  // namespace

Server::Server(Options options)
    : options_(std::move(options)),
      jobs_(loop_, kMostJobs),
      transfers_(loop_, kMostTransfers),
      sync_jobs_(loop_, 1),
      tail_jobs_(loop_, 1),
      keys_(options_.secret_files),
      room_(options_.state, options_.disk_floor_percent),
      history_(options_.state, piece_of(options_.history_max_bytes)),
      tails_(options_.state) {}

Server::~Server() {
  if (!control_path_.empty()) ::unlink(control_path_.c_str());
}

Status Server::open() {
  const auto loaded = keys_.load();
  if (!loaded) return loaded.error();
  tell_missing(*loaded);
  if (keys_.is_open()) say("--insecure: no keys; whoever reaches these addresses is trusted");
  for (auto step :
       {&Server::open_state, &Server::read_journal, &Server::open_blobs, &Server::listen})
    if (auto done = (this->*step)(); !done) return done;
  cluster_->begin(loop_.now());
  dispatch(EpochKeys{keys_.epoch_keys()});
  // A crash may have come between the record of a cut and the files.
  drop_history(cluster_->state().cuts.before);
  keep_history_small();
  for (const TailFiles::Found& found : tails_.list())
    dispatch(TailStored{found.instance, found.run, found.bytes});
  arm();
  return {};
}

Status Server::open_state() {
  if (auto made = make_directories(options_.state, 0700); !made) return made;
  auto lock = lock_directory(options_.state);
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  blobs_ = std::make_unique<BlobStore>(options_.state + "/blobs", BlobStore::WhenTaken::kBeside);
  const auto journal = JournalFile::look(options_.state, "master");
  if (!journal) return not_our_journal(journal.error());
  // Without a journal every blob is unreferenced, and would be removed.
  const bool is_blank = *journal == JournalFile::Beginning::kBlank;
  if (const auto lost = is_blank ? lost_memory(options_.state) : std::nullopt) return *lost;
  // Before anything is written: they may be what has filled the disk.
  blobs_->discard_parts();
  return {};
}

// Where the system refused, the journal is not to blame.
Error Server::not_our_journal(const Error& error) const {
  if (error.code != Code::kInternal && error.code != Code::kBadArg) return error;
  return fail(error.code, error.message + "; nothing was changed, see 'dm-master --check " +
                              options_.state + "'");
}

Status Server::read_journal() {
  // The core is made when the journal has said which cluster this is.
  State known;
  std::vector<SealedRecord> records;
  std::string notice;
  auto journal = JournalFile::open(
      options_.state, "master",
      [&](const Line& record, std::int64_t seq) {
        Status applied = known.apply(record);
        if (applied) records.push_back({record, seq});
        return applied;
      },
      &notice);
  if (!journal) return not_our_journal(journal.error());
  if (!notice.empty()) say(notice);
  journal_ = std::move(*journal);
  journal_->keep_reserve(room_.reserve());
  const auto begin = [&](const Line& record) {
    records.push_back({record, journal_->next_seq()});
    journal_->add(record);
    (void)known.apply(record);
  };
  if (known.cluster_id.empty()) begin(Line("CLUSTER").add("id", random_hex(16)));
  Line epoch("EPOCH");
  epoch.add("number", known.epoch_number + (options_.new_epoch ? kEpochLeap : 1));
  epoch.add("id", random_hex(8));
  if (options_.new_epoch) epoch.add("new", 1);
  begin(epoch);
  if (auto written = journal_->write(); !written) return written;
  if (auto synced = JournalFile::sync(journal_->fd()); !synced) return synced;
  ClusterOptions core;
  core.heartbeat_ms = options_.heartbeat_ms;
  core.move_after_ms = options_.move_after_ms;
  core.move_left_ms = options_.move_left_ms;
  core.insecure = keys_.is_open();
  core.history_max_bytes = options_.history_max_bytes;
  core.keep_ended = options_.keep_ended;
  core.cluster_id = known.cluster_id;
  core.epoch = std::to_string(known.epoch_number) + "-" + known.epoch_id;
  cluster_ = std::make_unique<Cluster>(core);
  recall_history(known.cuts.before);
  for (const SealedRecord& record : records) (void)cluster_->replay(record.line, record.seq);
  return {};
}

// The newest events that the journal itself does not hold any more.
void Server::recall_history(std::int64_t from) {
  history_.sweep();
  std::int64_t older = 0;
  const int unreadable = history_.read_newest(from, static_cast<std::int64_t>(EventLog::kMost),
                                              older, [&](std::string_view row) {
                                                if (const auto record = open_record(row))
                                                  cluster_->recall(record->line, record->seq);
                                              });
  cluster_->recall_older(older);
  if (unreadable > 0)
    say(std::to_string(unreadable) + " files of " + options_.state +
        "/history cannot be read; the start goes on");
}

Status Server::open_blobs() {
  if (auto prepared = blobs_->prepare(); !prepared) return prepared;
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
  hub_ = std::make_unique<Hub>(Hub{loop_, jobs_, transfers_, *blobs_, room_, *cluster_, keys_,
                                   [this](const Event& event) { dispatch(event); }});
  control_ = std::make_unique<ControlPort>(
      *hub_, options_.control_groups, [this](RequestId request) { router_->drained(request); });
  router_ = std::make_unique<LogRouter>(
      *hub_, *control_, [this](const std::string& order) { bulk_->resume(order); },
      [this](const std::string& order, Tail tail) { store_tail(order, std::move(tail)); });
  bulk_ = std::make_unique<BulkPort>(*hub_, *router_);
  commits_ = std::make_unique<CommitQueue<Effect, Append>>(
      std::make_unique<JournalLog>(*journal_, sync_jobs_),
      [this](Effect& effect) { perform(effect); }, [this](const Error& error) { give_up(error); });
  prepare_shortening();
  workers_ = std::make_unique<WorkerPort>(*hub_, std::move(*listener), *bulk_);
  // A TCP endpoint for operators elsewhere takes none away from those on this machine.
  const auto& given = options_.control;
  if (std::none_of(given.begin(), given.end(), [](const Endpoint& e) { return e.is_unix(); })) {
    Endpoint standard;
    standard.path = options_.state + "/control.sock";
    options_.control.insert(options_.control.begin(), standard);
  }
  std::vector<std::string> ready{"listening on " + address};
  for (const Endpoint& endpoint : options_.control) {
    const auto opened = open_control(endpoint);
    if (!opened) return opened.error();
    ready.push_back("control on " + *opened);
  }
  if (!options_.port_file.empty())
    if (auto told = replace_file(options_.port_file, std::to_string(port_) + "\n"); !told)
      return told;
  // Whoever waits for these lines finds everything open.
  for (const std::string& line : ready) say(line);
  return {};
}

Result<std::string> Server::open_control(const Endpoint& endpoint) {
  auto listener = listen_on(endpoint);
  if (!listener) return listener.error();
  const bool is_unix = endpoint.is_unix();
  const auto shared = is_unix ? share_socket(endpoint.path, options_.control_groups) : true;
  if (!shared) return shared.error();
  if (!*shared)
    say("no group can enter the directory of " + endpoint.path +
        "; name another socket by --control");
  if (is_unix && control_path_.empty()) control_path_ = absolute_path(endpoint.path);
  const std::string name = is_unix ? endpoint.path : local_name(listener->get());
  control_->listen(std::move(*listener), is_unix);
  return name;
}

void Server::dispatch(const Event& event) {
  commits_->submit(cluster_->on(event, loop_.now()));
  shorten_journal();
  arm_soon();
  if (when_up_) count_workers();
}

void Server::reload_keys() {
  const auto loaded = keys_.load();
  say(loaded ? "keys read again" : "keys are kept as they were: " + loaded.error().message);
  if (loaded) tell_missing(*loaded);
  dispatch(EpochKeys{keys_.epoch_keys()});
  recheck_keys();
}

void Server::recheck_keys() {
  workers_->recheck_keys();
  bulk_->recheck_keys();
  control_->recheck_keys();
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
    void operator()(const ExpectStream& e) {
      server.router_->expect(e);
      server.bulk_->expect(e.order, e.worker);
    }
    void operator()(const StreamDue& e) { server.bulk_->due(e.order); }
    void operator()(const DropStream& e) {
      server.bulk_->drop(e.order);
      server.router_->drop(e.order);
    }
    void operator()(const KeysChanged&) { server.recheck_keys(); }
    void operator()(const CollectBlobs&) { server.collect_blobs(); }
    void operator()(const ReadHistory& e) { server.read_history(e); }
    void operator()(const DropHistory& e) { server.drop_history(e.before); }
    void operator()(const ReadTail& e) { server.read_tail(e); }
    void operator()(const KeepTail& e) { server.keep_tail(e.tail); }
    void operator()(const DropTails& e) { server.drop_tails(e.instances); }
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
  jobs_.run([keep = std::move(keep), store = *blobs_]() -> Task {
    for (const std::string& blob : store.list())
      if (!keep.contains(blob)) (void)store.remove(blob);
    return {};
  });
}

void Server::prepare_shortening() {
  Shortening::Parts parts{jobs_, *journal_, cluster_->state(), {}, {}, {}, {}, {}};
  parts.hold = [this](Task task) { commits_->hold(std::move(task)); };
  parts.release = [this] { commits_->release(); };
  parts.save = [files = history_](const JournalRewrite& rewrite) {
    return files.save(rewrite.old_journal(), rewrite.old_tail_from(), rewrite.tail_from());
  };
  parts.on_done = [this](const Status& done) {
    if (done) return keep_history_small();
    say("cannot shorten the journal: " + done.error().message + "; it goes on as it is");
    shorten_above_ = journal_->size() + piece_of(options_.history_max_bytes);
  };
  parts.on_lost = [this](const Error& error) { give_up(error); };
  shortening_ = std::make_unique<Shortening>(std::move(parts));
}

// When most of the journal is history that the state no longer needs.
void Server::shorten_journal() {
  const std::int64_t tail = journal_->tail_bytes(), snapshot = journal_->size() - tail;
  if (shortening_->is_running() || journal_->size() < shorten_above_) return;
  if (tail >= 2 * snapshot + piece_of(options_.history_max_bytes)) shortening_->begin();
}

void Server::give_up(const Error& error) {
  say(error.message + "; nothing more can be promised, ending");
  loop_.stop(kSystemError);
}

}  // namespace dm::master
