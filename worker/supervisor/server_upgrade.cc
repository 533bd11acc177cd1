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
  AgentLink* peer = link(asker.connection);
  if (peer == nullptr) {
    upgrading_ = false;
    return;
  }
  machine_.reap();
  // What is half done is waited for, so that it need not be handed over.
  const bool is_quiet = supervision_.may_upgrade() && clearer_.is_idle() && peer->is_idle();
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
    state.head.add("tether", tether_.get()).add("agent", peer->fd()).add("id", asker.id);
    state.lines = supervision_.runs().save();
    error = upgrade_(state, {listener_.get(), tether_.get(), peer->fd()});
  }
  Line line("ERR");
  line.add("id", asker.id).add("code", word(error.code));
  send(asker.connection, line.add("msg", error.message));
}

void Server::upgrade(const Asker& asker) {
  if (upgrading_) {
    Line line("ERR");
    line.add("id", asker.id).add("code", word(Code::kBusy));
    return send(asker.connection, line.add("msg", "not now"));
  }
  upgrading_ = true;
  // Later: the line behind this one may have been read already.
  loop_.later([this, asker, until_ms = loop_.now().mono_ms + kPatienceMs] {
    try_upgrade(asker, until_ms);
  });
}

void Server::go_on(const HandOver& state, Fd agent) {
  supervision_.runs().load(state.lines);
  const std::int64_t number = next_number_++;
  links_[number] = link_for(number, std::move(agent));
  supervision_.resumed(number);
  Line line("OK");
  line.add("id", state.head.text("id")).add("version", DM_VERSION);
  send(number, line.add("build", own_build()));
  // Whoever ended meanwhile: the signal may have been for our former self.
  loop_.later([this] { machine_.reap(); });
}

}  // namespace dm::supervisor
