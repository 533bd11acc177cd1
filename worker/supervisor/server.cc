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

constexpr std::int64_t kAcceptPauseMs = 100;

std::string error_line(std::string_view id, Code code, std::string_view message) {
  return Line("ERR").add("id", id).add("code", word(code)).add("msg", message).print();
}

// Said once, to one who is not let in: what his socket does not take at once he does not hear.
void turn_away(const Fd& stranger) {
  const std::string text = error_line("", Code::kDenied, "only the agent's user is let in");
  (void)::send(stranger.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Server::Server(Loop& loop, Fd listener, Fd tether, std::vector<uid_t> allowed,
               const HostMachine::Settings& settings)
    : loop_(loop),
      listener_(std::move(listener)),
      tether_(std::move(tether)),
      allowed_(std::move(allowed)),
      machine_(loop, settings),
      clearer_(loop, settings.can_switch ? settings.app_users : std::vector<AppUser>(),
               [this](const Asker& asker, const Line& line) { send(asker.connection, line); }),
      supervision_(machine_, *this) {
  machine_.serve(supervision_.runs());
  loop_.watch(listener_.get(), true, false, [this](Ready) { accept_peers(); });
  if (tether_.valid()) loop_.watch(tether_.get(), true, false, [this](Ready) { on_tether(); });
}

// --- connections ---

void Server::accept_peers() {
  while (auto fd = accept_from(listener_.get())) {
    const auto uid = peer_uid(fd->get());
    if (uid && std::find(allowed_.begin(), allowed_.end(), *uid) != allowed_.end())
      let_in(std::move(*fd));
    else
      turn_away(*fd);
  }
  if (errno != EMFILE && errno != ENFILE) return;
  // Nobody can be let in for want of descriptors, and the one who waits would wake us for ever.
  loop_.want(listener_.get(), false, false);
  loop_.at(loop_.now().mono_ms + kAcceptPauseMs,
           [this] { loop_.want(listener_.get(), true, false); });
}

void Server::let_in(Fd fd) {
  const std::int64_t number = next_number_++;
  links_[number] = link_for(number, std::move(fd));
  if (!supervision_.connected(number)) links_.erase(number);
}

std::unique_ptr<AgentLink> Server::link_for(std::int64_t number, Fd fd) {
  const auto too_long = [this, number] {
    link(number)->send(error_line("", Code::kTooLong, "a line has at most 64 KiB"));
  };
  AgentLink::Handlers handlers{[this, number](std::string_view text) { on_line(number, text); },
                               too_long, [this, number] { on_closed(number); }};
  return std::make_unique<AgentLink>(loop_, std::move(fd), std::move(handlers));
}

AgentLink* Server::link(std::int64_t number) const {
  const auto found = links_.find(number);
  return found == links_.end() ? nullptr : found->second.get();
}

Line Server::greeting() const {
  Line line("SUPERVISOR");
  const auto self = read_stat(::getpid());
  line.add("proto", 1).add("pid", ::getpid()).add("start", self ? self->start : 0);
  line.add("boot", boot_id()).add("version", DM_VERSION).add("build", own_build());
  return line.add("cgroups", machine_.has_cgroups() ? 1 : 0);
}

void Server::send(std::int64_t connection, const Line& line) {
  if (AgentLink* peer = link(connection)) peer->send(line.print());
}

void Server::close(std::int64_t connection) {
  if (AgentLink* peer = link(connection)) peer->close();
}

bool Server::is_open(std::int64_t connection) const {
  const AgentLink* peer = link(connection);
  return peer != nullptr && peer->is_open();
}

bool Server::flush() {
  for (auto& [number, peer] : links_) peer->flush();
  return std::all_of(links_.begin(), links_.end(), [](const auto& entry) {
    return !entry.second->is_open() || entry.second->is_sent();
  });
}

void Server::on_closed(std::int64_t number) {
  links_.erase(number);
  supervision_.closed(number);
}

void Server::on_line(std::int64_t number, std::string_view text) {
  AgentLink& peer = *link(number);
  const auto line = parse_line(text);
  if (!line) {
    // Which line a waiting descriptor belongs to is not known any more.
    peer.send(error_line("", line.error().code, line.error().message));
    return peer.close();
  }
  if (line->verb() == "SPAWN") machine_.offer_log(peer.take_descriptor());
  supervision_.on_line(number, *line);
  machine_.offer_log(Fd());
}

void Server::clear(const Asker& asker, const Line& line) {
  if (AgentLink* peer = link(asker.connection))
    clearer_.clear(asker, line, peer->take_descriptor());
}

void Server::on_tether() {
  char bytes[64];
  if (retry([&] { return ::read(tether_.get(), bytes, sizeof bytes); }) != 0) return;
  loop_.unwatch(tether_.get());
  supervision_.tether_cut();
}

}  // namespace dm::supervisor
