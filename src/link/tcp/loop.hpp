#pragma once

#include <functional>
#include <memory>

#include "base/time.hpp"

namespace kith::link {

/// One thread's event loop. Asio stays behind it, so that those who use it compile quickly.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(Loop const&) = delete;
  Loop& operator=(Loop const&) = delete;

  void run();                             ///< until stop(); may be run again
  void stop();                            ///< from any thread
  void post(std::function<void()> work);  ///< from any thread; runs on the loop's thread

  /// Calls back once at a time that can be moved; loop thread only.
  class Alarm {
   public:
    virtual ~Alarm() = default;
    virtual void set(Instant when) = 0;
    virtual void cancel() = 0;
  };
  [[nodiscard]] std::unique_ptr<Alarm> make_alarm(std::function<void()> ring);

  /// Calls back whenever a descriptor is readable, until destroyed. The descriptor stays the caller's.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  [[nodiscard]] std::unique_ptr<Watch> watch(int descriptor, std::function<void()> readable);

  struct Impl;  ///< an io_context, for the files that hold Asio
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace kith::link
