#include "worker/supervision/supervision.h"

#include <algorithm>

namespace dm::supervisor {
namespace {

constexpr std::size_t kMaxPeers = 8;
constexpr std::int64_t kFirstAgentMs = 10'000;
constexpr std::int64_t kTetherMs = 10'000;
constexpr std::int64_t kLastWordsMs = 5000, kLookMs = 20;
constexpr std::int64_t kStopMs = 10'000;
constexpr std::int64_t kMaxStopMs = 24LL * 3600 * 1000;
constexpr std::size_t kMaxStopAskers = 64;
constexpr std::size_t kMaxId = 128;  // of a request: it is kept until the answer

}  // namespace

const Supervision::Verb Supervision::kVerbs[] = {
    {"SPAWN", &Supervision::spawn},     {"ADOPT", &Supervision::adopt},
    {"SIGNAL", &Supervision::signal},   {"ACK", &Supervision::acknowledge},
    {"USAGE", &Supervision::usage},     {"STOP-ALL", &Supervision::stop_all},
    {"UPGRADE", &Supervision::upgrade}, {"LEASE", &Supervision::renew},
    {"CLEAR", &Supervision::clear},
};

Supervision::Supervision(Machine& machine, Outlet& outlet)
    : machine_(machine),
      outlet_(outlet),
      runs_(machine, {[this](const Asker& asker, const Line& line) { return answer(asker, line); },
                      [this](const Line& line) { announce(line); },
                      [this] { machine_.later([this] { maybe_end(); }); }}) {
  machine_.at(machine_.now().mono_ms + kFirstAgentMs, [this] {
    may_end_ = true;
    maybe_end();
  });
}

// --- connections ---

bool Supervision::connected(std::int64_t number) {
  if (peers_.size() >= kMaxPeers) {
    const auto silent = std::find_if(peers_.begin(), peers_.end(), [](const auto& entry) {
      return entry.second == Role::kSilent;
    });
    if (silent == peers_.end()) return false;
    outlet_.close(silent->first);
    peers_.erase(silent);
  }
  may_end_ = true;
  peers_[number] = Role::kSilent;
  greet(number);
  return true;
}

void Supervision::resumed(std::int64_t number) {
  may_end_ = true;
  peers_[number] = Role::kAgent;
}

void Supervision::greet(std::int64_t number) {
  outlet_.send(number, outlet_.greeting());
  runs_.report([&](const Line& line) { outlet_.send(number, line); });
  outlet_.send(number, Line("SYNCED"));
}

void Supervision::closed(std::int64_t number) {
  peers_.erase(number);
  maybe_end();
}

bool Supervision::answer(const Asker& asker, const Line& line) {
  if (!peers_.contains(asker.connection) || !outlet_.is_open(asker.connection)) return false;
  outlet_.send(asker.connection, line);
  return true;
}

void Supervision::announce(const Line& line) {
  for (const auto& [number, role] : peers_)
    if (role != Role::kStopper) outlet_.send(number, line);
}

void Supervision::refuse(const Asker& asker, Code code, std::string_view message) {
  outlet_.send(asker.connection,
               Line("ERR").add("id", asker.id).add("code", word(code)).add("msg", message));
}

// The first line of a connection says what it is. False if a newer agent has taken over already.
bool Supervision::take_role(std::int64_t number, bool stops) {
  Role& own = peers_.at(number);
  if (own != Role::kSilent) return true;
  own = stops ? Role::kStopper : Role::kAgent;
  if (stops) return true;
  for (const auto& [other, role] : peers_) {
    if (other > number && role == Role::kAgent) return false;
    if (other < number && role != Role::kStopper) outlet_.close(other);
  }
  return true;
}

void Supervision::on_line(std::int64_t number, const Line& line) {
  if (!peers_.contains(number)) return;
  if (!take_role(number, line.verb() == "STOP-ALL")) return outlet_.close(number);
  const Asker asker{number, std::string(line.text("id"))};
  if (asker.id.size() > kMaxId)
    return refuse({number, ""}, Code::kBadArg, "id= has more than 128 bytes");
  for (const Verb& verb : kVerbs)
    if (line.verb() == verb.name) return (this->*verb.handler)(asker, line);
  refuse(asker, Code::kUnknownVerb, "no verb " + line.verb());
}

// --- verbs ---

void Supervision::acknowledge(const Asker&, const Line& line) {
  runs_.acknowledge(line);
  maybe_end();
}

void Supervision::stop_all(const Asker& asker, const Line& line) {
  if (stop_askers_.size() >= kMaxStopAskers)
    return refuse(asker, Code::kBusy, "too many wait for the end already");
  stop_askers_.push_back(asker);
  const std::int64_t timeout_ms =
      std::clamp<std::int64_t>(line.number_or("timeout_ms", kStopMs), 0, kMaxStopMs);
  stopping_ = true;
  runs_.interrupt_all();
  machine_.at(machine_.now().mono_ms + timeout_ms, [this] {
    runs_.kill_all();
    name_denied();
  });
  maybe_end();
}

// What we may not kill ends when it likes: nobody is left waiting for that.
void Supervision::name_denied() {
  std::string names;
  for (const std::string& name : runs_.denied()) names += (names.empty() ? "" : ", ") + name;
  if (names.empty()) return;
  for (const Asker& asker : stop_askers_)
    refuse(asker, Code::kDenied, "not permitted: " + names + " runs as another user");
  stop_askers_.clear();
}

void Supervision::upgrade(const Asker& asker, const Line&) {
  if (stopping_) return refuse(asker, Code::kBusy, "not now");
  outlet_.upgrade(asker);
}

// --- the end ---

void Supervision::tether_cut() {
  stopping_ = true;
  runs_.kill_all();
  // What cannot die, because the kernel holds it, must not hold us.
  machine_.at(machine_.now().mono_ms + kTetherMs, [this] { outlet_.end(); });
  maybe_end();
}

void Supervision::maybe_end() {
  if (!stopping_) {
    if (may_end_ && peers_.empty() && runs_.idle()) outlet_.end();
    return;
  }
  if (is_ending_ || !runs_.all_ended()) return;
  is_ending_ = true;
  for (const Asker& asker : stop_askers_) {
    Line line("OK");
    line.add("id", asker.id);
    for (const std::string& orphan : machine_.orphans()) line.add("orphan", orphan);
    answer(asker, line);
  }
  announce(Line("ENDING"));
  end_when_told(machine_.now().mono_ms + kLastWordsMs);
}

// The ends of a thousand apps do not fit into a socket at once, and are known to nobody else.
void Supervision::end_when_told(std::int64_t deadline) {
  if (outlet_.flush() || machine_.now().mono_ms >= deadline) return outlet_.end();
  machine_.at(machine_.now().mono_ms + kLookMs, [this, deadline] { end_when_told(deadline); });
}

}  // namespace dm::supervisor
