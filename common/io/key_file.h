// common/io/key_file.h - key files: read only if nobody else can have read or written them. A
// process that has held a key shows its memory to nobody from then on (secrecy.h).
#pragma once

#include <string>

#include "common/access_key.h"

namespace dm {

// Errors: denied, with the reason, for a link, for what is no regular file, for another owner
// than the reader or root, for a mode that lets others in; parse_key's; system_error's.
Result<AccessKey> read_key_file(const std::string& path);

// Makes the file, mode 0600. Errors: exists if it is there; system_error's.
Status write_key_file(const std::string& path, const AccessKey& key);

// A fresh secret, from getrandom(2).
AccessKey make_secret();

}  // namespace dm
