#include "storage/stream_settings.h"

namespace sluice {

std::string describe(const SettingFault& fault) {
  return fault.setting + " is " + fault.value + ": " + fault.why;
}

}  // namespace sluice
