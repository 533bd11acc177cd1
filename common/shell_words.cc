#include "common/shell_words.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace dm {
namespace {

constexpr std::string_view kBlanks = " \t\n";
constexpr std::string_view kEscapedInDoubleQuotes = "$`\"\\\n";
constexpr std::string_view kBarePunctuation = "_./:,@%+=-";

class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line) {}

  Result<std::vector<std::string>> split();

 private:
  // Each reads one construct that begins at at_ and moves at_ behind it.
  Status step();
  Status single_quotes();
  Status double_quotes();
  Status backslash();
  void comment();
  void end_word();

  // The word may stay empty: quotes alone make a word too.
  std::string& word() {
    in_word_ = true;
    return word_;
  }

  std::string_view line_;
  std::size_t at_ = 0;
  bool in_word_ = false;
  std::string word_;
  std::vector<std::string> words_;
};

Result<std::vector<std::string>> Splitter::split() {
  while (at_ < line_.size()) {
    const Status status = step();
    if (!status) return status.error();
  }
  end_word();
  return std::move(words_);
}

Status Splitter::step() {
  const char c = line_[at_];
  if (c == '\'') return single_quotes();
  if (c == '"') return double_quotes();
  if (c == '\\') return backslash();
  if (c == '#' && !in_word_) {
    comment();
  } else if (kBlanks.find(c) != kBlanks.npos) {
    end_word();
    ++at_;
  } else {
    word() += c;
    ++at_;
  }
  return {};
}

Status Splitter::single_quotes() {
  const std::size_t end = line_.find('\'', at_ + 1);
  if (end == line_.npos) return fail(Code::kBadArg, "unfinished single quote");
  word() += line_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
  return {};
}

Status Splitter::double_quotes() {
  std::string& out = word();
  for (++at_; at_ < line_.size(); ++at_) {
    char c = line_[at_];
    if (c == '"') {
      ++at_;
      return {};
    }
    const bool escape = c == '\\' && at_ + 1 < line_.size() &&
                        kEscapedInDoubleQuotes.find(line_[at_ + 1]) != line_.npos;
    if (escape) c = line_[++at_];
    if (!escape || c != '\n') out += c;
  }
  return fail(Code::kBadArg, "unfinished double quote");
}

// Backslash-newline is no part of a word and does not begin one, so that `#` after it may still
// start a comment: the shell removes it before it looks for tokens.
Status Splitter::backslash() {
  if (at_ + 1 == line_.size()) return fail(Code::kBadArg, "backslash at the end of the line");
  const char c = line_[at_ + 1];
  if (c != '\n') word() += c;
  at_ += 2;
  return {};
}

void Splitter::comment() {
  at_ = std::min(line_.find('\n', at_), line_.size());
}

void Splitter::end_word() {
  if (!in_word_) return;
  words_.push_back(std::move(word_));
  word_.clear();
  in_word_ = false;
}

// Bytes of UTF-8 characters are never special to a shell.
bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80 || kBarePunctuation.find(c) != kBarePunctuation.npos;
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view line) {
  if (line.find('\0') != line.npos) return fail(Code::kBadArg, "NUL byte in the line");
  return Splitter(line).split();
}

std::string quote_word(std::string_view word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_bare)) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  out += '\'';
  return out;
}

}  // namespace dm
