#pragma once

#include <map>

#include "cli/home_client.hpp"
#include "cli/relay_standing.hpp"

namespace kith::cli {

/// One run of `kith verify`: reads the files, asks the others what they hold, and tells what came of it.
class Verifying {
 public:
  Verifying(Context& context, VerifyOptions const& options, engine::Client& client)
      : context_(context), options_(options), client_(client) {}
  /// @return the exit code
  [[nodiscard]] Result<int> run();

 private:
  [[nodiscard]] Result<> check_files();
  /// @return how many bytes were read
  [[nodiscard]] Result<std::uint64_t> check_folder(FolderId const& id, files::FolderRow const& row, std::uint64_t all,
                                                   std::uint64_t done);
  [[nodiscard]] Result<wire::Digest> own_digest();
  /// Asks until all who can be reached hold the same, or nothing moves any more: one wait for all of them.
  [[nodiscard]] Result<> compare();
  /// What the others hold, by their answers since the beginning.
  [[nodiscard]] Result<> look(std::int64_t begun_ms);
  /// What should be here and is not, who keeps those folders, and which are kept by nobody else.
  [[nodiscard]] Result<> find_lacking();
  [[nodiscard]] Result<> find_left_alone(FolderId const& id, std::string const& folder_name);
  [[nodiscard]] std::vector<std::string> differences(wire::Digest const& theirs) const;
  [[nodiscard]] Result<int> finish();
  /// What each relay holds. @return which of them show what the group did not make
  [[nodiscard]] Result<std::vector<std::string>> report_relays();
  [[nodiscard]] int report_faults(std::vector<std::string> const& faulty);
  [[nodiscard]] int report(std::vector<std::string> const& same, std::vector<std::string> const& unreached);

  /// What is known of the others at one moment.
  struct Picture {
    crypto::Hash256 own_heads;
    std::map<DeviceId, wire::Digest> answers;
    std::set<DeviceId> connected;
    std::set<FolderId> kept;                              ///< folders that one of those who answered keeps
    std::set<DeviceId> without_contents;                  ///< devices that have not got all contents yet
    std::map<DeviceId, std::vector<std::string>> behind;  ///< of each device, what is still to go or to come
    std::map<std::string, std::uint64_t> relays;          ///< that are connected, and how much each lacks
    friend bool operator==(Picture const&, Picture const&) = default;
  };
  Context& context_;
  VerifyOptions const& options_;
  engine::Client& client_;
  Json object_;
  wire::Digest own_;
  Picture now_;
  bool settled_ = false;                     ///< all who are connected hold the same, or leave the rest alone
  bool relays_settled_ = true;               ///< each relay holds this device's own entries, or cannot be reached
  std::map<FolderId, std::string> folders_;  ///< that were read here, and their names
  std::set<DeviceId> keeps_;                 ///< devices that keep all of them
  std::vector<std::string> still_;           ///< what is still to come or to go
  std::vector<std::string> not_kept_;
  std::vector<std::string> relays_whole_, relays_lacking_;  ///< that were reached: has all that this device has, or not
  bool by_relay_ = false;  ///< no device was met, and every relay that was reached agrees
};

}  // namespace kith::cli
