#include "worker/core/app_place.h"

#include <set>
#include <string>

#include "tests/unit/check.h"

namespace dm::worker {

TEST(app_place_is_within_the_count_and_stays) {
  for (std::size_t count = 1; count <= 5; ++count) {
    std::set<std::size_t> seen;
    for (int i = 0; i < 100; ++i) {
      const std::string app = "app-" + std::to_string(i);
      CHECK(place_of_app(app, count) < count);
      seen.insert(place_of_app(app, count));
    }
    CHECK_EQ(seen.size(), count);
  }
  // Directories on disk belong to whom this says: it must not change from version to version.
  CHECK_EQ(place_of_app("web", 4), std::size_t{0});
  CHECK_EQ(place_of_app("api", 4), std::size_t{0});
  CHECK_EQ(place_of_app("db-1", 5), std::size_t{4});
}

}  // namespace dm::worker
