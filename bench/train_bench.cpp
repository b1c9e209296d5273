// Training speed of Cairn: whole steps on random images in memory. Options and answer are those of
// the peers' programs (bench/peers, bench/windows.h).
#include <fmt/core.h>

#include "bench/nets.h"
#include "bench/windows.h"
#include "core/random.h"
#include "train/trainer.h"

namespace cairn::bench {
namespace {

constexpr int64_t kBatches = 8;
constexpr int64_t kDrainSteps = 256;

Dataset random_images(const Shape& image, int64_t count) {
  Dataset data{"random images", image, 10, {}, {}};
  data.images.resize(static_cast<size_t>(count * data.image.elements()));
  data.labels.resize(static_cast<size_t>(count));
  const PhiloxKey pixels = philox_key(1, "images"), labels = philox_key(1, "labels");
  for (size_t i = 0; i < data.images.size(); ++i)
    data.images[i] = static_cast<uint8_t>(random_word(pixels, 0, i) >> 24);
  for (size_t i = 0; i < data.labels.size(); ++i)
    data.labels[i] = static_cast<uint8_t>(random_word(labels, 0, i) % 10);
  return data;
}

void run(std::span<char* const> words) {
  const Options options = parse(words);
  const Net net = find_net(options.net);
  const Dataset data =
      random_images(net.image, checked_mul(kBatches, options.batch, "random images"));
  const Network network(find_model(net.model), net.options, data, pixel_statistics(data));
  const auto device = open_device(options.device, static_cast<int>(options.threads));
  const std::string note = device->set_conv({options.conv});
  if (!note.empty()) fmt::print(stderr, "{}\n", note);
  Trainer trainer(network, *device, data,
                  {.batch = options.batch,
                   .lr = 0.01,
                   .momentum = 0.9,
                   .schedule = "constant",
                   .precision = options.precision});
  run_windows("cairn", options, net.train_flops(), [&](int64_t steps) {
    double loss = 0;
    for (int64_t i = 1; i <= steps; ++i) {
      trainer.step();
      if (i % kDrainSteps == 0 || i == steps) loss = trainer.drain().back().loss;
    }
    return loss;
  });
  if (trainer.launches() > 0) fmt::print("launches_a_step={}\n", trainer.launches());
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) { return cairn::bench::run_program(argc, argv, cairn::bench::run); }
