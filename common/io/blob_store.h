// common/io/blob_store.h - a directory of blobs, each under its SHA-256: a file under its final
// name is whole, verified and durable. Never decides which blobs are wanted.
//
//   DIR/ab/abcd...     the blob, mode 0555
//   DIR/tmp/SHA.part   what has arrived of one; the next writer goes on where it ends
//   DIR/tmp/SHA.X.part of one that somebody else is writing too; gone with its writer
//
// Every call blocks and is for helper threads, or for small files. A store is not changed by its
// calls, so that threads may share one. Below DIR no link is ever followed, and DIR itself is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/fd.h"
#include "common/result.h"
#include "common/sha256.h"

namespace dm {

// One blob on its way in. Destroyed before finish() it leaves the part for the next writer, unless
// it wrote beside another one.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&&) noexcept = default;
  BlobWriter& operator=(BlobWriter&&) = delete;
  ~BlobWriter();

  // Another writer has finished the blob meanwhile: there is nothing to append.
  bool is_there() const { return !part_.valid(); }
  // Bytes that are there already: the next one to append.
  std::int64_t offset() const { return offset_; }

  // Errors: no-space, naming the directory; hash-mismatch for more bytes than announced;
  // system_error's.
  Status append(std::string_view bytes);
  // Verifies, syncs and renames. Errors: hash-mismatch, and the part is removed; as append().
  Status finish();
  // Throws away what has arrived; nothing may be called after it.
  void discard();

 private:
  friend class BlobStore;
  BlobWriter(std::string directory, std::string sha256, std::int64_t size);
  Status open_part(Fd root, bool waits);
  Status open_beside();
  Status take_part(Fd fd);
  Status rehash();
  Status mismatch(const std::string& why);
  Error no_space_or(Error error) const;

  std::string directory_, sha256_;
  std::string part_name_;
  bool is_beside_ = false;
  std::int64_t size_;
  Fd root_, parts_;  // the store's directory, and that of what arrives
  Fd part_;          // locked: nobody else writes it
  std::int64_t offset_ = 0;
  std::int64_t flushed_ = 0;  // the kernel was asked to begin writing what stands before it
  Sha256 hash_;
};

class BlobStore {
 public:
  // What a second writer of a blob does. The first may be as slow as a hostile peer wants it: who
  // serves several writes beside it; who would fetch it himself waits for it.
  enum class WhenTaken { kWait, kBeside };

  explicit BlobStore(std::string directory, WhenTaken when_taken = WhenTaken::kWait)
      : directory_(std::move(directory)), when_taken_(when_taken) {}

  // Makes the directories. Errors: system_error's.
  Status prepare() const;

  const std::string& directory() const { return directory_; }
  // Where the blob is, or would be. REQUIRES is_sha256_hex(sha256).
  std::string path(std::string_view sha256) const;
  // False for what is no SHA-256, too.
  bool has(std::string_view sha256) const { return size(sha256).has_value(); }
  std::optional<std::int64_t> size(std::string_view sha256) const;

  // How many names the blob has, its own in the store included; 0 if it is not there.
  std::int64_t names(std::string_view sha256) const;

  // For reading; no link is followed. Errors: not-found, bad-arg, system_error's.
  Result<Fd> open(std::string_view sha256) const;
  // The whole content of a small one. Errors: as open(); no-space above `most` bytes.
  Result<std::string> read(std::string_view sha256, std::size_t most) const;

  // Gives the blob another name, in an open directory. Errors: as open(); system_error's.
  Status link_as(std::string_view sha256, int directory, const std::string& name) const;

  // Begins or resumes a blob. While another process or thread writes the same one, this waits,
  // and then finds it there, or begins anew beside it (WhenTaken). Errors: bad-arg, no-space,
  // system_error's.
  Result<BlobWriter> write(std::string_view sha256, std::int64_t size) const;
  // Stores a small content. Result: its SHA-256. Errors: as write().
  Result<std::string> put_bytes(std::string_view content) const;

  // A missing one is a success.
  Status remove(std::string_view sha256) const;
  // Throws away what has arrived of blobs that nobody is writing now.
  void discard_parts() const;
  // Every blob, in no order.
  std::vector<std::string> list() const;

 private:
  Result<Fd> open_root() const;

  std::string directory_;
  WhenTaken when_taken_;
};

}  // namespace dm
