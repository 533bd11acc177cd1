#include "master/io/log_router.h"

namespace dm::master {

void LogRouter::expect(const ExpectStream& stream) {
  Route& route = routes_[stream.order];
  route.request = stream.request;
  route.weave = stream.weave;
  route.tail = stream.tail;
  if (!stream.weave) return;
  const Weave& weave = *stream.weave;
  Woven fresh{LogMerge({weave.stamps, weave.follows}, hub_.loop.now().mono_ms), {}, false, {}};
  Woven& woven = woven_.try_emplace(stream.request, std::move(fresh)).first->second;
  route.key = woven.merge.add(weave.prefix);
  woven.orders[route.key] = stream.order;
}

void LogRouter::drop(const std::string& order) {
  const auto node = routes_.extract(order);
  if (node.empty() || !node.mapped().weave) return;
  const auto woven = woven_.find(node.mapped().request);
  if (woven == woven_.end()) return;
  woven->second.merge.drop(node.mapped().key);
  woven->second.orders.erase(node.mapped().key);
  // The others may have waited for it. Later: this is an effect, what follows is an event.
  if (!woven->second.orders.empty())
    return hub_.loop.later([this, request = node.mapped().request] { pump(request); });
  hub_.loop.cancel(woven->second.timer);
  woven_.erase(woven);
}

bool LogRouter::bytes(const std::string& order, std::string_view bytes) {
  const auto found = routes_.find(order);
  if (found == routes_.end()) return true;
  const RequestId request = found->second.request;
  if (found->second.tail) return take_tail(*found->second.tail, bytes);
  if (!found->second.weave) return control_.out(request, bytes);
  const bool more =
      woven_.at(request).merge.feed(found->second.key, bytes, hub_.loop.now().mono_ms);
  pump(request);
  return more;
}

// Who sends more than was asked for is not read any further; its order is given up in time.
bool LogRouter::take_tail(Tail& tail, std::string_view bytes) {
  const std::size_t room = Tail::kMostBytes - tail.text.size();
  tail.text.append(bytes.substr(0, room));
  return bytes.size() <= room;
}

void LogRouter::note(const std::string& order, const std::string& text) {
  const auto found = routes_.find(order);
  if (found == routes_.end() || found->second.tail) return;
  const auto& weave = found->second.weave;
  control_.note(found->second.request, weave ? weave->name + ": " + text : text);
}

// Of many at once it would be no measure of anything.
void LogRouter::progress(const std::string& order, std::int64_t done, std::int64_t total) {
  const auto found = routes_.find(order);
  if (found == routes_.end() || found->second.weave || found->second.tail) return;
  control_.progress({found->second.request, "log", done, total});
}

void LogRouter::ended(const std::string& order, const std::optional<Error>& error) {
  const auto found = routes_.find(order);
  if (found == routes_.end()) return;
  if (!found->second.weave) {
    auto node = routes_.extract(found);
    if (node.mapped().tail && !error) return on_tail_(order, std::move(*node.mapped().tail));
    return hub_.dispatch(StreamEnded{order, error});
  }
  found->second.error = error;
  const RequestId request = found->second.request;
  woven_.at(request).merge.end(found->second.key, hub_.loop.now().mono_ms);
  pump(request);
}

void LogRouter::drained(RequestId request) {
  if (const auto woven = woven_.find(request); woven != woven_.end()) {
    woven->second.slow = false;
    return pump(request);
  }
  for (const auto& [order, route] : routes_)
    if (route.request == request) return resume_(order);
}

// What may go out does; then the streams that waited for it go on, and those that are through end.
void LogRouter::pump(RequestId request) {
  const auto found = woven_.find(request);
  if (found == woven_.end()) return;
  Woven& woven = found->second;
  pass_on(request, woven);
  for (const LogMerge::Key key : woven.merge.resumable()) {
    // Later: a stream that goes on at once would bring us here again.
    hub_.loop.later([this, order = woven.orders.at(key)] { resume_(order); });
  }
  std::vector<StreamEnded> through;
  for (const LogMerge::Key key : woven.merge.finished()) {
    const std::string order = woven.orders.extract(key).mapped();
    through.push_back({order, routes_.extract(order).mapped().error});
  }
  if (woven.orders.empty()) {
    hub_.loop.cancel(woven.timer);
    woven_.erase(found);
  }
  // Last: what the core makes of it may come back to us.
  for (const StreamEnded& ended : through) hub_.dispatch(ended);
}

void LogRouter::pass_on(RequestId request, Woven& woven) {
  const std::int64_t now = hub_.loop.now().mono_ms;
  while (!woven.slow) {
    const std::string text = woven.merge.take(now);
    if (text.empty()) break;
    woven.slow = !control_.out(request, text);
  }
  hub_.loop.cancel(woven.timer);
  const std::int64_t deadline = woven.slow ? INT64_MAX : woven.merge.deadline();
  if (deadline != INT64_MAX)
    woven.timer = hub_.loop.at(deadline, [this, request] { pump(request); });
}

}  // namespace dm::master
