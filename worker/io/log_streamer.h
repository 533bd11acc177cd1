// worker/io/log_streamer.h - sends logs to the master, each on a connection and in a helper
// thread of its own, so that a slow follower delays nobody. Decides nothing about who may see
// what.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/io/jobs.h"
#include "worker/core/effects.h"
#include "worker/io/app_store.h"
#include "worker/io/bulk.h"

namespace dm::worker {

class LogReader;

class LogStreamer {
 public:
  // `ended` is called once for each stream, from the loop. `store` outlives the streamer, which
  // lives until the process ends.
  LogStreamer(Loop& loop, const AppStore& store, BulkTarget target,
              std::function<void(StreamEnded)> ended);
  ~LogStreamer();
  LogStreamer(const LogStreamer&) = delete;
  LogStreamer& operator=(const LogStreamer&) = delete;

  // For the streams that begin from now on.
  void use_key(std::optional<AccessKey> key) { target_.key = std::move(key); }
  // Begins a stream; beyond 64 at once it ends as `busy`.
  void start(const StreamLog& order);
  // Nothing more will be written to the run's log: followers get the rest and their END.
  void end(const std::string& instance, std::int64_t run);
  // Ends the stream of a request at once.
  void cancel(const std::string& id);

 private:
  struct Stream;
  void finished(std::uint64_t key, const Status& outcome);
  static Status send(Stream& stream, const AppStore& store, const BulkTarget& target);
  static Status send_growth(Stream& stream, LinePeer& peer, LogReader& log, std::int64_t from,
                            std::int64_t size);

  const AppStore& store_;
  BulkTarget target_;
  std::function<void(StreamEnded)> ended_;
  Jobs jobs_;
  std::map<std::uint64_t, std::unique_ptr<Stream>> streams_;
  std::uint64_t next_key_ = 1;
};

}  // namespace dm::worker
