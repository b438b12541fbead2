#pragma once

#include <map>
#include <memory>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/encoding.hpp"
#include "store/store.hpp"

namespace kith::store {

/// One step against a Store and against the model: plain maps of what was committed and of what the writer sees.
struct ModelStep {
  enum class Kind { begin, commit, rollback, crash, put, erase, clear, get, scan, scan_back, outside };
  Kind kind{};
  Table table{};
  bool other = false;  ///< reads: by the connection that never writes
  Bytes key, from, value;
  int stop_after = 0;

  friend std::ostream& operator<<(std::ostream& out, ModelStep const& step) {
    return out << "{kind " << static_cast<int>(step.kind) << " table " << table_name(step.table) << " other "
               << step.other << " key " << to_hex(step.key) << " from " << to_hex(step.from) << " value of "
               << step.value.size() << " stop after " << step.stop_after << "}";
  }
};

inline rc::Gen<ModelStep> any_step() {
  using Kind = ModelStep::Kind;
  // 85 keys, so that they meet, extend each other, end in 0xff and lie on both sides of the sign.
  auto const key =
      rc::gen::resize(3, rc::gen::container<Bytes>(rc::gen::element<std::uint8_t>(0x00, 0x7f, 0x80, 0xff)));
  auto const value =
      rc::gen::map(rc::gen::weightedElement<std::size_t>({{4, 0}, {20, 7}, {4, 900}, {2, 3000}, {1, 70000}}),
                   [](std::size_t size) { return Bytes(size, static_cast<std::uint8_t>(size >> 3)); });
  return rc::gen::build<ModelStep>(rc::gen::set(&ModelStep::kind, rc::gen::weightedElement<Kind>({{3, Kind::begin},
                                                                                                  {4, Kind::commit},
                                                                                                  {2, Kind::rollback},
                                                                                                  {1, Kind::crash},
                                                                                                  {16, Kind::put},
                                                                                                  {5, Kind::erase},
                                                                                                  {1, Kind::clear},
                                                                                                  {6, Kind::get},
                                                                                                  {6, Kind::scan},
                                                                                                  {6, Kind::scan_back},
                                                                                                  {2, Kind::outside}})),
                                   rc::gen::set(&ModelStep::table, rc::gen::element(Table::entries, Table::sealed)),
                                   rc::gen::set(&ModelStep::other, rc::gen::arbitrary<bool>()),
                                   rc::gen::set(&ModelStep::key, key), rc::gen::set(&ModelStep::from, key),
                                   rc::gen::set(&ModelStep::value, value),
                                   rc::gen::set(&ModelStep::stop_after, rc::gen::inRange(1, 40)));
}

/// Runs steps on a Harness (see store_contract_test.hpp) and compares whatever is read with the model.
template <class Harness>
class ModelRun {
 public:
  using Rows = std::map<Bytes, Bytes>;
  using Tables = std::map<Table, Rows>;

  void run(ModelStep const& step) {
    using Kind = ModelStep::Kind;
    switch (step.kind) {
      case Kind::begin:
      case Kind::put:
      case Kind::erase:
      case Kind::clear: return write(step);
      case Kind::commit:
        if (!writer_->in_transaction()) return;
        RC_ASSERT(writer_->commit().has_value());
        committed_ = current_;
        return;
      case Kind::rollback:
        writer_->rollback();
        current_ = committed_;
        return;
      case Kind::crash:
        harness_.crash();
        connect();
        current_ = seen_ = committed_;
        return;
      case Kind::get: {
        auto const value = reader(step).get(step.table, step.key);
        RC_ASSERT(value.has_value());
        auto const& rows = expected(step)[step.table];
        auto const found = rows.find(step.key);
        RC_ASSERT(*value == (found == rows.end() ? std::nullopt : std::optional(found->second)));
        return;
      }
      case Kind::scan:
      case Kind::scan_back: return compare_scans(step);
      case Kind::outside: return compare_changes();
    }
  }

  /// Whatever happened: a fresh connection finds exactly the last commit.
  void finish() {
    connect();
    for (auto const table : {Table::entries, Table::sealed}) {
      Rows found;
      RC_ASSERT(writer_
                    ->scan(table, {}, {},
                           [&](ByteView key, ByteView value) {
                             found.emplace(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
                             return Store::Next::go_on;
                           })
                    .has_value());
      RC_ASSERT(found == committed_[table]);
    }
  }

 private:
  void connect() {
    writer_.reset();
    writer_ = harness_.connect();
    other_ = harness_.connect();
    writer_changes_ = writer_->outside_changes().value();
    other_changes_ = other_->outside_changes().value();
  }

  void write(ModelStep const& step) {
    if (!writer_->in_transaction()) RC_ASSERT(writer_->begin().has_value());
    if (step.kind == ModelStep::Kind::put) {
      RC_ASSERT(writer_->put(step.table, step.key, step.value).has_value());
      current_[step.table][step.key] = step.value;
    } else if (step.kind == ModelStep::Kind::erase) {
      RC_ASSERT(writer_->erase(step.table, step.key).has_value());
      current_[step.table].erase(step.key);
    } else if (step.kind == ModelStep::Kind::clear) {
      RC_ASSERT(writer_->clear(step.table).has_value());
      current_[step.table].clear();
    }
  }

  void compare_scans(ModelStep const& step) {
    auto const back = step.kind == ModelStep::Kind::scan_back;
    std::vector<std::pair<Bytes, Bytes>> found;
    auto const visit = [&](ByteView key, ByteView value) {
      found.emplace_back(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
      return static_cast<int>(found.size()) == step.stop_after ? Store::Next::stop : Store::Next::go_on;
    };
    auto& store = reader(step);
    RC_ASSERT((back ? store.scan_back(step.table, step.key, step.from, visit)
                    : store.scan(step.table, step.key, step.from, visit))
                  .has_value());

    std::vector<std::pair<Bytes, Bytes>> due;
    for (auto const& [key, value] : expected(step)[step.table]) {
      auto const has_prefix =
          key.size() >= step.key.size() && std::equal(step.key.begin(), step.key.end(), key.begin());
      auto const in_range = back ? step.from.empty() || key <= step.from : key >= step.from;
      if (has_prefix && in_range) due.emplace_back(key, value);
    }
    if (back) std::reverse(due.begin(), due.end());
    if (due.size() > static_cast<std::size_t>(step.stop_after)) due.resize(static_cast<std::size_t>(step.stop_after));
    RC_ASSERT(found == due);
  }

  void compare_changes() {
    RC_ASSERT(writer_->outside_changes().value() == writer_changes_);
    auto const now = other_->outside_changes().value();
    if (committed_ != seen_) RC_ASSERT(now != other_changes_);
    other_changes_ = now;
    seen_ = committed_;
  }

  Store& reader(ModelStep const& step) { return step.other ? *other_ : *writer_; }
  Tables& expected(ModelStep const& step) { return step.other ? committed_ : current_; }

  Harness harness_;
  std::unique_ptr<Store> writer_ = harness_.connect(), other_ = harness_.connect();
  std::uint64_t writer_changes_ = writer_->outside_changes().value();
  std::uint64_t other_changes_ = other_->outside_changes().value();
  Tables committed_{{Table::entries, {}}, {Table::sealed, {}}};
  Tables current_ = committed_;
  Tables seen_ = committed_;  // what was committed when `other_` last asked for changes
};

template <class Harness>
class StoreModel : public testing::Test {};
TYPED_TEST_SUITE_P(StoreModel);

TYPED_TEST_P(StoreModel, DoesWhatAMapDoes) {
  EXPECT_TRUE(rc::check([] {
    auto const steps = *rc::gen::scale(TypeParam::kModelScale, rc::gen::container<std::vector<ModelStep>>(any_step()));
    ModelRun<TypeParam> run;
    for (auto const& step : steps) run.run(step);
    run.finish();
  }));
}

REGISTER_TYPED_TEST_SUITE_P(StoreModel, DoesWhatAMapDoes);

}  // namespace kith::store
