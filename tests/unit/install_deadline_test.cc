// How long a worker may talk of an INSTALL.
#include "master/decide/install_deadline.h"

#include "tests/unit/check.h"

using namespace dm::master;

TEST(install_deadline_follows_the_bytes) {
  InstallProgress progress{0, 200'000, 300'000, 0, 1 << 30};
  // Words alone gain nothing.
  CHECK_EQ(install_deadline(progress), 300'000);
  progress.done = 100 << 20;
  CHECK_EQ(install_deadline(progress), 500'000);
  // More than there is counts for no more.
  progress.now_mono_ms = 5'000'000;
  progress.size = 4096 * 10;
  CHECK_EQ(install_deadline(progress), 310'000);
  progress.done = -5;
  CHECK_EQ(install_deadline(progress), 300'000);
}
