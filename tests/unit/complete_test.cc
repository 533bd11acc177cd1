#include "master/client/complete.h"

#include <random>

#include "common/shell_words.h"
#include "tests/unit/check.h"

using namespace dm;

namespace {

using Kind = OperandKind;

CompletionWords sample() {
  CompletionWords words;
  words.commands = {
      {"copy",
       {{"--lib", Kind::kFile, {}}, {"--as", Kind::kAny, {}}, {"--to", Kind::kWorkers, {}}},
       {Kind::kFile}},
      {"delete", {{"--from", Kind::kWorkers, {}}, {"--force", Kind::kNone, {}}}, {Kind::kApp}},
      {"describe", {}, {Kind::kNameAny}},
      {"help", {}, {Kind::kCommand}},
      {"launch",
       {{"--on", Kind::kWorker, {}},
        {"--env", Kind::kAny, {}},
        {"--restart", Kind::kAny, {"no", "on-failure", "always"}}},
       {Kind::kAppOrFile}},
      {"logs", {{"-f", Kind::kNone, {}}, {"-o", Kind::kFile, {}}}, {Kind::kInstance}},
      {"stop", {{"--timeout", Kind::kAny, {}}, {"--no-kill", Kind::kNone, {}}}, {Kind::kTarget}},
      {"workers forget", {}, {Kind::kWorker}},
      {"workers", {{"--json", Kind::kNone, {}}}, {}},
  };
  words.workers = {"w1", "w2", "west"};
  words.apps = {"web", "worm", "redis", "w\x1b[2J", "w\xFF"};
  words.instances = {"web.1", "redis.2"};
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string offers(std::string_view text) {
  const Completion completion = complete(sample(), text);
  if (completion.files)
    return "files " + completion.files->directory + " " + completion.files->prefix;
  return joined(completion.candidates);
}

}  // namespace

TEST(complete_offers_what_can_stand_there) {
  const struct {
    std::string_view text;
    std::string_view offers;
  } cases[] = {
      {"", "copy delete describe help launch logs stop workers"},
      {"de", "delete describe"},
      {"  l", "launch logs"},
      {"nosuch ", ""},
      {"help st", "stop"},
      {"delete ", "redis web worm"},
      {"delete w", "web worm"},
      {"delete web ", "--force --from"},
      {"delete web x", ""},
      {"delete --f", "--force --from"},
      {"delete --from ", "all w1 w2 west"},
      {"delete --from=we", "--from=west"},
      {"delete --from w1,", "w1,all w1,w1 w1,w2 w1,west"},
      {"delete --from w1,we", "w1,west"},
      {"delete --from w1 w", "web worm"},
      {"delete --force w", "web worm"},
      {"launch web --on w", "w1 w2 west"},
      {"launch web --on w1,", ""},
      {"launch --restart ", "always no on-failure"},
      {"launch --restart=o", "--restart=on-failure"},
      {"launch --nosuch=o", ""},
      {"launch --env ", ""},
      {"launch web -- ", ""},
      {"launch web -- --r", ""},
      {"logs ", "redis.2 web.1"},
      {"logs -", "-f -o"},
      {"logs -f w", "web.1"},
      {"stop ", "all redis redis.2 web web.1 worm"},
      {"stop app/w", "app/web app/worm"},
      {"describe w", "w1 w2 web web.1 west worm"},
      {"describe worker/w", "worker/w1 worker/w2 worker/west"},
      {"workers ", "--json forget"},
      {"workers forget w", "w1 w2 west"},
      {"stop # w", ""},
      {"stop w#", ""},
  };
  for (const auto& row : cases) CHECK_EQ(offers(row.text), row.offers);
}

TEST(complete_asks_for_the_directory_of_a_file) {
  CHECK_EQ(offers("copy "), "files . ");
  CHECK_EQ(offers("copy bi"), "files . bi");
  CHECK_EQ(offers("copy ./bin/re"), "files ./bin/ re");
  CHECK_EQ(offers("copy /"), "files / ");
  CHECK_EQ(offers("copy x --lib=lib/l"), "files lib/ l");
  CHECK_EQ(offers("copy x --lib 'my lib/l"), "files my lib/ l");
  CHECK_EQ(offers("logs web.1 -o "), "files . ");
  CHECK_EQ(offers("launch ./r"), "files ./ r");
}

TEST(complete_takes_directory_entries_by_their_prefix) {
  const std::vector<std::string> entries = {"lib/", ".hidden",  "list it",
                                            "bin/", "l\x1b[2J", "l\xFF"};
  Completion found = with_files(complete(sample(), "copy x --lib=dir/l"), entries);
  CHECK_EQ(joined(found.candidates), "--lib=dir/lib/ --lib=dir/list it");
  CHECK_EQ(found.candidates[0].substr(found.shown_from), "lib/");
  CHECK(with_files(complete(sample(), "copy 'd\x1bir/l"), entries).candidates.empty());
  found = with_files(complete(sample(), "copy "), entries);
  CHECK_EQ(joined(found.candidates), "bin/ lib/ list it");
  found = with_files(complete(sample(), "copy ."), entries);
  CHECK_EQ(joined(found.candidates), ".hidden");
}

TEST(complete_tells_where_the_word_begins_and_how_it_is_quoted) {
  Completion found = complete(sample(), "copy  a\\ b'c");
  CHECK_EQ(found.start, 6u);
  CHECK_EQ(found.word, "a bc");
  CHECK_EQ(found.quote, '\'');
  found = complete(sample(), "copy \"a\\\"b");
  CHECK_EQ(found.word, "a\"b");
  CHECK_EQ(found.quote, '"');
  found = complete(sample(), "stop 'we'");
  CHECK_EQ(found.quote, 0);
  CHECK_EQ(joined(found.candidates), "web web.1");
  found = complete(sample(), "stop ");
  CHECK_EQ(found.start, 5u);
}

TEST(complete_common_prefix_ends_between_characters) {
  CHECK_EQ(common_prefix({"web.1", "web.2", "web"}), "web");
  CHECK_EQ(common_prefix({"one"}), "one");
  CHECK_EQ(common_prefix({"a", "b"}), "");
  CHECK_EQ(common_prefix({}), "");
  CHECK_EQ(common_prefix({"x\xC3\xA9", "x\xC3\xA8"}), "x");
}

TEST(complete_quotes_so_that_the_words_are_split_back) {
  constexpr char kBytes[] = {'a', ' ', '\'', '"', '\\', '#', '$', '`', '\t', '/'};
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (unsigned i = 0; i <= random() % 6; ++i) text += kBytes[random() % sizeof kBytes];
    for (const char quote : {'\0', '\'', '"'}) {
      const auto words = split_words(quote_part(text, quote, true));
      REQUIRE(words.has_value());
      REQUIRE(words->size() == 1);
      CHECK_EQ((*words)[0], text);
      // And half a word is read as what it was made of.
      const Completion half = complete(sample(), "copy " + quote_part(text, quote, false));
      CHECK_EQ(half.word, text);
      CHECK_EQ(half.start, 5u);
    }
  }
}

TEST(complete_survives_any_bytes) {
  std::mt19937 random(5);
  constexpr std::string_view kLikely = "wl -=/,'\"\\#.";
  for (int round = 0; round < 5000; ++round) {
    std::string text = round % 2 == 0 ? "delete " : "";
    for (int i = 0; i < 12; ++i)
      text += random() % 4 != 0 ? kLikely[random() % kLikely.size()]
                                : static_cast<char>(random() % 256);
    const Completion found = complete(sample(), text);
    CHECK(found.start <= text.size());
    for (const std::string& candidate : found.candidates) {
      CHECK(candidate.starts_with(found.word));
      CHECK(found.shown_from <= candidate.size());
    }
  }
}
