// master/client/io/directory.h - the names in a directory, for TAB. Never changes anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dm {

// The entries whose names begin with `prefix`, in no order, without "." and ".."; directories, and
// links to one, end in "/". At most 10,000; none if the directory cannot be read.
std::vector<std::string> entries_of(const std::string& directory, std::string_view prefix);

}  // namespace dm
