// master/io/server.h - dm-master at work: ties the loop, the core, the journal and the ports.
#pragma once

#include <memory>
#include <string>

#include "common/io/commit_queue.h"
#include "master/io/bulk_port.h"
#include "master/io/control_port.h"
#include "master/io/options.h"
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
  Status read_journal();
  Status load_manifests();
  Status listen();
  void dispatch(const Event& event);
  void perform(Effect& effect);
  void collect_blobs();
  void shorten_journal();
  void arm_soon();
  void arm();
  void count_workers();

  Options options_;
  Loop loop_;
  Jobs jobs_;
  Fd lock_;
  KeyRing keys_;
  std::unique_ptr<BlobStore> blobs_;
  std::optional<JournalFile> journal_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<BulkPort> bulk_;
  std::unique_ptr<ControlPort> control_;
  std::unique_ptr<WorkerPort> workers_;
  std::unique_ptr<CommitQueue<Effect, Append>> commits_;
  Loop::TimerId timer_{};
  std::uint16_t port_ = 0;
  std::string control_path_;
  bool will_arm_ = false;
  int awaited_ = 0;
  std::function<void()> when_up_;
  Loop::TimerId patience_{};
  std::int64_t journal_floor_ = 0;  // its size after the last shortening
};

}  // namespace dm::master
