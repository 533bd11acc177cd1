// worker/core/master_link.h - the session with the master: greeting, beats both ways, and coming
// back for ever. Pure: says when to dial and what to send, never touches a socket.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "common/clock.h"
#include "common/random.h"
#include "worker/core/backoff.h"
#include "worker/core/cluster_binding.h"
#include "worker/core/effects.h"

namespace dm::worker {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

class MasterLink {
 public:
  MasterLink(std::string name, std::string id, std::string boot, std::uint64_t seed)
      : name_(std::move(name)), id_(std::move(id)), boot_(std::move(boot)), random_(seed) {}

  void on_up(Now now);
  void on_down(const std::string& why, Now now, Effects& out);
  // What a line before WELCOME means, and BEAT after it.
  enum class Verdict { kHandled, kWelcome, kOrder };
  Verdict on_line(const Line& line, Now now, Effects& out);
  void on_tick(Now now, Effects& out);
  // After WELCOME: hangs up as soon as what was said so far has left, and says no more.
  void leave(const std::string& why, Now now, Effects& out);

  bool is_up() const { return state_ == State::kUp; }
  std::int64_t heartbeat_ms() const { return heartbeat_ms_; }
  const std::string& cluster() const { return binding_.cluster; }
  const std::string& epoch() const { return binding_.epoch; }
  // What this session's WELCOME said of its master.
  const ClusterBinding& binding() const { return binding_; }
  // identity= of its WELCOME: enroll or known; empty: it says nothing of it.
  const std::string& identity() const { return identity_; }
  std::int64_t next_deadline() const { return deadline_; }

 private:
  enum class State { kWaiting, kDialling, kGreeting, kWelcoming, kUp, kLeaving };

  void arm(std::int64_t at) { deadline_ = at; }
  void refused(const Line& line, Effects& out);

  std::string name_, id_, boot_;
  Random random_;
  ReconnectBackoff backoff_;
  State state_ = State::kWaiting;
  std::int64_t deadline_ = 0;  // of the present state; 0: at once
  std::int64_t heartbeat_ms_ = 1000;
  std::int64_t missed_ = 2;
  std::int64_t up_since_ = 0;
  ClusterBinding binding_;
  std::string identity_;
  std::string last_why_, why_before_;  // of the last failure; of the one before this WELCOME
};

}  // namespace dm::worker
