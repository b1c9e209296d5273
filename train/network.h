// Layers made for the examples of a data set: what trainer, evaluator and checkpoints agree on.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/store.h"
#include "data/dataset.h"
#include "models/models.h"
#include "train/augmentation.h"

namespace cairn {

/// Mean and standard deviation of each channel's pixels, scaled to 0..1, or float values.
struct Normalization {
  std::array<double, 4> mean{}, deviation{1, 1, 1, 1};
  std::vector<double> mean_image = {};  // (C,H,W), of each pixel, in place of `mean`; or empty
};

/// Over all pixels, or float values, of a data set; with `per_pixel` means of each pixel too. At
/// most 4 channels; a constant channel gets deviation 1.
Normalization pixel_statistics(const Dataset& data, bool per_pixel = false);

struct Network {
  const Model* model = nullptr;  // none where the layers are the caller's own
  ModelOptions options;          // complete
  Layer layers;                  // from an example to its logits, one a class
  Shape image;                   // (C,H,W) of the data
  int64_t classes = 0;
  DType dtype = DType::u8;  // of the data: f32 for float values
  Normalization normalization;
  int64_t padding = 0;  // pixels around an image, up to the model's size

  /// Layers of your own, over examples normalised by the statistics of `data`.
  Network(Layer layers, const Dataset& data);
  /// A UsageError where the images are larger than the model's input or can't be padded to it
  /// evenly.
  Network(const Model& model, const ModelOptions& options, const Dataset& data,
          const Normalization& normalization);

  /// Appends gather_batch (gather_features for float values) over states NAME.images and
  /// NAME.labels of `count` examples. Where `streamed` is a batch, NAME.images is a window of
  /// kWindow such batches, which a BatchStream fills (train/batch_stream.h).
  /// `augmentation` changes the images.
  struct Batch {
    Value x, labels;
  };
  Batch gather(Graph& graph, const std::string& name, int64_t count, bool shuffle,
               int64_t streamed = 0, const Augmentation& augmentation = {}) const;
  static constexpr int64_t kWindow = 2;
  /// Copies the mean image, where there is one, into the state that gather() declared.
  void load_mean_image(Store& store, const std::string& name) const;
  /// Appends the layers; returns the logits. An Error where there isn't one for each class.
  Value logits(Graph& graph, Value x) const;
  /// The input of one example after padding.
  Shape input() const { return {image[0], image[1] + 2 * padding, image[2] + 2 * padding}; }
};

/// The parameters of a network's layers, for a Store.
ParameterMap parameters_of(const Network& network);

/// Copies the data set into the states that gather() declared, or its labels alone. An Error where
/// the images lie in files.
void load_labels(Store& store, const std::string& name, const Dataset& data);
void load_images(Store& store, const std::string& name, const Dataset& data);

}  // namespace cairn
