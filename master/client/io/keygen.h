// master/client/io/keygen.h - `dm keygen`: makes the secret of a cluster, and the keys derived from
// it. Needs no master.
#pragma once

#include <string>
#include <vector>

namespace dm {

// The words behind `keygen`. Returns the exit status.
int run_keygen(const std::vector<std::string>& words);

}  // namespace dm
