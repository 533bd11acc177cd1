// common/handshake.h, both sides: a peer is accepted if and only if what arrives is what a holder
// of the key has said on this very connection; and so is the master.
//
// The rows of the input are DM, HELLO and WELCOME as they arrive. In them $master, $nonce, $proof
// and $welcome stand for what the honest sides have sent, so that the input may copy it elsewhere.
#include "common/handshake.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tests/fuzz/target.h"

using namespace dm;
using namespace dm::fuzz;

namespace {

const std::string kMasterNonce = "0123456789abcdef0123456789abcdef";
const std::string kPeerNonce = "fedcba9876543210fedcba9876543210";

AccessKey secret() {
  AccessKey key;
  key.bytes = std::string(32, 's');
  return key;
}

Line honest_hello() {
  return Line("HELLO").add("proto", 1).add("name", "w1").add("as", "session");
}

Line honest_welcome() {
  return Line("WELCOME").add("cluster", "c1").add("epoch", "1-e").add("heartbeat_ms", 1000);
}

using Words = std::vector<std::pair<std::string, std::string>>;

std::optional<Line> arrives(std::string_view row, const Words& words) {
  std::string text(row);
  for (const auto& [word, meaning] : words)
    if (const std::size_t at = text.find(word); at != text.npos)
      text.replace(at, word.size(), meaning);
  const auto line = parse_line(text);
  return line ? std::optional<Line>(*line) : std::nullopt;
}

bool same_but_proof(const Line& a, const Line& b) {
  const auto fields = [](const Line& line) {
    auto all = line.fields();
    std::erase_if(all, [](const auto& field) { return field.first == "proof"; });
    return all;
  };
  return a.verb() == b.verb() && fields(a) == fields(b);
}

bool is_what_was_said(const Line& arrived, const Line& said) {
  return same_but_proof(arrived, said) && arrived.text("proof") == said.text("proof");
}

std::string without_newline(std::string text) {
  text.pop_back();
  return text;
}

void check_seals(Seals master, Seals peer) {
  const std::string order = without_newline(master.out.seal("STOP id=1\n"));
  CHECK(!Seals(master).in.open(order).has_value());  // thrown back
  CHECK_EQ(peer.in.open(order).value_or("nothing"), "STOP id=1");
  CHECK(!peer.in.open(order).has_value());  // again
  const std::string answer = without_newline(peer.out.seal("OK id=1\n"));
  CHECK_EQ(master.in.open(answer).value_or("nothing"), "OK id=1");
}

}  // namespace

TARGET(handshake) {
  const std::vector<AccessKey> secrets = {secret()};
  const AccessKey key = derive_worker_key(secrets[0], "w1", 1);
  Words words = {{"$master", kMasterNonce}, {"$nonce", kPeerNonce}};

  const auto dm = arrives(take_until(input, '\n'), words);
  if (!dm) return;
  Line said = honest_hello();
  const auto peer = begin_handshake(key, *dm, kPeerNonce, said);
  CHECK_EQ(peer.has_value(), is_nonce(dm->text("nonce")));
  if (!peer) return;

  words.emplace_back("$proof", said.text("proof"));
  const auto hello = arrives(take_until(input, '\n'), words);
  if (!hello) return;
  const auto accept = [&](KeyKind kind, std::int64_t least) {
    return accept_handshake(secrets, *hello, kMasterNonce, kind, least);
  };
  const bool honest = dm->text("nonce") == kMasterNonce && is_what_was_said(*hello, said);
  const auto master = accept(KeyKind::kWorker, 1);
  CHECK_EQ(master.has_value(), honest);
  CHECK(!accept(KeyKind::kWorker, 2).has_value());   // revoked
  CHECK(!accept(KeyKind::kControl, 1).has_value());  // another kind of port
  CHECK(!accept_handshake({}, *hello, kMasterNonce, KeyKind::kWorker, 1).has_value());
  if (!master) return;

  Line answer = honest_welcome();
  answer.add("proof", master->master_proof(answer));
  words.emplace_back("$welcome", answer.text("proof"));
  const auto welcome = arrives(take_until(input, '\n'), words);
  if (!welcome) return;
  CHECK_EQ(proof_fits(welcome->text("proof"), peer->master_proof(*welcome)),
           is_what_was_said(*welcome, answer));
  check_seals(master->seals_of_master(), peer->seals_of_peer());
}
