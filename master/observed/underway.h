// master/observed/underway.h - what is on its way for each instance: orders to its worker, and
// files that its launch waits for. An index, so that nobody searches all orders. Pure.
#pragma once

#include <map>
#include <string>

namespace dm::master {

class Underway {
 public:
  // An order of any kind but LOG; of a LAUNCH.
  bool has_order(const std::string& instance) const { return count(instance).orders > 0; }
  bool has_launch(const std::string& instance) const { return count(instance).launches > 0; }
  bool waits_for_files(const std::string& instance) const { return count(instance).files; }
  // Its files, or its LAUNCH, are on their way.
  bool is_launching(const std::string& instance) const {
    return waits_for_files(instance) || has_launch(instance);
  }

  void add_order(const std::string& instance, bool is_launch) { change(instance, is_launch, 1); }
  void remove_order(const std::string& instance, bool is_launch) {
    change(instance, is_launch, -1);
  }
  void set_files(const std::string& instance, bool waits) {
    counts_[instance].files = waits;
    drop_if_none(instance);
  }

 private:
  struct Count {
    int orders = 0, launches = 0;
    bool files = false;
  };
  Count count(const std::string& instance) const {
    const auto found = counts_.find(instance);
    return found == counts_.end() ? Count() : found->second;
  }
  void change(const std::string& instance, bool is_launch, int by) {
    Count& count = counts_[instance];
    count.orders += by;
    if (is_launch) count.launches += by;
    drop_if_none(instance);
  }
  void drop_if_none(const std::string& instance) {
    const Count now = count(instance);
    if (now.orders == 0 && !now.files) counts_.erase(instance);
  }

  std::map<std::string, Count> counts_;
};

}  // namespace dm::master
