// worker/io/session.h - the TCP connection that the session with the master runs over: dials,
// carries lines, hangs up. When to do which is the core's matter.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/codec.h"
#include "common/io/jobs.h"
#include "common/io/line_connection.h"
#include "common/io/net.h"

namespace dm::worker {

class Session {
 public:
  struct Handlers {
    std::function<void()> on_up;
    std::function<void(const Line&)> on_line;
    std::function<void(const std::string& why)>
        on_down;  // once per dial(), never from within a call
  };

  // `lookups` runs name look-ups, which may take seconds. `identity`: the secret of 32 bytes that
  // proves which worker we are, beside the key.
  // With a key both sides must prove it before anything the master says counts.
  Session(Loop& loop, Jobs& lookups, Endpoint master, std::optional<AccessKey> key,
          std::string identity, Handlers handlers);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Answered by on_up, or by on_down.
  void dial();
  // Thrown away where there is no connection.
  void send(const Line& line);
  // For the next dial().
  void use_key(std::optional<AccessKey> key) { key_ = std::move(key); }
  // Hangs up at once; on_down follows.
  void drop(const std::string& why);
  // Hangs up when everything has been sent, and takes nothing more; on_down(why) follows.
  void finish(const std::string& why);
  // How long what was sent may stay unacknowledged.
  void set_patience(int milliseconds);

  bool is_up() const { return connection_ != nullptr; }
  const Endpoint& master() const { return master_; }

 private:
  void connecting(Fd fd);
  void on_connected();
  void fail_with(const std::string& why);
  void on_closed(const std::string& why);
  void on_text(std::string_view text);
  bool may_say(const Line& line);
  bool proves_itself(const Line& welcome);
  void send_info(const Line& line);

  Loop& loop_;
  Jobs& lookups_;
  Endpoint master_;
  std::optional<AccessKey> key_;
  std::string identity_;
  std::string sealed_identity_;         // for this master, in hex
  Line greeting_;                       // the master's DM
  std::optional<Handshake> handshake_;  // between HELLO and WELCOME
  Handlers handlers_;
  int patience_ms_ = 2000;
  std::uint64_t dials_ = 0;  // tells the outcome of an abandoned look-up from the present one
  bool dialling_ = false;
  std::optional<std::string> finished_;  // why it is being hung up on
  Fd connecting_;
  std::unique_ptr<LineConnection> connection_, retired_;
};

}  // namespace dm::worker
