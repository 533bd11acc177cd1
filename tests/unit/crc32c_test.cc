#include "common/crc32c.h"

#include "tests/unit/check.h"

using namespace dm;

TEST(crc32c_gives_the_check_values) {
  std::string counting;
  for (char c = 0; c < 32; ++c) counting += c;
  const struct {
    std::string bytes;
    std::uint32_t sum;
  } rows[] = {
      // the customary check value, then RFC 3720 section B.4
      {"123456789", 0xe3069283},
      {"", 0},
      {std::string(32, '\0'), 0x8a9136aa},
      {std::string(32, '\xff'), 0x62a8ab43},
      {counting, 0x46dd794e},
  };
  for (const auto& row : rows) {
    CHECK_EQ(crc32c(row.bytes), row.sum);
    CHECK_EQ(crc32c_plain(row.bytes), row.sum);
  }
}

TEST(crc32c_ways_agree_and_pieces_add_up) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += static_cast<char>(i * 37);
  const std::string_view text = bytes;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    CHECK_EQ(crc32c(text.substr(0, size)), crc32c_plain(text.substr(0, size)));
    CHECK_EQ(crc32c(text.substr(size), crc32c(text.substr(0, size))), crc32c_plain(text));
    CHECK_EQ(crc32c_plain(text.substr(size), crc32c_plain(text.substr(0, size))), crc32c(text));
  }
}
