#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "kernels/gather_batch/gather_batch.h"
#include "kernels/gather_batch/golden.h"

namespace cairn {
namespace {

void expect_augment(const OpTypes& t, const Shape& images, const Shape& x) {
  const Augment a = augment_of(t.attrs, images);
  const int64_t size = std::min(a.height, a.width);
  const std::string of_images = fmt::format("images of {}x{}", a.height, a.width);
  expect(a.crop == 0 || a.crop < size, t.op,
         fmt::format("crop={} leaves nothing of {}", a.crop, of_images));
  expect(a.cutout <= size, t.op, fmt::format("cutout={} is larger than {}", a.cutout, of_images));
  expect(a.elastic == 0 || field_axis(std::max(x[1], x[2]), a.grid) <= kMaxFieldAxis, t.op,
         fmt::format("elastic_grid={} is too fine for {}: at most {} nodes along an axis", a.grid,
                     of_images, kMaxFieldAxis));
}

void infer(const OpTypes& t) {
  const Shape& images = t.shape(0);
  expect(images.rank() == 4 && images[0] >= 1, t.op,
         fmt::format("images {} must be (M,C,H,W) with at least one image", to_string(images)));
  expect(images[1] <= kMaxChannels, t.op,
         fmt::format("{} channels; at most {} are supported", images[1], kMaxChannels));
  const int64_t window = t.attrs.integer(gather_batch_attr::window);
  if (window == 0)
    expect(t.shape(1) == Shape{images[0]}, t.op,
           fmt::format("labels {} must be ({})", to_string(t.shape(1)), images[0]));
  else
    expect(images[0] % window == 0 && t.shape(1).rank() == 1, t.op,
           fmt::format("images {} must hold {} batches, and labels {} have one dimension",
                       to_string(images), window, to_string(t.shape(1))));
  if (t.has(kMeanImage))
    expect(t.shape(kMeanImage) == Shape{images[1], images[2], images[3]}, t.op,
           fmt::format("mean_image {} must be ({},{},{})", to_string(t.shape(kMeanImage)),
                       images[1], images[2], images[3]));
  const int64_t pad = t.attrs.integer(gather_batch_attr::padding);
  const Shape x{images[1], images[2] + 2 * pad, images[3] + 2 * pad};
  expect_augment(t, images, x);
  t.set_out(0, x);
  t.set_out(1, {});
}

/// CUDA keeps the elastic fields of the batch.
int64_t workspace(const OpTypes& t) {
  const Augment a = augment_of(t.attrs, t.shape(0));
  const Shape& x = t.out[0].shape;
  if (a.elastic == 0) return 0;
  const int64_t nodes = field_axis(x[1], a.grid) * field_axis(x[2], a.grid);
  return 2 * nodes * t.n * static_cast<int64_t>(sizeof(float));
}

// The numbers of the batch are read, not the whole data set; a division and a subtraction each,
// and, where images are warped, 20 operations a number, of the field 130 more.
Cost cost(const OpTypes& t) {
  const double numbers = t.out_elements(0);
  const Augment a = augment_of(t.attrs, t.shape(0));
  const double flops = 2 + (a.warps() ? 20 : 0) + (a.elastic > 0 ? 130 : 0);
  return {numbers * static_cast<double>(size_of(t.in[0].dtype) + sizeof(float)), flops * numbers};
}

constexpr InputDef kFeatureInputs[] = {{"values", Layout::plain},
                                       {"labels", Layout::plain, Use::read, DType::u8},
                                       {"mean_image", Layout::plain, Use::optional}};
constexpr InputDef kInputs[] = {{"images", Layout::plain, Use::read, DType::u8},
                                {"labels", Layout::plain, Use::read, DType::u8},
                                {"mean_image", Layout::plain, Use::optional}};
constexpr OutputDef kOutputs[] = {{"x"}, {"label", Layout::batched, false, DType::i32}};
constexpr AttrDef kOwnAttrs[] = {
    {.name = "shuffle", .type = AttrType::flag, .max = 1},
    {.name = "padding", .max = 1 << 16},
    {.name = "mean", .type = AttrType::real, .min = -1e6, .max = 1e6, .count = kMaxChannels},
    {.name = "std",
     .type = AttrType::real,
     .initial = 1,
     .min = 1e-6,
     .max = 1e6,
     .count = kMaxChannels},
    {.name = "window", .max = 1 << 16}};
constexpr auto kAttrs = [] {
  std::array<AttrDef, std::size(kOwnAttrs) + std::size(kAugmentAttrs)> all{};
  std::ranges::copy(kAugmentAttrs, std::ranges::copy(kOwnAttrs, all.begin()).out);
  return all;
}();

// Golden values: tests/oracle/gather_batch.py.
constexpr double kImages[] = {0, 255, 51, 0, 255, 255, 0, 0};
constexpr double kLabels[] = {3, 7};
constexpr double kX[] = {-2, 2, -1.2, -2, 2, 2, -2, -2}, kSecond[] = {2, 2, -2, -2, 2, 2, -2, -2};
constexpr double kPadded[] = {0, 0, 0, 0, 0, 0, 1, 0, 0, 0.2, 0, 0, 0, 0, 0, 0};
constexpr double kColours[] = {0, 102, 255, 51}, kFive[] = {5};
constexpr double kNormalized[] = {-2,   -2,  -2,   -2,   -2,   -2,   -0.4, -2,
                                  -2,   -2,  -2,   -2,   -0.5, -0.5, -0.5, -0.5,
                                  -0.5, 1.5, -0.1, -0.5, -0.5, -0.5, -0.5, -0.5};
constexpr double kThree[] = {3}, kSevens[] = {7, 7};
// Batches of one, three an epoch: number 2 * 3 + 1 is the second of the window.
constexpr double kSameLabels[] = {7, 7, 7}, kSeven[] = {7}, kSecondImage[] = {2, 2, -2, -2};

constexpr CaseInput kGoldenImages{.shape = {2, 1, 2, 2}, .values = kImages},
    kGoldenLabels{.shape = {2}, .values = kLabels};
namespace golden = gather_batch_golden;
constexpr CaseInput kStoredInput{.shape = {2, 1, 3, 4}, .values = golden::kStoredImages},
    kMeansInput{.shape = {1, 3, 4}, .values = golden::kMeans};
constexpr std::array<CaseInput, 8> kStored{kStoredInput, kGoldenLabels},
    kStoredAndMeans{kStoredInput, kGoldenLabels, kMeansInput},
    kPhotos{{{.shape = {40, 3, 32, 32}, .fill = Fill::labels, .range = 256},
             {.shape = {40}, .fill = Fill::labels}}};
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "mean=0.5 std=0.25",
     .inputs = {kGoldenImages, kGoldenLabels},
     .expect = {kX, kLabels}},
    {.name = "golden_padded",
     .attrs = "padding=1",
     .n = 1,
     .inputs = {kGoldenImages, kGoldenLabels},
     .expect = {kPadded, kThree}},
    {.name = "golden_channels",
     .attrs = "padding=1 mean=0.5,0.25 std=0.25,0.5",
     .n = 1,
     .inputs = {{{.shape = {1, 2, 1, 2}, .values = kColours}, {.shape = {1}, .values = kFive}}},
     .expect = {kNormalized, kFive}},
    {.name = "spare_lanes_repeat",
     .attrs = "mean=0.5 std=0.25",
     .inputs = {kGoldenImages, kGoldenLabels},
     .expect = {kSecond, kSevens},
     .step = {.first = 1, .n_valid = 1}},
    {.name = "golden_window",
     .attrs = "shuffle=1 mean=0.5 std=0.25 window=2",
     .n = 1,
     .inputs = {{{.shape = {2, 1, 2, 2}, .values = kImages},
                 {.shape = {3}, .values = kSameLabels}}},
     .expect = {kSecondImage, kSeven},
     .step = {.epoch = 2, .first = 1, .n_valid = 1}},
    {.name = "streamed",
     .attrs = "shuffle=1 padding=1 mean=0.1,0.2,0.3 std=0.5,0.6,0.7 window=2",
     .n = 17,
     .inputs = {{{.shape = {34, 3, 5, 4}, .fill = Fill::labels, .range = 256},
                 {.shape = {40}, .fill = Fill::labels}}},
     .step = {.epoch = 1, .first = 17, .n_valid = 11}},
    {.name = "digits",
     .attrs = "shuffle=1 padding=2 mean=0.13 std=0.31",
     .n = 33,
     .inputs = {{{.shape = {40, 1, 28, 28}, .fill = Fill::labels, .range = 256},
                 {.shape = {40}, .fill = Fill::labels}}},
     .bench = true},
    {.name = "colours",
     .attrs = "shuffle=1 mean=0.1,0.2,0.3 std=0.5,0.6,0.7",
     .n = 17,
     .inputs = {{{.shape = {31, 3, 5, 4}, .fill = Fill::labels, .range = 256},
                 {.shape = {31}, .fill = Fill::labels}}}},
    {.name = "cropped",
     .attrs = "crop=1 mean=0.5 std=0.25",
     .inputs = kStored,
     .expect = {golden::kCropped}},
    {.name = "flipped",
     .attrs = "flip=random",
     .inputs = kStored,
     .expect = {golden::kFlipped},
     .step = {.epoch = 5}},
    {.name = "alternated",
     .attrs = "flip=alternating",
     .inputs = kStored,
     .expect = {golden::kAlternated},
     .step = {.epoch = 4}},
    {.name = "cut",
     .attrs = "cutout=2 mean=0.5 std=0.25",
     .inputs = kStored,
     .expect = {golden::kCut}},
    {.name = "crop_flip_cut",
     .attrs = "crop=2 flip=random cutout=1 padding=1 mean=0.5 std=0.25",
     .inputs = kStored,
     .expect = {golden::kCropFlipCut},
     .step = {.epoch = 2}},
    {.name = "rotated", .attrs = "rotate=30", .inputs = kStored, .expect = {golden::kRotated}},
    {.name = "shifted",
     .attrs = "shift=1.5",
     .inputs = kStored,
     .expect = {golden::kShifted},
     .step = {.epoch = 1}},
    {.name = "elastic",
     .attrs = "elastic=1 elastic_grid=2",
     .inputs = kStored,
     .expect = {golden::kElastic}},
    {.name = "all_changed",
     .attrs = "crop=1 flip=alternating cutout=1 rotate=20 shift=0.5 elastic=0.5 elastic_grid=3 "
              "padding=1 mean=0.5 std=0.25",
     .inputs = kStored,
     .expect = {golden::kAllChanged},
     .step = {.epoch = 4}},
    {.name = "mean_image",
     .attrs = "std=0.5",
     .inputs = kStoredAndMeans,
     .expect = {golden::kMeanImage}},
    {.name = "mean_moved",
     .attrs = "crop=1 padding=1 std=0.5",
     .inputs = kStoredAndMeans,
     .expect = {golden::kMeanMoved}},
    {.name = "streamed_crops",
     .attrs = "shuffle=1 crop=2 flip=random cutout=3 window=2 padding=1",
     .n = 17,
     .inputs = {{{.shape = {34, 3, 5, 4}, .fill = Fill::labels, .range = 256},
                 {.shape = {40}, .fill = Fill::labels},
                 {.shape = {3, 5, 4}}}},
     .step = {.epoch = 1, .first = 17, .n_valid = 11}},
    {.name = "colours_changed",
     .attrs = "shuffle=1 crop=3 flip=alternating rotate=15 shift=2 elastic=2 elastic_grid=4 "
              "mean=0.1,0.2,0.3 std=0.5,0.6,0.7",
     .n = 33,
     .inputs = {{{.shape = {40, 3, 9, 7}, .fill = Fill::labels, .range = 256},
                 {.shape = {40}, .fill = Fill::labels}}},
     .step = {.epoch = 3}},
    {.name = "photos_cropped",
     .attrs = "shuffle=1 crop=4 flip=random mean=0.5,0.4,0.3 std=0.2,0.3,0.4",
     .n = 32,
     .inputs = kPhotos,
     .step = {.epoch = 1},
     .bench = true},
    {.name = "photos_warped",
     .attrs = "shuffle=1 rotate=15 shift=2 elastic=3 mean=0.5,0.4,0.3 std=0.2,0.3,0.4",
     .n = 32,
     .inputs = kPhotos,
     .step = {.epoch = 1},
     .bench = true},
    {.name = "mean_image_shape",
     .inputs = {{{.shape = {4, 1, 2, 2}}, {.shape = {4}}, {.shape = {2, 2}}}},
     .error = "must be (1,2,2)"},
    {.name = "negative_crop", .attrs = "crop=-1", .error = "crop=-1 is out of range"},
    {.name = "unknown_flip", .attrs = "flip=vertical", .error = "is none of none"},
    {.name = "whole_crop",
     .attrs = "crop=2",
     .inputs = {{{.shape = {4, 1, 2, 3}}, {.shape = {4}}}},
     .error = "crop=2 leaves nothing of images of 2x3"},
    {.name = "large_cutout",
     .attrs = "cutout=3",
     .inputs = {{{.shape = {4, 1, 2, 3}}, {.shape = {4}}}},
     .error = "cutout=3 is larger than images of 2x3"},
    {.name = "fine_grid",
     .attrs = "elastic=1 elastic_grid=1",
     .inputs = {{{.shape = {4, 1, 28, 30}}, {.shape = {4}}}},
     .error = "elastic_grid=1 is too fine"},
    {.name = "no_images",
     .inputs = {{{.shape = {0, 1, 2, 2}}, {.shape = {0}}}},
     .error = "at least one"},
    {.name = "label_count",
     .inputs = {{{.shape = {4, 1, 2, 2}}, {.shape = {3}}}},
     .error = "must be (4)"},
    {.name = "no_whole_window",
     .attrs = "window=3",
     .inputs = {{{.shape = {4, 1, 2, 2}}, {.shape = {9}}}},
     .error = "must hold 3 batches"},
    {.name = "no_deviation", .attrs = "std=0", .error = "std=0 is out of range"},
    {.name = "channels",
     .inputs = {{{.shape = {4, 5, 2, 2}}, {.shape = {4}}}},
     .error = "at most 4 are supported"},
};

constexpr double kValues[] = {-1.5, 2, 0.25, 3, 0, 4}, kTwoLabels[] = {1, 0}, kFour[] = {4};
constexpr double kCentred[] = {-1, 0.75, -0.125, 1.25, -0.25, 1.75};
constexpr double kFramed[] = {-0.25, -0.25, -0.25, -0.25, -0.25, -1,
                              0.75,  -0.25, -0.25, -0.25, -0.25, -0.25};
constexpr double kOneImage[] = {-1.5, 2};
constexpr Case kFeatureCases[] = {
    {.name = "golden",
     .attrs = "mean=0.5 std=2",
     .inputs = {{{.shape = {2, 1, 1, 3}, .values = kValues}, {.shape = {2}, .values = kTwoLabels}}},
     .expect = {kCentred, kTwoLabels}},
    {.name = "golden_padded",
     .attrs = "padding=1 mean=0.5 std=2",
     .n = 1,
     .inputs = {{{.shape = {1, 1, 1, 2}, .values = kOneImage}, {.shape = {1}, .values = kFour}}},
     .expect = {kFramed, kFour}},
    {.name = "shuffled",
     .attrs = "shuffle=1 mean=0.1,-3 std=0.5,4",
     .n = 33,
     .inputs = {{{.shape = {40, 2, 3, 5}}, {.shape = {40}, .fill = Fill::labels}}},
     .bench = true},
    {.name = "partly_valid",
     .attrs = "mean=0.2 std=0.3",
     .n = 17,
     .inputs = {{{.shape = {20, 1, 1, 7}}, {.shape = {20}, .fill = Fill::labels}}},
     .step = {.first = 3, .n_valid = 5}},
    {.name = "streamed",
     .attrs = "shuffle=1 mean=0.2 std=0.3 window=3",
     .inputs = {{{.shape = {6, 1, 1, 7}}, {.shape = {9}, .fill = Fill::labels}}},
     .step = {.epoch = 1, .first = 2, .n_valid = 2}},
    {.name = "rotated",
     .attrs = "rotate=45 shift=1",
     .n = 1,
     .inputs = {{{.shape = {2, 1, 3, 4}, .values = golden::kFeatures},
                 {.shape = {2}, .values = kTwoLabels}}},
     .expect = {golden::kFeatureRotated},
     .step = {.first = 1}},
    {.name = "changed",
     .attrs = "shuffle=1 crop=2 flip=random cutout=2 padding=1",
     .n = 17,
     .inputs = {{{.shape = {20, 2, 5, 4}},
                 {.shape = {20}, .fill = Fill::labels},
                 {.shape = {2, 5, 4}}}}},
    {.name = "elastic",
     .attrs = "flip=random rotate=90 elastic=1 mean=0.3 std=2",
     .n = 17,
     .inputs = {{{.shape = {20, 2, 5, 9}}, {.shape = {20}, .fill = Fill::labels}}},
     .step = {.n_valid = 9}},
    {.name = "wide_cutout",
     .attrs = "cutout=2",
     .inputs = {{{.shape = {4, 1, 1, 8}}, {.shape = {4}}}},
     .error = "larger than images of 1x8"},
    {.name = "rank", .inputs = {{{.shape = {4, 3}}, {.shape = {4}}}}, .error = "must be (M,C,H,W)"},
    {.name = "label_count",
     .inputs = {{{.shape = {4, 1, 2, 2}}, {.shape = {3}}}},
     .error = "must be (4)"},
    {.name = "channels",
     .inputs = {{{.shape = {4, 5, 2, 2}}, {.shape = {4}}}},
     .error = "at most 4 are supported"},
};

constexpr OpDef kOps[] = {
    checked({.name = "gather_batch",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = std::span<const AttrDef>(kAttrs),
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = workspace,
             .reference = {gather_batch_ref<float>, gather_batch_ref<double>},
             .cpu = gather_batch_cpu,
             .cuda = cuda_twin(gather_batch_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
    checked({.name = "gather_features",
             .inputs = kFeatureInputs,
             .outputs = kOutputs,
             .attrs = std::span<const AttrDef>(kAttrs),
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = workspace,
             .reference = {gather_features_ref<float>, gather_features_ref<double>},
             .cpu = gather_features_cpu,
             .cuda = cuda_twin(gather_features_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kFeatureCases,
             .bit_exact = true})};

}  // namespace

extern const std::span<const OpDef> gather_batch_ops;
constinit const std::span<const OpDef> gather_batch_ops{kOps};

}  // namespace cairn
