#include "worker/supervisor/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "common/io/net.h"
#include "common/io/system.h"
#include "worker/io/proc.h"

#ifndef DM_VERSION
#define DM_VERSION "0"
#endif

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr std::size_t kMaxPeers = 8;
constexpr std::int64_t kFirstAgentMs = 10'000;
constexpr std::int64_t kTetherMs = 10'000;
constexpr std::int64_t kLastWordsMs = 5000, kLookMs = 20;
constexpr std::int64_t kAcceptPauseMs = 100;
constexpr std::int64_t kStopMs = 10'000;
constexpr std::int64_t kMaxStopMs = 24LL * 3600 * 1000;
constexpr std::size_t kMaxStopAskers = 64;
constexpr std::size_t kMaxId = 128;  // of a request: it is kept until the answer

std::string error_line(std::string_view id, Code code, std::string_view message) {
  return Line("ERR").add("id", id).add("code", word(code)).add("msg", message).print();
}

// Said once, to one who is not let in: what his socket does not take at once he does not hear.
void turn_away(const Fd& stranger) {
  const std::string text = error_line("", Code::kDenied, "only the agent's user is let in");
  (void)::send(stranger.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

const Server::Verb Server::kVerbs[] = {
    {"SPAWN", &Server::spawn},     {"ADOPT", &Server::adopt}, {"SIGNAL", &Server::signal},
    {"ACK", &Server::acknowledge}, {"USAGE", &Server::usage}, {"STOP-ALL", &Server::stop_all},
    {"UPGRADE", &Server::upgrade}, {"LEASE", &Server::renew}, {"CLEAR", &Server::clear},
};

Server::Server(Loop& loop, Fd listener, Fd tether, std::vector<uid_t> allowed,
               const Runs::Settings& settings)
    : loop_(loop),
      listener_(std::move(listener)),
      tether_(std::move(tether)),
      allowed_(std::move(allowed)),
      runs_(loop, settings,
            {[this](const Asker& asker, const Line& line) { return answer(asker, line); },
             [this](const Line& line) { announce(line); },
             [this] { loop_.later([this] { maybe_end(); }); }}),
      clearer_(loop, settings.can_switch ? settings.app_users : std::vector<AppUser>(),
               [this](const Asker& asker, const Line& line) { answer(asker, line); }) {
  loop_.watch(listener_.get(), true, false, [this](Ready) { accept_peers(); });
  if (tether_.valid()) loop_.watch(tether_.get(), true, false, [this](Ready) { on_tether(); });
  loop_.at(loop_.now().mono_ms + kFirstAgentMs, [this] {
    may_end_ = true;
    maybe_end();
  });
}

// --- connections ---

void Server::accept_peers() {
  while (auto fd = accept_from(listener_.get())) {
    const auto uid = peer_uid(fd->get());
    if (!uid || std::find(allowed_.begin(), allowed_.end(), *uid) == allowed_.end()) {
      turn_away(*fd);
      continue;
    }
    if (peers_.size() >= kMaxPeers) {
      const auto silent = std::find_if(peers_.begin(), peers_.end(), [](const auto& entry) {
        return entry.second.role == Role::kSilent;
      });
      if (silent == peers_.end()) continue;
      silent->second.link->close();
      on_closed(silent->first);
    }
    may_end_ = true;
    const std::int64_t number = next_number_++;
    auto& peer = peers_[number];
    peer.link = link_for(number, std::move(*fd));
    greet(*peer.link);
  }
  if (errno != EMFILE && errno != ENFILE) return;
  // Nobody can be let in for want of descriptors, and the one who waits would wake us for ever.
  loop_.want(listener_.get(), false, false);
  loop_.at(loop_.now().mono_ms + kAcceptPauseMs,
           [this] { loop_.want(listener_.get(), true, false); });
}

std::unique_ptr<AgentLink> Server::link_for(std::int64_t number, Fd fd) {
  AgentLink::Handlers handlers{[this, number](std::string_view text) { on_line(number, text); },
                               [this, number] { on_too_long(number); },
                               [this, number] { on_closed(number); }};
  return std::make_unique<AgentLink>(loop_, std::move(fd), std::move(handlers));
}

void Server::greet(AgentLink& link) {
  Line line("SUPERVISOR");
  const auto self = read_stat(::getpid());
  line.add("proto", 1).add("pid", ::getpid()).add("start", self ? self->start : 0);
  line.add("boot", boot_id()).add("version", DM_VERSION).add("build", own_build());
  link.send(line.add("cgroups", runs_.has_cgroups() ? 1 : 0).print());
  runs_.report([&](const Line& each) { link.send(each.print()); });
  link.send(Line("SYNCED").print());
}

void Server::on_closed(std::int64_t number) {
  peers_.erase(number);
  maybe_end();
}

bool Server::answer(const Asker& asker, const Line& line) {
  const auto peer = peers_.find(asker.connection);
  if (peer == peers_.end() || !peer->second.link->is_open()) return false;
  peer->second.link->send(line.print());
  return true;
}

void Server::announce(const Line& line) {
  const std::string text = line.print();
  for (auto& [number, peer] : peers_)
    if (peer.role != Role::kStopper) peer.link->send(text);
}

// The first line of a connection says what it is. False if a newer agent has taken over already.
bool Server::take_role(std::int64_t number, bool stops) {
  Peer& self = peers_.at(number);
  if (self.role != Role::kSilent) return true;
  self.role = stops ? Role::kStopper : Role::kAgent;
  if (stops) return true;
  for (auto& [other, peer] : peers_) {
    if (other > number && peer.role == Role::kAgent) return false;
    if (other < number && peer.role != Role::kStopper) peer.link->close();
  }
  return true;
}

void Server::on_line(std::int64_t number, std::string_view text) {
  AgentLink& link = *peers_.at(number).link;
  const auto line = parse_line(text);
  if (!line) {
    // Which line a waiting descriptor belongs to is not known any more.
    link.send(error_line("", line.error().code, line.error().message));
    return link.close();
  }
  if (!take_role(number, line->verb() == "STOP-ALL")) return link.close();
  const Request request{{number, std::string(line->text("id"))}, *line, link};
  if (request.asker.id.size() > kMaxId)
    return link.send(error_line("", Code::kBadArg, "id= has more than 128 bytes"));
  for (const Verb& verb : kVerbs)
    if (line->verb() == verb.name) return (this->*verb.handler)(request);
  link.send(error_line(request.asker.id, Code::kUnknownVerb, "no verb " + line->verb()));
}

void Server::on_too_long(std::int64_t number) {
  peers_.at(number).link->send(error_line("", Code::kTooLong, "a line has at most 64 KiB"));
}

// --- verbs ---

void Server::spawn(const Request& request) {
  runs_.spawn(request.asker, request.line, request.link.take_descriptor());
}

void Server::adopt(const Request& request) {
  runs_.adopt(request.asker, request.line);
}

void Server::signal(const Request& request) {
  runs_.signal(request.asker, request.line);
}

void Server::renew(const Request& request) {
  runs_.renew(request.line);
}

void Server::acknowledge(const Request& request) {
  runs_.acknowledge(request.line);
  maybe_end();
}

void Server::usage(const Request& request) {
  runs_.usage(request.asker, request.line);
}

void Server::clear(const Request& request) {
  clearer_.clear(request.asker, request.line, request.link.take_descriptor());
}

void Server::stop_all(const Request& request) {
  if (stop_askers_.size() >= kMaxStopAskers)
    return request.link.send(
        error_line(request.asker.id, Code::kBusy, "too many wait for the end already"));
  stop_askers_.push_back(request.asker);
  const std::int64_t timeout_ms =
      std::clamp<std::int64_t>(request.line.number_or("timeout_ms", kStopMs), 0, kMaxStopMs);
  stopping_ = true;
  runs_.interrupt_all();
  loop_.at(loop_.now().mono_ms + timeout_ms, [this] { runs_.kill_all(); });
  maybe_end();
}

// --- the end ---

void Server::on_tether() {
  char bytes[64];
  if (retry([&] { return ::read(tether_.get(), bytes, sizeof bytes); }) != 0) return;
  loop_.unwatch(tether_.get());
  stopping_ = true;
  runs_.kill_all();
  // What cannot die, because the kernel holds it, must not hold us.
  loop_.at(loop_.now().mono_ms + kTetherMs, [this] { loop_.stop(0); });
  maybe_end();
}

void Server::maybe_end() {
  if (!stopping_) {
    if (may_end_ && peers_.empty() && runs_.idle()) loop_.stop(0);
    return;
  }
  if (is_ending_ || !runs_.all_ended()) return;
  is_ending_ = true;
  for (const Asker& asker : stop_askers_) answer(asker, Line("OK").add("id", asker.id));
  announce(Line("ENDING"));
  end_when_told(loop_.now().mono_ms + kLastWordsMs);
}

// The ends of a thousand apps do not fit into a socket at once, and are known to nobody else.
void Server::end_when_told(std::int64_t deadline) {
  for (auto& [number, peer] : peers_) peer.link->flush();
  const bool is_told = std::all_of(peers_.begin(), peers_.end(), [](const auto& entry) {
    return !entry.second.link->is_open() || entry.second.link->is_sent();
  });
  if (is_told || loop_.now().mono_ms >= deadline) return loop_.stop(0);
  loop_.at(loop_.now().mono_ms + kLookMs, [this, deadline] { end_when_told(deadline); });
}

}  // namespace dm::supervisor
