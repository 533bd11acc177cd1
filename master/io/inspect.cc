#include "master/io/inspect.h"

#include <stdio.h>

#include "common/io/files.h"
#include "common/io/system.h"
#include "common/journal.h"
#include "common/units.h"
#include "master/core/state.h"

namespace dm::master {
namespace {

constexpr int kSystemError = 111;

int complain(const Error& error) {
  ::fprintf(stderr, "dm-master: %s\n", error.message.c_str());
  return kSystemError;
}

JournalScan scan(std::string_view text) {
  State state;
  return scan_journal(text, "master", [&](const Line& record) { return state.apply(record); });
}

bool is_usable(const JournalScan& found) {
  return found.outcome == JournalScan::Outcome::kWhole ||
         found.outcome == JournalScan::Outcome::kTorn;
}

std::string describe(const JournalScan& found, std::size_t size) {
  const std::string records = std::to_string(found.records) + " records";
  if (found.outcome == JournalScan::Outcome::kWhole) return "whole, " + records;
  const std::string at = found.why + " at byte " + std::to_string(found.good_bytes);
  if (found.outcome == JournalScan::Outcome::kTorn)
    return records + ", then a write that was cut (" + at + ", " +
           std::to_string(size - static_cast<std::size_t>(found.good_bytes)) +
           " bytes): normal after a power failure, it is dropped at the next start";
  return "damaged after " + records + ": " + at + "; 'dm-master --repair DIR' saves what is whole";
}

}  // namespace

int check_journal(const std::string& directory) {
  const std::string path = directory + "/journal";
  const auto text = read_file(path);
  if (!text) return complain(text.error());
  const JournalScan found = scan(*text);
  ::printf("%s: %s\n", path.c_str(), describe(found, text->size()).c_str());
  return is_usable(found) ? 0 : 1;
}

int repair_journal(const std::string& directory) {
  const auto lock = lock_directory(directory);
  if (!lock) return complain(lock.error());
  const std::string path = directory + "/journal";
  const auto text = read_file(path);
  if (!text) return complain(text.error());
  if (const JournalScan found = scan(*text); is_usable(found)) {
    ::printf("%s: %s; nothing to repair\n", path.c_str(), describe(found, text->size()).c_str());
    return 0;
  }
  const JournalSalvage salvage = salvage_journal(*text);
  State state;
  std::string content = seal_record(journal_head("master"), 0);
  std::int64_t kept = 0, refused = 0;
  for (const Line& record : salvage.records) {
    if (state.apply(record))
      content += seal_record(record, ++kept);
    else
      ++refused;
  }
  if (kept == 0) {
    ::printf("%s: no record can be saved; it is left as it is\n", path.c_str());
    return 1;
  }
  const std::string copy = path + ".damaged-" + print_time_utc(read_clock().wall_ms);
  if (auto written = replace_file(copy, *text, 0600); !written) return complain(written.error());
  if (auto written = replace_file(path, content, 0600); !written) return complain(written.error());
  ::printf(
      "%s: kept %lld records; lost %lld lines of %lld bytes, %lld numbers missing, %lld "
      "records that fit nothing; the damaged one is %s\n",
      path.c_str(), static_cast<long long>(kept), static_cast<long long>(salvage.lost_lines),
      static_cast<long long>(salvage.lost_bytes), static_cast<long long>(salvage.missing),
      static_cast<long long>(refused), copy.c_str());
  return 0;
}

}  // namespace dm::master
