// common/io/door.h - where peers come in: whoever has not been let in yet waits here, within places
// and a deadline, until its first line says what it wants. Decides nothing: the port that the door
// belongs to answers that line.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/admission.h"
#include "common/io/fd.h"
#include "common/io/line_connection.h"
#include "common/io/loop.h"
#include "common/result.h"

namespace dm {

// A HELLO of protocol 1 whose as=, `session` if absent, is one of the roles. Errors: bad-line for
// what is none, bad-arg for another protocol, denied for another role: `here` says what this port
// is for.
Result<Line> parse_hello(std::string_view text, std::initializer_list<std::string_view> roles,
                         std::string_view here);

class Door {
 public:
  static constexpr std::int64_t kFirstLineMs = 5000;
  static constexpr std::size_t kGreetingLine = 1024;

  struct Terms {
    // The door speaks first, DM with a nonce, and the first line is a HELLO of kGreetingLine bytes
    // at most. Otherwise the peer speaks first.
    bool greets = true;
    int user_timeout_ms = 0;    // TCP_USER_TIMEOUT
    std::size_t places = 1024;  // for strangers, and as many for addresses that proved a key
  };

  struct Guest {
    std::string address;  // "HOST:PORT"
    std::string host;     // where it counts
    std::string name;     // who it says it is, for the log
    std::string nonce;    // ours; empty where the door does not greet
    // It is known already that it cannot stay: its first line tells only in which form to say so.
    std::optional<Error> refused;
  };

  // How a guest is answered that is not let in.
  struct Refusal {
    std::string text;  // goes out, and then the connection ends
    std::string why;   // for the log; empty: the port tells it itself
  };
  static Refusal refusal(const Error& error, std::string why = {});

  struct Handlers {
    // A guest's first line; where the door does not greet, also an empty one for a guest that has
    // said nothing in time, or too much. Either calls take(), or returns how it is refused.
    std::function<std::optional<Refusal>(GuestId, Guest&, std::string_view line)> on_line;
    std::function<void(const Guest&, const std::string& why)> on_turned_away;
  };

  Door(Loop& loop, Terms terms, Handlers handlers)
      : loop_(loop), terms_(terms), handlers_(std::move(handlers)), waiting_(terms.places) {}
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // A TCP connection; or any other, whose guest is known.
  void enter(Fd fd);
  void enter(Fd fd, Guest guest);

  // Lets the guest in: its connection, with what it has sent behind its first line. From within
  // on_line only. `proved`: it has proved a key, and will find a place again.
  LineConnection::Released take(GuestId id, bool proved);

 private:
  struct Place {
    Guest guest;
    std::unique_ptr<LineConnection> connection;
    Loop::TimerId timer{};
  };

  void on_line(GuestId id, std::string_view line);
  void on_wrong(GuestId id, const Error& error);
  void refuse(Place& place, const Refusal& refusal);
  void push_out(GuestId id);
  void leave(GuestId id);

  Loop& loop_;
  Terms terms_;
  Handlers handlers_;
  Admission waiting_;
  std::map<GuestId, Place> places_;
  GuestId next_ = 1;
};

}  // namespace dm
