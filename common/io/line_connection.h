// common/io/line_connection.h - a non-blocking socket that carries lines, bodies of counted bytes
// between them, and descriptors that ride with a line (unix(7), SCM_RIGHTS). Everything a peer can
// make it hold is bounded. Decides nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/handshake.h"
#include "common/io/fd.h"
#include "common/io/loop.h"
#include "common/line_buffer.h"

struct msghdr;

namespace dm {

class LineConnection {
 public:
  struct Handlers {
    // One line, without its newline. The handler may call anything but the destructor.
    std::function<void(std::string_view line)> on_line;
    // Bytes of a body after expect_body(); called until the body is complete.
    std::function<void(std::string_view bytes)> on_body;
    // Called once, when the peer is gone or has been dropped; `why` is a sentence. The owner
    // destroys the connection after it has returned (Loop::later).
    std::function<void(const std::string& why)> on_closed;
    // The peer sent its end of file; what was sent before has been handed out. Absent: closes.
    std::function<void()> on_end;
    // A line is longer than allowed; the peer may be answered before it is dropped.
    std::function<void()> on_too_long;
    // can_send() again, after it had been false.
    std::function<void()> on_drained;
  };

  LineConnection(Loop& loop, Fd fd, std::size_t max_line, std::size_t max_queue);
  ~LineConnection();
  LineConnection(const LineConnection&) = delete;
  LineConnection& operator=(const LineConnection&) = delete;

  // Begins to write, and to read unless it was paused before. `to_send` goes out first;
  // `already_read` are the first bytes that the peer sent.
  void start(Handlers handlers, std::string_view already_read = {}, std::string_view to_send = {});

  // Takes bytes as if the peer had just sent them.
  void feed(std::string_view bytes);

  // Queues a line, sealed if there are seals.
  void send_line(const Line& line);
  // A line and the bytes it announces; under seals the line names their SHA-256 as well.
  void send_body(Line line, std::string_view bytes);
  // From here on every line in both directions is sealed; one that does not open ends the
  // connection.
  void set_seals(Seals seals) { seals_ = std::move(seals); }
  // Sends WELCOME. To a peer that has proved a key we prove it too, and from here on lines are
  // sealed.
  void welcome(Line line, const std::optional<Handshake>& handshake);
  bool sealed() const { return seals_.has_value(); }
  // Queues bytes, on a Unix socket with a descriptor that rides with the first of them: no bytes,
  // no ride. A peer that does not read until the cap is passed is dropped, for this reason.
  static constexpr std::string_view kDoesNotRead = "it does not read what it is sent";
  void send(std::string_view bytes, Fd descriptor = Fd());
  // On a Unix socket: descriptors are taken from here on, at most kMaxRiders that no line has asked
  // for. Without this call what comes is closed by the kernel.
  static constexpr std::size_t kMaxRiders = 8;
  void take_descriptors() { takes_descriptors_ = true; }
  // The oldest descriptor that no line has taken; invalid if there is none, or if several came at
  // once: nobody can tell which was meant, and all are closed. What nobody has taken when the last
  // received line has been handled is closed.
  Fd take_descriptor();
  // False once so many bytes wait: a polite sender stops here. Half of the cap, unless told.
  bool can_send() const { return queued() < slow_mark_; }
  void set_slow_mark(std::size_t bytes) { slow_mark_ = bytes; }
  std::size_t queued() const { return out_.size() - sent_; }
  // Bytes that were read and not handed out; bytes that went either way so far.
  std::size_t unread() const { return in_.waiting(); }
  std::uint64_t moved() const { return moved_; }
  // Bytes that the kernel has taken so far.
  std::uint64_t sent() const { return out_moved_; }

  // The next `size` bytes are a body, not lines. With a SHA-256 it is handed out only when it is
  // whole and fits; such a body is at most kMaxSealedBody bytes. Under seals one is demanded.
  static constexpr std::int64_t kMaxSealedBody = 1024 * 1024;
  void expect_body(std::int64_t size, std::string_view sha256 = {});
  // Stops and resumes reading; paused, the peer's window closes and it waits.
  void pause();
  void resume();
  void set_max_line(std::size_t max_line) { in_.set_max_line(max_line); }
  // From here on nothing is read or handed out while anything waits to be sent: who asks and does
  // not read has his window closed.
  void answer_first() { answers_first_ = true; }

  // Sends what is queued, then closes. What still arrives is thrown away for a moment: a close
  // with unread bytes would reset the connection and could destroy the last answer on its way.
  void finish();
  // Closes now. on_closed is called from the loop, not from here.
  void drop(const std::string& why);

  // Gives the socket away, with what was read but not handed out and what was queued but not sent.
  // Nothing is called after that.
  struct Released {
    Fd fd;
    std::string unread;
    std::string unsent;
    std::optional<Seals> seals;
  };
  Released release();

  int fd() const { return fd_.get(); }
  bool closed() const { return state_ == State::kClosed; }

 private:
  enum class State { kOpen, kFinishing, kLingering, kClosed };

  void on_ready(Ready ready);
  void read_some();
  std::ptrdiff_t receive(char* bytes, std::size_t most);
  bool keep_descriptors(msghdr& message);
  std::ptrdiff_t send_first();
  void hand_out();
  void hand_out_line(std::string_view text);
  void hand_out_body(std::string_view bytes);
  void flush();
  void linger();
  void discard();
  void update_interest();
  bool waits() const { return paused_ || (answers_first_ && queued() > 0); }

  Loop& loop_;
  Fd fd_;
  LineBuffer in_;
  std::string out_;
  std::size_t sent_ = 0;
  std::uint64_t moved_ = 0, out_moved_ = 0;
  // Each with how many bytes stand in out_ before the first that it rides with.
  std::deque<std::pair<std::size_t, Fd>> riders_;
  std::deque<Fd> received_;
  bool takes_descriptors_ = false;
  std::size_t max_queue_, slow_mark_;
  std::int64_t body_left_ = 0;
  std::string body_, body_sha256_;  // a body that is verified before it is handed out
  std::optional<Seals> seals_;
  Handlers handlers_;
  State state_ = State::kOpen;
  bool paused_ = false;
  bool answers_first_ = false;
  bool listens_ = true;  // the loop was told to wait for bytes
  bool ended_ = false;
  bool was_full_ = false;
  bool end_told_ = false;
  bool handing_out_ = false;
  std::int64_t discarded_ = 0;
  Loop::TimerId linger_timer_{};
};

}  // namespace dm
