// tests/unit/cluster_world.h - the master's core on a table: tests speak for the workers and the
// operators, time passes when they say so, and every effect is a line of text.
//
//   world.open("w1");               w1> WELCOME ...
//   world.hear("w1", "SYNCED");
//   world.run("launch web");        w1> LAUNCH id=e.3 ...       an order
//                                   record COMMAND ...          an Append
//                                   #2 out web.1 w1 77          #2 note ...    #2 OK   #2 ERR lost
//                                   ...
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/core/cluster.h"

namespace dm::test {

class World {
 public:
  explicit World(std::int64_t heartbeat_ms = 1000);

  // A worker's session. `id`: its 32 hex digits, or empty.
  void open(const std::string& worker, const std::string& id = "");
  void open(master::SessionOpened opened);  // whose session is given here
  void close(const std::string& worker, const std::string& why = "connection closed");
  void hear(const std::string& worker, std::string_view line);
  // A new session, which tells of one instance: what is made of SYNCED is left in the log.
  void return_with(const std::string& worker, std::string_view instance);
  // open, SYNCED and a first beat.
  void join(const std::string& worker, std::string_view beat = "HEARTBEAT seq=1 cpu=10");

  // A command. Returns its number.
  master::RequestId run(std::string_view words);
  void cancel(master::RequestId request);
  // `copy ./APP` and `launch ./APP`: the files are made up; `content` makes another version.
  master::RequestId run_with_files(std::string_view words, const std::string& app,
                                   const std::string& content = "1");
  // The app is registered and installed on these workers.
  void install(const std::string& app, const std::vector<std::string>& workers);
  // One instance that runs; returns its name.
  std::string launch(const std::string& app, const std::string& worker,
                     const std::string& more = "");

  // Answers the latest order of that verb to that worker: "OK pid=7 run=1", "ERR code=busy msg=x".
  void answer(const std::string& worker, const std::string& verb, std::string_view text);
  // The id of the latest order of that verb that went to that worker; empty if none did.
  std::string order(const std::string& worker, const std::string& verb) const;

  // The master has one secret, called `secret`; kept over restart().
  void set_secret(const std::string& secret);
  // The INFO of a worker that has obeyed an epoch which a master with that secret issued.
  static std::string claim(const std::string& epoch, const std::string& secret);

  // Any other event.
  void feed(const master::Event& event);
  void stream_ended(const std::string& order, std::optional<Error> error = std::nullopt);
  // Lets time pass, with a Tick at each deadline; those in `beating` beat every interval.
  void pass(std::int64_t ms, const std::vector<std::string>& beating = {});

  // Everything since the last take(), one line each.
  std::string take();
  // How many lines since the last take() begin with this, or hold it.
  int count(std::string_view start) const;
  bool has(std::string_view part) const;
  // The state of one instance, as `ps` shows it: "sleeping", "dead exit code 3".
  std::string state_of(const std::string& instance) const;
  // What a command that answers at once prints.
  std::string print(std::string_view words);
  // A master that reads its journal again: new core, same records.
  void restart();
  // A record that a master before this one wrote: counts from the next restart() on.
  void remember(std::string_view record);

  master::Cluster& cluster() { return *cluster_; }
  const std::vector<Line>& journal() const { return journal_; }
  Now now{1'000'000, 1'700'000'000'000};

 private:
  void note(const master::Effect& effect);

  std::int64_t heartbeat_ms_;
  int starts_ = 1;
  std::vector<std::string> epoch_keys_;
  std::unique_ptr<master::Cluster> cluster_;
  std::vector<Line> journal_;
  std::vector<std::string> log_;
  std::map<std::string, std::string> orders_;  // "worker VERB": id
  std::map<std::string, master::SessionId> sessions_;
  std::map<master::SessionId, std::string> names_;
  std::map<std::string, Manifest> manifests_;
  master::SessionId next_session_ = 1;
  master::RequestId next_request_ = 1;
};

// A master to which these workers have come, each with an app named web.
World with_web(const std::vector<std::string>& workers);

// A line of text as the codec reads it; a test that gives a bad one fails.
Line line(std::string_view text);

}  // namespace dm::test
