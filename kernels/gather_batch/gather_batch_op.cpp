#include <fmt/format.h>

#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

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
  const int64_t pad = t.attrs.integer(gather_batch_attr::padding);
  t.set_out(0, {images[1], images[2] + 2 * pad, images[3] + 2 * pad});
  t.set_out(1, {});
}

// The numbers of the batch are read, not the whole data set; a division and a subtraction each.
Cost cost(const OpTypes& t) {
  const double numbers = t.out_elements(0);
  return {numbers * static_cast<double>(size_of(t.in[0].dtype) + sizeof(float)), 2 * numbers};
}

constexpr InputDef kFeatureInputs[] = {{"values", Layout::plain},
                                       {"labels", Layout::plain, Use::read, DType::u8}};
constexpr InputDef kInputs[] = {{"images", Layout::plain, Use::read, DType::u8},
                                {"labels", Layout::plain, Use::read, DType::u8}};
constexpr OutputDef kOutputs[] = {{"x"}, {"label", Layout::batched, false, DType::i32}};
constexpr AttrDef kAttrs[] = {
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
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
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
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
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
