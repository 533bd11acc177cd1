#include "worker/io/outbox.h"

#include "common/io/files.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

namespace dm::worker {

// What is said behind an end must not overtake it, a beat may: no disk holds it up.
TEST(outbox_keeps_the_order_while_the_end_of_a_log_is_read) {
  const test::TempDirectory temp;
  AppStore store(temp.path(), {});
  REQUIRE(store.prepare());
  REQUIRE(write_all(store.open_log("a.1", 2)->get(), "last words\n"));
  Loop loop;
  Jobs lookups(loop, 1);
  const Endpoint master{"", 0, temp.path() + "/socket"};
  const auto listener = listen_on(master);
  REQUIRE(listener);
  Fd peer;
  std::string heard;
  loop.watch(listener->get(), true, false, [&](Ready) {
    peer = std::move(*accept_from(listener->get()));
    loop.watch(peer.get(), true, false, [&](Ready) {
      char bytes[4096];
      const ssize_t got = ::read(peer.get(), bytes, sizeof bytes);
      if (got > 0) return (void)heard.append(bytes, static_cast<std::size_t>(got));
      loop.unwatch(peer.get());
      loop.stop(0);
    });
  });
  std::optional<Outbox> outbox;
  Session session(loop, lookups, master, std::nullopt, "",
                  {[&] {
                     outbox->send(Line("FIRST"));
                     outbox->send_with_tail(Line("EXITED").add("instance", "a.1").add("run", 2));
                     outbox->send(Line("OK").add("id", 1));
                     outbox->send_with_tail(Line("EXITED").add("instance", "a.9").add("run", 1));
                     outbox->send(Line("HEARTBEAT"));
                     outbox->finish("done");
                   },
                   [](const Line&) {}, [&](const std::string&) { outbox->clear(); }});
  outbox.emplace(loop, store, session);
  session.dial();
  CHECK_EQ(loop.run(), 0);
  CHECK_EQ(heard,
           "FIRST\nHEARTBEAT\nEXITED instance=a.1 run=2 tail=last%20words%0A\nOK id=1\n"
           "EXITED instance=a.9 run=1\n");
}

}  // namespace dm::worker
