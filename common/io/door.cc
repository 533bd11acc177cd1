#include "common/io/door.h"

#include <algorithm>
#include <cstring>

#include "common/codec.h"
#include "common/escape.h"
#include "common/io/net.h"
#include "common/io/system.h"

namespace dm {
namespace {
constexpr std::size_t kMaxQueue = 64 * 1024;  // a greeting and a refusal

std::uint64_t random_number() {
  std::uint64_t number = 0;
  const std::string bytes = random_bytes(sizeof number);
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}
}  // namespace

Result<Line> parse_hello(std::string_view text, std::initializer_list<std::string_view> roles,
                         std::string_view here) {
  auto hello = parse_line(text);
  if (!hello) return hello;
  const std::string where(here);
  if (hello->verb() != "HELLO")
    return fail(Code::kBadLine, "expected HELLO, got '" + excerpt(hello->verb()) + "'; " + where);
  if (hello->number_or("proto", 0) != 1) return fail(Code::kBadArg, "this master speaks proto=1");
  const std::string_view as = hello->text("as", "session");
  if (std::find(roles.begin(), roles.end(), as) == roles.end())
    return fail(Code::kDenied, where + "; as=" + excerpt(as) + " belongs elsewhere");
  return hello;
}

Door::Refusal Door::refusal(const Error& error, std::string why) {
  Line line("ERR");
  line.add("code", word(error.code)).add("msg", error.message);
  return {line.print(), why.empty() ? error.message : std::move(why)};
}

void Door::enter(Fd fd) {
  if (terms_.user_timeout_ms > 0) tune_tcp(fd.get(), terms_.user_timeout_ms);
  Guest guest;
  guest.address = peer_name(fd.get());
  guest.host = peer_host(fd.get());
  enter(std::move(fd), std::move(guest));
}

void Door::enter(Fd fd, Guest guest) {
  const GuestId id = next_++;
  Place& place = places_[id];
  place.guest = std::move(guest);
  const auto pushed_out = waiting_.enter(id, place.guest.host, random_number());
  const std::size_t longest = terms_.greets ? kGreetingLine : kMaxLine;
  place.connection = std::make_unique<LineConnection>(loop_, std::move(fd), longest, kMaxQueue);
  LineConnection::Handlers handlers;
  handlers.on_line = [this, id](std::string_view line) { on_line(id, line); };
  handlers.on_closed = [this, id](const std::string&) { leave(id); };
  handlers.on_too_long = [this, id] { on_wrong(id, fail(Code::kTooLong, "a line is too long")); };
  place.connection->start(std::move(handlers));
  if (terms_.greets) {
    place.guest.nonce = random_hex(16);
    place.connection->send_line(Line("DM").add("proto", 1).add("nonce", place.guest.nonce));
  }
  place.timer = loop_.at(loop_.now().mono_ms + kFirstLineMs,
                         [this, id] { on_wrong(id, fail(Code::kTimeout, "no HELLO within 5 s")); });
  if (pushed_out) push_out(*pushed_out);
}

void Door::on_line(GuestId id, std::string_view line) {
  Place& place = places_[id];
  if (const auto refusal = handlers_.on_line(id, place.guest, line)) refuse(place, *refusal);
}

void Door::on_wrong(GuestId id, const Error& error) {
  if (!terms_.greets) return on_line(id, "");
  refuse(places_[id], refusal(error));
}

// A guest keeps its place until it is gone: what still lingers counts too.
void Door::refuse(Place& place, const Refusal& refusal) {
  if (!refusal.why.empty()) handlers_.on_turned_away(place.guest, refusal.why);
  loop_.cancel(place.timer);
  place.connection->send(refusal.text);
  place.connection->finish();
}

void Door::push_out(GuestId id) {
  Place& place = places_[id];
  handlers_.on_turned_away(place.guest, "too many wait without a HELLO");
  place.connection->drop("pushed out by a newcomer");
}

LineConnection::Released Door::take(GuestId id, bool proved) {
  Place& place = places_[id];
  if (proved) waiting_.proved(place.guest.host);
  auto released = place.connection->release();
  // Its own call stands on the stack.
  loop_.later([this, id] { leave(id); });
  return released;
}

void Door::leave(GuestId id) {
  const auto node = places_.extract(id);
  if (node.empty()) return;
  loop_.cancel(node.mapped().timer);
  waiting_.leave(id);
}

}  // namespace dm
