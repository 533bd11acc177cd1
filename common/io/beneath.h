// common/io/beneath.h - opens what stands below a directory, and nothing that somebody may have
// laid in its place: no link is followed at any step, no FIFO or device is waited for. Decides
// nothing about what is opened.
//
// `path` is relative and made of plain names: one that is empty, absolute, or holds "." or ".." is
// refused (EINVAL). Every descriptor is close-on-exec.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm {

// As openat(2). Invalid with errno if it fails: ELOOP or ENOTDIR where a link stands in the way.
Fd open_beneath(int directory, const std::string& path, int flags, mode_t mode = 0);
// The same for kernels without openat2(2) (Linux 5.6): one openat(2) a name. For tests, too.
Fd open_beneath_by_steps(int directory, const std::string& path, int flags, mode_t mode = 0);

// A regular file, without ever waiting for a peer. To be written it must have no second name: a
// hard link would be a way to somebody else's file. Errors: denied for anything else than such a
// file, a link included; system_error's.
Result<Fd> open_file_beneath(int directory, const std::string& path, int flags, mode_t mode = 0);

// The same for a name that is ours alone: whatever else stands there is unlinked first. O_CREAT is
// implied. Errors: as above, if somebody is quicker than we are.
Result<Fd> own_file_beneath(int directory, const std::string& path, int flags, mode_t mode);

// For reading, for syncing, and as the directory of other calls. Errors: system_error's.
Result<Fd> open_directory_beneath(int directory, const std::string& path);
// The same; what is missing of it is made. Directories that are there keep their mode.
Result<Fd> make_directory_beneath(int directory, const std::string& path, mode_t mode = 0755);

// True if anything has that name, a link to nowhere included.
bool is_beneath(int directory, const std::string& name);

// The names in an open directory but "." and "..", in no order, and not more than `most` of them;
// none if it cannot be read.
std::vector<std::string> names_in(int directory, std::size_t most = SIZE_MAX);

}  // namespace dm
