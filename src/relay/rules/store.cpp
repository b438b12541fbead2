#include "relay/rules/store.hpp"

namespace kith::relay {
namespace {

struct OnlyReads {
  bool operator()(PutAcl const&) const { return false; }
  bool operator()(OpenMember const&) const { return false; }
  bool operator()(PushItems const&) const { return false; }
  bool operator()(PullItems const&) const { return true; }
  bool operator()(AckItems const&) const { return false; }
  bool operator()(PutPresence const&) const { return false; }
  bool operator()(DropItems const&) const { return false; }
  bool operator()(ReadAcl const&) const { return true; }
  bool operator()(PutRecovery const&) const { return false; }
  bool operator()(ReadRecovery const&) const { return true; }
  bool operator()(PutObject const&) const { return false; }
  bool operator()(ReadObject const&) const { return true; }
  bool operator()(FindObjects const&) const { return true; }
  bool operator()(DropObjects const&) const { return false; }
  bool operator()(Sweep const&) const { return false; }
  bool operator()(RemoveGroup const&) const { return false; }
  bool operator()(ListGroups const&) const { return true; }
  bool operator()(Probe const&) const { return false; }
};

}  // namespace

bool only_reads(StoreTask const& task) { return std::visit(OnlyReads{}, task); }

}  // namespace kith::relay
