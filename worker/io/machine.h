// worker/io/machine.h - is this worker only being stopped for a while, as for an upgrade, or does
// its machine go down with it?
#pragma once

namespace dm::worker {

// True if we are a unit of systemd (INVOCATION_ID, see systemd.exec(5)) and that is not shutting
// the machine down: `systemctl is-system-running` does not say "stopping". False if that cannot be
// found out within a second.
bool machine_stays_up();

}  // namespace dm::worker
