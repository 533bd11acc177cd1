#include "worker/core/master_link.h"

#include <algorithm>
#include <utility>

#include "common/escape.h"

namespace dm::worker {
namespace {

constexpr std::int64_t kDialMs = 10'000;
constexpr std::int64_t kHandshakeMs = 5000;
// A master that has never sent a BEAT gets this long: a netcat that plays one sends none.
constexpr std::int64_t kFirstBeatMs = 30'000;
// A session that ends sooner was no success: two workers of one name would else chase each other
// out of it ten times a second.
constexpr std::int64_t kSteadyMs = 5000;

}  // namespace

void MasterLink::on_up(Now now) {
  state_ = State::kGreeting;
  arm(now.mono_ms + kHandshakeMs);
}

void MasterLink::on_down(const std::string& why, Now now, Effects& out) {
  if (state_ == State::kUp && now.mono_ms - up_since_ >= kSteadyMs) backoff_.reset();
  state_ = State::kWaiting;
  arm(now.mono_ms + backoff_.next(random_));
  // Said once for each reason, not at every try.
  if (why != last_why_) out.push_back(Say{"no session with the master: " + why});
  last_why_ = why;
}

MasterLink::Verdict MasterLink::on_line(const Line& line, Now now, Effects& out) {
  if (state_ == State::kLeaving) return Verdict::kHandled;
  if (line.verb() == "ERR" && state_ != State::kUp) {
    refused(line, out);
    return Verdict::kHandled;
  }
  if (line.verb() == "ERR") {
    // About something that we said; an answer to it would be answered again.
    out.push_back(Say{"the master says: " + escape_for_terminal(line.text("msg"))});
    return Verdict::kHandled;
  }
  if (state_ == State::kGreeting) {
    if (line.verb() != "DM" || line.number_or("proto", 0) != 1) {
      out.push_back(Disconnect{"the peer is no dm-master of protocol 1"});
      return Verdict::kHandled;
    }
    Line hello("HELLO");
    hello.add("proto", 1).add("name", name_).add("id", id_);
    if (!boot_.empty()) hello.add("boot", boot_);
    out.push_back(ToMaster{hello});
    state_ = State::kWelcoming;
    arm(now.mono_ms + kHandshakeMs);
    return Verdict::kHandled;
  }
  if (state_ == State::kWelcoming) {
    if (line.verb() != "WELCOME") {
      out.push_back(Disconnect{"expected WELCOME, got " + line.verb()});
      return Verdict::kHandled;
    }
    heartbeat_ms_ = std::clamp<std::int64_t>(line.number_or("heartbeat_ms", 1000), 10, 600'000);
    missed_ = std::clamp<std::int64_t>(line.number_or("missed", 2), 1, 100);
    binding_ = ClusterBinding::read(line, "cluster");
    identity_ = line.text("identity");
    state_ = State::kUp;
    up_since_ = now.mono_ms;
    why_before_ = std::exchange(last_why_, "");
    arm(now.mono_ms + std::max(kFirstBeatMs, heartbeat_ms_ * (missed_ + 1)));
    return Verdict::kWelcome;
  }
  if (line.verb() != "BEAT") return Verdict::kOrder;
  arm(now.mono_ms + heartbeat_ms_ * (missed_ + 1));
  return Verdict::kHandled;
}

void MasterLink::leave(const std::string& why, Now now, Effects& out) {
  state_ = State::kLeaving;
  last_why_ = why_before_;
  arm(now.mono_ms + kHandshakeMs);
  out.push_back(Disconnect{why, true});
}

void MasterLink::refused(const Line& line, Effects& out) {
  out.push_back(Disconnect{"refused: " + escape_for_terminal(line.text("msg", line.text("code")))});
}

void MasterLink::on_tick(Now now, Effects& out) {
  if (now.mono_ms < deadline_) return;
  switch (state_) {
    case State::kWaiting:
      state_ = State::kDialling;
      arm(now.mono_ms + kDialMs);
      out.push_back(Connect{});
      break;
    case State::kDialling:
      arm(kNever);
      out.push_back(Disconnect{"no answer to the connect"});
      break;
    case State::kGreeting:
    case State::kWelcoming:
      arm(kNever);
      out.push_back(Disconnect{"the master does not answer"});
      break;
    case State::kLeaving:
      arm(kNever);
      out.push_back(Disconnect{"the master does not take what was said"});
      break;
    case State::kUp:
      arm(kNever);
      out.push_back(Disconnect{"the master's beats stay away"});
      break;
  }
}

}  // namespace dm::worker
