#include "samples.hpp"
#include "vectors.hpp"

namespace kith::vectors {
namespace {

Bytes encoding_of(wire::Opening const& opening) { return wire::encode(opening); }
Bytes encoding_of(wire::EntryHeader const& header) { return wire::encode_header(header); }
Bytes encoding_of(wire::EpochPrefix const& prefix) { return prefix.encoding(); }
Bytes encoding_of(wire::PairMessage const& message) { return wire::encode_pair_message(message); }
Bytes encoding_of(wire::Op const& op) {
  Bytes out;
  wire::encode_op(out, op);
  return out;
}
Bytes encoding_of(wire::Frame const& frame) {
  Bytes out;
  wire::encode_frame(out, frame);
  return out;
}
Bytes encoding_of(wire::RelayMessage const& message) {
  Bytes out;
  wire::encode_relay_message(out, message);
  return out;
}
template <wire::Record T>
Bytes encoding_of(T const& record) {
  return wire::encode(record);
}

class Listing {
 public:
  template <class T>
  void add(std::string_view type, std::string_view name, T const& value) {
    list_.push_back(
        {{"type", type}, {"name", name}, {"fields", testing::to_json(value)}, {"encoding", hex(encoding_of(value))}});
  }
  template <class T>
  void add(std::string_view type, samples::Samples<T> const& list) {
    for (auto const& sample : list) add(type, sample.name, sample.value);
  }
  [[nodiscard]] Json take() { return std::move(list_); }

 private:
  Json list_ = Json::array();
};

}  // namespace

Json wire_values() {
  Listing list;
  list.add("devcert", samples::devcerts());
  list.add("genesis", "of the laptop", samples::genesis());
  list.add("content", samples::contents());
  list.add("manifest_node", samples::nodes());
  list.add("opening", samples::openings());
  list.add("entry_header", samples::headers());
  list.add("epoch_prefix", samples::prefixes());
  list.add("entry_body", samples::bodies());
  list.add("handshake_payload", samples::handshakes());
  list.add("op", samples::ops());
  list.add("frame", samples::frames());
  list.add("pair_message", samples::pair_messages());
  list.add("pair_identity_box", "of the joiner", samples::identity_box());
  list.add("pair_offer_box", "one relay", samples::offer_box());
  list.add("pair_offer_box", "no relay", wire::PairOfferBox{samples::group(), "home", {}});
  list.add("pair_pseudonyms_box", "for one relay", samples::pseudonyms_box());
  list.add("pair_welcome_box", "two epochs", samples::welcome_box());
  list.add("pair_joined_box", "everything is stored", wire::PairJoinedBox{});
  list.add("relay_message", samples::relay_messages());
  list.add("acl_record", samples::acl_records());
  list.add("hello_proof", samples::hello_proofs());
  return {{"note",
           "One vector per kind of value that goes over the wire or into an entry: its fields, and its encoding in "
           "hexadecimal. Ids, keys and signatures are bytes that count up and fit nothing, but for devcerts, genesis "
           "and acl_records."},
          {"vectors", list.take()}};
}

}  // namespace kith::vectors
