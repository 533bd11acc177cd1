#include "master/io/denials.h"

namespace dm::master {
namespace {
constexpr std::size_t kMostNames = 1000;  // a proof each
}  // namespace

Door::Refusal Denials::deny(const Door::Guest& guest, const Line& hello) {
  hub_.loop.post([this, guest, hello] { tell(guest, hello); });
  auto refusal =
      Door::refusal(fail(Code::kDenied, "not accepted; the master's log and 'dm events' say why"));
  refusal.why.clear();
  return refusal;
}

void Denials::tell(const Door::Guest& guest, const Line& hello) {
  std::vector<std::string> others;
  if (thorough_.take(hub_.loop.now().mono_ms))
    for (const auto& [name, worker] : hub_.cluster.workers())
      if (name != guest.name && others.size() < kMostNames) others.push_back(name);
  hub_.dispatch(TurnedAway{guest.address, guest.name,
                           hub_.keys.why_not(hello, guest.nonce, kind_,
                                             hub_.cluster.least_generation(guest.name), others)});
}

}  // namespace dm::master
