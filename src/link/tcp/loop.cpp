#include "link/tcp/loop.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unistd.h>

#include "link/tcp/loop_impl.hpp"

namespace kith::link {
namespace {

class AsioAlarm final : public Loop::Alarm {
 public:
  AsioAlarm(asio::io_context& context, std::function<void()> ring)
      : timer_(context), ring_(std::make_shared<std::function<void()>>(std::move(ring))) {}
  ~AsioAlarm() override { timer_.cancel(); }

  void set(Instant when) override {
    timer_.expires_at(when);
    timer_.async_wait([ring = std::weak_ptr(ring_)](error_code ec) {
      auto const alive = ring.lock();
      if (!ec && alive) (*alive)();
    });
  }
  void cancel() override { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
  std::shared_ptr<std::function<void()>> ring_;  ///< gone with the alarm, whatever the loop still has queued
};

class AsioWatch final : public Loop::Watch {
 public:
  AsioWatch(asio::io_context& context, int descriptor, std::function<void()> readable)
      : descriptor_(context, ::dup(descriptor)),
        readable_(std::make_shared<std::function<void()>>(std::move(readable))) {
    wait();
  }

 private:
  void wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this, readable = std::weak_ptr(readable_)](error_code ec) {
                             auto const alive = readable.lock();
                             if (ec || !alive) return;
                             (*alive)();
                             if (readable.use_count() > 1) wait();  // the call may have destroyed the watch
                           });
  }
  asio::posix::stream_descriptor descriptor_;
  std::shared_ptr<std::function<void()>> readable_;
};

}  // namespace

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->context.restart();
  impl_->context.run();
}
void Loop::stop() { impl_->context.stop(); }
void Loop::post(std::function<void()> work) { asio::post(impl_->context, std::move(work)); }

std::unique_ptr<Loop::Alarm> Loop::make_alarm(std::function<void()> ring) {
  return std::make_unique<AsioAlarm>(impl_->context, std::move(ring));
}

std::unique_ptr<Loop::Watch> Loop::watch(int descriptor, std::function<void()> readable) {
  return std::make_unique<AsioWatch>(impl_->context, descriptor, std::move(readable));
}

}  // namespace kith::link
