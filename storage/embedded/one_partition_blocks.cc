#include "storage/embedded/one_partition_blocks.h"

#include <rocksdb/slice.h>

#include <string>
#include <string_view>

#include "storage/embedded/embedded_format.h"

namespace sluice::embedded {
namespace {

class Policy final : public rocksdb::FlushBlockPolicy {
 public:
  explicit Policy(std::unique_ptr<rocksdb::FlushBlockPolicy> by_size)
      : by_size_(std::move(by_size)) {}

  bool Update(const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    const std::string_view partition = key.ToStringView().substr(0, kPartitionPrefixSize);
    const bool another = !partition_.empty() && partition != partition_;
    partition_ = partition;
    // It is asked in any case: it keeps account.
    return by_size_->Update(key, value) || another;
  }

 private:
  const std::unique_ptr<rocksdb::FlushBlockPolicy> by_size_;
  std::string partition_;
};

class Factory final : public rocksdb::FlushBlockPolicyFactory {
 public:
  [[nodiscard]] const char* Name() const override { return "sluice.one_partition_blocks"; }
  rocksdb::FlushBlockPolicy* NewFlushBlockPolicy(
      const rocksdb::BlockBasedTableOptions& options,
      const rocksdb::BlockBuilder& block) const override {
    std::unique_ptr<rocksdb::FlushBlockPolicy> by_size(
        rocksdb::FlushBlockBySizePolicyFactory::NewFlushBlockPolicy(
            options.block_size, options.block_size_deviation, block));
    return std::make_unique<Policy>(std::move(by_size)).release();
  }
};

}  // namespace

std::shared_ptr<rocksdb::FlushBlockPolicyFactory> one_partition_blocks() {
  return std::make_shared<Factory>();
}

}  // namespace sluice::embedded
