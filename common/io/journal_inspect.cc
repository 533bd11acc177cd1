#include "common/io/journal_inspect.h"

#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/journal_file.h"
#include "common/io/system.h"
#include "common/units.h"

namespace dm {
namespace {

constexpr int kSystemError = 111;

int complain(const JournalKeeper& keeper, const Error& error) {
  ::fprintf(stderr, "%s: %s\n", keeper.program.c_str(), escape_for_terminal(error.message).c_str());
  return kSystemError;
}

Status become_owner_of(const std::string& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return system_error("look at", directory);
  if (::geteuid() != 0 || info.st_uid == 0) return {};
  if (::setgroups(0, nullptr) != 0 || ::setgid(info.st_gid) != 0 || ::setuid(info.st_uid) != 0)
    return system_error("become the owner of", directory);
  return {};
}

// "1 line", "2 lines"
std::string counted(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

JournalScan scan(const JournalKeeper& keeper, std::string_view text) {
  return scan_journal(text, keeper.kind, keeper.begin());
}

bool is_usable(const JournalScan& found) {
  return found.outcome == JournalScan::Outcome::kWhole ||
         found.outcome == JournalScan::Outcome::kTorn;
}

std::string where(const JournalScan& found) {
  return found.why + " at byte " + std::to_string(found.good_bytes);
}

// True if the first line is whole: somebody wrote just that, and nothing here is damaged.
bool is_somebody_elses(const JournalScan& found, std::string_view text) {
  return found.outcome == JournalScan::Outcome::kForeign &&
         open_record(text.substr(0, text.find('\n')));
}

std::string describe(const JournalKeeper& keeper, const JournalScan& found, std::size_t size) {
  const std::string records = std::to_string(found.records) + " records";
  if (is_usable(found) && found.good_bytes == 0)
    return "nothing is recorded in it: " + keeper.program + " begins anew";
  if (found.outcome == JournalScan::Outcome::kWhole) return "whole, " + records;
  const std::string at = where(found);
  if (found.outcome == JournalScan::Outcome::kTorn)
    return records + ", then a write that was cut (" + at + ", " +
           std::to_string(size - static_cast<std::size_t>(found.good_bytes)) +
           " bytes): normal after a power failure, it is dropped at the next start";
  if (found.outcome == JournalScan::Outcome::kForeign)
    return at + ": another program's, or a newer version's, or damaged in its first line";
  return "damaged after " + records + ": " + at + "; '" + keeper.program +
         " --repair DIR' saves what is whole";
}

// Those that fit what stands before them.
std::vector<Line> fitting(const std::vector<Line>& records, const TakeRecord& take) {
  std::vector<Line> fit;
  for (const Line& record : records)
    if (take(record, 0)) fit.push_back(record);
  return fit;
}

// What lies there cannot do without what is not recorded.
std::optional<Error> lost_memory(const JournalKeeper& keeper, const std::string& directory) {
  const auto journal = JournalFile::look(directory, keeper.kind);
  if (!journal || *journal != JournalFile::Beginning::kBlank) return std::nullopt;
  return keeper.lost_memory(directory);
}

int show(const Error& error) {
  ::printf("%s\n", escape_for_terminal(error.message).c_str());
  return 1;
}

// Without one whole line it may be no torn journal, but something else.
std::optional<Error> strange_beginning(const JournalKeeper& keeper, const std::string& directory,
                                       const JournalScan& found) {
  if (!is_usable(found) || found.good_bytes > 0) return std::nullopt;
  const auto journal = JournalFile::look(directory, keeper.kind);
  return journal ? std::nullopt : std::optional<Error>(journal.error());
}

}  // namespace

std::string missing_journal(const std::string& directory) {
  return ::access((directory + "/journal").c_str(), F_OK) != 0
             ? "no journal"
             : "nothing is recorded in its journal";
}

int check_journal(const JournalKeeper& keeper, const std::string& directory) {
  const std::string path = directory + "/journal";
  if (auto became = become_owner_of(directory); !became) return complain(keeper, became.error());
  if (const auto lost = lost_memory(keeper, directory)) return show(*lost);
  const auto text = read_file(path);
  if (!text) return complain(keeper, text.error());
  const JournalScan found = scan(keeper, *text);
  if (const auto strange = strange_beginning(keeper, directory, found)) return show(*strange);
  ::printf("%s: %s\n", path.c_str(), describe(keeper, found, text->size()).c_str());
  return is_usable(found) ? 0 : 1;
}

int repair_journal(const JournalKeeper& keeper, const std::string& directory) {
  if (auto became = become_owner_of(directory); !became) return complain(keeper, became.error());
  const auto lock = lock_directory(directory);
  if (!lock) return complain(keeper, lock.error());
  if (const auto lost = lost_memory(keeper, directory)) return show(*lost);
  const std::string path = directory + "/journal";
  const auto text = read_file(path);
  if (!text) return complain(keeper, text.error());
  const JournalScan found = scan(keeper, *text);
  if (const auto strange = strange_beginning(keeper, directory, found))
    return complain(keeper, fail(strange->code, strange->message + "; nothing was changed"));
  if (is_usable(found)) {
    ::printf("%s: %s; nothing to repair\n", path.c_str(),
             describe(keeper, found, text->size()).c_str());
    return 0;
  }
  if (is_somebody_elses(found, *text))
    return complain(keeper,
                    fail(Code::kBadArg, path + ": " + where(found) + "; nothing was changed"));
  const JournalSalvage salvage = salvage_journal(*text);
  const TakeRecord take = keeper.begin();
  const std::vector<Line> snapshot = fitting(salvage.snapshot, take);
  std::vector<Line> tail = fitting(salvage.tail, take);
  const auto kept = static_cast<std::int64_t>(snapshot.size() + tail.size());
  const auto read = static_cast<std::int64_t>(salvage.snapshot.size() + salvage.tail.size());
  tail.insert(tail.end(), keeper.mended.begin(), keeper.mended.end());
  const auto next_seq = salvage.next_seq + static_cast<std::int64_t>(keeper.mended.size());
  const std::string content = print_journal(keeper.kind, snapshot, tail, next_seq);
  if (kept == 0) {
    ::printf("%s: no record can be saved; it is left as it is\n", path.c_str());
    return 1;
  }
  const std::string copy = path + ".damaged-" + print_time_utc(read_clock().wall_ms);
  if (auto written = replace_file(copy, *text, 0600); !written)
    return complain(keeper, written.error());
  if (auto written = replace_file(path, content, 0600); !written)
    return complain(keeper, written.error());
  ::printf("%s: kept %s; lost %s of %s, %s missing, %s not fitting; the damaged one is %s\n",
           path.c_str(), counted(kept, "record").c_str(),
           counted(salvage.lost_lines, "line").c_str(), counted(salvage.lost_bytes, "byte").c_str(),
           counted(salvage.missing, "number").c_str(), counted(read - kept, "record").c_str(),
           copy.c_str());
  return 0;
}

}  // namespace dm
