#include "common/io/line_connection.h"

#include <sys/socket.h>

#include <vector>

#include "tests/unit/check.h"

using namespace dm;

namespace {

constexpr std::size_t kMaxQueue = 16 * 1024 * 1024;
const std::string kAnswer(1'000'000, 'x');  // more than a socket takes at once

// A connection that answers every line with kAnswer, and the other end of it.
struct Asked {
  Loop loop;
  Fd peer;
  std::unique_ptr<LineConnection> connection;
  std::vector<std::string> lines;
  bool ended = false;
  std::string closed;

  explicit Asked(bool answers_first) {
    int ends[2] = {-1, -1};
    (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
    peer.reset(ends[0]);
    connection = std::make_unique<LineConnection>(loop, Fd(ends[1]), kMaxLine, kMaxQueue);

    if (answers_first) connection->answer_first();
    LineConnection::Handlers handlers;
    handlers.on_line = [this](std::string_view line) {
      lines.emplace_back(line);
      connection->send(kAnswer);
    };
    handlers.on_end = [this] { ended = true; };
    handlers.on_closed = [this](const std::string& why) { closed = why; };
    connection->start(std::move(handlers));
  }

  void ask(std::string_view text) { (void)::send(peer.get(), text.data(), text.size(), 0); }
  // Until everything that is ready has been served.
  void turn() {
    loop.at(loop.now().mono_ms, [this] { loop.stop(0); });
    (void)loop.run();
  }
  std::size_t read_some() {
    std::vector<char> bytes(64 * 1024);
    const ssize_t got = ::recv(peer.get(), bytes.data(), bytes.size(), 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  // What the peer gets if it reads until `size` bytes have come, or nothing comes any more.
  std::size_t read_all(std::size_t size) {
    std::size_t all = 0;
    for (int turns = 0; all < size && turns < 10'000; ++turns) {
      turn();
      all += read_some();
    }
    return all;
  }
};

}  // namespace

TEST(connection_that_answers_first_takes_up_one_request_after_the_other) {
  Asked asked(true);
  asked.ask("one\ntwo\nthree\n");
  asked.turn();
  asked.turn();
  CHECK_EQ(asked.lines.size(), 1U);
  asked.ask("four\n");
  asked.turn();
  CHECK_EQ(asked.lines.size(), 1U);
  CHECK_EQ(asked.read_all(4 * kAnswer.size()), 4 * kAnswer.size());
  CHECK(asked.lines == (std::vector<std::string>{"one", "two", "three", "four"}));
  CHECK_EQ(asked.closed, "");
}

TEST(connection_that_answers_first_hears_of_the_end_behind_the_last_answer) {
  Asked asked(true);
  asked.ask("one\ntwo");
  asked.ask("\n");
  ::shutdown(asked.peer.get(), SHUT_WR);
  asked.turn();
  asked.turn();
  CHECK_EQ(asked.lines.size(), 1U);
  CHECK(!asked.ended);
  CHECK_EQ(asked.read_all(2 * kAnswer.size()), 2 * kAnswer.size());
  asked.turn();
  CHECK_EQ(asked.lines.size(), 2U);
  CHECK(asked.ended);
  CHECK_EQ(asked.closed, "");
}

TEST(connection_that_answers_first_hears_of_a_peer_that_is_gone) {
  Asked asked(true);
  asked.ask("one\ntwo\n");
  asked.turn();
  asked.peer.reset();
  asked.turn();
  asked.turn();
  CHECK_EQ(asked.lines.size(), 1U);
  CHECK(!asked.closed.empty());
}

TEST(connection_takes_up_all_requests_otherwise) {
  Asked asked(false);
  asked.ask("one\ntwo\nthree\n");
  asked.turn();
  CHECK_EQ(asked.lines.size(), 3U);
}

namespace {

// A pipe whose reading end rides with a line, and the connection that takes it.
struct Riders {
  Loop loop;
  std::unique_ptr<LineConnection> from, to;
  std::vector<std::string> came;  // each line, and what its descriptor holds
  std::string closed;

  Riders() {
    int ends[2] = {-1, -1};
    (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
    from = std::make_unique<LineConnection>(loop, Fd(ends[0]), kMaxLine, kMaxQueue);
    to = std::make_unique<LineConnection>(loop, Fd(ends[1]), kMaxLine, kMaxQueue);
    LineConnection::Handlers handlers;
    handlers.on_line = [](std::string_view) {};
    from->start(handlers);
    handlers.on_line = [this](std::string_view line) {
      const Fd rider = line.starts_with("FD") ? to->take_descriptor() : Fd();
      char held[64];
      const ssize_t got = rider.valid() ? ::read(rider.get(), held, sizeof held) : 0;
      came.push_back(std::string(line) + ":" +
                     std::string(held, got > 0 ? static_cast<std::size_t>(got) : 0));
    };
    handlers.on_closed = [this](const std::string& why) { closed = why; };
    to->take_descriptors();
    to->start(std::move(handlers));
  }

  static Fd holding(const std::string& text) {
    int ends[2] = {-1, -1};
    (void)::pipe(ends);
    Fd write_end(ends[1]);
    (void)!::write(ends[1], text.data(), text.size());
    return Fd(ends[0]);
  }
  void turn(int times) {
    for (; times > 0; --times) {
      loop.at(loop.now().mono_ms, [this] { loop.stop(0); });
      (void)loop.run();
    }
  }
};

}  // namespace

TEST(connection_carries_a_descriptor_with_its_line) {
  Riders riders;
  riders.from->send("PLAIN\n");
  riders.from->send("FD 1\n", Riders::holding("one"));
  riders.from->send("PLAIN\n");
  riders.from->send("FD 2\n", Riders::holding("two"));
  riders.from->send("FD 3\n");
  riders.turn(10);
  const std::vector<std::string> due{"PLAIN:", "FD 1:one", "PLAIN:", "FD 2:two", "FD 3:"};
  CHECK(riders.came == due);
  CHECK_EQ(riders.closed, "");
}

TEST(connection_keeps_descriptors_with_their_lines_behind_a_long_queue) {
  Riders riders;
  const std::string padding = std::string(60'000, 'x') + "\n";
  for (int i = 0; i < 40; ++i) {
    riders.from->send(padding);
    riders.from->send("FD " + std::to_string(i) + "\n", Riders::holding(std::to_string(i)));
  }
  riders.turn(200);
  REQUIRE(riders.came.size() == 80);
  for (std::size_t i = 0; i < 40; ++i)
    CHECK_EQ(riders.came[2 * i + 1], "FD " + std::to_string(i) + ":" + std::to_string(i));
}

TEST(connection_drops_who_sends_more_descriptors_than_lines) {
  Riders riders;
  for (int i = 0; i < 12; ++i) riders.from->send("x", Riders::holding("x"));
  riders.turn(30);
  CHECK_EQ(riders.closed, "it sent more descriptors than lines");
}
