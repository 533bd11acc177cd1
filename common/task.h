// common/task.h - work that is handed on: a callable that can only be moved, so that it may own
// what it works on, a descriptor for instance. Never copied, never shared.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "common/check.h"

namespace dm {

template <typename Signature>
class Callable;

template <typename Answer, typename... Arguments>
class Callable<Answer(Arguments...)> {
 public:
  Callable() = default;
  Callable(std::nullptr_t) {}
  template <typename Function>
  requires(!std::is_same_v<std::decay_t<Function>, Callable> &&
           std::is_invocable_r_v<Answer, std::decay_t<Function>&, Arguments...>)
      Callable(Function&& function) {
    // A std::function that holds nothing makes a Callable that holds nothing.
    if constexpr (std::is_same_v<std::decay_t<Function>, std::function<Answer(Arguments...)>>)
      if (!function) return;
    held_ = std::make_unique<Held<std::decay_t<Function>>>(std::forward<Function>(function));
  }

  explicit operator bool() const { return held_ != nullptr; }
  // REQUIRES that it holds something.
  Answer operator()(Arguments... arguments) {
    DM_CHECK(static_cast<bool>(*this));
    return held_->call(std::forward<Arguments>(arguments)...);
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual Answer call(Arguments... arguments) = 0;
  };
  template <typename Function>
  struct Held : Base {
    explicit Held(Function held) : function(std::move(held)) {}
    Answer call(Arguments... arguments) override {
      return static_cast<Answer>(function(std::forward<Arguments>(arguments)...));
    }
    Function function;
  };

  std::unique_ptr<Base> held_;
};

// Something to be done in the loop's thread.
using Task = Callable<void()>;
// Something to be done in a helper thread; what it returns is done in the loop's.
using Work = Callable<Task()>;

}  // namespace dm
