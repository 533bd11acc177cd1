#include "master/io/key_ring.h"

#include "common/io/key_file.h"

namespace dm::master {

Status KeyRing::load() {
  std::vector<AccessKey> secrets;
  for (const std::string& file : files_) {
    auto key = read_key_file(file);
    if (!key) return key.error();
    if (key->kind != KeyKind::kSecret)
      return fail(Code::kBadArg, "key file " + file + ": the master needs a dm-secret");
    secrets.push_back(std::move(*key));
  }
  secrets_ = std::move(secrets);
  return {};
}

std::optional<Handshake> KeyRing::verify(const Line& hello, std::string_view master_nonce,
                                         KeyKind kind, std::int64_t least_generation) const {
  if (!is_nonce(hello.text("nonce"))) return std::nullopt;
  std::optional<Handshake> accepted;
  // All are tried, whichever fits: how long this takes says nothing.
  for (const AccessKey& secret : secrets_) {
    const auto key = derive_claimed_key(secret, hello.text("name"), hello.text("key"));
    if (!key || key->kind != kind || key->generation < least_generation) continue;
    Handshake handshake(*key, hello, master_nonce);
    if (proof_fits(hello.text("proof"), handshake.peer_proof())) accepted = handshake;
  }
  return accepted;
}

}  // namespace dm::master
