// master/commands/operand_kind.h - what a word of a command stands for. Pure data: the command
// table says it, completion and checks read it.
#pragma once

namespace dm {

enum class OperandKind {
  kNone,  // as an option's value: the option is a flag
  kApp,
  kAppOrFile,  // a word with `/` is a file
  kInstance,
  kAppOrInstance,
  kTarget,  // an app, an instance, all
  kWorker,
  kWorkers,  // a comma list of workers, all
  kFile,
  kCommand,
  kAny,      // free text: nothing to offer
  kNameAny,  // an app, an instance, a worker
};

}  // namespace dm
