// master/core/cluster.h - the core of the master: knows every worker, app and instance, carries
// out the operators' commands, watches and explains. Pure: an event and the time go in, effects
// come out; it never touches a descriptor, a clock or a random source.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "master/core/effects.h"
#include "master/decide/failover.h"
#include "master/logs/event_log.h"
#include "master/observed/reports.h"
#include "master/observed/roster.h"
#include "master/state/state.h"
#include "master/view/instance_row.h"

namespace dm::master {

struct ClusterOptions {
  std::int64_t heartbeat_ms = 1000;
  std::int64_t move_after_ms = 10'000;
  std::string cluster_id;  // 128 random bits in hex
  std::string epoch;       // differs at each start; part of every order's id
  bool insecure = false;   // no keys: everybody who reaches us is trusted
  std::int64_t history_max_bytes = 64 * 1024 * 1024;  // how much of the audit trail is kept
  std::int64_t keep_ended = 100;  // instances of each app that stay after their end
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options);

  // Rebuilds the state from the journal; records come in their order, before any event.
  // `seq`: its number in the tail, 0 for one of a snapshot.
  Status replay(const Line& record, std::int64_t seq = 0);
  // Before the replay: older records of the audit trail, for `events` alone; and how many are older
  // than these.
  void recall(const Line& record, std::int64_t seq);
  void recall_older(std::int64_t records) { events_.count_older(records); }
  // After the replay: the manifests that the journal names are to be given with provide().
  void provide(const std::string& version, Manifest manifest);
  // The known workers are expected back from now on.
  void begin(Now now);

  Effects on(const Event& event, Now now);
  // When Tick is due (mono_ms).
  std::int64_t next_deadline() const;

  const State& state() const { return state_; }
  const std::map<std::string, WorkerView>& workers() const { return workers_; }

  // May this worker fetch that blob now? Only those of an install that is under way for it.
  bool may_fetch(const std::string& worker, const std::string& sha256) const;
  // May a bulk connection speak for this worker?
  bool is_connected(const std::string& worker, const std::string& id) const;
  // The lowest generation of a key that still opens anything for this name.
  std::int64_t least_generation(const std::string& name) const;
  // Every blob that some version needs.
  std::set<std::string> referenced_blobs() const;

  // One instance as it is shown (cluster_row.cc).
  InstanceRow row(const std::string& name, Now now) const;

 private:
  static constexpr std::int64_t kMostTails = 64 * 1024 * 1024;  // bytes
  enum class OrderKind { kProbe, kInstall, kLaunch, kStop, kKill, kDelete, kForget, kLog };
  struct Order {
    std::int64_t number = 0;  // orders to one worker go out in this sequence
    std::string id, worker;   // the id is epoch.number
    OrderKind kind = OrderKind::kProbe;
    RequestId request = 0;  // 0: nobody waits
    Line line;
    std::string instance;  // launch, stop, kill, log
    std::string transfer;  // probe, install: key of the transfer
    std::string app;       // delete
    std::int64_t deadline_mono_ms = 0;
    std::int64_t patience_ms = 0;  // 0: the usual; negative: for ever
    bool sent = false;
  };
  struct OrderRow;
  static const OrderRow kOrderRows[];

  // One version on its way to one worker, whoever waits for it.
  struct Transfer {
    std::string worker, app, version;
    bool installing = false;
    std::vector<RequestId> copies;      // `copy` commands that want to hear of it
    std::vector<std::string> launches;  // instances that wait for it
  };

  // One command of an operator while it waits for workers.
  struct Request {
    RequestId id = 0;
    Asker asker;
    std::string words;  // what was typed, for the audit trail
    Invocation invocation;
    int waiting = 0;  // orders and transfers
    int tried = 0, failed = 0;
    std::optional<Error> error;  // the first
    bool follows_events = false;
    std::string audit;      // it changes something: its number in the audit trail
    std::string stops_app;  // delete --force: what is to be deleted once it is stopped
    // `logs APP`: first what is kept of those that are gone, then these together.
    int tails_awaited = 0;
    std::vector<std::string> to_weave;
    std::size_t width = 0;  // of the longest name
  };

  using CommandHandler = void (Cluster::*)(Request&, const Command&, Now);
  struct CommandRow;
  static const CommandRow kCommandRows[kCommandCount];
  using LineHandler = void (Cluster::*)(WorkerView&, const Line&, Now);
  struct LineRow;
  static const LineRow kLineRows[];

  // Sessions (cluster_sessions.cc).
  void handle(const SessionOpened& opened, Now now);
  void handle(const SessionLine& event, Now now);
  void handle(const SessionClosed& closed, Now now);
  void handle(const TurnedAway& peer, Now now);
  void on_info(WorkerView& worker, const Line& line, Now now);
  void check_epoch(const WorkerView& worker, const Line& info, Now now);
  void on_instance(WorkerView& worker, const Line& line, Now now);
  void on_heartbeat(WorkerView& worker, const Line& line, Now now);
  void on_progress(WorkerView& worker, const Line& line, Now now);
  void on_answer(WorkerView& worker, const Line& line, Now now);
  void on_bye(WorkerView& worker, const Line& line, Now now);
  void lose(WorkerView& worker, Now now);
  void happened_at(WorkerView& worker, ClusterEvent event, Now now);
  void tell_left_out(WorkerView& worker, Now now);
  WorkerView* view_of(SessionId session);
  bool is_known(const std::string& worker) const { return state_.workers.contains(worker); }
  // Why a worker cannot be asked for anything; nullopt if it can, if only when it is back.
  std::optional<Error> away(const std::string& worker) const;
  void take_samples(Now now);

  // Ends that workers report (cluster_exits.cc).
  void on_exited(WorkerView& worker, const Line& line, Now now);
  void tell_dropped(WorkerView& worker, std::int64_t seq, Now now);
  void pay_ack(WorkerView& worker);

  // What no record speaks of (cluster_foreign.cc).
  void on_foreign(WorkerView& worker, const std::string& name, const Line& line);
  std::map<std::string, std::int64_t> foreign_numbers(const WorkerView& worker) const;
  void learn_numbers(WorkerView& worker, Now now);
  void tell_foreign(WorkerView& worker, Now now);

  // Orders (cluster_orders.cc).
  std::string send_order(Order order, Now now);
  void post(Order& order, Now now);
  void keep(Order order);
  std::optional<Order> take_order(std::int64_t number);
  std::int64_t order_number(const WorkerView& worker, const Line& answer) const;
  void give_up_orders(const std::string& worker, const Error& error, Now now);
  bool has_order(const std::string& instance) const;
  void settle(Order order, const Line& answer, const std::optional<Error>& error, Now now);
  void settled_probe(const Order& order, const Line& answer, const std::optional<Error>& error,
                     Now);
  void settled_install(const Order& order, const Line& answer, const std::optional<Error>& error,
                       Now);
  void settled_launch(const Order& order, const Line& answer, const std::optional<Error>& error,
                      Now);
  void settled_stop(const Order& order, const Line& answer, const std::optional<Error>& error, Now);
  void settled_delete(const Order& order, const Line& answer, const std::optional<Error>& error,
                      Now);
  void begin_transfer(const std::string& worker, const std::string& app, const std::string& version,
                      RequestId copy, const std::string& launch, Now now);
  void end_transfer(const std::string& key, const std::optional<Error>& error,
                    const std::string& words, Now now);
  void arrived_too_late(const std::string& key, Now now);
  void launch_failed(const std::string& instance, RequestId request, const Error& error, Now now);
  void tell_launched(const std::string& instance, const std::string& pid, Now now);
  void adopt_launch(const std::string& instance, const Live& live, Now now);
  void record_launched(const std::string& instance, std::int64_t run, Now now);
  void note_revival(const std::string& instance, const Live& live, Now now);
  bool install_again(const Order& order, Now now);
  void keep_earlier_run(const std::string& instance);
  bool try_launch_later(const std::string& instance, const Error& error, Now now);
  void withdraw_launch(const std::string& instance, const Placement& placement, const Error& error,
                       Now now);
  void send_launch(const std::string& instance, RequestId request, Now now);
  void install_or_launch(const std::string& instance, RequestId request, Now now);
  void send_end(const std::string& instance, OrderKind kind, Now now);
  void end_unbegun(const std::string& instance, Now now);
  void handle(const Tick&, Now now);

  // Logs (cluster_logs.cc).
  void do_logs(Request& request, const Command&, Now now);
  void weave_logs(Request& request, const std::vector<std::string>& names, Now now);
  static std::string weave_prefix(const Request& request, const std::string& name);
  std::optional<Error> begin_kept_log(Request& request, const std::string& name, const Error& gone);
  void weave_kept(Request& request, const TailRead& read, Now now);
  void weave_living(Request& request, Now now);
  void ask_log(const Request& request, const std::string& name, std::optional<Weave> weave,
               Now now);
  void log_is_through(const Order& order, const std::optional<Error>& error, Now now);
  void send_log(Order order, std::optional<Weave> weave, std::optional<Tail> tail, Now now);
  void settled_log(const Order& order, const Line& answer, const std::optional<Error>& error, Now);
  void handle(const StreamEnded& ended, Now now);

  // What is kept of logs (cluster_tails.cc).
  void ask_tails(Now now);
  void keep_tail(const std::string& name, const WorkerView& worker, const Line& exited, Now now);
  void want_missing_tails(const WorkerView& worker, Now now);
  void ask_tail(const std::string& name, const Placement& placement, Now now);
  void handle(const TailStored& stored, Now now);
  void handle(const TailRead& read, Now now);
  void tail_is_through(const Order& order, const std::optional<Error>& error, Now now);
  void forget_tails();
  void show_kept_log(Request& request, const std::string& name, const Error& gone);
  static Error not_kept_for(const std::string& option, const Error& gone);
  std::string why_away(const std::string& name) const;
  std::string why_kept(const Tail& tail) const;
  void read_tail(Request& request, const std::string& name);
  std::optional<Error> print_kept_log(const Request& request, const TailRead& read, Now now);
  void describe_tail(const Request& request, const TailRead& read);

  // What is finished later (cluster_mend.cc).
  void on_synced(WorkerView& worker, const Line& line, Now now);
  void end_missing(WorkerView& worker, Now now);
  bool is_unbegun(const std::string& name) const;
  bool will_begin(const std::string& name) const;
  std::set<std::string> ordered_instances() const;
  void mend_soon(Now now);
  void mend_if_due(Now now);
  void mend(const std::string& worker, Now now);
  void launch_again(const std::string& name, Now now);
  void delete_if_still(const std::string& worker, const std::string& app, Now now);

  // What ended long ago (cluster_forget.cc).
  void forget_soon(Now now);
  void forget_if_due(Now now);
  bool is_over(const std::string& name, Now now) const;
  std::vector<std::string> ended_long_ago(Now now) const;
  void settled_forget(const Order& order, const Line& answer, const std::optional<Error>& error,
                      Now now);

  // Dead workers (cluster_failover.cc).
  FailoverView failover_view(Now now) const;
  void begin_failover(Now now);
  void fail_over(Now now);
  bool is_movable(const std::string& name, Now now) const;
  void move_from(const std::string& worker, Now now);
  enum class MoveReason { kWorkerLost, kCrashes };
  void move_one(const std::string& name, const WorkerView& target, MoveReason reason, Now now);
  bool should_try_elsewhere(const std::string& name) const;
  const WorkerView* elsewhere(const std::string& name, IfAllAreFull fallback, Now now);
  enum class Loss { kBeforeItBegan, kSoon, kLate };
  Loss loss_of(const Placement& placement, Now now) const;
  bool is_to_be_quarantined(const Placement& placement, Now now) const;
  void quarantine(const std::string& name, Now now);
  bool has_successor(const std::string& name, Now now);
  void wait_for_room(const std::string& worker, Now now);
  const WorkerView* choose_anywhere(const std::set<std::string>& but, IfAllAreFull fallback,
                                    Now now) const;
  void do_failover(Request& request, const Command&, Now now);

  // Workers that will not come back (cluster_farewell.cc).
  void do_forget(Request& request, const Command&, Now now);
  void move_for_good(const Request& request, const std::string& name, Now now);
  const WorkerView* choose_heir(const std::string& worker, Now now) const;
  void end_for_good(const Request& request, const std::string& name, Now now);

  // What must never live twice (cluster_leases.cc).
  void begin_leases(Now now);
  void grant_leases(const WorkerView& worker, std::int64_t beat, Now now);
  void note_lease(const std::string& name, std::int64_t lease_ms, Now now);
  void hold_lease(const std::string& name, Now now);
  void drop_leases(Now now);
  std::int64_t lease_left_ms(const std::string& name, Now now) const;
  std::optional<Error> held_by_other(const std::string& app, const std::string& but, bool singleton,
                                     Now now) const;
  bool stands_back(const std::string& name, Now now) const;
  std::optional<std::string> waits_for(const std::string& name, Now now) const;
  void begin_successor(const std::string& old, Now now);

  // The audit trail (cluster_history.cc).
  void do_history(Request& request, const Command&, Now now);
  void handle(const HistoryRead& read, Now now);
  void handle(const HistoryCut& cut, Now now);
  void record_end(const std::string& instance, const RunEnd& end, std::optional<std::int64_t> seq,
                  Now now);

  // Commands (cluster_commands.cc, cluster_ends.cc, cluster_listings.cc).
  void handle(const Command& command, Now now);
  void handle(const Cancel& cancel, Now now);
  void do_workers(Request& request, const Command&, Now now);
  void do_revoke(Request& request, const Command&, Now now);
  void do_copy(Request& request, const Command& command, Now now);
  void do_launch(Request& request, const Command& command, Now now);
  void do_ps(Request& request, const Command&, Now now);
  void do_stop(Request& request, const Command&, Now now);
  void do_kill(Request& request, const Command&, Now now);
  void do_start(Request& request, const Command&, Now now);
  void do_usage(Request& request, const Command&, Now now);
  void do_delete(Request& request, const Command&, Now now);
  void do_events(Request& request, const Command&, Now now);
  void do_describe(Request& request, const Command&, Now now);
  void do_names(Request& request, const Command&, Now now);
  void do_help(Request& request, const Command&, Now now);
  void do_version(Request& request, const Command&, Now now);
  void do_quit(Request& request, const Command&, Now now);

  std::deque<Placement> add_foreign(std::vector<InstanceRow>& rows,
                                    const Invocation& invocation) const;
  void describe_app(Request& request, const std::string& name, Now now);
  void describe_worker(Request& request, const WorkerView& worker, Now now);
  void describe_instance(Request& request, const std::string& name, Now now);
  bool may_live(const std::string& name, Now now) const;
  void end_instances(Request& request, OrderKind kind, Now now);
  void end_one(Request& request, OrderKind kind, const std::string& name, Now now);
  static Order end_order(const Request& request, OrderKind kind, const std::string& name,
                         const std::string& worker);
  std::vector<std::string> workers_with_foreign(const std::string& name) const;
  bool is_being_deleted(const std::string& app) const;
  void delete_from(Request& request, const std::string& app, Now now);
  void withdraw_delete(const Request& request, const std::string& app);
  std::set<std::string> delete_targets(const Request& request, const std::string& app) const;
  Status register_version(const PackageInfo& package, const std::string& app, Now now);
  std::optional<Error> check_singleton(const Request& request, const std::string& app,
                                       Now now) const;
  void create_instance(const Request& request, const std::string& name, const std::string& app,
                       const std::string& worker, Now now);
  Result<const WorkerView*> choose_worker(const Request& request, const std::string& app, Now now);

  // What a word means.
  Result<std::vector<std::string>> resolve_targets(const std::vector<std::string>& words) const;
  Result<std::vector<std::string>> resolve_listing(const Invocation& invocation) const;
  Result<std::vector<std::string>> resolve_workers(const std::string& spec) const;
  Error no_such(std::string_view what, const std::string& name) const;
  std::vector<std::string> instances_of(const std::string& app) const;
  bool is_alive(const std::string& instance) const;
  // Its files, or its LAUNCH, are on their way.
  bool is_launching(const std::string& instance) const;

  // Requests.
  void out(RequestId request, std::string text);
  void out_line(RequestId request, std::string_view text);  // one, and safe to show
  void note(RequestId request, std::string text);
  void failed(Request& request, const std::string& about, const Error& error);
  void refuse(Request& request, const Error& error);  // nothing was begun
  void done_one(RequestId id, const std::string& about, const std::optional<Error>& error, Now now);
  void finish_if_done(Request& request, Now now);
  void begin_audit(Request& request, Now now);
  void end_audit(const std::string& number, const std::optional<Error>& error, Now now);
  void end_left_audits(Now now);
  Request* find_request(RequestId id);

  void record(const Line& record);
  // Written before what follows, but not waited for: should the machine die, the worker tells it.
  void record_lazily(const Line& record);
  // What the state refuses is not written either.
  void append(const Line& record, bool lazy);
  void happened(ClusterEvent event, Now now);
  void say(const std::string& text, Now now);

  ClusterOptions options_;
  State state_;
  EventLog events_;
  Effects out_;  // of the event at hand
  std::map<std::string, WorkerView> workers_;
  std::map<SessionId, std::string> sessions_;
  std::map<std::string, Live> live_;  // by instance
  std::map<std::string, Manifest> manifests_;
  std::map<std::int64_t, Order> orders_;                 // by number
  std::set<std::pair<std::int64_t, std::int64_t>> due_;  // deadline and number of each order
  std::map<std::string, Transfer> transfers_;            // "worker version"
  // By instance: until then (mono_ms) it may live although its worker hears nothing from us.
  std::map<std::string, std::int64_t> leases_;
  std::map<std::string, RequestId> launching_;  // instances that wait for their files
  std::map<RequestId, Request> requests_;
  std::set<std::string> reinstalled_;  // instances whose files are sent once more
  std::int64_t next_order_ = 1;
  std::vector<std::string> left_audits_;
  std::int64_t next_seq_ = 1;  // of the journal: everything in it comes from here or was replayed
  bool failover_suspended_ = false;
  bool failover_waits_ = false;    // and this has been said
  std::set<std::string> used_up_;  // apps without a number left of which this has been said
  std::int64_t failover_resumed_mono_ms_ = INT64_MIN;
  std::int64_t hold_until_mono_ms_ = 0;
  std::int64_t next_failover_mono_ms_ = INT64_MAX;
  std::int64_t next_mend_mono_ms_ = INT64_MAX;
  std::int64_t next_forget_mono_ms_ = INT64_MAX;
  TailQueue tail_queue_;
  TailShelf tails_{kMostTails};
  std::int64_t tails_lost_ = 0;   // since the start: no room, or not to be had
  std::int64_t turned_away_ = 0;  // peers, since the start
  std::int64_t next_turned_away_line_ = 0, next_turned_away_event_ = 0;  // mono_ms
  std::int64_t next_sample_mono_ms_ = 0;
};

// LAUNCH without its id.
Line launch_line(const std::string& instance, const Placement& placement);

}  // namespace dm::master
