// master/client/: bytes of a terminal become keys, keys a line, the line a screen. However the
// bytes are cut; and what stands on the screen after many changes is what a fresh one would show.
#include "master/client/editor.h"

#include <algorithm>

#include "common/utf8.h"
#include "master/client/screen.h"
#include "tests/fuzz/target.h"
#include "tests/unit/terminal_model.h"

using namespace dm;
using namespace dm::fuzz;
using dm::test::TerminalModel;

namespace {

std::vector<Key> keys_of(const std::vector<std::string_view>& pieces) {
  KeyReader reader;
  std::vector<Key> keys;
  for (const std::string_view piece : pieces) {
    reader.feed(piece);
    while (auto key = reader.next()) keys.push_back(std::move(*key));
  }
  if (reader.pending_escape()) reader.flush_escape();
  while (auto key = reader.next()) keys.push_back(std::move(*key));
  return keys;
}

bool same(const std::vector<Key>& a, const std::vector<Key>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Key& x, const Key& y) {
    return x.kind == y.kind && x.text == y.text && x.dropped == y.dropped;
  });
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Decoded decoded = decode(text);
    if (!decoded.valid) return false;
    text.remove_prefix(decoded.length);
  }
  return true;
}

bool between_characters(std::string_view text, std::size_t cursor) {
  std::size_t at = 0;
  while (at < cursor) at = next_character(text, at);
  return at == cursor;
}

Completion words_for_tab(std::string_view text) {
  CompletionWords words;
  words.commands = {{"stop", {}, {OperandKind::kTarget}}, {"copy", {}, {OperandKind::kFile}}};
  words.apps = {"web", "webber", "x"};
  const Completion completion = complete(words, text);
  return completion.files ? with_files(completion, {"a b", "caf\xC3\xA9/"}) : completion;
}

constexpr std::size_t kMostInput = 512;  // each key draws the whole line, twice
constexpr std::size_t kColumns = 20, kRows = 12;

class Desk {
 public:
  Desk() : editor_(history_, &words_for_tab) { screen_.resize(kColumns, kRows); }

  void press(const Key& key) {
    after(editor_.on(key));
    for (int lines = 0; editor_.waiting(); ++lines) {
      CHECK(lines < 100'000);
      after(editor_.next());
    }
  }

 private:
  void after(const EditResult& result) {
    const std::string& text = editor_.text();
    CHECK(text.size() <= EditLine::kMaxBytes);
    CHECK(is_utf8(text) && is_utf8(result.text));
    CHECK(text.find('\n') == text.npos);
    CHECK(editor_.cursor() <= text.size());
    CHECK(between_characters(text, editor_.cursor()));
    CHECK(history_.size() <= History::kMaxLines);
    const bool left = result.action == EditResult::kLine || result.action == EditResult::kInterrupt;
    if (left) CHECK(text.empty());
    // Long lines take long to draw, and are drawn like others.
    if (text.size() > 300 || result.text.size() > 300) return;
    if (left) terminal_.write(screen_.finish("dm> ", result.text));
    if (result.action == EditResult::kClear) terminal_.write(screen_.clear());
    const std::string prompt = editor_.search_prompt().value_or("dm> ");
    terminal_.write(screen_.draw(prompt, text, editor_.cursor()));
    CHECK(!terminal_.broken);
    check_like_fresh(prompt);
  }

  // The line's own rows; what stands above them is output of before.
  void check_like_fresh(const std::string& prompt) const {
    TerminalModel fresh(kColumns, kRows);
    Screen screen;
    screen.resize(kColumns, kRows);
    fresh.write(screen.draw(prompt, editor_.text(), editor_.cursor()));
    CHECK_EQ(terminal_.column(), fresh.column());
    const std::vector<std::string> all = terminal_.rows(), wanted = fresh.rows();
    REQUIRE(terminal_.row() >= fresh.row());
    const std::size_t shift = terminal_.row() - fresh.row();
    REQUIRE(all.size() == (wanted.empty() ? all.size() : wanted.size() + shift));
    for (std::size_t i = 0; i < wanted.size(); ++i) CHECK_EQ(all[i + shift], wanted[i]);
  }

  History history_;
  Editor editor_;
  Screen screen_;
  TerminalModel terminal_{kColumns, kRows};
};

}  // namespace

TARGET(editor) {
  input = input.substr(0, kMostInput);
  Dice dice(input);
  const std::vector<Key> keys = keys_of({input});
  CHECK(same(keys_of(pieces_of(input, dice, 1)), keys));
  CHECK(same(keys_of(pieces_of(input, dice, 9)), keys));
  Desk desk;
  for (const Key& key : keys) {
    CHECK(is_utf8(key.text));
    desk.press(key);
  }
  History history;
  history.parse(input);
  const std::string file = history.print();
  History again;
  again.parse(file);
  CHECK_EQ(again.print(), file);
}
