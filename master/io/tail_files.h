// master/io/tail_files.h - STATE/tails/APP.N: the last bytes of each instance's log. Blocks: for a
// helper thread, one call at a time. Decides nothing about which are kept.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "master/logs/tail.h"

namespace dm::master {

class TailFiles {
 public:
  explicit TailFiles(std::string state) : state_(std::move(state)) {}

  // Whole or not at all, mode 0600; takes the place of an earlier one. Returns its size. Errors:
  // bad-arg for what is no instance's name, system_error's.
  Result<std::int64_t> save(const Tail& tail) const;
  // nullopt if there is none, or none that is whole.
  std::optional<Tail> read(const std::string& instance) const;
  void remove(const std::vector<std::string>& instances) const;

  struct Found {
    std::string instance;
    std::int64_t run = 0, bytes = 0;  // run 0: only a part of a tail
  };
  // Whatever else lies there, what is not whole among it, is removed.
  std::vector<Found> list() const;

 private:
  std::string state_;
};

}  // namespace dm::master
