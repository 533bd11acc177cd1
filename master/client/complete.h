// master/client/complete.h - what TAB can put at the end of a half-typed command. Pure: knows the
// commands and names it is given, and never reads a directory: it says which one to read.
//
// Words are told apart by the rules of common/shell_words.h, with the last one unfinished.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/commands/operand_kind.h"

namespace dm {

struct OptionWords {
  std::string name;  // with its dashes: "--on", "-n"
  OperandKind value = OperandKind::kNone;
  std::vector<std::string> choices;  // if any, the only values; `value` is then kAny
};

struct CommandWords {
  std::string name;  // may be of several words: "workers forget"
  std::vector<OptionWords> options;
  std::vector<OperandKind> operands;  // in their order
};

struct CompletionWords {
  std::vector<CommandWords> commands;
  std::vector<std::string> workers, apps, instances;
};

// Wanted: the entries of `directory` ("." where none is typed) whose names begin with `prefix`.
struct FileRequest {
  std::string directory;
  std::string prefix;
};

struct Completion {
  std::size_t start = 0;       // offset of the word being completed, its quote included
  std::string word;            // what it says so far, without quoting
  char quote = 0;              // ' or " if one is open at the end, else 0
  std::size_t shown_from = 0;  // a list shows the candidates without so many bytes at the front
  // Whole words without quoting, sorted, each once; all begin with `word`. Text that cannot be
  // typed (control characters, bytes that are no UTF-8) is never among them.
  std::vector<std::string> candidates;
  std::optional<FileRequest> files;  // if set, with_files() adds the candidates
};

// What could stand at the end of `text`, which is the line up to the cursor. No candidates and no
// request where nothing can be offered.
Completion complete(const CompletionWords& words, std::string_view text);

// `completion` with the entries of the directory that it asked for; directories end in "/".
// Entries that do not begin with the prefix are left out, hidden ones too unless it begins with
// a dot. REQUIRES completion.files.
Completion with_files(Completion completion, const std::vector<std::string>& entries);

// The longest beginning that all have in common; it never ends inside a character.
std::string common_prefix(const std::vector<std::string>& texts);

// `text` as it must be typed, within the open `quote`, or with backslashes if that is 0. The
// quote is closed at the end only if `closed`.
std::string quote_part(std::string_view text, char quote, bool closed);

}  // namespace dm
