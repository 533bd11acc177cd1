#include "master/client/keys.h"

#include <random>
#include <vector>

#include "tests/unit/check.h"

using namespace dm;

namespace {

// A key as one word: "c:x" for a character, "C:a" for Ctrl-a.
std::string name_of(const Key& key) {
  switch (key.kind) {
    case Key::kCharacter: return "c:" + key.text;
    case Key::kControl: return "C:" + key.text;
    case Key::kMeta: return "M:" + key.text;
    case Key::kPaste: return "paste:" + key.text;
    case Key::kEscape: return "esc";
    case Key::kBackspace: return "backspace";
    case Key::kDelete: return "delete";
    case Key::kUp: return "up";
    case Key::kDown: return "down";
    case Key::kLeft: return "left";
    case Key::kRight: return "right";
    case Key::kHome: return "home";
    case Key::kEnd: return "end";
    case Key::kWordLeft: return "word-left";
    case Key::kWordRight: return "word-right";
  }
  return "?";
}

std::string drain(KeyReader& reader) {
  std::string names;
  while (const std::optional<Key> key = reader.next()) names += name_of(*key) + " ";
  return names;
}

std::string keys_in(std::string_view bytes) {
  KeyReader reader;
  reader.feed(bytes);
  return drain(reader);
}

std::string keys_byte_by_byte(std::string_view bytes) {
  KeyReader reader;
  std::string names;
  for (const char& byte : bytes) {
    reader.feed(std::string_view(&byte, 1));
    names += drain(reader);
  }
  return names;
}

struct Case {
  std::string_view bytes;
  std::string_view keys;
};

}  // namespace

TEST(keys_reads_every_sequence_whole_or_in_pieces) {
  const Case cases[] = {
      {"aZ ~", "c:a c:Z c:  c:~ "},
      {"\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80", "c:\xC3\xA9 c:\xE6\xBC\xA2 c:\xF0\x9F\x98\x80 "},
      {"\x01\x1a\r\n\t\x08\x7f\x1f", "C:a C:z C:m C:j C:i C:h backspace C:_ "},
      {"\x1b[A\x1b[B\x1b[C\x1b[D", "up down right left "},
      {"\x1bOA\x1bOB\x1bOC\x1bOD", "up down right left "},
      {"\x1b[H\x1b[F\x1bOH\x1bOF", "home end home end "},
      {"\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[3~", "home end home end delete "},
      {"\x1b[1;5C\x1b[1;5D\x1b[1;3C\x1b[1;3D", "word-right word-left word-right word-left "},
      {"\x1b[5C\x1b[5D\x1bOc\x1bOd", "word-right word-left word-right word-left "},
      {"\x1b[1;2C\x1b[3;5~", "right delete "},
      {"\x1b"
       "b\x1b"
       "f\x1b"
       "d\x1b\x7f\x1b\x08",
       "M:b M:f M:d M:\x7f M:\x08 "},
      {"\x1b\xC3\xA9", "M:\xC3\xA9 "},
      {"\x1b\x1b[A\x1b\rx", "esc up esc C:m c:x "},
      {"\x1b[200~a\rb\r\nc\nd\x1b[Ae\x1b[201~x", "paste:a\nb\nc\nd\x1b[Ae c:x "},
      {"\x1b[200~\x1b[201~", "paste: "},
      {"\x1bOM", "C:m "},
  };
  for (const Case& row : cases) {
    CHECK_EQ(keys_in(row.bytes), row.keys);
    CHECK_EQ(keys_byte_by_byte(row.bytes), row.keys);
  }
}

TEST(keys_swallows_what_is_no_key) {
  const Case cases[] = {
      {"\x1b[5~\x1b[15~\x1b[Z\x1bOP\x1b[?62;4c\x1b[<0;1;2Mx", "c:x "},  // pages, F keys, answers
      {"\x1b[[Ax\x1b[[Ey", "c:x c:y "},                      // the Linux console's F1, F5
      {"a\xFFz\xC0\x80q\xED\xA0\x80r", "c:a c:z c:q c:r "},  // no UTF-8
      {"\xE6\xBCx", "c:x "},                                 // a character cut off
      {"\xC2\x9Bx", "c:x "},                                 // a C1 control
      {"\x1b[12\x03y", "C:c c:y "},                          // ^C in a sequence counts
      {"\x1b[1\x1b[A", "up "},
      {"\x1b[200~a\xFF"
       "b\x1b[201~",
       "paste:ab "},
      {"\x1b[201~x", "c:x "},
  };
  for (const Case& row : cases) {
    CHECK_EQ(keys_in(row.bytes), row.keys);
    CHECK_EQ(keys_byte_by_byte(row.bytes), row.keys);
  }
}

TEST(keys_a_lone_escape_waits_until_it_is_flushed) {
  KeyReader reader;
  reader.feed("\x1b");
  CHECK_EQ(drain(reader), "");
  CHECK(reader.pending_escape());
  reader.flush_escape();
  CHECK_EQ(drain(reader), "esc ");
  CHECK(!reader.pending_escape());
  reader.feed("[A");
  CHECK_EQ(drain(reader), "c:[ c:A ");

  reader.feed("\x1b[");
  CHECK_EQ(drain(reader), "");
  CHECK(!reader.pending_escape());  // this is more than the Escape key sends
  reader.flush_escape();
  reader.feed("A");
  CHECK_EQ(drain(reader), "up ");
  CHECK(!reader.waiting());
}

TEST(keys_an_endless_sequence_is_given_up) {
  KeyReader reader;
  reader.feed("\x1b[" + std::string(100000, '1'));
  CHECK_EQ(drain(reader), "");
  CHECK(!reader.waiting());
  reader.feed("\r");
  CHECK_EQ(drain(reader), "C:m ");
}

TEST(keys_a_sequence_that_is_too_long_is_nothing_in_any_pieces) {
  const std::string too_long = "\x1b[" + std::string(40, '$');
  for (const std::string end : {"", "A", "\r", "\x1b[A", "\xC3\xA9"}) {
    CHECK_EQ(keys_byte_by_byte(too_long + end + "x"), keys_in(too_long + end + "x"));
    CHECK_EQ(keys_byte_by_byte("\x1b[" + too_long + end), keys_in("\x1b[" + too_long + end));
  }
  CHECK_EQ(keys_in(too_long + "Ax"), "c:x ");
}

TEST(keys_keeps_a_mebibyte_of_a_paste_and_counts_the_rest) {
  KeyReader reader;
  reader.feed("\x1b[200~");
  const std::string block(4096, 'a');
  for (int i = 0; i < 300; ++i) {
    reader.feed(block);
    CHECK(!reader.next());
  }
  reader.feed("\x1b[201~x");
  const std::optional<Key> paste = reader.next();
  REQUIRE(paste.has_value());
  CHECK_EQ(paste->text.size(), KeyReader::kMaxPaste);
  CHECK_EQ(paste->dropped, 300 * block.size() - KeyReader::kMaxPaste);
  CHECK_EQ(drain(reader), "c:x ");
}

TEST(keys_clear_forgets_a_paste_under_way) {
  KeyReader reader;
  reader.feed("\x1b[200~abc");
  CHECK(!reader.next());
  reader.clear();
  CHECK(!reader.waiting());
  reader.feed("x");
  CHECK_EQ(drain(reader), "c:x ");
}

TEST(keys_random_bytes_give_the_same_keys_in_any_pieces) {
  std::mt19937 random(7);
  constexpr std::string_view kLikely("\x1b[O;~0125ABCDmx\xC3\xA9\r\x03");
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 40; ++i)
      bytes += random() % 3 != 0 ? kLikely[random() % kLikely.size()]
                                 : static_cast<char>(random() % 256);
    CHECK_EQ(keys_byte_by_byte(bytes), keys_in(bytes));
  }
}
