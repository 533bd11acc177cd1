// master/io/blob_receiver.h - one blob, from an operator's connection into the store. Blocks: for
// helper threads.
#pragma once

#include <cstdint>
#include <string>

#include "common/io/blob_store.h"
#include "master/io/disk_room.h"

namespace dm::master {

// Receives `size` bytes, the first of which may stand in `unread`; what stands there behind them
// is left. Errors: the store's; no-space, and nothing of it stays, below the floor of the disk;
// lost if the peer sends nothing for 30 s, or ends.
Status receive_blob(const BlobStore& store, const DiskRoom& room, int socket, std::string& unread,
                    const std::string& sha256, std::int64_t size);

}  // namespace dm::master
