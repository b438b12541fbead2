#pragma once

#include "support/at_a_relay.hpp"
#include "sync/away/away.hpp"

namespace kith::testing {

/// What a device's program has beside its mailboxes: views, chunks, and an exchange that nobody is connected to.
struct AwayHome final : sync::ChunkSource {
  explicit AwayHome(RelayDevice& its_device)
      : device(its_device),
        folders(device.store, device.replica.state()),
        chunks(device.store, files::chunk_key(device.replica.state().genesis().content_secret),
               [](FolderId const&) -> std::unique_ptr<files::FileSystem> { return nullptr; }),
        exchange(device.replica, device.store, *this, device.messages, folders, device.random) {}

  Result<std::optional<Bytes>> chunk(ChunkId const& id) override { return chunks.find(id); }
  bool fits(ChunkId const& id, ByteView plain) override { return files::chunk_id(chunks.key(), plain) == id; }

  /// Keeps a chunk. @return its name
  ChunkId keep(std::uint8_t fill, std::size_t size = 100) {
    Bytes plain(size);
    SeededRandom(fill).fill(plain);
    auto const id = files::chunk_id(chunks.key(), plain);
    auto transaction = must(store::Transaction::begin(device.store));
    must(chunks.put_blob(id, plain));
    must(transaction.commit());
    return id;
  }
  [[nodiscard]] std::vector<sync::Mailbox*> mailboxes() const {
    std::vector<sync::Mailbox*> all;
    for (auto const& [key, mailbox] : device.mailboxes) all.push_back(mailbox.get());
    return all;
  }
  void read_for_mailboxes() {
    for (auto* mailbox : mailboxes()) mailbox->set_chunk_reader([this](ChunkId const& id) { return chunk(id); });
  }

  RelayDevice& device;
  files::FolderView folders;
  files::ChunkStore chunks;
  sync::Exchange exchange;
};

}  // namespace kith::testing
