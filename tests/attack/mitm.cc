// tests/attack/mitm.cc - a man in the middle for the stories: listens, dials the master for each
// who comes, passes lines (with the bytes they announce) both ways, and does as its rules say.
//
//   usage: dm-mitm PORT RULE...      PORT is the master's, on 127.0.0.1; prints "port N"
//   RULE:  up|down [KEY=VALUE] VERB[#N] ACTION [ARGUMENT]
//
// A rule is for the Nth (first) unit of that verb and direction, over all connections whose HELLO
// has KEY=VALUE; it is carried out once, and "did RULE" printed. Every later unit passes as it is.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/codec.h"
#include "common/io/net.h"
#include "common/io/system.h"

namespace {

using dm::Line;

struct Rule;

// One connection through us. Each direction has a thread of its own.
struct Pair {
  dm::Fd ends[2];           // 0: who came, 1: the master
  std::string hello;        // as it was sent
  std::string later[2];     // units that wait for the next one of their direction
  std::int64_t offset = 0;  // of the last FETCH
};

struct Unit {
  Pair& pair;
  bool up;
  std::string bytes;                // the line with its newline, and its body
  std::size_t line;                 // size of the line
  std::string before, after, back;  // what goes out besides: the same way, and to the sender
  bool ends = false;                // the connection is cut behind it
};

struct Rule {
  std::string text, filter, verb, argument;
  bool up = true;
  int wait = 1;
  void (*act)(Unit&, const Rule&) = nullptr;
};

std::mutex lock;          // of all below
std::vector<Rule> rules;  // that wait
std::string pocket;       // what `keep` has kept

std::size_t place(const Unit& unit, const Rule& rule) {
  const long at = std::strtol(rule.argument.c_str(), nullptr, 10);
  return static_cast<std::size_t>(at < 0 ? static_cast<long>(unit.bytes.size()) + at : at);
}

std::string line_of(const Unit& unit) {
  return unit.bytes.substr(0, unit.line - 1);
}

// What a rule can do with its unit.
struct Row {
  const char* name;
  void (*act)(Unit&, const Rule&);
};
constexpr Row kActions[] = {
    // K: one bit of byte K (from the end, if negative) is another.
    {"flip", [](Unit& unit, const Rule& rule) { unit.bytes.at(place(unit, rule)) ^= 1; }},
    // K: one bit of byte K behind the line, in its body.
    {"flip-body",
     [](Unit& unit, const Rule& rule) { unit.bytes.at(unit.line + place(unit, rule)) ^= 1; }},
    {"lose", [](Unit& unit, const Rule&) { unit.bytes.clear(); }},
    {"twice", [](Unit& unit, const Rule&) { unit.after = unit.bytes; }},
    // Behind the next one.
    {"later", [](Unit& unit, const Rule&) { unit.pair.later[unit.up ? 1 : 0].swap(unit.bytes); }},
    // To where it comes from, as well.
    {"reflect", [](Unit& unit, const Rule&) { unit.back = unit.bytes; }},
    // K: nothing passes behind byte K.
    {"cut",
     [](Unit& unit, const Rule& rule) {
       unit.bytes.resize(place(unit, rule));
       unit.ends = true;
     }},
    {"keep", [](Unit& unit, const Rule&) { pocket = unit.bytes; }},
    // What was kept, in place of this one, or before it.
    {"exchange", [](Unit& unit, const Rule&) { unit.bytes = pocket; }},
    {"splice", [](Unit& unit, const Rule&) { unit.before = pocket; }},
    // TEXT: a line of our own, before or behind it.
    {"before", [](Unit& unit, const Rule& rule) { unit.before = rule.argument + "\n"; }},
    {"behind", [](Unit& unit, const Rule& rule) { unit.after = rule.argument + "\n"; }},
    // KEY,KEY...: without these fields.
    {"strip",
     [](Unit& unit, const Rule& rule) {
       const auto line = dm::parse_line(line_of(unit));
       Line less(line->verb());
       for (const auto& [key, value] : line->fields())
         if (("," + rule.argument + ",").find("," + key + ",") == std::string::npos)
           less.add(key, value);
       unit.bytes.replace(0, unit.line, less.print());
     }},
};

std::optional<Rule> parse_rule(const std::string& text) {
  std::istringstream words(text);
  Rule rule;
  std::string direction, word, action;
  words >> direction >> word;
  rule.text = text;
  rule.up = direction == "up";
  if (word.find('=') != std::string::npos) {
    rule.filter = " " + word;
    words >> word;
  }
  const std::size_t number = word.find('#');
  rule.verb = word.substr(0, number);
  if (number != std::string::npos) rule.wait = std::atoi(word.c_str() + number + 1);
  words >> action >> std::ws;
  std::getline(words, rule.argument);
  for (const Row& row : kActions)
    if (row.name == action) rule.act = row.act;
  const bool good = rule.act != nullptr && (rule.up || direction == "down");
  return good ? std::optional(rule) : std::nullopt;
}

// How many bytes follow a line; sealed ones are as readable as others.
std::size_t body_of(Pair& pair, bool up, const Line& line) {
  if (line.verb() == "FETCH") pair.offset = line.number_or("offset", 0);
  std::int64_t size = 0;
  if (line.verb() == "CHUNK" || line.verb() == "OUT") size = line.number_or("n", 0);
  if (line.verb() == "PUT") size = line.number_or("size", 0);
  const bool bulk = pair.hello.find(" as=bulk") != std::string::npos;
  if (!up && bulk && line.verb() == "OK") size = line.number_or("size", 0) - pair.offset;
  return static_cast<std::size_t>(size);
}

// At most one rule acts on a unit; every rule that it fits counts it.
void apply_rules(Unit& unit, const std::string& verb) {
  auto due = rules.end();
  for (auto rule = rules.begin(); rule != rules.end(); ++rule) {
    const bool meant = rule->up == unit.up && rule->verb == verb &&
                       (unit.pair.hello + " ").find(rule->filter + " ") != std::string::npos;
    if (meant && --rule->wait <= 0 && due == rules.end()) due = rule;
  }
  if (due == rules.end()) return;
  due->act(unit, *due);
  std::printf("did %s\n", due->text.c_str());
  std::fflush(stdout);
  rules.erase(due);
}

bool write_all(int fd, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t now = dm::retry(
        [&] { return ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL); });
    if (now <= 0) return false;
    sent += static_cast<std::size_t>(now);
  }
  return true;
}

// False: this connection is over.
bool pass(Pair& pair, bool up, std::string bytes, std::size_t size) {
  const std::lock_guard guard(lock);
  const std::string text = bytes.substr(0, size - 1);
  if (up && text.starts_with("HELLO ")) pair.hello = text;
  Unit unit{pair, up, std::move(bytes), size, "", "", "", false};
  const std::string held = std::exchange(pair.later[up ? 1 : 0], "");
  apply_rules(unit, text.substr(0, text.find(' ')));
  const int to = pair.ends[up ? 1 : 0].get(), from = pair.ends[up ? 0 : 1].get();
  const bool sent =
      write_all(to, unit.before + unit.bytes + unit.after + held) && write_all(from, unit.back);
  return sent && !unit.ends;
}

// The next whole unit of what has come, passed on. False: none is whole yet.
bool take_unit(Pair& pair, bool up, std::string& bytes, bool& open) {
  const std::size_t end = bytes.find('\n');
  if (end == std::string::npos) return false;
  const auto line = dm::parse_line(bytes.substr(0, end));
  const std::size_t size = end + 1;
  std::size_t body = 0;
  if (line) body = body_of(pair, up, *line);
  if (bytes.size() < size + body) return false;
  open = pass(pair, up, bytes.substr(0, size + body), size);
  bytes.erase(0, size + body);
  return open;
}

void run(const std::shared_ptr<Pair>& pair, bool up) {
  const int from = pair->ends[up ? 0 : 1].get();
  std::string bytes;
  char block[65536];
  bool open = true;
  while (open) {
    const ssize_t got = dm::retry([&] { return ::recv(from, block, sizeof block, 0); });
    if (got <= 0) break;
    bytes.append(block, static_cast<std::size_t>(got));
    while (take_unit(*pair, up, bytes, open)) {
    }
  }
  // Whoever goes takes the other along.
  for (const dm::Fd& end : pair->ends) ::shutdown(end.get(), SHUT_RDWR);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 100;
  for (int i = 2; i < argc; ++i) {
    const auto rule = parse_rule(argv[i]);
    if (!rule) return std::fprintf(stderr, "dm-mitm: no rule: %s\n", argv[i]), 100;
    rules.push_back(*rule);
  }
  const auto listener = dm::listen_on({"127.0.0.1", 0, ""});
  const auto master = dm::parse_endpoint(std::string("127.0.0.1:") + argv[1]);
  if (!listener || !master) return 111;
  std::printf("port %s\n", dm::local_name(listener->get()).substr(10).c_str());
  std::fflush(stdout);
  while (true) {
    pollfd waiting{listener->get(), POLLIN, 0};
    (void)dm::retry([&] { return ::poll(&waiting, 1, -1); });
    auto came = dm::accept_from(listener->get());
    if (!came) continue;
    auto out = dm::connect_blocking(*master, 5000);
    if (!out) continue;
    dm::set_blocking(came->get(), true);
    auto pair = std::make_shared<Pair>();
    pair->ends[0] = std::move(*came);
    pair->ends[1] = std::move(*out);
    std::thread([pair] { run(pair, true); }).detach();
    std::thread([pair] { run(pair, false); }).detach();
  }
}
