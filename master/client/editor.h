// master/client/editor.h - the line editor: keys in, what is to be done out. Pure: knows no
// terminal; the caller shows text() and cursor() after each key.
//
// The keys are readline's default (emacs) ones; editor.cc has them as a table.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/client/complete.h"
#include "master/client/edit_line.h"
#include "master/client/history.h"
#include "master/client/keys.h"

namespace dm {

// What a key asks of the caller.
struct EditResult {
  enum class Action {
    kNothing,
    kRedraw,
    kLine,       // text: the line that was entered; the editor's is empty again
    kInterrupt,  // ^C; text: the line that was given up
    kEndOfFile,  // ^D on an empty line
    kSuspend,    // ^Z; the line stays
    kList,       // items: what TAB could have meant, to be printed above
    kNotice,     // text: one sentence, to be printed above
    kClear,      // the screen
    kBell,       // nothing could be done; what is shown may have changed all the same
  };
  using enum Action;

  Action action = kNothing;
  std::string text;
  bool kept = false;  // kLine: the line is new in the history
  std::vector<std::string> items;
};

class Editor {
 public:
  // Given the line up to the cursor. Directories have been read already: `files` is ignored.
  using CompleteFn = std::function<Completion(std::string_view)>;

  // `history` is borrowed; entered lines are added to it.
  Editor(History& history, CompleteFn complete)
      : history_(history), complete_(std::move(complete)) {}

  // Does what a key means. Of a paste the first line is done; while waiting() is true, next()
  // does the others one by one, each as if it were typed, and is to be called before on().
  EditResult on(const Key& key);
  bool waiting() const { return pasted_at_ < pasted_.size() || dropped_ > 0; }
  EditResult next();

  const std::string& text() const { return line_.text(); }
  std::size_t cursor() const { return line_.cursor(); }
  // While C-r searches: what stands in place of the prompt.
  std::optional<std::string> search_prompt() const;

  // Forgets what waits of a paste.
  void forget_waiting();

 private:
  using Act = EditResult (Editor::*)();
  struct Binding {
    Key::Kind kind;
    std::string_view text;
    Act act;
  };
  static const Binding kBindings[];
  static const Binding kSearchBindings[];
  template <bool (EditLine::*change)()>
  EditResult edit();
  template <EditResult::Action action>
  EditResult just();

  EditResult on_plain(const Key& key);
  std::optional<EditResult> on_search(const Key& key);
  EditResult paste(const Key& key);
  EditResult type(std::string_view text);
  EditResult submit();
  EditResult interrupt();
  EditResult delete_or_end();
  EditResult older();
  EditResult newer();
  EditResult browse(std::size_t back);
  EditResult tab();
  EditResult insert_completion(const Completion& completion);

  struct Search {
    std::string query;
    bool failing = false;
    std::string text;  // the line as it was before
    std::size_t cursor = 0;
    std::size_t back = 0;
  };
  EditResult search_begin();
  EditResult search_older();
  EditResult search_shorten();
  EditResult search_cancel();
  EditResult search_accept();
  EditResult search_extend(std::string_view text);
  EditResult search_from(std::size_t back);
  void search_end();

  History& history_;
  CompleteFn complete_;
  EditLine line_;
  std::size_t back_ = 0;  // the history line that is shown, 1 is the newest; 0: the edited line
  std::string edited_;    // that one, while back_ > 0
  std::optional<Search> search_;
  std::string last_query_;
  bool tabbed_ = false;  // the key before was TAB
  std::string pasted_;
  std::size_t pasted_at_ = 0;
  std::size_t dropped_ = 0;  // bytes of a paste that are left out and not yet told
};

}  // namespace dm
