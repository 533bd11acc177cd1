#include "master/client/io/prompt.h"

#include <utility>

namespace dm {
namespace {

constexpr int kEscapeMs = 50;  // a terminal sends the rest of a sequence at once
constexpr std::size_t kMaxListed = 200;
constexpr std::string_view kAlert = "\a";

std::string list(std::vector<std::string> items, std::size_t columns) {
  const std::size_t more = items.size() > kMaxListed ? items.size() - kMaxListed : 0;
  items.resize(items.size() - more);
  std::string text = in_columns(items, columns);
  if (more > 0) text += "... and " + std::to_string(more) + " more\n";
  return text;
}

}  // namespace

void Prompt::start(std::string_view prompt) {
  prompt_ = prompt;
  ended_ = !terminal_.edit();
  const TerminalSize size = terminal_.size();
  screen_.resize(size.columns, size.rows);
  mode_ = Mode::kActive;
  backlog_ = ended_ || keys_.waiting() || editor_.waiting();
  write((std::exchange(mid_row_, false) ? "\n" : "") + draw());
}

void Prompt::stop() {
  write(screen_.hide());
  terminal_.restore();
  mode_ = Mode::kStopped;
}

std::vector<PromptEvent> Prompt::on_readable() {
  if (!reading()) return {};
  std::string bytes;
  ended_ = !terminal_.read_available(bytes);
  keys_.feed(bytes);
  return work();
}

int Prompt::timeout_ms() const {
  if (!reading()) return -1;
  if (backlog_) return 0;
  return keys_.pending_escape() ? kEscapeMs : -1;
}

std::vector<PromptEvent> Prompt::on_timeout() {
  if (!reading()) return {};
  if (!backlog_) keys_.flush_escape();
  return work();
}

void Prompt::on_resize() {
  const TerminalSize size = terminal_.size();
  screen_.resize(size.columns, size.rows);
  if (screen_.shown()) write(draw());
}

void Prompt::print_above(std::string_view text) {
  if (text.empty()) return;
  const bool whole = text.ends_with('\n');
  if (!screen_.shown()) {
    mid_row_ = !whole;
    write(std::string(text));
    return;
  }
  std::string out = screen_.hide();
  out += text;
  if (!whole) out += '\n';
  write(out + screen_.show());
}

void Prompt::forget_waiting() {
  keys_.clear();
  editor_.forget_waiting();
  backlog_ = ended_;
}

// All keys that have come, then one refresh.
std::vector<PromptEvent> Prompt::work() {
  std::vector<PromptEvent> events;
  backlog_ = false;
  bool changed = false;
  while (reading()) {
    EditResult result;
    if (editor_.waiting()) {
      result = editor_.next();
    } else if (std::optional<Key> key = keys_.next()) {
      result = editor_.on(*key);
    } else {
      break;
    }
    changed |= result.action != EditResult::kNothing;
    apply(std::move(result), events);
  }
  if (reading() && ended_) {
    leave(PromptEvent::kEndOfFile, events);
  } else if (reading() && changed) {
    write(draw());
  }
  return events;
}

void Prompt::apply(EditResult result, std::vector<PromptEvent>& events) {
  using enum EditResult::Action;
  switch (result.action) {
    case kNothing:
    case kRedraw: return;
    case kLine: return enter(PromptEvent::kLine, std::move(result), events);
    case kInterrupt: return enter(PromptEvent::kInterrupt, std::move(result), events);
    case kEndOfFile: return leave(PromptEvent::kEndOfFile, events);
    case kSuspend: return leave(PromptEvent::kSuspend, events);
    case kList: return print_above(list(std::move(result.items), screen_.columns()));
    case kNotice: return print_above("dm: " + result.text + "\n");
    case kClear: return write(screen_.clear());
    case kBell: return write(std::string(kAlert));
  }
}

void Prompt::enter(PromptEvent::Kind kind, EditResult result, std::vector<PromptEvent>& events) {
  // Shown as the row's last change, even if the keys came too fast to be shown one by one.
  const bool interrupted = kind == PromptEvent::kInterrupt;
  write(screen_.finish(prompt_, result.text + (interrupted ? "\x03" : "")));
  events.push_back({kind, std::move(result.text), result.kept});
  if (interrupted) return;
  mode_ = Mode::kBetween;
  if (!terminal_.wait()) ended_ = true;
}

void Prompt::leave(PromptEvent::Kind kind, std::vector<PromptEvent>& events) {
  write(screen_.finish(prompt_, editor_.text()));
  terminal_.restore();
  mode_ = Mode::kStopped;
  events.push_back({kind, {}, false});
}

void Prompt::write(const std::string& bytes) {
  if (!bytes.empty() && !terminal_.write_all(bytes)) ended_ = true;
}

std::string Prompt::draw() {
  return screen_.draw(editor_.search_prompt().value_or(prompt_), editor_.text(), editor_.cursor());
}

}  // namespace dm
