#include "worker/core/proc_stat.h"

#include <charconv>

namespace dm::worker {
namespace {

// The fields behind the name, which are separated by single spaces; proc(5) counts the state as 3.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  std::string_view next() {
    const std::size_t end = rest_.find_first_of(" \n");
    const std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return field;
  }
  template <typename T>
  void number(T& value) {
    const std::string_view field = next();
    const char* end = field.data() + field.size();
    const auto [stop, error] = std::from_chars(field.data(), end, value);
    if (error != std::errc() || stop != end || field.empty()) good_ = false;
  }
  void skip(int count) {
    while (count-- > 0) next();
  }
  bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::optional<ProcStat> parse_stat(std::string_view text) {
  const std::size_t open = text.find(" (");
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2)
    return std::nullopt;
  ProcStat stat;
  Fields before(text.substr(0, open));
  before.number(stat.pid);
  stat.comm = text.substr(open + 2, close - open - 2);
  Fields fields(text.substr(std::min(close + 2, text.size())));
  const std::string_view state = fields.next();
  if (state.size() != 1) return std::nullopt;
  stat.state = state[0];
  fields.number(stat.ppid);
  fields.number(stat.pgid);
  fields.number(stat.sid);
  fields.skip(7);  // tty_nr, tpgid, flags, four counts of page faults
  fields.number(stat.utime);
  fields.number(stat.stime);
  fields.number(stat.cutime);
  fields.number(stat.cstime);
  fields.skip(2);  // priority, nice
  fields.number(stat.threads);
  fields.skip(1);  // itrealvalue
  fields.number(stat.start);
  fields.skip(1);  // vsize
  fields.number(stat.rss_pages);
  if (!before.good() || !fields.good()) return std::nullopt;
  return stat;
}

}  // namespace dm::worker
