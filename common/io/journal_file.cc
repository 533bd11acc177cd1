#include "common/io/journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/io/failpoint.h"
#include "common/io/files.h"
#include "common/io/system.h"

namespace dm {
namespace {

constexpr std::size_t kMostHead = 256;  // bytes of the first line

std::string at_byte(const JournalScan& scan, const std::string& path) {
  return path + ": " + scan.why + " at byte " + std::to_string(scan.good_bytes);
}

// The same records under this version's first line: what an older format numbered is a tail.
std::string in_this_format(std::string_view text, std::string_view kind) {
  return seal_record(journal_head(kind), 0) + std::string(text.substr(text.find('\n') + 1));
}

Error not_a_journal(const std::string& path) {
  return fail(Code::kBadArg, path + ": not a journal at byte 0");
}

// No line of it is whole, and each byte is what the first line of ours begins with.
bool is_blank(std::string_view content, const std::string& kind) {
  return seal_record(journal_head(kind), 0).starts_with(content);
}

}  // namespace

Result<JournalFile::Beginning> JournalFile::look(const std::string& directory,
                                                 const std::string& kind) {
  const std::string path = directory + "/journal";
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid() && errno == ENOENT) return Beginning::kBlank;
  if (!fd.valid()) return system_error("open", path);
  char bytes[kMostHead];
  const ssize_t size = retry([&] { return ::read(fd.get(), bytes, sizeof bytes); });
  if (size < 0) return system_error("read", path);
  const std::string_view head(bytes, static_cast<std::size_t>(size));
  const std::size_t line = head.find('\n');
  if (line == std::string_view::npos)
    return is_blank(head, kind) ? Result<Beginning>(Beginning::kBlank) : not_a_journal(path);
  const JournalScan scan = scan_journal(head.substr(0, line + 1), kind,
                                        [](const Line&, std::int64_t) { return Status(); });
  if (scan.outcome == JournalScan::Outcome::kForeign)
    return fail(Code::kBadArg, at_byte(scan, path));
  return Beginning::kWhole;
}

Result<JournalFile> JournalFile::open(const std::string& directory, const std::string& kind,
                                      const TakeRecord& take, std::string* notice) {
  JournalFile journal;
  journal.path_ = directory + "/journal";
  journal.kind_ = kind;
  const std::string& path = journal.path_;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return system_error("open", path);
    if (auto begun = journal.begin(); !begun) return begun.error();
    return journal;
  }
  const auto content = read_file(path);
  if (!content) return content.error();
  const JournalScan scan = scan_journal(*content, kind, take);
  switch (scan.outcome) {
    case JournalScan::Outcome::kWhole: break;
    case JournalScan::Outcome::kTorn:
      *notice = at_byte(scan, path) + "; the last write was cut, its " +
                std::to_string(static_cast<std::int64_t>(content->size()) - scan.good_bytes) +
                " bytes are dropped";
      break;
    case JournalScan::Outcome::kDamaged: return fail(Code::kInternal, at_byte(scan, path));
    case JournalScan::Outcome::kForeign: return fail(Code::kBadArg, at_byte(scan, path));
  }
  // Empty, or torn within its first line: nothing was ever recorded in it.
  if (scan.good_bytes == 0) {
    if (!is_blank(*content, kind)) return not_a_journal(path);
    if (auto begun = journal.begin(); !begun) return begun.error();
    return journal;
  }
  if (auto opened = journal.reopen(*content, scan); !opened) return opened.error();
  return journal;
}

Status JournalFile::begin() {
  const std::string head = seal_record(journal_head(kind_), 0);
  if (auto replaced = replace_file(path_, head, 0600); !replaced) return replaced;
  return reopen(head,
                scan_journal(head, kind_, [](const Line&, std::int64_t) { return Status(); }));
}

Status JournalFile::reopen(std::string_view content, const JournalScan& scan) {
  const std::string_view good = content.substr(0, static_cast<std::size_t>(scan.good_bytes));
  size_ = scan.good_bytes;
  if (scan.format != kJournalFormat) {
    const std::string rewritten = in_this_format(good, kind_);
    if (auto replaced = replace_file(path_, rewritten, 0600); !replaced) return replaced;
    size_ = static_cast<std::int64_t>(rewritten.size());
  }
  fd_.reset(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!fd_.valid()) return system_error("open", path_);
  // A torn end must go before anything is written behind it.
  if (scan.format == kJournalFormat && good.size() < content.size() &&
      ::ftruncate(fd_.get(), size_) != 0)
    return system_error("truncate", path_);
  next_seq_ = scan.next_seq;
  tail_bytes_ = scan.tail_bytes;
  return {};
}

void JournalFile::add(const Line& record) {
  batch_ += seal_record(record, next_seq_++);
}

Status JournalFile::write() {
  Status written =
      fails_at("journal.write") ? system_error("write", "") : write_all(fd_.get(), batch_);
  if (!written) written = fail(written.error().code, path_ + ": " + written.error().message);
  size_ += static_cast<std::int64_t>(batch_.size());
  tail_bytes_ += static_cast<std::int64_t>(batch_.size());
  batch_.clear();
  top_up();
  return written;
}

void JournalFile::keep_reserve(std::int64_t bytes) {
  reserve_ = bytes;
  reserved_to_ = 0;
  top_up();
}

// Behind the end of the file, so that its size stays what was written. Half of it at a time. A
// file system that cannot do it has none.
void JournalFile::top_up() {
#ifdef FALLOC_FL_KEEP_SIZE
  if (reserve_ == 0 || reserved_to_ - size_ > reserve_ / 2) return;
  if (retry([&] { return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, size_, reserve_); }) == 0)
    reserved_to_ = size_ + reserve_;
#endif
}

Status JournalFile::sync(int fd) {
  if (fails_at("journal.sync") || ::fdatasync(fd) != 0) return system_error("sync", "the journal");
  return {};
}

void JournalFile::adopt(Fd fd, std::int64_t size, std::int64_t tail_bytes) {
  fd_ = std::move(fd);
  size_ = size;
  tail_bytes_ = tail_bytes;
  reserved_to_ = 0;
  top_up();
}

}  // namespace dm
