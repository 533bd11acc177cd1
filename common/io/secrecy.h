// common/io/secrecy.h - keeps a process's memory to itself. Knows no key.
#pragma once

namespace dm {

// From now on nobody but root can read or trace this process, not even its own user, and a crash
// leaves no core (prctl(2), PR_SET_DUMPABLE). A change of user undoes it, and so does an exec.
void keep_memory_private();

}  // namespace dm
