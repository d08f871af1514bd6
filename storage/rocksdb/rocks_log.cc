#include "storage/rocksdb/rocks_log.h"

#include <rocksdb/env.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdarg>
#include <cstdio>

namespace sluice {
namespace {

class RocksLog final : public rocksdb::Logger {
 public:
  RocksLog() : Logger(rocksdb::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    Logv(rocksdb::INFO_LEVEL, format, arguments);
  }
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel()) return;
    std::array<char, 1024> text{};  // what is longer is cut
    std::vsnprintf(text.data(), text.size(), format, arguments);
    const bool failure = level >= rocksdb::ERROR_LEVEL && level != rocksdb::HEADER_LEVEL;
    spdlog::log(failure ? spdlog::level::warn : spdlog::level::debug, "rocksdb text=\"{}\"",
                text.data());
  }
};

}  // namespace

std::shared_ptr<rocksdb::Logger> rocks_log() {
  static const auto log = std::make_shared<RocksLog>();
  return log;
}

}  // namespace sluice
