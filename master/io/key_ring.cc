#include "master/io/key_ring.h"

#include <algorithm>

#include "common/epoch_seal.h"
#include "common/escape.h"
#include "common/io/key_file.h"

namespace dm::master {

Result<std::vector<std::string>> KeyRing::load() {
  std::map<std::uint64_t, AccessKey> secrets;
  std::vector<std::string> missing;
  for (const std::string& file : files_) {
    auto key = read_key_file(file);
    if (!key && key.error().code == Code::kNotFound && missing.size() + 1 < files_.size()) {
      missing.push_back(file);
      continue;
    }
    if (!key) return key.error();
    if (key->kind != KeyKind::kSecret)
      return fail(Code::kBadArg, "key file " + file + ": the master needs a dm-secret");
    const auto known = std::find_if(secrets_.begin(), secrets_.end(), [&](const auto& entry) {
      return entry.second.bytes == key->bytes;
    });
    secrets.emplace(known == secrets_.end() ? next_++ : known->first, std::move(*key));
  }
  secrets_ = std::move(secrets);
  return missing;
}

std::optional<KeyRing::Accepted> KeyRing::verify(const Line& hello, std::string_view master_nonce,
                                                 KeyKind kind,
                                                 std::int64_t least_generation) const {
  std::optional<Accepted> accepted;
  // All are tried, whichever fits: how long this takes says nothing.
  for (const auto& [number, secret] : secrets_) {
    auto handshake = accept_handshake({secret}, hello, master_nonce, kind, least_generation);
    if (!handshake) continue;
    const auto key = derive_claimed_key(secret, hello.text("name"), hello.text("key"));
    accepted = Accepted{std::move(*handshake), {key->name, key->generation, number}};
  }
  return accepted;
}

namespace {

// Does the HELLO prove the key that its id claims, for that name?
std::optional<AccessKey> proved_key(const AccessKey& secret, const Line& hello,
                                    std::string_view master_nonce, std::string_view name) {
  auto key = derive_claimed_key(secret, name, hello.text("key"));
  if (!key) return std::nullopt;
  const Handshake handshake(*key, hello, master_nonce);
  if (!proof_fits(hello.text("proof"), handshake.peer_proof())) return std::nullopt;
  return std::move(*key);
}

}  // namespace

std::string KeyRing::why_not(const Line& hello, std::string_view master_nonce, KeyKind kind,
                             std::int64_t least_generation,
                             const std::vector<std::string>& others) const {
  if (hello.text("key").empty()) return "it has no key";
  const std::string id = excerpt(hello.text("key"));
  for (const auto& [number, secret] : secrets_) {
    const auto key = proved_key(secret, hello, master_nonce, hello.text("name"));
    if (!key) continue;
    if (key->kind != kind)
      return key->kind == KeyKind::kWorker
                 ? "its key " + id + " is a worker's, and this is where operators connect"
                 : "its key " + id + " is an operator's, and this is where workers connect";
    return "its key " + id + " is revoked; the least generation is " +
           std::to_string(least_generation);
  }
  for (const auto& [number, secret] : secrets_)
    for (const std::string& name : others)
      if (proved_key(secret, hello, master_nonce, name))
        return "its key " + id + " is that of " + name + ", not its own";
  return "its key " + id + " was made with another secret, or for another name";
}

std::vector<std::string> KeyRing::epoch_keys() const {
  std::vector<std::string> keys;
  for (auto at = secrets_.rbegin(); at != secrets_.rend(); ++at)
    keys.push_back(epoch_key(at->second));
  return keys;
}

bool KeyRing::holds(const Credential& credential, std::int64_t least_generation) const {
  if (credential.secret == 0) return true;
  return secrets_.contains(credential.secret) && credential.generation >= least_generation;
}

}  // namespace dm::master
