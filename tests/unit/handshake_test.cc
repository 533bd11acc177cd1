#include "common/handshake.h"

#include "common/sha256.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

AccessKey test_secret(char fill) {
  AccessKey secret;
  secret.bytes = std::string(32, fill);
  return secret;
}

Line test_hello(const std::string& name, const std::string& as = "session") {
  Line hello("HELLO");
  hello.add("proto", 1).add("name", name).add("as", as).add("key", "worker.1");
  return hello.add("nonce", std::string(32, 'a'));
}

const std::string kMasterNonce(32, 'b');

}  // namespace

TEST(handshake_both_sides_come_to_the_same) {
  const AccessKey key = derive_worker_key(test_secret('s'), "w1", 1);
  Line hello = test_hello("w1");
  const Handshake peer(key, hello, kMasterNonce);
  hello.add("proof", peer.peer_proof());
  const Handshake master(key, hello, kMasterNonce);
  CHECK(proof_fits(hello.text("proof"), master.peer_proof()));
  const Line welcome = Line("WELCOME").add("cluster", "c").add("heartbeat_ms", 1000);
  CHECK_EQ(peer.master_proof(welcome), master.master_proof(welcome));
  Seals ours = master.seals_of_master(), theirs = peer.seals_of_peer();
  std::string beat = ours.out.seal("BEAT seq=1\n");
  beat.pop_back();
  CHECK_EQ(theirs.in.open(beat).value_or("bad"), "BEAT seq=1");
  CHECK(!Seals(master.seals_of_master()).in.open(beat));  // not to be thrown back
}

TEST(handshake_sealed_lines_open_once_and_in_order) {
  LineSeal out("key"), in("key");
  const auto sealed = [&](const std::string& line) {
    std::string text = out.seal(line + "\n");
    text.pop_back();
    return text;
  };
  const std::string one = sealed("A x=1"), two = sealed("A x=2"), three = sealed("A x=1");
  CHECK(one != three);
  CHECK_EQ(in.open(one).value_or("bad"), "A x=1");
  LineSeal replayed = in, skipped = in;
  CHECK(!replayed.open(one));   // sent again
  CHECK(!skipped.open(three));  // one is missing
  CHECK_EQ(in.open(two).value_or("bad"), "A x=2");
  CHECK_EQ(in.open(three).value_or("bad"), "A x=1");
}

TEST(handshake_a_changed_byte_opens_nothing) {
  LineSeal out("key");
  std::string text = out.seal("STOP instance=web.1\n");
  text.pop_back();
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK(!LineSeal("key").open(changed));
    CHECK(!LineSeal("key").open(text.substr(0, at)));
  }
  CHECK(!LineSeal("other").open(text));
  CHECK(LineSeal("key").open(text).has_value());
}

TEST(handshake_every_part_of_the_transcript_counts) {
  const AccessKey key = derive_worker_key(test_secret('s'), "w1", 1);
  const std::string proof = Handshake(key, test_hello("w1"), kMasterNonce).peer_proof();
  CHECK(proof != Handshake(key, test_hello("w2"), kMasterNonce).peer_proof());
  CHECK(proof != Handshake(key, test_hello("w1", "bulk"), kMasterNonce).peer_proof());
  CHECK(proof != Handshake(key, test_hello("w1"), std::string(32, 'c')).peer_proof());
  const AccessKey other = derive_worker_key(test_secret('t'), "w1", 1);
  CHECK(proof != Handshake(other, test_hello("w1"), kMasterNonce).peer_proof());
  const Handshake handshake(key, test_hello("w1"), kMasterNonce);
  // A proof cannot be thrown back, and WELCOME's words are covered by it.
  CHECK(handshake.peer_proof() != handshake.master_proof(Line("WELCOME")));
  CHECK(handshake.master_proof(Line("WELCOME").add("epoch", "1")) !=
        handshake.master_proof(Line("WELCOME").add("epoch", "2")));
}

TEST(keys_are_read_as_they_are_written) {
  const AccessKey secret = test_secret('s');
  for (const AccessKey& key : {secret, derive_worker_key(secret, "w.1", 7),
                               derive_control_key(secret, "ann", "operator", 2)}) {
    const auto again = parse_key(print_key(key));
    REQUIRE(again.has_value());
    CHECK(again->kind == key.kind && again->name == key.name && again->role == key.role);
    CHECK_EQ(again->generation, key.generation);
    CHECK_EQ(again->bytes, key.bytes);
  }
  const std::string hex(64, 'a');
  for (const std::string& bad :
       {std::string(), std::string("dm-secret"), "dm-secret " + hex + "0", "dm-secret  " + hex,
        "dm-worker ../x 1 " + hex, "dm-worker w1 0 " + hex, "dm-worker w1 x " + hex,
        "dm-control ann root 1 " + hex, "dm-worker w1 01 " + hex, "dm-secret " + hex + " ",
        "dm-secret " + hex + "\n\n", "secret " + hex})
    CHECK(!parse_key(bad).has_value());
}

TEST(keys_of_others_differ) {
  const AccessKey secret = test_secret('s');
  const std::string key = derive_worker_key(secret, "w1", 1).bytes;
  CHECK(key != derive_worker_key(secret, "w1", 2).bytes);
  CHECK(key != derive_worker_key(secret, "w2", 1).bytes);
  CHECK(key != derive_control_key(secret, "w1", "admin", 1).bytes);
  CHECK(derive_control_key(secret, "a", "viewer", 1).bytes !=
        derive_control_key(secret, "a", "admin", 1).bytes);
  CHECK_EQ(derive_claimed_key(secret, "w1", "worker.2").value().bytes,
           derive_worker_key(secret, "w1", 2).bytes);
  for (std::string_view bad :
       {"", "worker", "worker.", "worker.0", "worker.01", "root.1", "worker.1x"})
    CHECK(!derive_claimed_key(secret, "w1", bad).has_value());
}
