#include "apps/support.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/simd.h"
#include "core/thread_pool.h"
#include "data/cache.h"

namespace cairn {

DataSplits load_data_or_advise(const std::string& name_or_dir, int64_t classes, uint64_t seed,
                               bool streamed) {
  const CatalogEntry* entry = find_catalog_entry(name_or_dir);
  if (entry && !is_fetched(*entry))
    fail(fmt::format("the data set '{}' isn't on this machine yet", entry->name),
         fmt::format("fetch it: {}\n"
                     "or use the digits that are part of the program: --data digits",
                     how_to_get(*entry)));
  DataSplits splits = load_data(name_or_dir, classes, seed, streamed);
  if (!splits.note.empty()) fmt::print(stderr, "{}\n", splits.note);
  return splits;
}

std::unique_ptr<Device> open_and_tell(const DeviceChoice& choice) {
  pin_simd_target(choice.simd);
  if (choice.conv) check_conv(*choice.conv);
  if (choice.batch_norm) check_batch_norm(*choice.batch_norm);
  std::string note;
  std::unique_ptr<Device> device =
      open_device(choice.device, static_cast<int>(choice.threads), &note);
  if (!note.empty()) note = fmt::format("  [{}]", note);
  fmt::print(stderr, "device: {}{}\n", device->description(), note);
  note = device->set_conv(chosen_conv(choice.conv, choice.batch_norm, choice.run_conv,
                                      device->kind() == DeviceKind::cuda));
  if (!note.empty()) fmt::print(stderr, "{}\n", note);
  return device;
}

std::string device_name(const Device& device) {
  const std::string text = device.description();
  return text.substr(0, text.find(" ("));
}

int device_threads(Device& device) {
  const ThreadPool* pool = device.pool();
  return pool ? pool->threads() : 1;
}

std::string percent(double fraction) { return fmt::format("{:.2f}%", 100 * fraction); }

}  // namespace cairn
