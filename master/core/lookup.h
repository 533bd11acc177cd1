// master/core/lookup.h - what a word of an operator names: instances, workers, or nothing. Const.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "master/commands/invocation.h"
#include "master/decide/facts.h"

namespace dm::master {

class Lookup {
 public:
  explicit Lookup(const Facts& facts) : facts_(facts), state_(facts.state) {}

  // Errors, for all: not-found, bad-arg where a word could be two things.
  Result<std::vector<std::string>> targets(const std::vector<std::string>& words) const;
  Result<std::vector<std::string>> listing(const Invocation& invocation) const;
  Result<std::vector<std::string>> workers(const std::string& spec) const;
  // The error for a name that is none, with what may have been meant. `what`: "app or worker".
  Error no_such(std::string_view what, const std::string& name) const;
  // Unrecorded instances are left alone by the master, not by an operator who names them.
  std::vector<std::string> workers_with_unrecorded(const std::string& name) const;

 private:
  const Facts& facts_;
  const State& state_;
};

}  // namespace dm::master
