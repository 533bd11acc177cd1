// worker/io/identity.h - who a worker is: the id of its root directory, and the secret that proves
// it. Decides nothing.
#pragma once

#include <string>

#include "common/result.h"

namespace dm::worker {

struct Identity {
  std::string id;      // 32 hex digits, for everybody
  std::string secret;  // 32 bytes, for this worker and its master
};

// From ROOT/id and ROOT/identity (mode 0600); what is missing is made. Errors: internal for a file
// that holds something else; system_error's.
Result<Identity> read_or_make_identity(const std::string& root);

// For a root directory that is a copy of another worker's: from now on it is another one, which
// knows of no app. What the copy knew, its id, journal, versions, working directories and logs, is
// set aside in the directory below the root whose name is returned. Errors: busy while a worker or
// an app of it runs; system_error's.
Result<std::string> make_new_identity(const std::string& root);

}  // namespace dm::worker
