// common/io/files.h - files as the rest of dm needs them: read whole, replaced whole. Decides
// nothing.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm {

// The whole content. Errors: system_error's, no-space if it is longer than `most` bytes.
Result<std::string> read_file(const std::string& path, std::size_t most = 1 << 30);

// The same of an open one, from where it stands; `shown` names it in errors.
Result<std::string> read_whole(int fd, const std::string& shown, std::size_t most = 1 << 30);

// Writes every byte, whatever short writes come between. Errors: system_error's.
Status write_all(int fd, std::string_view bytes);

// Replaces the file in one step: temp beside it, fsync, rename, fsync of the directory.
Status replace_file(const std::string& path, std::string_view content, mode_t mode = 0644);

// mkdir -p. Directories that are there keep their mode.
Status make_directories(const std::string& path, mode_t mode = 0755);

// Makes what was renamed or created in a directory durable.
Status sync_directory(const std::string& path);

// Takes the lock of a directory (flock on PATH/lock), for as long as the result lives.
// Errors: busy, naming the path, if another process has it.
Result<Fd> lock_directory(const std::string& path);

std::string absolute_path(const std::string& path);
std::string parent_directory(const std::string& path);

// Opens /dev/null for each of standard input, output and error that the program was started
// without: else the next file or socket gets that number, and messages are written into it. First
// in main(). What is written there fails as before.
void fill_standard_files();

}  // namespace dm
