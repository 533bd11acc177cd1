#include "common/io/journal_rewrite.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <utility>

#include "common/io/failpoint.h"
#include "common/io/files.h"
#include "common/io/system.h"

namespace dm {
namespace {
constexpr std::int64_t kAtOnce = 256 * 1024;
}  // namespace

JournalRewrite::JournalRewrite(const JournalFile& journal)
    : path_(journal.path()),
      temp_(journal.path() + ".tmp"),
      kind_(journal.kind()),
      next_seq_(journal.next_seq()),
      old_tail_from_(journal.size() - journal.tail_bytes()),
      tail_from_(journal.end()),
      copied_until_(tail_from_) {}

void JournalRewrite::clear() {
  if (!has_the_name_ && fd_.valid()) ::unlink(temp_.c_str());
  fd_.reset();
  old_.reset();
}

Status JournalRewrite::open() {
  old_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!old_.valid()) return system_error("open", path_);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  fd_.reset(::open(temp_.c_str(), kFlags, 0600));
  if (!fd_.valid()) return system_error("create", temp_);
  return write(seal_record(journal_head(kind_, true), 0));
}

Status JournalRewrite::add(const std::vector<Line>& snapshot) {
  std::string text;
  for (const Line& record : snapshot) text += seal_record(record, ++snapshot_records_);
  return write(text);
}

Status JournalRewrite::end_snapshot() {
  return write(seal_record(snapshot_end(snapshot_records_, next_seq_), snapshot_records_ + 1));
}

Status JournalRewrite::copy_tail(std::int64_t until) {
  std::string bytes;
  while (copied_until_ < until) {
    bytes.resize(static_cast<std::size_t>(std::min(until - copied_until_, kAtOnce)));
    const ssize_t got =
        retry([&] { return ::pread(old_.get(), bytes.data(), bytes.size(), copied_until_); });
    if (got < 0) return system_error("read", path_);
    if (got == 0) return fail(Code::kInternal, path_ + " is shorter than what was written to it");
    bytes.resize(static_cast<std::size_t>(got));
    if (auto written = write(bytes); !written) return written;
    copied_until_ += got;
  }
  return {};
}

Status JournalRewrite::sync() {
  return ::fdatasync(fd_.get()) == 0 ? Status() : system_error("sync", temp_);
}

Status JournalRewrite::take_the_name() {
  if (fails_at("journal.rename") || ::rename(temp_.c_str(), path_.c_str()) != 0)
    return system_error("rename", temp_);
  has_the_name_ = true;
  return sync_directory(parent_directory(path_));
}

Status JournalRewrite::write(std::string_view bytes) {
  if (auto written = write_all(fd_.get(), bytes); !written)
    return fail(written.error().code, temp_ + ": " + written.error().message);
  size_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

Status replace_at_once(JournalFile& journal, const std::vector<Line>& records, bool* is_lost) {
  JournalRewrite rewrite(journal);
  Status done = rewrite.open();
  if (done) done = rewrite.add(records);
  if (done) done = rewrite.end_snapshot();
  if (done) done = rewrite.sync();
  if (done) done = rewrite.take_the_name();
  *is_lost = !done && rewrite.has_the_name();
  if (done) journal.adopt(rewrite.release(), rewrite.size(), rewrite.tail_bytes());
  return done;
}

}  // namespace dm
