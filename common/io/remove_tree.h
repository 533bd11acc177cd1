// common/io/remove_tree.h - rm -r for trees that somebody hostile has made: no link is followed,
// and neither depth nor a directory's mode holds it up. Decides nothing.
#pragma once

#include <string>

#include "common/result.h"

namespace dm {

// A missing one is a success. `name` is one name in the open directory. Takes a fixed number of
// descriptors, and time by the number of files. Errors: denied for what belongs to somebody else;
// busy if somebody adds to the tree faster than it is removed; system_error's.
Status remove_tree_at(int directory, const std::string& name);

// Removes all that is in an open directory. `shown` names it in errors, which are the same.
Status empty_directory(int directory, const std::string& shown);

// As remove_tree_at(), by a path whose directories are trusted.
Status remove_tree(const std::string& path);

}  // namespace dm
