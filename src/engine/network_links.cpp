#include "engine/network_machines.hpp"

/// Connections of a Network: accepting, dialling, and what runs over them.
namespace kith::engine {
namespace {

constexpr auto kOpeningTime = std::chrono::seconds{10};

}  // namespace

// Links of the exchange.

void Network::LinkMachine::on_bytes(ByteView bytes) {
  if (network_.exchange_) network_.check(network_.exchange_->on_bytes(id_, bytes, current_time()));
  network_.settle();
}

void Network::LinkMachine::on_closed() {
  if (network_.exchange_) network_.check(network_.exchange_->on_link_closed(id_, current_time()));
  network_.detach(id_);
  network_.settle();
}

bool Network::LinkMachine::poll_transmit(Bytes& out) {
  if (!network_.exchange_) return false;
  auto const polled = network_.exchange_->poll_transmit(id_, out, current_time());
  if (!polled) network_.fail_with(polled.error());
  return polled && *polled;
}

bool Network::LinkMachine::done() const { return !network_.exchange_ || network_.exchange_->link_done(id_); }

std::shared_ptr<link::StreamMachine> Network::attach(sync::LinkId id) {
  auto machine = std::make_shared<LinkMachine>(*this, id);
  machines_[id] = machine;
  return machine;
}

void Network::detach(sync::LinkId id) { machines_.erase(id); }

// Dialling.

void Network::dial(sync::Exchange::Dial dial) {
  auto const device = dial.device;
  link::dial(
      loop_, std::move(dial.addresses), kDialTime,
      [this, device](std::string const& address) -> std::shared_ptr<link::StreamMachine> {
        if (!exchange_ || stopping_) return nullptr;
        auto machine = attach(exchange_->dialled(device, address, current_time()));
        settle();
        return machine;
      },
      [this, device](Error const&) {
        if (!exchange_) return;
        exchange_->dial_failed(device, current_time());
        settle();
      });
}

void Network::dial_address(std::string const& address) {
  if (!dialling_.insert(address).second) return;
  link::dial(
      loop_, {address}, kDialTime,
      [this](std::string const& reached) -> std::shared_ptr<link::StreamMachine> {
        if (!exchange_ || stopping_) return nullptr;
        auto machine = attach(exchange_->dialled(std::nullopt, reached, current_time()));
        settle();
        return machine;
      },
      [this, address](Error const& error) {
        dialling_.erase(address);
        if (!instance_ || stopping_) return;
        auto const* system = std::get_if<SystemDetail>(&error.detail());
        DialRow row{current_time().wall.ms, error.name(), system == nullptr ? 0 : system->number};
        check(put_control(instance_->store(), row, bytes_of(address)));
        bell_->ring();
      });
}

// Accepting.

std::shared_ptr<link::StreamMachine> Network::accept(std::string const& remote) {
  if (!exchange_ || stopping_ || machines_.size() >= kMaxConnections) return nullptr;
  std::size_t strangers = 0;
  for (auto const& [host, count] : strangers_) strangers += is_relayed(host) ? 0 : count;  // those a relay counts
  auto const of_one = strangers_.find(host_of(remote));
  if (strangers >= kMaxStrangers || (of_one != strangers_.end() && of_one->second >= kMaxStrangersOfOne))
    return nullptr;
  return std::make_shared<OpeningMachine>(*this, remote);
}

Network::OpeningMachine::OpeningMachine(Network& network, std::string remote)
    : network_(network), remote_(std::move(remote)), deadline_(Clock::now() + kOpeningTime) {
  ++network_.strangers_[host_of(remote_)];
}

Network::OpeningMachine::~OpeningMachine() { is_known(); }

void Network::OpeningMachine::is_known() {
  if (!std::exchange(stranger_, false)) return;
  auto const count = network_.strangers_.find(host_of(remote_));
  if (--count->second == 0) network_.strangers_.erase(count);
}

void Network::OpeningMachine::on_bytes(ByteView bytes) {
  if (inner_) {
    inner_->on_bytes(bytes);
    bool const member = link_ && network_.exchange_ && network_.exchange_->link_open(*link_);
    if (member || (recovery_ && recovery_->proved())) is_known();
    return;
  }
  append(held_, bytes);
  auto const opening = wire::decode_opening(ByteView{held_}.first(std::min(held_.size(), wire::Opening::kBytes)));
  if (!opening) {
    refused_ = !opening.error().is(wire::WireError::truncated);
    return;
  }
  bool const pairing = opening->purpose == wire::Purpose::pairing;
  bool const recovery = opening->purpose == wire::Purpose::recovery;
  bool const unfit = opening->purpose == wire::Purpose::refusal || (is_relayed(remote_) && !pairing) ||
                     (pairing && !network_.may_pair(remote_)) || (recovery && !network_.may_show_words(remote_));
  if (!network_.exchange_ || unfit) {
    refused_ = true;
    return;
  }
  if (opening->purpose == wire::Purpose::session) {
    link_ = network_.exchange_->accepted(*opening, remote_, current_time());
    inner_ = network_.attach(*link_);
  } else if (recovery) {
    inner_ = recovery_ = std::make_shared<RecoveryMachine>(network_, *opening, remote_);
  } else {
    inner_ = std::make_shared<PairMachine>(network_, *opening, remote_);
  }
  inner_->wake = wake;
  if (held_.size() > wire::Opening::kBytes) inner_->on_bytes(ByteView{held_}.subspan(wire::Opening::kBytes));
  held_ = {};
}

void Network::OpeningMachine::on_closed() {
  if (!inner_) return;
  inner_->wake = [] {};
  inner_->on_closed();
}

void Network::OpeningMachine::on_timer() {
  if (inner_) return inner_->on_timer();
  refused_ = refused_ || Clock::now() >= deadline_;
}

bool Network::OpeningMachine::poll_transmit(Bytes& out) { return inner_ && inner_->poll_transmit(out); }

std::optional<Instant> Network::OpeningMachine::next_deadline() {
  return inner_ ? inner_->next_deadline() : std::optional(deadline_);
}

// Pairing.

Network::PairMachine::PairMachine(Network& network, wire::Opening const& opening, std::string from)
    : inviter(network.identity_, network.options_.device_name, *network.invites_, opening, network.instance_->random,
              current_time()),
      remote(std::move(from)),
      number(++network.last_pairing_),
      network_(network) {
  network_.pairings_.insert(this);
}

Network::PairMachine::~PairMachine() { network_.pairings_.erase(this); }

void Network::PairMachine::on_bytes(ByteView bytes) {
  inviter.on_bytes(bytes, current_time());
  work_events();
}

void Network::PairMachine::on_closed() {
  inviter.on_closed(current_time());
  work_events();
}

void Network::PairMachine::on_timer() {
  inviter.on_timer(current_time());
  work_events();
}

void Network::PairMachine::work_events() {
  while (auto const event = inviter.poll_event()) network_.check(network_.on_pair_event(*this, *event));
  if (auto const failure = network_.invites_->take_failure()) network_.fail_with(*failure);
  wake();
  network_.settle();
}

}  // namespace kith::engine
