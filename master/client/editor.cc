#include "master/client/editor.h"

#include <algorithm>
#include <utility>

#include "common/utf8.h"

namespace dm {
namespace {

EditResult result(EditResult::Action action, std::string text = {}) {
  EditResult made;
  made.action = action;
  made.text = std::move(text);
  return made;
}

EditResult redraw_or_bell(bool changed) {
  return result(changed ? EditResult::kRedraw : EditResult::kBell);
}

}  // namespace

template <bool (EditLine::*change)()>
EditResult Editor::edit() {
  return redraw_or_bell((line_.*change)());
}

template <EditResult::Action action>
EditResult Editor::just() {
  return result(action);
}

const Editor::Binding Editor::kBindings[] = {
    {Key::kControl, "a", &Editor::edit<&EditLine::home>},
    {Key::kControl, "b", &Editor::edit<&EditLine::left>},
    {Key::kControl, "c", &Editor::interrupt},
    {Key::kControl, "d", &Editor::delete_or_end},
    {Key::kControl, "e", &Editor::edit<&EditLine::end>},
    {Key::kControl, "f", &Editor::edit<&EditLine::right>},
    {Key::kControl, "g", &Editor::just<EditResult::kBell>},
    {Key::kControl, "h", &Editor::edit<&EditLine::erase_left>},
    {Key::kControl, "i", &Editor::tab},
    {Key::kControl, "j", &Editor::submit},
    {Key::kControl, "k", &Editor::edit<&EditLine::kill_to_end>},
    {Key::kControl, "l", &Editor::just<EditResult::kClear>},
    {Key::kControl, "m", &Editor::submit},
    {Key::kControl, "n", &Editor::newer},
    {Key::kControl, "p", &Editor::older},
    {Key::kControl, "r", &Editor::search_begin},
    {Key::kControl, "t", &Editor::edit<&EditLine::transpose>},
    {Key::kControl, "u", &Editor::edit<&EditLine::kill_to_start>},
    {Key::kControl, "w", &Editor::edit<&EditLine::kill_blank_word_left>},
    {Key::kControl, "y", &Editor::edit<&EditLine::yank>},
    {Key::kControl, "z", &Editor::just<EditResult::kSuspend>},
    {Key::kMeta, "b", &Editor::edit<&EditLine::word_left>},
    {Key::kMeta, "d", &Editor::edit<&EditLine::kill_word_right>},
    {Key::kMeta, "f", &Editor::edit<&EditLine::word_right>},
    {Key::kMeta, "\b", &Editor::edit<&EditLine::kill_word_left>},
    {Key::kMeta, "\x7f", &Editor::edit<&EditLine::kill_word_left>},
    {Key::kBackspace, "", &Editor::edit<&EditLine::erase_left>},
    {Key::kDelete, "", &Editor::edit<&EditLine::erase_right>},
    {Key::kLeft, "", &Editor::edit<&EditLine::left>},
    {Key::kRight, "", &Editor::edit<&EditLine::right>},
    {Key::kUp, "", &Editor::older},
    {Key::kDown, "", &Editor::newer},
    {Key::kHome, "", &Editor::edit<&EditLine::home>},
    {Key::kEnd, "", &Editor::edit<&EditLine::end>},
    {Key::kWordLeft, "", &Editor::edit<&EditLine::word_left>},
    {Key::kWordRight, "", &Editor::edit<&EditLine::word_right>},
};

// While C-r searches. Any other key takes the line that was found and then means what it always
// means.
const Editor::Binding Editor::kSearchBindings[] = {
    {Key::kControl, "r", &Editor::search_older},   {Key::kControl, "g", &Editor::search_cancel},
    {Key::kControl, "h", &Editor::search_shorten}, {Key::kBackspace, "", &Editor::search_shorten},
    {Key::kEscape, "", &Editor::search_accept},    {Key::kRight, "", &Editor::search_accept},
};

EditResult Editor::on(const Key& key) {
  line_.next_command();
  const bool searched = search_.has_value();
  if (searched) {
    if (std::optional<EditResult> done = on_search(key)) return std::move(*done);
    search_end();
  }
  EditResult done = on_plain(key);
  tabbed_ = key.kind == Key::kControl && key.text == "i";
  // The prompt is no longer that of the search.
  if (searched && done.action == EditResult::kNothing) done.action = EditResult::kRedraw;
  return done;
}

EditResult Editor::on_plain(const Key& key) {
  if (key.kind == Key::kCharacter) return type(key.text);
  if (key.kind == Key::kPaste) return paste(key);
  for (const Binding& row : kBindings)
    if (row.kind == key.kind && row.text == key.text) return (this->*row.act)();
  return result(EditResult::kNothing);
}

std::optional<EditResult> Editor::on_search(const Key& key) {
  const bool pasted_words = key.kind == Key::kPaste && key.text.find('\n') == key.text.npos;
  if (key.kind == Key::kCharacter || pasted_words) return search_extend(key.text);
  for (const Binding& row : kSearchBindings)
    if (row.kind == key.kind && row.text == key.text) return (this->*row.act)();
  return std::nullopt;
}

EditResult Editor::type(std::string_view text) {
  return redraw_or_bell(line_.insert(text));
}

EditResult Editor::paste(const Key& key) {
  pasted_.erase(0, pasted_at_);
  pasted_at_ = 0;
  pasted_ += key.text;
  dropped_ += key.dropped;
  return next();
}

EditResult Editor::next() {
  if (pasted_at_ < pasted_.size()) {
    const std::size_t newline = pasted_.find('\n', pasted_at_);
    const std::size_t end = std::min(newline, pasted_.size());
    const std::string_view segment = std::string_view(pasted_).substr(pasted_at_, end - pasted_at_);
    if (segment.empty() || line_.insert(segment)) {
      pasted_at_ = end + 1;
      return newline == std::string::npos ? result(EditResult::kRedraw) : submit();
    }
    // Half a line must never be run: from the line that is too long on, nothing is taken.
    dropped_ += pasted_.size() - pasted_at_;
  }
  const std::size_t dropped = dropped_;
  forget_waiting();
  if (dropped == 0) return result(EditResult::kRedraw);
  return result(EditResult::kNotice, "the paste is too long: its last " + std::to_string(dropped) +
                                         " bytes are left out");
}

void Editor::forget_waiting() {
  pasted_ = std::string();
  pasted_at_ = 0;
  dropped_ = 0;
}

EditResult Editor::submit() {
  back_ = 0;
  EditResult entered = result(EditResult::kLine, line_.take());
  entered.kept = history_.add(entered.text);
  return entered;
}

EditResult Editor::interrupt() {
  back_ = 0;
  forget_waiting();
  return result(EditResult::kInterrupt, line_.take());
}

EditResult Editor::delete_or_end() {
  if (line_.text().empty()) return result(EditResult::kEndOfFile);
  return redraw_or_bell(line_.erase_right());
}

EditResult Editor::older() {
  return browse(back_ + 1);
}

EditResult Editor::newer() {
  return back_ == 0 ? result(EditResult::kBell) : browse(back_ - 1);
}

EditResult Editor::browse(std::size_t back) {
  if (back > history_.size()) return result(EditResult::kBell);
  if (back_ == 0) edited_ = line_.text();
  back_ = back;
  const std::string& shown = back == 0 ? edited_ : history_.at(back);
  line_.set(shown, shown.size());
  return result(EditResult::kRedraw);
}

EditResult Editor::tab() {
  const Completion completion = complete_(std::string_view(line_.text()).substr(0, line_.cursor()));
  const auto& candidates = completion.candidates;
  if (candidates.empty()) return result(EditResult::kBell);
  const bool longer = common_prefix(candidates).size() > completion.word.size();
  if (candidates.size() == 1 || longer) return insert_completion(completion);
  if (!tabbed_) return result(EditResult::kBell);
  EditResult list = result(EditResult::kList);
  for (const std::string& candidate : candidates)
    list.items.push_back(candidate.substr(completion.shown_from));
  return list;
}

EditResult Editor::insert_completion(const Completion& completion) {
  const std::string word = common_prefix(completion.candidates);
  const bool goes_on = word.ends_with('/') || word.ends_with('=');
  const bool whole = completion.candidates.size() == 1 && !goes_on;
  const std::string after = line_.text().substr(line_.cursor());
  std::string text = line_.text().substr(0, completion.start);
  text += quote_part(word, completion.quote, whole);
  const std::size_t end = text.size();
  if (whole && !after.starts_with(' ')) text += ' ';
  if (text.size() + after.size() > EditLine::kMaxBytes) return result(EditResult::kBell);
  // The blank that stands there already is stepped over.
  line_.set(text + after, whole ? end + 1 : end);
  return result(EditResult::kRedraw);
}

std::optional<std::string> Editor::search_prompt() const {
  if (!search_) return std::nullopt;
  const std::string_view name =
      search_->failing ? "(failed reverse-i-search)`" : "(reverse-i-search)`";
  return std::string(name) + search_->query + "': ";
}

EditResult Editor::search_begin() {
  search_ = Search{{}, false, line_.text(), line_.cursor(), back_};
  return result(EditResult::kRedraw);
}

EditResult Editor::search_older() {
  if (search_->query.empty()) {
    search_->query = last_query_;
    return search_from(1);
  }
  return search_from(back_ + 1);
}

EditResult Editor::search_shorten() {
  std::string& query = search_->query;
  if (query.empty()) return result(EditResult::kBell);
  query.erase(previous_character(query, query.size()));
  return search_from(1);
}

EditResult Editor::search_extend(std::string_view text) {
  if (search_->query.size() + text.size() > EditLine::kMaxBytes) return result(EditResult::kBell);
  search_->query += text;
  return search_from(std::max<std::size_t>(back_, 1));
}

EditResult Editor::search_from(std::size_t back) {
  const std::string& query = search_->query;
  search_->failing = false;
  if (query.empty()) return result(EditResult::kRedraw);
  for (; back <= history_.size(); ++back) {
    const std::size_t at = history_.at(back).find(query);
    // The same line again, entered some lines earlier, would look as if nothing had happened.
    const bool same = back_ > 0 && back != back_ && history_.at(back) == line_.text();
    if (at == std::string::npos || same) continue;
    if (back_ == 0) edited_ = line_.text();
    back_ = back;
    line_.set(history_.at(back), at);
    return result(EditResult::kRedraw);
  }
  search_->failing = true;
  return result(EditResult::kBell);
}

EditResult Editor::search_cancel() {
  line_.set(search_->text, search_->cursor);
  back_ = search_->back;
  search_end();
  return result(EditResult::kRedraw);
}

EditResult Editor::search_accept() {
  search_end();
  return result(EditResult::kRedraw);
}

void Editor::search_end() {
  if (!search_->query.empty()) last_query_ = search_->query;
  search_.reset();
}

}  // namespace dm
