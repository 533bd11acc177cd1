#include "master/io/blob_receiver.h"

#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "common/io/net.h"
#include "common/io/system.h"
#include "master/limits/least_rate.h"

namespace dm::master {
namespace {
constexpr int kStallMs = 30'000;
constexpr std::int64_t kLookEvery = 4 * 1024 * 1024;  // bytes: others fill the disk meanwhile

Status receive(BlobWriter& writer, const DiskRoom& room, int socket, std::string& unread,
               std::int64_t size) {
  std::int64_t skip = writer.is_there() ? size : writer.offset();
  std::int64_t left = size, look_at = size;
  std::vector<char> bytes(1 << 20);
  const auto take = [&](std::string_view piece) -> Status {
    if (left <= look_at && !writer.is_there()) {
      if (auto has = room.take(std::min(left, left - skip)); !has) return has;
      look_at = left - kLookEvery;
    }
    left -= static_cast<std::int64_t>(piece.size());
    const auto skipped = std::min<std::int64_t>(skip, static_cast<std::int64_t>(piece.size()));
    skip -= skipped;
    piece.remove_prefix(static_cast<std::size_t>(skipped));
    return piece.empty() ? Status() : writer.append(piece);
  };
  const auto first = std::min<std::size_t>(unread.size(), static_cast<std::size_t>(size));
  const std::string begun = unread.substr(0, first);
  unread.erase(0, first);
  if (auto taken = take(begun); !taken) return taken;
  LeastRate rate;
  while (left > 0) {
    const auto want = std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(left));
    const std::int64_t asked = read_clock().mono_ms;
    const ssize_t got = retry([&] { return ::recv(socket, bytes.data(), want, 0); });
    if (got <= 0) return fail(Code::kLost, "the upload was cut");
    if (!rate.took(got, read_clock().mono_ms - asked))
      return fail(Code::kTimeout, "the upload came more slowly than 4 KiB/s");
    if (auto taken = take({bytes.data(), static_cast<std::size_t>(got)}); !taken) return taken;
  }
  return writer.is_there() ? Status() : writer.finish();
}

}  // namespace

Status receive_blob(const BlobStore& store, const DiskRoom& room, int socket, std::string& unread,
                    const std::string& sha256, std::int64_t size) {
  set_blocking(socket, true);
  set_timeouts(socket, kStallMs);
  auto writer = store.write(sha256, size);
  if (!writer) return writer.error();
  Status received = receive(*writer, room, socket, unread, size);
  if (!received && received.error().code == Code::kNoSpace) writer->discard();
  return received;
}

}  // namespace dm::master
