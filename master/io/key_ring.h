// master/io/key_ring.h - the secrets that this master accepts, and what they open.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/access_key.h"
#include "common/handshake.h"

namespace dm::master {

class KeyRing {
 public:
  // Several secrets may hold at once, while one is being replaced by another.
  explicit KeyRing(std::vector<std::string> files) : files_(std::move(files)) {}

  // Reads the files, at start and on SIGHUP; on an error what was there stays. Errors: the file's.
  Status load();

  // Without keys everybody is let in: `--insecure`, on loopback only.
  bool is_open() const { return files_.empty(); }

  // The handshake of a peer whose HELLO proves a key of that kind, of at least that generation.
  // nullopt for any failure: the caller gives one answer to all of them.
  std::optional<Handshake> verify(const Line& hello, std::string_view master_nonce, KeyKind kind,
                                  std::int64_t least_generation) const;

 private:
  std::vector<std::string> files_;
  std::vector<AccessKey> secrets_;
};

}  // namespace dm::master
