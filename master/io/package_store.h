// master/io/package_store.h - from files or blobs to a version: what stands behind `copy FILE`
// and behind a manifest that dm has brought up. Blocks: for helper threads.
#pragma once

#include <string>

#include "common/io/blob_store.h"
#include "common/io/package.h"
#include "master/core/effects.h"
#include "master/io/disk_room.h"

namespace dm::master {

// Reads the files as this process and puts them into the store. Errors: make_package's, the
// store's; no-space below the floor of the disk.
Result<PackageInfo> store_package(const BlobStore& store, const DiskRoom& room,
                                  const PackageRequest& request);

// The version whose manifest is in the store. Errors: not-found if the manifest or one of its
// blobs is missing, bad-arg for what is no manifest.
Result<PackageInfo> load_package(const BlobStore& store, const std::string& version);

}  // namespace dm::master
