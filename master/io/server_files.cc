// What the server keeps beside its journal, in files that helper threads read and write: the
// history, and the ends of logs.
#include "master/io/server.h"

namespace dm::master {

// Opened here, so that no cut comes between the asking and the reading. The rows are picked and
// printed in the thread: both take a while.
void Server::read_history(const ReadHistory& effect) {
  jobs_.run([this, effect, files = history_.open(effect.filter.from)]() -> Task {
    HistoryReader reader(effect.filter);
    HistoryRead read;
    read.unreadable = HistoryFiles::read(files, [&](std::string_view row) { reader.take(row); });
    read.request = effect.request;
    read.text = show_history(reader.rows(), effect.filter.json);
    read.rows = static_cast<std::int64_t>(reader.rows().size());
    read.cut_runs = effect.cut_runs;
    read.older = reader.older();
    read.damaged = reader.damaged();
    return [this, read = std::move(read)] { dispatch(read); };
  });
}

void Server::keep_history_small() {
  const std::int64_t from = cluster_->state().cuts.before;
  jobs_.run([this, from, files = history_, most = options_.history_max_bytes]() -> Task {
    const HistoryExcess excess = files.excess(from, most);
    if (excess.before == 0) return {};
    return [this, from, excess] {
      dispatch(HistoryCut{from, excess.before, excess.runs, excess.records, excess.bytes});
      // Something else was cut meanwhile: to be counted anew.
      if (cluster_->state().cuts.before < excess.before) keep_history_small();
    };
  });
}

void Server::drop_history(std::int64_t before) {
  jobs_.run([files = history_, before]() -> Task {
    files.remove_before(before);
    return {};
  });
}

// One at a time: of two tails of an instance the later one stays.
void Server::store_tail(const std::string& order, Tail tail) {
  tail_jobs_.run([this, order, files = tails_, tail = std::move(tail)]() -> Task {
    const auto size = files.save(tail);
    if (!size) return [this, order, why = size.error()] { dispatch(StreamEnded{order, why}); };
    return [this, order, stored = TailStored{tail.instance, tail.run, *size}] {
      dispatch(stored);
      dispatch(StreamEnded{order, std::nullopt});
    };
  });
}

// What cannot be stored is asked for again with the rest.
void Server::keep_tail(const Tail& tail) {
  tail_jobs_.run([this, files = tails_, tail]() -> Task {
    const auto size = files.save(tail);
    if (!size) return {};
    return [this, stored = TailStored{tail.instance, 0, *size}] { dispatch(stored); };
  });
}

void Server::read_tail(const ReadTail& effect) {
  tail_jobs_.run([this, files = tails_, effect]() -> Task {
    TailRead read{effect.request, effect.instance, files.read(effect.instance)};
    return [this, read = std::move(read)] { dispatch(read); };
  });
}

void Server::drop_tails(const std::vector<std::string>& instances) {
  tail_jobs_.run([files = tails_, instances]() -> Task {
    files.remove(instances);
    return {};
  });
}

}  // namespace dm::master
