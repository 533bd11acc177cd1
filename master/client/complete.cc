#include "master/client/complete.h"

#include <algorithm>
#include <utility>

#include "common/utf8.h"

namespace dm {
namespace {

constexpr std::string_view kBlanks = " \t\n";

// A line whose last word may be unfinished.
struct HalfLine {
  std::vector<std::string> before;  // whole words
  std::size_t start = 0;            // of the last word
  std::string word;
  char quote = 0;
  bool comment = false;
};

class HalfLineReader {
 public:
  explicit HalfLineReader(std::string_view text) : text_(text) {}

  HalfLine read() {
    for (; at_ < text_.size() && !line_.comment; ++at_) step(text_[at_]);
    if (!in_word_) line_.start = text_.size();
    return std::move(line_);
  }

 private:
  void step(char byte) {
    const bool blank = kBlanks.find(byte) != kBlanks.npos;
    if (line_.quote != 0) return quoted(byte);
    if (blank) return end_word();
    if (byte == '#' && !in_word_) {
      line_.comment = true;
      return;
    }
    begin_word();
    if (byte == '\\') return escaped();
    if (byte == '\'' || byte == '"') {
      line_.quote = byte;
      return;
    }
    line_.word += byte;
  }

  void quoted(char byte) {
    constexpr std::string_view kEscapable = "$`\"\\\n";
    const bool more = at_ + 1 < text_.size();
    if (byte == line_.quote) {
      line_.quote = 0;
    } else if (byte == '\\' && line_.quote == '"' && more &&
               kEscapable.find(text_[at_ + 1]) != kEscapable.npos) {
      escaped();
    } else {
      line_.word += byte;
    }
  }

  void escaped() {
    if (++at_ < text_.size() && text_[at_] != '\n') line_.word += text_[at_];
  }

  void begin_word() {
    if (!in_word_) line_.start = at_;
    in_word_ = true;
  }

  void end_word() {
    if (in_word_) line_.before.push_back(std::exchange(line_.word, std::string()));
    in_word_ = false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_word_ = false;
  HalfLine line_;
};

enum : unsigned {
  kApps = 1,
  kInstances = 2,
  kWorkers = 4,
  kAll = 8,
  kCommands = 16,
  kFiles = 32,
  kFilesIfSlash = 64,
  kCommaList = 128,
};

struct Source {
  OperandKind kind;
  unsigned from;
};
constexpr Source kSources[] = {
    {OperandKind::kNone, 0},
    {OperandKind::kApp, kApps},
    {OperandKind::kAppOrFile, kApps | kFilesIfSlash},
    {OperandKind::kInstance, kInstances},
    {OperandKind::kAppOrInstance, kApps | kInstances},
    {OperandKind::kTarget, kApps | kInstances | kAll},
    {OperandKind::kWorker, kWorkers},
    {OperandKind::kWorkers, kWorkers | kAll | kCommaList},
    {OperandKind::kFile, kFiles},
    {OperandKind::kCommand, kCommands},
    {OperandKind::kAny, 0},
    {OperandKind::kNameAny, kApps | kInstances | kWorkers},
};

// Where a name could be two things, the operator says which.
struct NameClass {
  std::string_view mark;
  unsigned from;
};
constexpr NameClass kNameClasses[] = {{"app/", kApps}, {"worker/", kWorkers}};

unsigned source_of(OperandKind kind) {
  for (const Source& row : kSources)
    if (row.kind == kind) return row.from;
  return 0;
}

bool is_typable(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded point = decode(text.substr(at));
    if (!point.valid || column_width(point.point) < 0) return false;
    at += point.length;
  }
  return true;
}

std::vector<std::string_view> words_of(std::string_view name) {
  std::vector<std::string_view> words;
  while (!name.empty()) {
    const std::size_t space = std::min(name.find(' '), name.size());
    words.push_back(name.substr(0, space));
    name.remove_prefix(std::min(space + 1, name.size()));
  }
  return words;
}

class Completer {
 public:
  Completer(const CompletionWords& words, HalfLine line) : words_(words), line_(std::move(line)) {
    result_.start = line_.start;
    result_.word = line_.word;
    result_.quote = line_.quote;
  }

  Completion run() {
    if (!line_.comment) {
      offer_command_words();
      if (const CommandWords* command = find_command()) offer_arguments(*command);
    }
    auto& all = result_.candidates;
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return std::move(result_);
  }

 private:
  // Adds `name` as what may stand after the first `shown_from` bytes of the word.
  void offer(std::string_view name) {
    std::string whole = line_.word.substr(0, result_.shown_from) + std::string(name);
    if (whole.starts_with(line_.word) && is_typable(whole))
      result_.candidates.push_back(std::move(whole));
  }

  void offer(const std::vector<std::string>& names) {
    for (const std::string& name : names) offer(name);
  }

  // The word that follows, in every command's name that begins with the words before.
  void offer_command_words() {
    const std::vector<std::string>& before = line_.before;
    for (const CommandWords& command : words_.commands) {
      const auto name = words_of(command.name);
      if (name.size() > before.size() && std::equal(before.begin(), before.end(), name.begin()))
        offer(name[before.size()]);
    }
  }

  // The command with the longest name that the line begins with.
  const CommandWords* find_command() {
    const CommandWords* found = nullptr;
    for (const CommandWords& command : words_.commands) {
      const auto name = words_of(command.name);
      if (name.size() > name_words_ && name.size() <= line_.before.size() &&
          std::equal(name.begin(), name.end(), line_.before.begin())) {
        found = &command;
        name_words_ = name.size();
      }
    }
    return found;
  }

  static const OptionWords* find_option(const CommandWords& command, std::string_view word) {
    for (const OptionWords& option : command.options)
      if (option.name == word.substr(0, word.find('='))) return &option;
    return nullptr;
  }

  static bool takes_value(const OptionWords& option) {
    return option.value != OperandKind::kNone || !option.choices.empty();
  }

  void offer_arguments(const CommandWords& command) {
    const OptionWords* open = nullptr;  // an option whose value comes next
    bool options_ended = false;
    std::size_t operand = 0;
    for (std::size_t i = name_words_; i < line_.before.size(); ++i) {
      const std::string& word = line_.before[i];
      const bool dashed = !options_ended && word.size() > 1 && word[0] == '-';
      if (std::exchange(open, nullptr)) continue;
      if (dashed && word == "--") {
        options_ended = true;
      } else if (dashed) {
        const OptionWords* option = find_option(command, word);
        if (option && takes_value(*option) && word.find('=') == word.npos) open = option;
      } else {
        ++operand;
      }
    }
    if (open) return offer_value(*open);
    if (!options_ended && line_.word.starts_with('-')) return offer_option(command);
    const bool known = operand < command.operands.size();
    if (known) offer_from(source_of(command.operands[operand]));
    const bool nothing = !known || command.operands[operand] == OperandKind::kNone;
    if (nothing && line_.word.empty() && !options_ended) offer_option(command);
  }

  void offer_option(const CommandWords& command) {
    const std::size_t equals = line_.word.find('=');
    if (equals == std::string::npos) {
      for (const OptionWords& option : command.options) offer(option.name);
      return;
    }
    const OptionWords* option = find_option(command, line_.word);
    if (!option) return;
    result_.shown_from = equals + 1;
    offer_value(*option);
  }

  void offer_value(const OptionWords& option) {
    offer(option.choices);
    offer_from(source_of(option.value));
  }

  void offer_from(unsigned from) {
    const std::string part = line_.word.substr(result_.shown_from);
    const std::size_t slash = part.rfind('/');
    const bool slashed = slash != std::string::npos;
    if ((from & kFiles) != 0 || ((from & kFilesIfSlash) != 0 && slashed)) {
      const std::size_t name = slashed ? slash + 1 : 0;
      result_.files = FileRequest{slashed ? part.substr(0, name) : ".", part.substr(name)};
      result_.shown_from += name;
      return;
    }
    for (const NameClass& row : kNameClasses)
      if ((from & row.from) != 0 && part.starts_with(row.mark)) {
        result_.shown_from += row.mark.size();
        from = row.from;
      }
    const std::size_t comma = part.rfind(',');
    if ((from & kCommaList) != 0 && comma != std::string::npos) result_.shown_from += comma + 1;
    offer_names(from);
  }

  void offer_names(unsigned from) {
    if ((from & kApps) != 0) offer(words_.apps);
    if ((from & kInstances) != 0) offer(words_.instances);
    if ((from & kWorkers) != 0) offer(words_.workers);
    if ((from & kAll) != 0) offer("all");
    if ((from & kCommands) != 0)
      for (const CommandWords& command : words_.commands)
        offer(std::string_view(command.name).substr(0, command.name.find(' ')));
  }

  const CompletionWords& words_;
  HalfLine line_;
  std::size_t name_words_ = 0;  // of the command's name
  Completion result_;
};

}  // namespace

Completion complete(const CompletionWords& words, std::string_view text) {
  return Completer(words, HalfLineReader(text).read()).run();
}

Completion with_files(Completion completion, const std::vector<std::string>& entries) {
  const std::string lead = completion.word.substr(0, completion.shown_from);
  const std::string& prefix = completion.files->prefix;
  auto& all = completion.candidates;
  for (const std::string& entry : entries) {
    const bool hidden = entry.starts_with('.') && !prefix.starts_with('.');
    const std::string whole = lead + entry;
    if (entry.starts_with(prefix) && !hidden && is_typable(whole)) all.push_back(whole);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return completion;
}

std::string common_prefix(const std::vector<std::string>& texts) {
  if (texts.empty()) return {};
  const std::string& first = texts[0];
  std::size_t length = first.size();
  for (const std::string& text : texts) {
    const auto differ = std::mismatch(first.begin(), first.end(), text.begin(), text.end());
    length = std::min(length, static_cast<std::size_t>(differ.first - first.begin()));
  }
  std::size_t whole = 0;
  while (whole < length && next_character(first, whole) <= length)
    whole = next_character(first, whole);
  return first.substr(0, whole);
}

std::string quote_part(std::string_view text, char quote, bool closed) {
  constexpr std::string_view kBareSpecial = " \t\n'\"\\";
  std::string quoted;
  if (quote != 0) quoted += quote;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (quote == '\'') {
      quoted += byte == '\'' ? "'\\''" : std::string(1, byte);
      continue;
    }
    const bool bare_special =
        kBareSpecial.find(byte) != kBareSpecial.npos || (byte == '#' && at == 0);
    const bool special = quote == 0 ? bare_special : byte == '"' || byte == '\\';
    if (special) quoted += '\\';
    quoted += byte;
  }
  if (quote != 0 && closed) quoted += quote;
  return quoted;
}

}  // namespace dm
