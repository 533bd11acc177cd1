#include "worker/core/cluster_binding.h"

namespace dm::worker {
namespace {
constexpr std::size_t kMostSeal = 64;  // bytes
}  // namespace

std::int64_t epoch_number(std::string_view epoch) {
  return parse_integer(epoch.substr(0, epoch.find('-'))).value_or(0);
}

std::string_view epoch_of_order(std::string_view id) {
  const std::size_t dash = id.find('-'), dot = id.find('.');
  if (dash == std::string_view::npos || dot == std::string_view::npos || dot <= dash + 1) return "";
  const std::string_view start = id.substr(dash + 1, dot - dash - 1);
  const bool is_hex = start.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!is_hex || !parse_integer(id.substr(0, dash)) || !parse_integer(id.substr(dot + 1)))
    return "";
  return id.substr(0, dot);
}

ClusterBinding ClusterBinding::read(const Line& line, std::string_view cluster_key) {
  ClusterBinding binding;
  binding.cluster = line.text(cluster_key);
  binding.epoch = line.text("epoch");
  binding.record = line.number_or("record", 0);
  binding.enrolled = line.has("enrolled");
  binding.seal = line.text("seal").substr(0, kMostSeal);
  return binding;
}

void ClusterBinding::claim(Line& info) const {
  if (epoch.empty()) return;
  info.add("epoch", epoch);
  if (!seal.empty()) info.add("record", record).add("seal", seal);
}

Line ClusterBinding::print() const {
  Line line("CLUSTER");
  line.add("id", cluster).add("epoch", epoch);
  if (enrolled) line.add("enrolled", 1);
  if (!seal.empty()) line.add("record", record).add("seal", seal);
  return line;
}

std::string ClusterBinding::refusal(std::string_view its_cluster, std::string_view its_epoch,
                                    bool joins) const {
  if (cluster.empty()) return "";
  const std::string ours =
      ", this worker belongs to " + cluster.substr(0, 12) + "; start it with --join to change";
  if (its_cluster.empty()) return joins ? "" : "it names no cluster" + ours;
  if (its_cluster != cluster)
    return "it leads cluster " + std::string(its_cluster.substr(0, 12)) + ours;
  const std::int64_t its_number = epoch_number(its_epoch), number = epoch_number(epoch);
  if (its_number < number)
    return "its epoch " + std::string(its_epoch) + " is older than " + epoch +
           ", which this worker has obeyed";
  // Two starts of one number: one of them had forgotten the other.
  if (its_number == number && its_epoch != epoch && !epoch.empty())
    return "its epoch " + std::string(its_epoch) + " is not " + epoch +
           ", which this worker has obeyed: one of the two is of an old copy";
  return "";
}

}  // namespace dm::worker
