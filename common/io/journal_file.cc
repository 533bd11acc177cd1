#include "common/io/journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/io/files.h"
#include "common/io/system.h"

namespace dm {
namespace {

std::string at_byte(const JournalScan& scan, const std::string& path) {
  return path + ": " + scan.why + " at byte " + std::to_string(scan.good_bytes);
}

}  // namespace

Result<JournalFile> JournalFile::open(const std::string& directory, const std::string& kind,
                                      const std::function<Status(const Line&)>& take,
                                      std::string* notice) {
  JournalFile journal;
  journal.directory_ = directory;
  journal.kind_ = kind;
  const std::string path = directory + "/journal";
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return system_error("open", path);
    if (auto begun = journal.replace({}); !begun) return begun.error();
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
    case JournalScan::Outcome::kDamaged:
    case JournalScan::Outcome::kForeign: return fail(Code::kInternal, at_byte(scan, path));
  }
  journal.fd_.reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!journal.fd_.valid()) return system_error("open", path);
  if (scan.outcome == JournalScan::Outcome::kTorn &&
      ::ftruncate(journal.fd_.get(), scan.good_bytes) != 0)
    return system_error("truncate", path);
  journal.next_seq_ = scan.next_seq;
  journal.size_ = scan.good_bytes;
  if (scan.good_bytes > 0) return journal;
  // Empty, or torn within its first line: nothing was ever recorded in it.
  if (auto begun = journal.replace({}); !begun) return begun.error();
  return journal;
}

void JournalFile::add(const Line& record) {
  batch_ += seal_record(record, next_seq_++);
}

Status JournalFile::write() {
  Status written = write_all(fd_.get(), batch_);
  size_ += static_cast<std::int64_t>(batch_.size());
  batch_.clear();
  return written;
}

Status JournalFile::replace(const std::vector<Line>& records) {
  std::int64_t seq = 0;
  std::string content = seal_record(journal_head(kind_), seq++);
  for (const Line& record : records) content += seal_record(record, seq++);
  const std::string path = directory_ + "/journal";
  if (auto replaced = replace_file(path, content, 0600); !replaced) return replaced;
  fd_.reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!fd_.valid()) return system_error("open", path);
  next_seq_ = seq;
  size_ = static_cast<std::int64_t>(content.size());
  return {};
}

}  // namespace dm
