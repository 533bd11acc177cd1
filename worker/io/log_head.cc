#include "worker/io/log_head.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/codec.h"
#include "common/io/beneath.h"
#include "common/io/failpoint.h"
#include "common/io/files.h"
#include "common/io/system.h"

namespace dm::worker {
namespace {

constexpr std::string_view kByTheApp = " app";

// What stands where the head belongs.
enum class Front { kHead, kHole, kEmpty, kOther };

Front look_at_front(int file) {
  std::array<char, kLogHead.size()> front{};
  const ssize_t got = retry([&] { return ::pread(file, front.data(), front.size(), 0); });
  if (got <= 0) return Front::kEmpty;
  const std::string_view text(front.data(), static_cast<std::size_t>(got));
  if (text == kLogHead) return Front::kHead;
  const bool is_hole = text.find_first_not_of('\0') == std::string_view::npos;
  return is_hole && text.size() == front.size() ? Front::kHole : Front::kOther;
}

}  // namespace

void begin_log(int file) {
  struct stat info {};
  if (::fstat(file, &info) != 0 || info.st_size > 0) return;
  if (::fchmod(file, (info.st_mode & 07777) | S_ISVTX) != 0) return;
  // On a full disk it does without.
  if (!write_all(file, kLogHead)) (void)::fchmod(file, info.st_mode & 07777);
}

LogBase read_log_base(int logs_directory, const std::string& name, int file, std::int64_t known) {
  constexpr auto kHeadSize = static_cast<std::int64_t>(kLogHead.size());
  struct stat info {};
  const bool has_head = ::fstat(file, &info) == 0 && (info.st_mode & S_ISVTX) != 0;
  const Front front = has_head ? look_at_front(file) : Front::kOther;
  std::string text = read_beside(logs_directory, name + kLogGoneSuffix, 64);
  text.resize(std::min(text.find('\n'), text.size()));
  LogBase found;
  if (front == Front::kHead) found.head = kHeadSize;
  found.is_truncated = text.ends_with(kByTheApp);
  if (found.is_truncated) text.resize(text.size() - kByTheApp.size());
  if (const auto counted = parse_integer(text); counted && *counted >= 0) {
    // With the head it was counted, and not truncated yet.
    found.base = std::min(*counted, kMostLogSize) - found.head;
  } else if (has_head && front == Front::kOther) {
    // A byte at least, so that it is told.
    found = {std::max<std::int64_t>(known, 1), 0, true, false};
  } else if (has_head) {
    found.base = -kHeadSize;
    found.head = kHeadSize;
  }
  return found;
}

Status count_truncation(int logs_directory, const std::string& name, std::int64_t base) {
  const std::string text = std::to_string(base) + std::string(kByTheApp) + "\n";
  return replace_beside(logs_directory, name + kLogGoneSuffix, text);
}

Status replace_beside(int directory, const std::string& name, const std::string& text) {
  const std::string temp = name + ".tmp";
  ::unlinkat(directory, temp.c_str(), 0);
  const auto fd = open_file_beneath(directory, temp, O_WRONLY | O_CREAT | O_EXCL, 0640);
  if (!fd) return fd.error();
  Status done = fails_at("log.beside") ? system_error("write", temp) : write_all(fd->get(), text);
  if (done && ::renameat(directory, temp.c_str(), directory, name.c_str()) != 0)
    done = system_error("rename", temp);
  if (!done) ::unlinkat(directory, temp.c_str(), 0);
  return done;
}

std::string read_beside(int directory, const std::string& name, std::size_t most) {
  std::string text;
  const auto fd = open_file_beneath(directory, name, O_RDONLY);
  if (!fd) return text;
  char bytes[16384];
  while (text.size() < most) {
    const ssize_t got = retry([&] { return ::read(fd->get(), bytes, sizeof bytes); });
    if (got <= 0) break;
    text.append(bytes, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace dm::worker
