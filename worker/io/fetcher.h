// worker/io/fetcher.h - an INSTALL from its order to its outcome: fetches what is missing from
// the master and has the version put together. Blocks; for helper threads. Decides nothing about
// who wants what.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "worker/core/effects.h"
#include "worker/io/app_store.h"
#include "worker/io/bulk.h"

namespace dm::worker {

struct InstallJob {
  Install order;
  BulkTarget target;
  AppStore* store;                                                      // outlives the job
  const std::atomic<bool>* cancel;                                      // likewise
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // at most 5 times a second
};

// A cut connection is dialled again, up to 5 times without a new byte, and goes on where it was.
// Errors: no-space, before anything is fetched if it cannot fit; hash-mismatch; the master's own
// (not-found, denied); bad-arg for a manifest that is none; lost, timeout after the last try.
Result<InstallDone> run_install(const InstallJob& job);

}  // namespace dm::worker
