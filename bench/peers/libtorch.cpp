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

nn::Conv2d convolution(int64_t in, int64_t out, int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false));
}

/// Every second place, and channels of zeros for those that x lacks.
torch::Tensor shortcut(const torch::Tensor& x, int64_t channels) {
  if (x.size(1) == channels) return x;
  using torch::indexing::None;
  using torch::indexing::Slice;
  const torch::Tensor places =
      x.index({Slice(), Slice(), Slice(None, None, 2), Slice(None, None, 2)});
  return F::pad(places, F::PadFuncOptions({0, 0, 0, 0, 0, channels - x.size(1)}));
}

struct BlockImpl : nn::Module {
  int64_t channels;
  nn::Sequential body;

  BlockImpl(int64_t in, int64_t out)
      : channels(out),
        body(convolution(in, out, in == out ? 1 : 2), nn::BatchNorm2d(out),
             nn::ReLU(nn::ReLUOptions(true)), convolution(out, out, 1), nn::BatchNorm2d(out)) {
    register_module("body", body);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return body->forward(x).add_(shortcut(x, channels)).relu_();
  }
};
TORCH_MODULE(Block);

nn::Sequential resnet(int depth) {
  nn::Sequential net(convolution(3, 16, 1), nn::BatchNorm2d(16), nn::ReLU(nn::ReLUOptions(true)));
  int64_t in = 16;
  for (int64_t out = 16; out <= 64; out *= 2)
    for (int block = 0; block < depth / 6; ++block, in = out) net->push_back(Block(in, out));
  net->push_back(nn::AdaptiveAvgPool2d(1));
  net->push_back(nn::Flatten());
  net->push_back(nn::Linear(64, 10));
  return net;
}

nn::Sequential make_net(const std::string& name) {
  if (name == "lenet5") return lenet5();
  if (name == "lenet5relu") return lenet5relu();
  if (name == "resnet20") return resnet(20);
  if (name == "resnet56") return resnet(56);
  if (name == "mlp50") return sigmoid_mlp(std::vector<int64_t>(50, 256));
  if (name == "mlpwide") return sigmoid_mlp({2500, 1500, 500});
  fail_usage("this program has no net '" + name + "'");
}

void run(std::span<char* const> words) {
  const Options options = parse(words);
  const Net about = find_net(options.net);
  at::set_num_threads(static_cast<int>(options.threads));
  if (openblas_set_num_threads) openblas_set_num_threads(static_cast<int>(options.threads));
  torch::manual_seed(1);
  nn::Sequential net = make_net(options.net);
  // Residual nets are faster with channels last.
  const bool residual = about.image[0] == 3, lenet = options.net.starts_with("lenet");
  for (torch::Tensor& p : net->parameters())
    if (residual && p.dim() == 4)
      p.set_data(p.data().contiguous(torch::MemoryFormat::ChannelsLast));
  std::vector<torch::Tensor> x, labels;
  for (int64_t i = 0; i < kBatches; ++i) {
    x.push_back(
        lenet ? torch::randn({options.batch, 1, 32, 32})
        : residual
            ? torch::randn({options.batch, 3, 32, 32}).contiguous(torch::MemoryFormat::ChannelsLast)
            : torch::randn({options.batch, 784}));
    labels.push_back(torch::randint(10, {options.batch}, torch::kLong));
  }
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  size_t at = 0;
  run_windows("libtorch", options, about.train_flops(), [&](int64_t steps) {
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
