// common/shell_words.h: words survive being quoted and split again.
#include "common/shell_words.h"

#include "common/escape.h"
#include "tests/fuzz/target.h"

using namespace dm;

TARGET(shell_words) {
  const auto words = split_words(input);
  if (!words) {
    CHECK(words.error().code == Code::kBadArg);
  } else {
    std::string line;
    std::size_t bytes = 0;
    for (const std::string& word : *words) {
      line += quote_word(word) + " ";
      bytes += word.size();
    }
    CHECK(bytes <= input.size());
    const auto again = split_words(line);
    REQUIRE(again.has_value());
    CHECK(*again == *words);
  }
  if (input.find('\0') != input.npos) return;
  const auto whole = split_words(quote_word(input));
  REQUIRE(whole.has_value());
  REQUIRE(whole->size() == 1);
  CHECK_EQ(whole->front(), input);
}
