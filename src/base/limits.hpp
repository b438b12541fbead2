#pragma once

#include <cstddef>

namespace kith {

/// What a stranger, a peer or a disk may ask of us. Decoders check these before they allocate.
struct Limits {
  std::size_t max_frame_bytes = 96 * 1024;            ///< one frame between devices, payload and type
  std::size_t max_noise_message_bytes = 65535;        ///< Noise specification, section 3
  std::size_t max_sealed_entry_bytes = 80 * 1024;     ///< a sealed entry with any prefix
  std::size_t max_entry_plaintext_bytes = 64 * 1024;  ///< padded
  std::size_t max_ops_bytes = 1024 * 1024;            ///< an entry's ops after LZ4
  std::size_t max_roster_ops = 64;                    ///< in one entry: all of them are weighed again with each change
  std::size_t max_entry_secrets = 512;                ///< epoch secrets in one entry, over all its ops
  std::size_t max_doubtful_secrets = 1024;  ///< unused ones held, beyond which those who are not members yet add none
  std::size_t max_taught_secrets = 1024;  ///< unused ones held of one member's; others of its are looked up when needed
  std::size_t max_newcomer_secrets = 8192;  ///< kept of waiting entries by a device that is not in its roster yet
  std::size_t max_hello_epochs = 2048;      ///< held against the tags of a stranger's hello
  std::size_t max_depth = 16;               ///< nested MessagePack arrays
  std::size_t max_tips = 512;               ///< in one list of a frame or entry: two lists fit into a PRESENCE
  /// Logs and branches of them, in the heads, that a home holds: what a past has room for.
  std::size_t max_chains = 65536;
  std::size_t max_author_branches = 2048;              ///< of its author's logs, in the past of one entry and with it
  std::size_t max_apart_chains = 256;                  ///< of one author, that one which begins another need not know
  std::size_t max_parents = 4096;                      ///< versions that one version replaces
  std::size_t max_secrets = 4096;                      ///< epoch secrets in one op or pairing box
  std::size_t max_recipients = 254;                    ///< wraps in one epoch prefix, besides the recovery key's
  std::size_t max_name_bytes = 255;                    ///< device, group, folder and topic names
  std::size_t max_path_bytes = 4096;                   ///< a whole relative path
  std::size_t max_path_part_bytes = 255;               ///< one part of it
  std::size_t max_inline_message_bytes = 32 * 1024;    ///< content carried inside the entry
  std::size_t max_message_bytes = 16 * 1024 * 1024;    ///< content of one message in all
  std::size_t max_inline_refs = 64;                    ///< chunk references inside a file_set
  std::size_t max_manifest_refs = 256;                 ///< references in one manifest node
  std::size_t max_chunk_bytes = 512 * 1024;            ///< plain bytes of one chunk
  std::size_t max_chunk_frame_bytes = 60 * 1024;       ///< bytes of a chunk in one FILE_CHUNK
  std::size_t max_chunk_wants = 1024;                  ///< ids in one CHUNK_WANT
  std::size_t max_wants = 256;                         ///< ranges in one WANT
  std::size_t max_addresses = 8;                       ///< dial addresses in a presence or a pairing box
  std::size_t max_contacts = 64;                       ///< other devices whose addresses a presence carries
  std::size_t max_folders = 256;                       ///< folders that one device keeps
  std::size_t max_pairing_box_bytes = 4096;            ///< one pairing message
  std::size_t max_unopened_bytes = 64 * 1024 * 1024;   ///< items of epochs not yet known; likewise entries that wait
  std::size_t max_set_aside_bytes = 64 * 1024 * 1024;  ///< entries of removed devices that do not count
  std::size_t max_preauth_bytes = 16 * 1024;           ///< what an unauthenticated connection may make us hold
};

inline constexpr Limits kLimits{};

}  // namespace kith
