#include "worker/core/run_state.h"

namespace dm::worker {
namespace {

using enum RunState;
using A = RunAction;

// clang-format off
constexpr RunStep kTable[kRunStates][kRunEvents] = {
  // kStart                   kRetryDue                 kSpawned                   kSpawnFailed            kExited
  // kExitedLeft              kEmpty                    kStop                      kKill                   kStopTimeout             kDrainTimeout
  /* kDown */ {
    {kSpawning, A::kSpawn},   {kDown, A::kNothing},     {kKilling, A::kKillTree},  {kDown, A::kNothing},   {kDown, A::kNothing},
    {kKilling, A::kKillTree}, {kDown, A::kNothing},     {kDown, A::kAlreadyDown},  {kDown, A::kAlreadyDown}, {kDown, A::kNothing},  {kDown, A::kNothing}},
  /* kSpawning */ {
    {kSpawning, A::kNothing}, {kSpawning, A::kNothing}, {kUp, A::kReport},         {kDown, A::kFinish},    {kDown, A::kFinish},
    {kDraining, A::kTerminateTree}, {kSpawning, A::kNothing}, {kStopping, A::kInterrupt}, {kKilling, A::kKillTree}, {kSpawning, A::kNothing}, {kSpawning, A::kNothing}},
  /* kUp */ {
    {kUp, A::kNothing},       {kUp, A::kNothing},       {kUp, A::kReport},         {kUp, A::kNothing},     {kDown, A::kFinish},
    {kDraining, A::kTerminateTree}, {kUp, A::kNothing}, {kStopping, A::kInterrupt}, {kKilling, A::kKillTree}, {kUp, A::kNothing},   {kUp, A::kNothing}},
  /* kStopping */ {
    {kStopping, A::kNothing}, {kStopping, A::kNothing}, {kStopping, A::kReport},   {kDown, A::kFinish},    {kDown, A::kFinish},
    {kDraining, A::kTerminateTree}, {kStopping, A::kNothing}, {kStopping, A::kNothing}, {kKilling, A::kKillTree}, {kKilling, A::kKillTree}, {kStopping, A::kNothing}},
  /* kDraining */ {
    {kDraining, A::kNothing}, {kDraining, A::kNothing}, {kDraining, A::kNothing},  {kDraining, A::kNothing}, {kDraining, A::kNothing},
    {kDraining, A::kNothing}, {kDown, A::kFinish},      {kDraining, A::kNothing},  {kKilling, A::kKillTree}, {kKilling, A::kKillTree}, {kKilling, A::kKillTree}},
  /* kKilling */ {
    {kKilling, A::kNothing},  {kKilling, A::kNothing},  {kKilling, A::kReport},    {kDown, A::kFinish},    {kDown, A::kFinish},
    {kKilling, A::kKillTree}, {kDown, A::kFinish},      {kKilling, A::kNothing},   {kKilling, A::kNothing}, {kKilling, A::kNothing}, {kKilling, A::kNothing}},
  /* kBackoff */ {
    {kSpawning, A::kSpawn},   {kSpawning, A::kSpawn},   {kBackoff, A::kNothing},   {kBackoff, A::kNothing}, {kBackoff, A::kNothing},
    {kBackoff, A::kNothing},  {kBackoff, A::kNothing},  {kDown, A::kAlreadyDown},  {kDown, A::kAlreadyDown}, {kBackoff, A::kNothing}, {kBackoff, A::kNothing}},
};
constexpr std::string_view kStateWords[kRunStates] = {
  "dead", "starting", "running", "stopping", "stopping", "stopping", "backoff"};
// clang-format on

}  // namespace

RunStep step(RunState state, RunEvent event) {
  return kTable[static_cast<int>(state)][static_cast<int>(event)];
}

std::string_view word(RunState state) {
  return kStateWords[static_cast<int>(state)];
}

}  // namespace dm::worker
