#include "worker/supervision/spawn_order.h"

#include <algorithm>
#include <unordered_map>

namespace dm::supervisor {
namespace {

constexpr std::size_t kMaxAppName = 63;
constexpr std::size_t kMaxDigits = 18;  // what fits an int64

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_first(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z');
}
bool is_other(char c) {
  return is_first(c) || c == '_' || c == '-';
}

bool is_mark(std::string_view variable) {
  return variable.starts_with("DM_INSTANCE=") || variable.starts_with("DM_RUN=");
}

Error bad(std::string message) {
  return fail(Code::kBadArg, std::move(message));
}

}  // namespace

bool is_instance_name(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot > kMaxAppName) return false;
  const std::string_view app = text.substr(0, dot), number = text.substr(dot + 1);
  if (number.empty() || number.size() > kMaxDigits) return false;
  return is_first(app[0]) && std::all_of(app.begin(), app.end(), is_other) &&
         std::all_of(number.begin(), number.end(), is_digit);
}

Result<RunKey> parse_run_key(const Line& line) {
  RunKey key{std::string(line.text("instance")), line.number_or("run", 0)};
  if (!is_instance_name(key.instance)) return bad("instance= must be APP.N");
  if (key.run < 1) return bad("run= must be 1 or more");
  return key;
}

Result<SpawnOrder> parse_spawn_order(const Line& line) {
  auto key = parse_run_key(line);
  if (!key) return key.error();
  SpawnOrder order;
  order.key = std::move(*key);
  order.exe = line.text("path");
  order.cwd = line.text("cwd");
  order.args = line.all("arg");
  order.user = line.text("user");
  order.lease_until_ms = line.number_or("lease_until_ms", 0);
  if (!order.exe.starts_with('/')) return bad("path= must be absolute");
  if (!order.cwd.starts_with('/')) return bad("cwd= must be absolute");
  if (order.args.empty()) return bad("arg= is missing: the whole argv is wanted");
  order.env = {"DM_INSTANCE=" + order.key.instance, "DM_RUN=" + std::to_string(order.key.run)};
  std::unordered_map<std::string, std::size_t> places;
  for (std::string& variable : line.all("env")) {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos) return bad("env= must be KEY=VALUE");
    if (is_mark(variable)) continue;
    const auto [place, is_new] = places.emplace(variable.substr(0, equals), order.env.size());
    if (is_new) {
      order.env.push_back(std::move(variable));
    } else {
      order.env[place->second] = std::move(variable);
    }
  }
  return order;
}

Result<std::string> choose_user(const std::string& wanted, const std::vector<std::string>& allowed,
                                bool can_switch) {
  const bool listed = std::find(allowed.begin(), allowed.end(), wanted) != allowed.end();
  if (!wanted.empty() && !listed)
    return fail(Code::kDenied, "user " + wanted + " was not named when the supervisor started");
  if (!can_switch || allowed.empty()) return std::string();
  return wanted.empty() ? allowed.front() : wanted;
}

}  // namespace dm::supervisor
