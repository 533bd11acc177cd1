// master/client/keys.h - turns what a terminal sends into keys. Pure: never reads anything and
// never waits; the caller feeds bytes as they come and keeps the time.
//
// Sequences are those of xterm (ctlseqs), the Linux console (console_codes(4)), rxvt, tmux and
// PuTTY for the keys below; every other sequence of ECMA-48's form is swallowed whole.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dm {

struct Key {
  enum class Kind {
    kCharacter,  // text: one printable code point
    kControl,    // text: the letter, lower case; C-a is "a", Tab "i", Enter "m" or "j"
    kMeta,       // text: what followed ESC, one code point; M-backspace is "\x7f" or "\b"
    kPaste,      // text: what was pasted, lines ended by "\n", without bytes that are no UTF-8
    kEscape,     // ESC by itself
    kBackspace,
    kDelete,
    kUp,
    kDown,
    kLeft,
    kRight,
    kHome,
    kEnd,
    kWordLeft,  // arrows with Ctrl or Alt
    kWordRight,
  };
  using enum Kind;

  Kind kind = kEscape;
  std::string text;
  std::size_t dropped = 0;  // kPaste: bytes beyond kMaxPaste, which are not in `text`
};

class KeyReader {
 public:
  static constexpr std::size_t kMaxPaste = 1024 * 1024;  // bytes of one paste that are kept

  // Keeps `bytes`, whatever read(2) returned. What is kept is bounded once next() has been called
  // until it returns nothing: one unfinished sequence, or kMaxPaste.
  void feed(std::string_view bytes);

  // The next key; nullopt if none is whole yet. Bytes that are no key vanish.
  std::optional<Key> next();

  // True if bytes wait that next() has not handed out: whole keys, or a part of one.
  bool waiting() const { return start_ < data_.size(); }

  // Once next() has returned nothing: true if all that waits is a lone ESC, which is either the
  // Escape key or the beginning of a sequence. If nothing follows soon (50 ms), flush_escape()
  // makes it the Escape key, which next() then returns.
  bool pending_escape() const;
  void flush_escape();

  // Forgets all that waits.
  void clear();

 private:
  // What stands at the front: how many bytes it takes (0: not whole yet), and the key, if it is
  // one.
  struct Token {
    std::size_t length = 0;
    std::optional<Key> key;
  };
  Token read(std::string_view rest);
  Token read_escape(std::string_view rest);
  Token read_csi(std::string_view rest);
  std::optional<Key> read_paste();

  std::string data_;
  std::size_t start_ = 0;  // what stands before it has been handed out
  bool overlong_ = false;  // in the middle of a sequence that is longer than any
  bool flushed_ = false;   // the ESC at the front is the Escape key
  bool pasting_ = false;
  std::string paste_;
  std::size_t dropped_ = 0;
};

}  // namespace dm
