// libtorch, PyTorch's C++ interface, on the nets of train_bench: the same layers, optimizer, random
// images and way of measuring. --device is ignored: it runs on the CPU.
#include <torch/torch.h>

#include "bench/nets.h"
#include "bench/windows.h"
#include "core/error.h"

extern "C" void openblas_set_num_threads(int count) __attribute__((weak));

namespace cairn::bench {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

constexpr int64_t kBatches = 8;

nn::Sequential lenet5() {
  return nn::Sequential(nn::Conv2d(1, 6, 5), nn::Tanh(), nn::AvgPool2d(2), nn::Conv2d(6, 16, 5),
                        nn::Tanh(), nn::AvgPool2d(2), nn::Flatten(), nn::Linear(400, 120),
                        nn::Tanh(), nn::Linear(120, 84), nn::Tanh(), nn::Linear(84, 10));
}

nn::Sequential lenet5relu() {
  return nn::Sequential(nn::Conv2d(1, 6, 5), nn::ReLU(), nn::MaxPool2d(2), nn::Conv2d(6, 16, 5),
                        nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(400, 120),
                        nn::ReLU(), nn::Linear(120, 84), nn::ReLU(), nn::Linear(84, 10));
}

nn::Sequential sigmoid_mlp(const std::vector<int64_t>& hidden) {
  nn::Sequential net;
  int64_t in = 784;
  for (const int64_t width : hidden) {
    net->push_back(nn::Linear(in, width));
    net->push_back(nn::Sigmoid());
    in = width;
  }
  net->push_back(nn::Linear(in, 10));
  return net;
}

nn::Sequential make_net(const std::string& name) {
  if (name == "lenet5") return lenet5();
  if (name == "lenet5relu") return lenet5relu();
  if (name == "mlp50") return sigmoid_mlp(std::vector<int64_t>(50, 256));
  if (name == "mlpwide") return sigmoid_mlp({2500, 1500, 500});
  fail_usage("this program has no net '" + name + "'");
}

void run(std::span<char* const> words) {
  const Options options = parse(words);
  const double train_flops = find_net(options.net).train_flops();
  at::set_num_threads(static_cast<int>(options.threads));
  if (openblas_set_num_threads) openblas_set_num_threads(static_cast<int>(options.threads));
  torch::manual_seed(1);
  nn::Sequential net = make_net(options.net);
  const bool images = options.net.starts_with("lenet");
  std::vector<torch::Tensor> x, labels;
  for (int64_t i = 0; i < kBatches; ++i) {
    x.push_back(images ? torch::randn({options.batch, 1, 32, 32})
                       : torch::randn({options.batch, 784}));
    labels.push_back(torch::randint(10, {options.batch}, torch::kLong));
  }
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  size_t at = 0;
  run_windows("libtorch", options, train_flops, [&](int64_t steps) {
    double last = 0;
    for (int64_t i = 0; i < steps; ++i, at = (at + 1) % kBatches) {
      sgd.zero_grad();
      torch::Tensor loss = F::cross_entropy(net->forward(x[at]), labels[at]);
      loss.backward();
      sgd.step();
      last = loss.item<float>();
    }
    return last;
  });
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) { return cairn::bench::run_program(argc, argv, cairn::bench::run); }
