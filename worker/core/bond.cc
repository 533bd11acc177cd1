#include "worker/core/bond.h"

namespace dm {

std::int64_t epoch_number(std::string_view epoch) {
  return parse_integer(epoch.substr(0, epoch.find('-'))).value_or(0);
}

std::string Bond::refusal(std::string_view its_cluster, std::string_view its_epoch) const {
  if (its_cluster.empty() || cluster.empty()) return "";
  if (its_cluster != cluster)
    return "it leads cluster " + std::string(its_cluster.substr(0, 12)) +
           ", this worker belongs to " + cluster.substr(0, 12) + "; start it with --join to change";
  if (epoch_number(its_epoch) < epoch_number(epoch))
    return "its epoch " + std::string(its_epoch) + " is older than " + epoch +
           ", which this worker has obeyed";
  return "";
}

}  // namespace dm
