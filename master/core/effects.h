// master/core/effects.h - what the cluster's core hears of and what it asks for. Pure data.
//
// The I/O performs the effects of one event in their order. An Append is durable before any
// effect behind it is performed: before a worker sees it, and before OK goes out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/codec.h"
#include "common/manifest.h"
#include "common/result.h"
#include "master/commands/invocation.h"
#include "master/logs/run_history.h"
#include "master/logs/tail.h"
#include "master/observed/ids.h"

namespace dm::master {

// Who gives a command, for the audit trail.
struct Asker {
  std::string who;           // user name or key name
  std::string from;          // "unix" or an address
  Role role = Role::kAdmin;  // a viewer is shown no secrets
};

// --- Effects ---
struct Append {
  Line record;
  bool lazy = false;  // need only outlive the process: written, not waited for
};
struct ToSession {
  SessionId session = 0;
  Line line;
};
struct CloseSession {
  SessionId session = 0;
  std::string why;
};
struct Out {
  RequestId request = 0;
  std::string text;
};  // standard output, as it is
struct Note {
  RequestId request = 0;
  std::string text;
};  // standard error, one line
struct Progress {
  RequestId request = 0;
  std::string what;
  std::int64_t done = 0, total = 0;
};
struct Finish {
  RequestId request = 0;
  std::optional<Error> error;
};
// How a log is woven into one text with others (log_merge.h).
struct Weave {
  std::string name;    // the instance's
  std::string prefix;  // before each of its lines
  bool stamps = false, follows = false;
};
struct ExpectStream {
  RequestId request = 0;
  std::string order, worker;
  std::optional<Weave> weave;  // absent: the bytes go out as they come
  std::optional<Tail> tail;    // nobody reads it: to be filled and stored; answered by TailStored
};                             // bulk STREAM id=order
struct StreamDue {
  std::string order;
};  // all of it was sent: if it has not begun soon, it was cut
struct DropStream {
  std::string order;
};
struct KeysChanged {};   // who was let in by a key that no longer holds is to go
struct CollectBlobs {};  // remove what Cluster::referenced_blobs() lacks
struct ReadHistory {
  RequestId request = 0;
  HistoryFilter filter;
  std::int64_t cut_runs = 0;  // so far
};                            // answered by HistoryRead
struct DropHistory {
  std::int64_t before = 0;
};  // the segments that begin before that record
struct ReadTail {
  RequestId request = 0;
  std::string instance;
};  // answered by TailRead
struct KeepTail {
  Tail tail;
};  // answered by TailStored, if it could be stored
struct DropTails {
  std::vector<std::string> instances;
};
struct Say {
  std::string text;
};  // one line on standard error

using Effect = std::variant<Append, ToSession, CloseSession, Out, Note, Progress, Finish,
                            ExpectStream, StreamDue, DropStream, KeysChanged, CollectBlobs,
                            ReadHistory, DropHistory, ReadTail, KeepTail, DropTails, Say>;
using Effects = std::vector<Effect>;

// --- Events ---
struct SessionOpened {
  SessionId session = 0;
  std::string name, id, address;
  std::string boot = {};          // of its machine; empty: it does not say
  bool has_key = false;           // it has proved one of that name
  bool is_identified = false;     // it has proved the secret that State has for its id
  std::string identity_pad = {};  // with a key: what hides the secret if asked for, in hex
};
struct SessionLine {
  SessionId session = 0;
  Line line;
};
struct SessionClosed {
  SessionId session = 0;
  std::string why;
};
// The keys that seal this master's epoch (common/epoch_seal.h), at the start and after each change.
struct EpochKeys {
  std::vector<std::string> keys;
};
// A peer that could not prove its key in time, asked for too much, or does not read.
struct TurnedAway {
  std::string address, name;  // the name is what it said, proven or not
  std::string why;
};
// Files that were read and stored as blobs for a command that names some.
struct PackageInfo {
  std::string version;  // the SHA-256 of the manifest
  Manifest manifest;
  std::vector<std::string> taken_along;
};
struct Command {
  RequestId request = 0;
  Invocation invocation;
  Asker asker;
  std::optional<PackageInfo> package;
};
struct Cancel {
  RequestId request = 0;
};  // nobody waits any more; the work goes on
struct StreamEnded {
  std::string order;
  std::optional<Error> error;
};
// What `history` prints; made where it was read, since it may be long.
struct HistoryRead {
  RequestId request = 0;
  std::string text;
  std::int64_t rows = 0;
  std::int64_t cut_runs = 0;    // when it was asked for
  std::int64_t older = 0;       // rows that were too many for one answer
  std::int64_t damaged = 0;     // lines that are no records
  std::int64_t unreadable = 0;  // files
};
// More of the audit trail is kept than there is room for: this goes.
struct HistoryCut {
  std::int64_t from = 0, before = 0;  // numbers of records
  std::int64_t runs = 0, records = 0, bytes = 0;
};
// The end of a log was put away, or found at the start.
struct TailStored {
  std::string instance;
  std::int64_t run = 0;    // 0: a part of it, the whole is still wanted
  std::int64_t bytes = 0;  // of the file
};
struct TailRead {
  RequestId request = 0;
  std::string instance;
  std::optional<Tail> tail;  // absent: there is none that is whole
};
struct Tick {};  // a deadline of next_deadline() has come

using Event =
    std::variant<SessionOpened, SessionLine, SessionClosed, EpochKeys, TurnedAway, Command, Cancel,
                 StreamEnded, HistoryRead, HistoryCut, TailStored, TailRead, Tick>;

}  // namespace dm::master
