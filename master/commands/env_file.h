// master/commands/env_file.h - files of variables for `--env-file`: a line NAME=VALUE each, blank
// lines and lines that begin with `#` left out. A value is kept as it stands: no quotes, nothing
// is expanded. Pure: it is given the content.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace dm {

// The variables, in their order; "\r" at the end of a line is no part of a value. Errors: bad-arg
// for a line without a name or `=`, with its number but without its text, which may be a secret.
Result<std::vector<std::string>> parse_env_file(std::string_view content);

// The words of a command with `--env NAME=VALUE` in place of each `--env-file FILE`, at the same
// place; what stands behind `--` is left alone. `read` gives the content of a file. Errors: those
// of `read`; of parse_env_file(), with the file's name before them.
Result<std::vector<std::string>> expand_env_files(
    const std::vector<std::string>& words,
    const std::function<Result<std::string>(const std::string& path)>& read);

}  // namespace dm
