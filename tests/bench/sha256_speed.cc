// usage: dm-bench-sha256 SECONDS
// Hashes 16 KiB at a time by the fastest engine. Prints MiB for each second of processor time: what
// `openssl speed -bytes 16384` counts too.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "common/sha256.h"

int main(int argc, char** argv) {
  if (argc != 2) return 100;
  const double most = std::atof(argv[1]) * CLOCKS_PER_SEC;
  const std::vector<char> bytes(16 * 1024, 'x');
  const std::clock_t begun = std::clock();
  double took = 0;
  unsigned rounds = 0, sum = 0;
  for (; took < most; took = static_cast<double>(std::clock() - begun))
    for (int i = 0; i < 64; ++i, ++rounds) {
      dm::Sha256 hash;
      hash.update(bytes.data(), bytes.size());
      sum += hash.finish()[0];
    }
  std::printf("%.0f\n", rounds / 64.0 * CLOCKS_PER_SEC / took);
  return sum == 0 ? 1 : 0;  // or the compiler might leave it all out
}
