// worker/io/capabilities.h - gives up what makes root root (capabilities(7)), for good. Only system
// calls that concern the calling thread alone and are async-signal-safe: a newborn app uses it too.
#pragma once

namespace dm::worker {

// To be called while still root: clears the ambient set and, where we may, the bounding set, so
// that no program can bring a capability back.
void drop_capability_bounds();

// To be called after the change of user, which may have left something: empties the inheritable,
// permitted and effective sets and forbids every gain by exec (NO_NEW_PRIVS). False with errno.
bool drop_capabilities();

}  // namespace dm::worker
