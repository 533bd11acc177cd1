// common/handshake.h - two sides prove to each other that they hold the same key, and derive what
// seals every later line. Pure: nonces are given.
//
// Both proofs and both line keys are HMAC-SHA256 under the shared key over a label of their own
// and the transcript: version, name, role, id, key id, both nonces. So nothing of one connection,
// direction or role means anything in another: no replay, no reflection, no downgrade.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/access_key.h"
#include "common/codec.h"

namespace dm {

// Seals or opens the lines of one direction: ` mac=HEX32` is the first half of
// HMAC-SHA256(key, sequence number, line). The number counts lines and is never sent, so a line
// that is missing, repeated or moved opens no more than a forged one.
class LineSeal {
 public:
  explicit LineSeal(std::string key) : key_(std::move(key)) {}

  // `line` ends in its newline, and so does the result.
  std::string seal(std::string_view line);
  // The line without its mac. nullopt: not what the peer sent; the connection is to be dropped.
  std::optional<std::string_view> open(std::string_view line);

 private:
  std::string mac(std::string_view line);

  std::string key_;
  std::uint64_t next_ = 0;
};

struct Seals {
  LineSeal out, in;
};

// What both sides know when the nonces have been exchanged. `hello` is the peer's HELLO; its
// proof is left out of the transcript.
class Handshake {
 public:
  Handshake(const AccessKey& key, const Line& hello, std::string_view master_nonce);

  std::string peer_proof() const;
  // Over WELCOME as well (its own proof left out): what it says is the master's word.
  std::string master_proof(const Line& welcome) const;

  // A worker's identity secret on its way to a master that does not hold it yet, and back again: it
  // is its own inverse, and tells nobody anything who only listens.
  std::string seal_identity(std::string_view secret) const;

  Seals seals_of_master() const;
  Seals seals_of_peer() const;

 private:
  std::string code(std::string_view label, std::string_view more = {}) const;

  std::string key_;
  std::string transcript_;
};

// The peer's side: adds key=, nonce= and proof= to its HELLO, and idproof= of a worker that has an
// identity secret. nullopt if the master's DM holds no nonce.
std::optional<Handshake> begin_handshake(const AccessKey& key, const Line& dm,
                                         std::string_view nonce, Line& hello,
                                         std::string_view identity = {});

// idproof=: that a worker is the one with this id, whatever key it has. Over HELLO without its two
// proofs, under the 32 bytes that only this worker and its master hold.
std::string identity_proof(std::string_view identity, const Line& hello,
                           std::string_view master_nonce);

// The master's side: the handshake of a peer whose HELLO proves a key of that kind, of at least
// that generation, derived from any of the secrets. nullopt for every failure: the caller gives
// one answer to all of them.
std::optional<Handshake> accept_handshake(const std::vector<AccessKey>& secrets, const Line& hello,
                                          std::string_view master_nonce, KeyKind kind,
                                          std::int64_t least_generation);

// A nonce: 32 hex digits.
bool is_nonce(std::string_view text);

// True if `given` is the hex proof that is due. Takes as long for every wrong one.
bool proof_fits(std::string_view given, const std::string& due);

}  // namespace dm
