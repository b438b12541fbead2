#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "link/tcp/loop_impl.hpp"

/// What the coroutines of this module are written in.
namespace kith::link {

using asio::awaitable;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, asio::io_context::executor_type>;
inline constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

}  // namespace kith::link
