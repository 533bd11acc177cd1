#include "master/io/key_ring.h"

#include <unistd.h>

#include "common/io/files.h"
#include "common/io/key_file.h"
#include "common/io/remove_tree.h"
#include "tests/unit/check.h"
#include "tests/unit/temp_directory.h"

using namespace dm;
using namespace dm::master;
using dm::test::TempDirectory;

namespace {

const std::string kNonce(32, 'a');

struct Directory {
  const TempDirectory temp;
  const std::string path = temp.path();

  // A fresh secret in the file NAME.
  AccessKey secret(const std::string& name) const {
    const AccessKey key = make_secret();
    (void)write_key_file(path + "/" + name, key);
    return key;
  }
};

// The HELLO of somebody who has that key and calls himself that.
Line hello(const AccessKey& key, const std::string& name) {
  Line line("HELLO");
  line.add("proto", 1).add("name", name);
  (void)begin_handshake(key, Line("DM").add("nonce", kNonce), std::string(32, 'b'), line);
  return line;
}

bool opens(const KeyRing& ring, const Line& line, KeyKind kind, std::int64_t least = 1) {
  return ring.verify(line, kNonce, kind, least).has_value();
}

}  // namespace

TEST(a_ring_accepts_a_key_of_its_secret_for_what_it_is) {
  const Directory directory;
  const AccessKey secret = directory.secret("s");
  KeyRing ring({directory.path + "/s"});
  REQUIRE(ring.load().has_value());
  const AccessKey worker = derive_worker_key(secret, "w1", 2);
  const AccessKey admin = derive_control_key(secret, "w1", "admin", 2);
  CHECK(opens(ring, hello(worker, "w1"), KeyKind::kWorker));
  CHECK(!opens(ring, hello(worker, "w1"), KeyKind::kControl));
  CHECK(opens(ring, hello(admin, "w1"), KeyKind::kControl));
  CHECK(!opens(ring, hello(admin, "w1"), KeyKind::kWorker));
  CHECK(!opens(ring, hello(worker, "w2"), KeyKind::kWorker));
  CHECK(opens(ring, hello(worker, "w1"), KeyKind::kWorker, 2));
  CHECK(!opens(ring, hello(worker, "w1"), KeyKind::kWorker, 3));
  CHECK(!opens(ring, Line("HELLO").add("name", "w1"), KeyKind::kWorker));
  CHECK(!ring.verify(hello(worker, "w1"), std::string(32, 'c'), KeyKind::kWorker, 1).has_value());
}

TEST(a_ring_knows_which_keys_still_hold) {
  const Directory directory;
  const AccessKey first = directory.secret("first"), second = directory.secret("second");
  const std::string old_file = directory.path + "/first", new_file = directory.path + "/second";
  KeyRing ring({old_file, new_file});
  REQUIRE(ring.load().has_value());
  const auto by_first =
      ring.verify(hello(derive_worker_key(first, "w", 1), "w"), kNonce, KeyKind::kWorker, 1);
  const auto by_second =
      ring.verify(hello(derive_worker_key(second, "w", 1), "w"), kNonce, KeyKind::kWorker, 1);
  REQUIRE(by_first.has_value() && by_second.has_value());
  CHECK(ring.holds(by_first->credential, 1));
  CHECK(!ring.holds(by_first->credential, 2));
  CHECK(ring.holds(Credential{}, 99));  // nobody had to prove anything

  // Read again as they are, then with the first one gone.
  REQUIRE(ring.load().has_value());
  CHECK(ring.holds(by_first->credential, 1) && ring.holds(by_second->credential, 1));
  REQUIRE(replace_file(old_file, print_key(second), 0600).has_value());
  REQUIRE(ring.load().has_value());
  CHECK(!ring.holds(by_first->credential, 1));
  CHECK(ring.holds(by_second->credential, 1));

  // Of several files those that are there count; without any, what was known stays.
  REQUIRE(::unlink(new_file.c_str()) == 0);
  const auto loaded = ring.load();
  CHECK(loaded && *loaded == std::vector<std::string>{new_file});
  CHECK(ring.holds(by_second->credential, 1));
  REQUIRE(::unlink(old_file.c_str()) == 0);
  CHECK(!ring.load().has_value());
  CHECK(ring.holds(by_second->credential, 1));

  // A file that cannot be read changes nothing.
  REQUIRE(replace_file(old_file, "nonsense\n", 0600).has_value());
  CHECK(!ring.load().has_value());
  CHECK(ring.holds(by_second->credential, 1));
}

TEST(a_ring_says_to_its_master_why_a_key_is_not_accepted) {
  const Directory directory;
  const AccessKey secret = directory.secret("s"), other = directory.secret("o");
  KeyRing ring({directory.path + "/s"});
  REQUIRE(ring.load().has_value());
  const auto why = [&](const Line& line) {
    return ring.why_not(line, kNonce, KeyKind::kWorker, 2, {"w7", "w8", "w9"});
  };
  CHECK_EQ(why(Line("HELLO").add("name", "w1")), "it has no key");
  CHECK_EQ(why(hello(derive_worker_key(secret, "w1", 1), "w1")),
           "its key worker.1 is revoked; the least generation is 2");
  CHECK_EQ(why(hello(derive_control_key(secret, "w1", "admin", 2), "w1")),
           "its key admin.2 is an operator's, and this is where workers connect");
  CHECK_EQ(why(hello(derive_worker_key(secret, "w8", 2), "w1")),
           "its key worker.2 is that of w8, not its own");
  CHECK_EQ(why(hello(derive_worker_key(other, "w1", 2), "w1")),
           "its key worker.2 was made with another secret, or for another name");
  CHECK_EQ(why(Line("HELLO").add("name", "w1").add("key", "x")),
           "its key x was made with another secret, or for another name");
}
