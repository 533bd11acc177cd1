// dm-sim: the cores of a whole cluster under faults, in virtual time.
#include <getopt.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "common/codec.h"
#include "tests/sim/simulation.h"

namespace dm::sim {
namespace {

constexpr char kUsage[] =
    "usage: dm-sim [--seed N | --seeds A..B] [--hours H | --minutes M] [--workers N] [--trace]\n"
    "Runs the cores of one master and its workers under faults, in virtual time.\n"
    "  --seed N      the run to make (1)\n"
    "  --seeds A..B  these runs, until one fails\n"
    "  --minutes M   virtual length of a run (10); --hours H likewise\n"
    "  --workers N   1 to 200 (from 2 to 7, by the seed)\n"
    "  --trace       say what happens\n"
    "Exit status: 0 every promise was kept, 1 one was broken, 2 usage.\n";

struct Arguments {
  std::int64_t first = 1, last = 1;
  SimOptions options;
};

bool parse_seeds(std::string_view text, Arguments& arguments) {
  const std::size_t dots = text.find("..");
  const auto first = parse_integer(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : parse_integer(text.substr(dots + 2));
  if (!first || !last || *first < 0 || *last < *first) return false;
  arguments.first = *first;
  arguments.last = *last;
  return true;
}

bool take(int option, std::string_view value, Arguments& arguments) {
  const std::int64_t number = parse_integer(value).value_or(-1);
  switch (option) {
    case 's': return parse_seeds(value, arguments);
    case 'h': arguments.options.minutes = number * 60; return number > 0 && number <= 10'000;
    case 'm': arguments.options.minutes = number; return number > 0 && number <= 600'000;
    case 'w':
      arguments.options.workers = static_cast<int>(number);
      return number >= 1 && number <= 200;
    case 't': arguments.options.tracing = true; return true;
    default: return false;
  }
}

void print_failure(std::int64_t seed, const SimOptions& options, const std::string& failure) {
  std::printf("dm-sim: seed %lld %s\n", static_cast<long long>(seed), failure.c_str());
  std::printf("reproduce: dm-sim --seed %lld --minutes %lld", static_cast<long long>(seed),
              static_cast<long long>(options.minutes));
  if (options.workers > 0) std::printf(" --workers %d", options.workers);
  std::printf(" --trace\n");
}

int run(const Arguments& arguments) {
  SimOutcome sum;
  for (std::int64_t seed = arguments.first; seed <= arguments.last; ++seed) {
    const SimOutcome outcome =
        Simulation(static_cast<std::uint64_t>(seed), arguments.options).run();
    if (outcome.failure) {
      print_failure(seed, arguments.options, *outcome.failure);
      return 1;
    }
    sum.steps += outcome.steps;
    sum.commands += outcome.commands;
    sum.runs += outcome.runs;
    sum.faults += outcome.faults;
  }
  std::printf("%lld seeds: %lld steps, %lld commands, %lld runs, %lld faults, nothing broken\n",
              static_cast<long long>(arguments.last - arguments.first + 1),
              static_cast<long long>(sum.steps), static_cast<long long>(sum.commands),
              static_cast<long long>(sum.runs), static_cast<long long>(sum.faults));
  return 0;
}

}  // namespace
}  // namespace dm::sim

int main(int argc, char** argv) {
  static constexpr option kOptions[] = {
      {"seed", required_argument, nullptr, 's'},    {"seeds", required_argument, nullptr, 's'},
      {"hours", required_argument, nullptr, 'h'},   {"minutes", required_argument, nullptr, 'm'},
      {"workers", required_argument, nullptr, 'w'}, {"trace", no_argument, nullptr, 't'},
      {"help", no_argument, nullptr, '?'},          {nullptr, 0, nullptr, 0}};
  dm::sim::Arguments arguments;
  int chosen = 0;
  while ((chosen = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1)
    if (!dm::sim::take(chosen, optarg == nullptr ? "" : optarg, arguments)) {
      std::fputs(dm::sim::kUsage, stdout);
      return 2;
    }
  return dm::sim::run(arguments);
}
