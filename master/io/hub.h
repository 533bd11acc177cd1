// master/io/hub.h - what the parts of the master's shell share. Owns nothing.
#pragma once

#include <functional>

#include "common/io/blob_store.h"
#include "common/io/jobs.h"
#include "common/io/loop.h"
#include "master/core/cluster.h"
#include "master/io/disk_room.h"
#include "master/io/key_ring.h"

namespace dm::master {

struct Hub {
  Loop& loop;
  Jobs& jobs;
  Jobs& transfers;  // what a slow peer may hold up for long
  const BlobStore& blobs;
  const DiskRoom& room;
  const Cluster& cluster;  // for its const questions
  const KeyRing& keys;
  std::function<void(const Event&)> dispatch;  // tells the core, performs what follows

  // May whoever proved this key stay?
  bool holds(const Credential& credential) const {
    return keys.holds(credential, cluster.least_generation(credential.name));
  }
};

}  // namespace dm::master
