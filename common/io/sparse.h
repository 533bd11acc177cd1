// common/io/sparse.h - writes files that keep their holes. Decides nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/result.h"

namespace dm {

// Writes `bytes` at offset `at` of a file that has no data there: whole blocks of zeros become
// holes. Afterwards the file reaches at least to the end of `bytes`. The descriptor's own offset
// is neither used nor moved. Errors: system_error's.
Status write_sparse(int fd, std::string_view bytes, std::int64_t at);

}  // namespace dm
