#include "train/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/error.h"
#include "core/executor.h"

namespace cairn {
namespace {

constexpr char kPredict[] = "predict";
constexpr int64_t kPredictBatch = 32;

/// The logits of each image, or their softmax.
std::vector<double> rows_of(const Network& network, Store& store, const Dataset& data,
                            bool softmax) {
  std::vector<double> all;
  if (data.size() == 0) return all;
  const int64_t batch = std::min(kPredictBatch, data.size());
  Graph graph(false, "predict.step");
  graph.add("next_batch", {}, fmt::format("count={} batch={}", data.size(), batch));
  const Value x = network.gather(graph, kPredict, data.size(), false).x;
  Value y = network.logits(graph, x);
  if (softmax) y = graph.add("softmax", {y});
  const Program program =
      compile(std::move(graph), {.capacity = batch, .width = batch, .keep = true}, 0);
  const Program* programs[] = {&program};
  Executor executor(program, store, make_scratch(store.device(), programs));
  load_images(store, kPredict, data);
  network.load_mean_image(store, kPredict);
  store.write_step("predict.step", {});
  for (int64_t first = 0; first < data.size(); first += batch) {
    executor.run();
    store.device().synchronize();
    const auto rows = executor.read(y, std::min(batch, data.size() - first));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

}  // namespace

std::vector<double> logits(const Network& network, Store& store, const Dataset& data) {
  return rows_of(network, store, data, false);
}

Dataset mirrored(Dataset data) {
  const auto width = data.image[2];
  const auto mirror = [width](auto& numbers) {
    for (auto row = numbers.begin(); row != numbers.end(); row += width)
      std::reverse(row, row + width);
  };
  mirror(data.images);
  mirror(data.values);
  return data;
}

Dataset moved(Dataset data, int64_t pixels) {
  const int64_t height = data.image[1], width = data.image[2];
  if (std::abs(pixels) >= std::min(height, width))
    fail(fmt::format("images of {}x{} can't be moved by {} pixels", height, width, pixels),
         "move them by less");
  const auto reflected = [](int64_t i, int64_t n) {
    return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i;
  };
  const auto move = [&](auto& numbers) {
    const auto from = numbers;
    const auto planes = static_cast<int64_t>(numbers.size()) / (height * width);
    for (int64_t p = 0; p < planes; ++p)
      for (int64_t i = 0; i < height; ++i)
        for (int64_t j = 0; j < width; ++j) {
          const int64_t row = reflected(i + pixels, height), column = reflected(j + pixels, width);
          numbers[static_cast<size_t>((p * height + i) * width + j)] =
              from[static_cast<size_t>((p * height + row) * width + column)];
        }
  };
  move(data.images);
  move(data.values);
  return data;
}

std::vector<double> mean_logits(const Network& network, Store& store, const Dataset& data,
                                const Views& views) {
  std::vector<double> sums;
  double all = 0;
  const auto add = [&](const Dataset& view, double weight) {
    const std::vector<double> rows = logits(network, store, view);
    sums.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) sums[i] += weight * rows[i];
    all += weight;
  };
  for (const bool flip : {false, true}) {
    if (flip && !views.flip) break;
    const Dataset images = flip ? mirrored(data) : data;
    add(images, 2);
    if (views.shift > 0) add(moved(images, views.shift), 1), add(moved(images, -views.shift), 1);
  }
  for (double& sum : sums) sum /= all;
  return sums;
}

Evaluation judge_logits(std::span<const double> logits, const Dataset& data) {
  const auto classes = static_cast<size_t>(data.classes);
  Evaluation found{.examples = data.size(), .classes = data.classes, .confusion = {}};
  found.confusion.resize(classes * classes);
  for (size_t n = 0; n < data.labels.size(); ++n) {
    const std::span<const double> row = logits.subspan(n * classes, classes);
    const auto largest = std::ranges::max_element(row);
    double sum = 0;
    for (const double logit : row) sum += std::exp(logit - *largest);
    const size_t label = data.labels[n];
    found.loss += *largest + std::log(sum) - row[label];
    const auto predicted = static_cast<size_t>(largest - row.begin());
    ++found.confusion[label * classes + predicted];
    found.accuracy += label == predicted;
  }
  const auto count = static_cast<double>(std::max<int64_t>(1, data.size()));
  found.loss /= count, found.accuracy /= count;
  return found;
}

std::vector<double> predict(const Network& network, Store& store, const Dataset& data) {
  return rows_of(network, store, data, true);
}

std::vector<Guess> best_guesses(const double* probabilities, int64_t classes, int64_t count) {
  std::vector<Guess> guesses;
  for (int64_t k = 0; k < classes; ++k) guesses.push_back({k, probabilities[k]});
  std::ranges::stable_sort(guesses, std::ranges::greater(), &Guess::probability);
  guesses.resize(static_cast<size_t>(std::min(count, classes)));
  return guesses;
}

}  // namespace cairn
