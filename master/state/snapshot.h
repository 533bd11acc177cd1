// master/state/snapshot.h - the state as records, a slice at a time, while it goes on changing.
// Pure.
//
// The slices are of different moments. Together with every record since the walk began, replayed
// behind them in their order, they give the state of now: a record sets what it speaks of to a
// value, and does not care what stood there before. tests/unit/cluster_random_test.cc holds every
// record to that.
#pragma once

#include <string>
#include <vector>

#include "master/state/state.h"

namespace dm::master {

class SnapshotWalk {
 public:
  // The next records: about `most` of them, fewer at the end.
  std::vector<Line> next(const State& state, std::size_t most);
  bool is_done() const;

 private:
  // One kind of things. True once nothing is left of it.
  using Section = bool (SnapshotWalk::*)(const State&);
  static const Section kSections[];

  bool cluster(const State& state);
  bool asked(const State& state);
  bool generations(const State& state);
  bool witnesses(const State& state);
  bool workers(const State& state);
  bool versions(const State& state);
  bool installed(const State& state);
  bool apps(const State& state);
  bool heard(const State& state);
  bool instances(const State& state);
  bool deletes(const State& state);
  bool acknowledged(const State& state);
  bool held(const State& state);

  bool is_full() const { return records_.size() >= most_; }
  template <typename Map, typename Print>
  bool walk(const Map& map, Print print);
  template <typename Map, typename Members, typename Print>
  bool walk_members(const Map& map, Members members, Print print);

  std::size_t section_ = 0;
  // What was taken last of the section.
  bool begun_ = false;
  std::string key_, member_;
  // Of the slice at hand.
  std::vector<Line> records_;
  std::size_t most_ = 0;
};

// All of it at once.
std::vector<Line> snapshot(const State& state);

}  // namespace dm::master
