// tests/unit/temp_directory.h - a directory that goes away with the test.
#pragma once

#include <stdlib.h>

#include <string>

#include "common/io/fd.h"
#include "common/io/remove_tree.h"

namespace dm::test {

class TempDirectory {
 public:
  TempDirectory() {
    char name[] = "/tmp/dm-test-XXXXXX";
    if (::mkdtemp(name) != nullptr) path_ = name;
  }
  ~TempDirectory() { (void)remove_tree(path_); }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace dm::test
