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

namespace dm::master {

using SessionId = std::uint64_t;  // one worker connection
using RequestId = std::uint64_t;  // one command of an operator

// Who gives a command, for the audit trail.
struct Asker {
  std::string who;   // user name or key name
  std::string from;  // "unix" or an address
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
struct ExpectStream {
  RequestId request = 0;
  std::string order, worker;
};  // bulk STREAM id=order
struct DropStream {
  std::string order;
};
struct CollectBlobs {};  // remove what Cluster::referenced_blobs() lacks
struct Say {
  std::string text;
};  // one line on standard error

using Effect = std::variant<Append, ToSession, CloseSession, Out, Note, Progress, Finish,
                            ExpectStream, DropStream, CollectBlobs, Say>;
using Effects = std::vector<Effect>;

// --- Events ---
struct SessionOpened {
  SessionId session = 0;
  std::string name, id, address;
};
struct SessionLine {
  SessionId session = 0;
  Line line;
};
struct SessionClosed {
  SessionId session = 0;
  std::string why;
};
// A peer that could not prove its key.
struct Refused {
  std::string address, name;
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
struct Tick {};  // a deadline of next_deadline() has come

using Event = std::variant<SessionOpened, SessionLine, SessionClosed, Refused, Command, Cancel,
                           StreamEnded, Tick>;

}  // namespace dm::master
