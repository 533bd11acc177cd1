#include "master/core/lookup.h"

#include <algorithm>
#include <set>

#include "common/names.h"
#include "common/shell_words.h"

namespace dm::master {

Error Lookup::no_such(std::string_view what, const std::string& name) const {
  if (const auto having = workers_with_unrecorded(name); !having.empty())
    return fail(Code::kNotFound,
                name + " on " + fold_names(having) + " is foreign: no record of this master " +
                    "speaks of it, and it is left alone until 'stop' or 'kill' names it");
  const auto parsed = parse_instance_name(name);
  const auto its_app = parsed ? state_.apps.find(parsed->app) : state_.apps.end();
  if (its_app != state_.apps.end() && parsed->number < its_app->second.next_number)
    return fail(Code::kNotFound,
                name + " is gone; 'history " + name + "' says what is known of its runs");
  std::vector<std::string_view> known;
  if (what.ends_with("worker"))
    for (const auto& [worker, info] : state_.workers) known.push_back(worker);
  if (what != "worker") {
    for (const auto& [app, info] : state_.apps)
      if (!info.current.empty() && app != name) known.push_back(app);
    for (const auto& [instance, placement] : state_.instances) known.push_back(instance);
  }
  const auto near = nearest(name, known);
  return fail(Code::kNotFound, "no " + std::string(what) + " named " + quote_word(name) +
                                   (near ? "; did you mean " + *near + "?" : ""));
}

Result<std::vector<std::string>> Lookup::targets(const std::vector<std::string>& words) const {
  std::vector<std::string> names;
  std::set<std::string> taken;
  const auto add = [&](const std::string& name) {
    if (taken.insert(name).second) names.push_back(name);
  };
  for (const std::string& word : words) {
    const std::string app = word.starts_with("app/") ? word.substr(4) : word;
    if (word == "all") {
      for (const auto& [name, known] : state_.apps)
        for (const std::string& instance : state_.instances_of(name)) add(instance);
    } else if (state_.instances.contains(word)) {
      add(word);
    } else if (state_.apps.contains(app) &&
               (!state_.apps.at(app).current.empty() || !state_.instances_of(app).empty())) {
      for (const std::string& instance : state_.instances_of(app)) add(instance);
    } else {
      return no_such("app or instance", word);
    }
  }
  return names;
}

Result<std::vector<std::string>> Lookup::listing(const Invocation& invocation) const {
  if (invocation.operands.empty()) return targets({"all"});
  const std::string& word = invocation.operands.front();
  const bool says_worker = word.starts_with("worker/");
  const std::string worker = says_worker ? word.substr(7) : word;
  const auto meant = targets({word});
  if (!state_.knows_worker(worker) || word == "all")
    return says_worker ? Result<std::vector<std::string>>(no_such("worker", worker))
           : meant     ? meant
                       : no_such("app, instance or worker", word);
  if (meant && !says_worker)
    return fail(Code::kBadArg,
                word + " is both an app and a worker: say app/" + word + " or worker/" + word);
  std::vector<std::string> names;
  for (const auto& [app, known] : state_.apps)
    for (const std::string& name : state_.instances_of(app))
      if (state_.instances.at(name).worker == worker) names.push_back(name);
  return names;
}

Result<std::vector<std::string>> Lookup::workers(const std::string& spec) const {
  const auto tokens = expand_workers(spec);
  if (!tokens) return tokens.error();
  std::vector<std::string> names;
  std::set<std::string> taken;
  const auto add = [&](const std::string& name) {
    if (taken.insert(name).second) names.push_back(name);
  };
  for (const std::string& token : *tokens) {
    if (token == "all" || token.find('=') != std::string::npos) {
      for (const auto& [name, view] : facts_.roster.all()) {
        if (!state_.knows_worker(name)) continue;
        const auto& labels = view.labels;
        if (token == "all" || std::find(labels.begin(), labels.end(), token) != labels.end())
          add(name);
      }
      if (names.empty()) return fail(Code::kNotFound, "no worker has the label " + token);
    } else if (state_.knows_worker(token)) {
      add(token);
    } else {
      return no_such("worker", token);
    }
  }
  return names;
}

std::vector<std::string> Lookup::workers_with_unrecorded(const std::string& name) const {
  std::vector<std::string> having;
  if (state_.instances.contains(name)) return having;  // ours is meant
  for (const auto& [worker, view] : facts_.roster.all())
    if (view.foreign.contains(name)) having.push_back(worker);
  return having;
}

}  // namespace dm::master
