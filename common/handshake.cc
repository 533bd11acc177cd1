#include "common/handshake.h"

#include "common/hmac.h"

namespace dm {
namespace {

constexpr std::size_t kMacHex = 32;  // 128 bits
constexpr std::string_view kMacField = " mac=";

std::string as_bytes(const Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

// `more` is left out as well.
std::string without_proof(const Line& line, std::string_view more = {}) {
  Line copy(line.verb());
  for (const auto& [key, value] : line.fields())
    if (key != "proof" && key != more) copy.add(key, value);
  return copy.print();
}

std::string master_line(std::string_view nonce) {
  return Line("MASTER").add("proto", 1).add("nonce", nonce).print();
}

}  // namespace

std::string LineSeal::mac(std::string_view line) {
  std::string number;
  for (int shift = 56; shift >= 0; shift -= 8) number += static_cast<char>(next_ >> shift & 0xff);
  ++next_;
  HmacSha256 hmac(key_);
  hmac.update(number);
  hmac.update(line);
  return to_hex(hmac.finish()).substr(0, kMacHex);
}

std::string LineSeal::seal(std::string_view line) {
  std::string text(line.substr(0, line.size() - 1));
  const std::string code = mac(text);
  return text.append(kMacField).append(code).append("\n");
}

std::optional<std::string_view> LineSeal::open(std::string_view line) {
  const std::size_t tail = kMacField.size() + kMacHex;
  if (line.size() < tail) return std::nullopt;
  const std::string_view text = line.substr(0, line.size() - tail);
  const std::string_view field = line.substr(text.size());
  const bool fits = equal_in_constant_time(field.substr(kMacField.size()), mac(text));
  if (!field.starts_with(kMacField) || !fits) return std::nullopt;
  return text;
}

Handshake::Handshake(const AccessKey& key, const Line& hello, std::string_view master_nonce)
    : key_(key.bytes) {
  // A line cannot be read in two ways, so neither can the transcript.
  transcript_ = master_line(master_nonce);
  transcript_ += without_proof(hello);
}

std::string Handshake::code(std::string_view label, std::string_view more) const {
  HmacSha256 hmac(key_);
  hmac.update(label);
  hmac.update("\n");
  hmac.update(transcript_);
  hmac.update(more);
  return as_bytes(hmac.finish());
}

namespace {
std::string hex(const std::string& bytes) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}
}  // namespace

std::string Handshake::peer_proof() const {
  return hex(code("dm 1 peer proof"));
}

std::string Handshake::master_proof(const Line& welcome) const {
  return hex(code("dm 1 master proof", without_proof(welcome)));
}

std::string Handshake::seal_identity(std::string_view secret) const {
  const std::string pad = code("dm 1 identity seal");
  std::string sealed(secret.substr(0, pad.size()));
  for (std::size_t i = 0; i < sealed.size(); ++i) sealed[i] = static_cast<char>(sealed[i] ^ pad[i]);
  return sealed;
}

Seals Handshake::seals_of_master() const {
  return {LineSeal(code("dm 1 lines to peer")), LineSeal(code("dm 1 lines to master"))};
}

Seals Handshake::seals_of_peer() const {
  return {LineSeal(code("dm 1 lines to master")), LineSeal(code("dm 1 lines to peer"))};
}

bool is_nonce(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<Handshake> begin_handshake(const AccessKey& key, const Line& dm,
                                         std::string_view nonce, Line& hello,
                                         std::string_view identity) {
  if (!is_nonce(dm.text("nonce"))) return std::nullopt;
  hello.add("key", key.id()).add("nonce", nonce);
  if (!identity.empty()) hello.add("idproof", identity_proof(identity, hello, dm.text("nonce")));
  Handshake handshake(key, hello, dm.text("nonce"));
  hello.add("proof", handshake.peer_proof());
  return handshake;
}

std::string identity_proof(std::string_view identity, const Line& hello,
                           std::string_view master_nonce) {
  HmacSha256 hmac(identity);
  hmac.update("dm 1 identity proof\n");
  hmac.update(master_line(master_nonce));
  hmac.update(without_proof(hello, "idproof"));
  return to_hex(hmac.finish());
}

std::optional<Handshake> accept_handshake(const std::vector<AccessKey>& secrets, const Line& hello,
                                          std::string_view master_nonce, KeyKind kind,
                                          std::int64_t least_generation) {
  if (!is_nonce(hello.text("nonce"))) return std::nullopt;
  std::optional<Handshake> accepted;
  // All are tried, whichever fits, and a revoked one too: how long this takes says nothing.
  for (const AccessKey& secret : secrets) {
    const auto key = derive_claimed_key(secret, hello.text("name"), hello.text("key"));
    if (!key) continue;
    Handshake handshake(*key, hello, master_nonce);
    const bool fits = proof_fits(hello.text("proof"), handshake.peer_proof());
    if (fits && key->kind == kind && key->generation >= least_generation) accepted = handshake;
  }
  return accepted;
}

bool proof_fits(std::string_view given, const std::string& due) {
  return equal_in_constant_time(given, due);
}

}  // namespace dm
