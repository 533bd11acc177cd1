// tests/bench/swarm_worker.h - one worker of the swarm: the real worker protocol without
// processes. It greets, beats, answers orders, keeps its instances over a restart of the master,
// and hangs up as a real worker does. Never touches a descriptor; its clock is given.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/access_key.h"
#include "common/clock.h"
#include "common/codec.h"
#include "common/handshake.h"
#include "common/line_buffer.h"
#include "worker/core/master_link.h"

namespace dm::bench {

// Counted over all workers of the swarm.
struct SwarmTotals {
  std::int64_t up = 0;        // sessions of which the master has read everything up to a beat
  std::int64_t living = 0;    // instances
  std::int64_t launched = 0;  // runs, since the start
  std::int64_t orders = 0;    // read, since the start
  std::int64_t hung_up = 0;   // sessions that ended because no BEAT came
  std::int64_t refused = 0;   // sessions that the master refused
  std::int64_t cut = 0;       // sessions that ended for any other reason
};

class SwarmWorker {
 public:
  // `secret` is the cluster's, null without keys. Both references outlive the worker.
  SwarmWorker(std::int64_t number, const std::string& prefix, const AccessKey* secret,
              SwarmTotals& totals);

  // The connection: up, bytes, down.
  void on_up(Now now);
  void on_bytes(std::string_view bytes, Now now);
  void on_down(Now now);
  void on_tick(Now now);
  std::int64_t next_deadline() const;

  // What the caller is to do next. Each is cleared by being taken.
  bool take_dial();
  bool take_hang_up();
  // Bytes to send; the caller removes what has gone.
  std::string& unsent() { return unsent_; }

 private:
  struct Run {
    Line spec;  // app, manifest, restart, arg, env: as the LAUNCH said
    std::int64_t run = 0, pid = 0, started_ms = 0;
    bool lives = false;
  };
  using Handler = void (SwarmWorker::*)(const Line&, Now);
  struct OrderRow {
    std::string_view verb;
    Handler handler;
  };
  static const OrderRow kOrders[];

  void on_line(std::string_view text, Now now);
  bool greeting(const Line& line);
  void perform(const worker::Effects& effects);
  void hello(Line line);
  void say(const Line& line);
  void begin_session(Now now);
  void beat();
  void obey(const Line& order, Now now);
  void launch(const Line& order, Now now);
  void end(const Line& order, Now now);
  void remove_app(const Line& order, Now now);
  void prune(const Line& order, Now now);
  void agree(const Line& order, Now now);
  void usage(const Line& order, Now now);
  void not_found(const Line& order, Now now);
  void acknowledged(const Line& line, Now now);
  void nothing(const Line&, Now) {}
  Line instance_line(const std::string& name, const Run& run) const;
  void refuse(const Line& order, std::string_view code, std::string_view why);

  std::string name_, id_;
  std::optional<AccessKey> key_;
  SwarmTotals& totals_;
  worker::MasterLink link_;
  LineBuffer in_{kMaxLine};
  std::string unsent_;
  std::optional<Line> dm_;  // the master's greeting
  std::optional<Handshake> handshake_;
  std::optional<Seals> seals_;
  bool dial_ = false, hang_up_ = false, connected_ = false, is_up_ = false;
  std::int64_t next_beat_ms_ = worker::kNever, beats_ = 0;
  std::string obeyed_epoch_;
  std::map<std::string, Run> runs_;
  std::int64_t living_ = 0;
  std::deque<Line> ends_;  // not acknowledged yet
  std::int64_t next_end_ = 1, next_pid_ = 1000;
};

}  // namespace dm::bench
