// master/io/server.h - dm-master at work: ties the loop, the core, the journal and the ports.
#pragma once

#include <memory>
#include <string>

#include "common/io/journal_log.h"
#include "master/io/bulk_port.h"
#include "master/io/control_port.h"
#include "master/io/disk_room.h"
#include "master/io/history_files.h"
#include "master/io/options.h"
#include "master/io/shortening.h"
#include "master/io/tail_files.h"
#include "master/io/worker_port.h"

namespace dm::master {

class Server {
 public:
  explicit Server(Options options);
  ~Server();

  // Locks the state directory, reads the journal, listens. Errors: one sentence for people.
  Status open();
  // Until stop(). Returns the exit status.
  int run() { return loop_.run(); }
  void stop(int status) { loop_.stop(status); }

  // Calls `task` from the loop once so many workers are up, or after 10 s.
  void when_up(int workers, std::function<void()> task);

  // Reads the secrets again.
  void reload_keys();

  Loop& loop() { return loop_; }
  std::uint16_t port() const { return port_; }
  const std::string& control_path() const { return control_path_; }

 private:
  Status open_state();
  Error not_our_journal(const Error& error) const;
  Status read_journal();
  void recall_history(std::int64_t from);
  Status open_blobs();
  Status listen();
  Result<std::string> open_control(const Endpoint& endpoint);  // what it is called
  void dispatch(const Event& event);
  void perform(Effect& effect);
  void recheck_keys();
  void collect_blobs();
  void prepare_shortening();
  void shorten_journal();
  void give_up(const Error& error);
  void read_history(const ReadHistory& effect);
  void drop_history(std::int64_t before);
  void store_tail(const std::string& order, Tail tail);
  void keep_tail(const Tail& tail);
  void read_tail(const ReadTail& effect);
  void drop_tails(const std::vector<std::string>& instances);
  void keep_history_small();
  void arm_soon();
  void arm();
  void count_workers();

  Options options_;
  Loop loop_;
  Jobs jobs_, transfers_, sync_jobs_, tail_jobs_;
  Fd lock_;
  KeyRing keys_;
  std::unique_ptr<BlobStore> blobs_;
  DiskRoom room_;
  HistoryFiles history_;
  TailFiles tails_;
  std::optional<JournalFile> journal_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<ControlPort> control_;
  std::unique_ptr<LogRouter> router_;
  std::unique_ptr<BulkPort> bulk_;
  std::unique_ptr<WorkerPort> workers_;
  std::unique_ptr<CommitQueue<Effect, Append>> commits_;
  std::unique_ptr<Shortening> shortening_;
  Loop::TimerId timer_{};
  std::uint16_t port_ = 0;
  std::string control_path_;
  bool will_arm_ = false;
  int awaited_ = 0;
  std::function<void()> when_up_;
  Loop::TimerId patience_{};
  std::int64_t shorten_above_ = 0;  // bytes of the journal; set where a shortening failed
};

}  // namespace dm::master
