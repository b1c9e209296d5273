// tiny-dnn's LeNet-5 on one thread, with its AVX kernels, measured as train_bench is. Its average
// pooling has coefficients of its own, as in the net of 1998; it trains with the same optimizer and
// batch.
#include <tiny_dnn/tiny_dnn.h>

#include <limits>
#include <random>
#include <utility>

#include "bench/nets.h"
#include "bench/windows.h"
#include "core/error.h"

namespace cairn::bench {
namespace {

namespace act = tiny_dnn::activation;

constexpr auto kAvx = tiny_dnn::core::backend_t::avx;

template <class Activation, class Pool>
tiny_dnn::network<tiny_dnn::sequential> lenet(Pool pool1, Pool pool2) {
  using tiny_dnn::convolutional_layer;
  using tiny_dnn::fully_connected_layer;
  constexpr auto kValid = tiny_dnn::padding::valid;
  tiny_dnn::network<tiny_dnn::sequential> net;
  net << convolutional_layer<Activation>(32, 32, 5, 1, 6, kValid, true, 1, 1, kAvx)
      << std::move(pool1)
      << convolutional_layer<Activation>(14, 14, 5, 6, 16, kValid, true, 1, 1, kAvx)
      << std::move(pool2) << fully_connected_layer<Activation>(400, 120, true, kAvx)
      << fully_connected_layer<Activation>(120, 84, true, kAvx)
      << fully_connected_layer<act::softmax>(84, 10, true, kAvx);
  return net;
}

tiny_dnn::network<tiny_dnn::sequential> make_net(const std::string& name) {
  using Average = tiny_dnn::average_pooling_layer<act::identity>;
  using Max = tiny_dnn::max_pooling_layer<act::identity>;
  if (name == "lenet5") return lenet<act::tan_h>(Average(28, 28, 6, 2), Average(10, 10, 16, 2));
  if (name == "lenet5relu")
    return lenet<act::relu>(Max(28, 28, 6, 2, kAvx), Max(10, 10, 16, 2, kAvx));
  fail_usage("this program has no net '" + name + "'", "choose lenet5 or lenet5relu");
}

void run(std::span<char* const> words) {
  Options options = parse(words);
  if (options.threads != 1) fail_usage("this program has one thread", "leave out --threads");
  const Net about = find_net(options.net);
  tiny_dnn::set_random_seed(1);
  tiny_dnn::network<tiny_dnn::sequential> net = make_net(options.net);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<tiny_dnn::vec_t> images(static_cast<size_t>(options.batch));
  std::vector<tiny_dnn::label_t> labels(images.size());
  for (tiny_dnn::vec_t& image : images)
    for (int i = 0; i < 32 * 32; ++i) image.push_back(normal(random));
  for (tiny_dnn::label_t& label : labels) label = random() % 10;
  tiny_dnn::momentum sgd;
  sgd.alpha = 0.01f;
  bool first = true;
  run_windows("tiny-dnn", options, about.train_flops(), [&](int64_t steps) {
    for (int64_t i = 0; i < steps; ++i, first = false)  // a batch copied and trained on once
      net.train<tiny_dnn::cross_entropy_multiclass>(
          sgd, images, labels, images.size(), 1, [] {}, [] {}, first, 1);
    return std::numeric_limits<double>::quiet_NaN();  // it doesn't tell
  });
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) { return cairn::bench::run_program(argc, argv, cairn::bench::run); }
