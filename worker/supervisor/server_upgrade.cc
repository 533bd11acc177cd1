// The other half of Server: how it goes on in another process image of its own.
#include <algorithm>

#include "worker/io/proc.h"
#include "worker/supervisor/server.h"

#ifndef DM_VERSION
#define DM_VERSION "0"
#endif

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr std::int64_t kLookMs = 10;
constexpr std::int64_t kPatienceMs = 5000;

}  // namespace

void Server::try_upgrade(const Asker& asker, std::int64_t until_ms) {
  const auto peer = peers_.find(asker.connection);
  if (peer == peers_.end()) {
    upgrading_ = false;
    return;
  }
  runs_.reap();
  AgentLink& link = *peer->second.link;
  // What is half done is waited for, so that it need not be handed over.
  const bool is_quiet = runs_.is_settled() && clearer_.is_idle() && link.is_idle() && !stopping_;
  if (!is_quiet && loop_.now().mono_ms < until_ms) {
    loop_.at(loop_.now().mono_ms + kLookMs,
             [this, asker, until_ms] { try_upgrade(asker, until_ms); });
    return;
  }
  upgrading_ = false;
  Error error = fail(Code::kBusy, "the supervisor does not come to rest");
  if (is_quiet) {
    HandOver state;
    state.head = Line("HAND-OVER");
    state.head.add("format", 1).add("version", DM_VERSION).add("listener", listener_.get());
    state.head.add("tether", tether_.get()).add("agent", link.fd()).add("id", asker.id);
    state.lines = runs_.save();
    error = upgrade_(state, {listener_.get(), tether_.get(), link.fd()});
  }
  Line line("ERR");
  line.add("id", asker.id).add("code", word(error.code)).add("msg", error.message);
  link.send(line.print());
}

void Server::upgrade(const Request& request) {
  if (upgrading_ || stopping_) {
    Line line("ERR");
    line.add("id", request.asker.id).add("code", word(Code::kBusy));
    request.link.send(line.add("msg", "not now").print());
    return;
  }
  upgrading_ = true;
  // Later: the line behind this one may have been read already.
  loop_.later([this, asker = request.asker, until_ms = loop_.now().mono_ms + kPatienceMs] {
    try_upgrade(asker, until_ms);
  });
}

void Server::go_on(const HandOver& state, Fd agent) {
  runs_.load(state.lines);
  may_end_ = true;
  const std::int64_t number = next_number_++;
  Peer& peer = peers_[number];
  peer.role = Role::kAgent;
  peer.link = link_for(number, std::move(agent));
  Line line("OK");
  peer.link->send(line.add("id", state.head.text("id"))
                      .add("version", DM_VERSION)
                      .add("build", own_build())
                      .print());
  // Whoever ended meanwhile: the signal may have been for our former self.
  loop_.later([this] { runs_.reap(); });
}

}  // namespace dm::supervisor
