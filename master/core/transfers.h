// master/core/transfers.h - versions on their way to workers: probe, install, and who waits for
// them. One version travels once to one worker, however many wait for it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "master/core/catalog.h"
#include "master/core/deletes.h"
#include "master/core/orders.h"
#include "master/core/requests.h"

namespace dm::master {

// Waits for an instance's files.
class TransferListener {
 public:
  virtual ~TransferListener() = default;
  virtual void files_arrived(const std::string& instance, const std::optional<Error>& error,
                             Now now) = 0;
};

class Transfers {
 public:
  Transfers(Recorder& recorder, Requests& requests, Orders& orders, Deletes& deletes,
            const Catalog& catalog, const State& state, Effects& out)
      : recorder_(recorder),
        requests_(requests),
        orders_(orders),
        deletes_(deletes),
        catalog_(catalog),
        state_(state),
        out_(out) {}
  void set_listener(TransferListener& listener) { listener_ = &listener; }

  // `copy` (0: none) and `launch` (an instance, empty: none) wait for it.
  void begin(const std::string& worker, const std::string& app, const std::string& version,
             RequestId copy, const std::string& launch, Now now);
  void settled_probe(const Order& order, const std::optional<Error>& error, Now now);
  void settled_install(const Order& order, const Line& answer, const std::optional<Error>& error,
                       Now now);
  // All the files of this order, in bytes.
  std::int64_t size_of(const Order& order) const;
  // How far the files of this order are, in bytes.
  void progress(const Order& order, std::int64_t done, std::int64_t total);

  // A worker, of those that are meant, to which a version of the app is on its way.
  std::optional<std::string> worker_awaiting(
      const std::string& app, const std::function<bool(const std::string&)>& is_meant) const;
  // May this worker fetch that blob now? Only those of an install that is under way for it.
  bool may_fetch(const std::string& worker, const std::string& sha256) const;

 private:
  struct Transfer {
    std::string worker, app, version;
    bool installing = false;
    std::vector<RequestId> copies;      // `copy` commands that want to hear of it
    std::vector<std::string> launches;  // instances that wait for it
  };

  void arrived_too_late(const std::string& key, Now now);
  void end(const std::string& key, const std::optional<Error>& error, const std::string& words,
           Now now);

  Recorder& recorder_;
  Requests& requests_;
  Orders& orders_;
  Deletes& deletes_;
  const Catalog& catalog_;
  const State& state_;
  Effects& out_;
  TransferListener* listener_ = nullptr;
  std::map<std::string, Transfer> transfers_;  // "worker version"
};

}  // namespace dm::master
