#include <fmt/format.h>

#include <limits>

#include "core/autodiff.h"
#include "kernels/softmax_cross_entropy/softmax_cross_entropy.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const Shape& x = t.shape(0);
  expect(x.rank() == 1 && x[0] >= 1, t.op,
         fmt::format("logits of one example have shape {}, (K) is needed", to_string(x)));
  expect(t.shape(1) == Shape{}, t.op,
         fmt::format("labels of one example have shape {}, a scalar is needed",
                     to_string(t.shape(1))));
  t.set_out(0, {});
  t.set_out(1, {});
  t.set_out(2, x);
  expect(!t.has(2) || t.shape(2) == Shape{}, t.op,
         fmt::format("seed has shape {}, a scalar is needed", to_string(t.shape(2))));
  t.set_out(3, t.has(2) ? x : Shape{0});
}

void infer_grad(const OpTypes& t) {
  expect(t.shape(0).rank() == 1 && t.shape(1) == Shape{} && t.shape(2) == Shape{}, t.op,
         "probabilities (K), a label and a scalar dloss are needed");
  t.set_out(0, t.shape(0));
}

// Comparison, subtraction, exponential, sum and division for each logit.
Cost cost(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = 5 * t.in_elements(0);
  return cost;
}
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 2); }

void gradient(GradientRule& rule) {
  if (!rule.dout(0) || rule.dout(1) || rule.dout(2) || rule.dout(3)) not_differentiable(rule);
  rule.set(0, rule.emit("softmax_cross_entropy_grad", {rule.out(2), rule.in(1), rule.dout(0)},
                        rule.attrs()));
}

constexpr InputDef kInputs[] = {{"logits"},
                                {"labels", Layout::batched, Use::read, DType::i32},
                                {"seed", Layout::plain, Use::optional}};
constexpr OutputDef kOutputs[] = {{"loss", Layout::plain, true},
                                  {"correct", Layout::plain, true},
                                  {"probabilities"},
                                  {"gradient"}};
constexpr CompanionRule kCompanions[] = {{.absorbed = "softmax_cross_entropy_grad",
                                          .reads = {"probabilities", "labels", "seed"},
                                          .output = "gradient"}};
constexpr AttrDef kAttrs[] = {kReductionAttr,
                              {.name = "label_smoothing", .type = AttrType::real, .max = 1}};
constexpr InputDef kGradInputs[] = {{"probabilities"},
                                    {"labels", Layout::batched, Use::read, DType::i32},
                                    {"dloss", Layout::plain}};
constexpr OutputDef kGradOutputs[] = {{"dlogits"}};

// Golden values: tests/oracle/softmax_cross_entropy.py.
constexpr double kX[] = {1, -2, 0.5, 0.25, 3, -1, 2, 2, -0.5};
constexpr double kLabels[] = {2, 1, 0};
constexpr double kMean[] = {0.605667632857865}, kSum[] = {1.81700289857359}, kCorrect[] = {2};
constexpr double kP[] = {0.603748896148626,  0.030058887569574, 0.3661922162818,
                         0.0590697575925102, 0.924006473507867, 0.0169237688996228,
                         0.480287788760269,  0.480287788760269, 0.0394244224794621};
constexpr double kDx[] = {0.201249632049542,  0.010019629189858,   -0.2112692612394,
                          0.0196899191975034, -0.0253311754973777, 0.00564125629987427,
                          -0.173237403746577, 0.160095929586756,   0.0131414741598207};
constexpr double kDxSum[] = {0.603748896148626,  0.030058887569574,   -0.6338077837182,
                             0.0590697575925102, -0.0759935264921331, 0.0169237688996228,
                             -0.519712211239731, 0.480287788760269,   0.0394244224794621};
constexpr double kSmoothMean[] = {0.730667632857865}, kSmoothSum[] = {2.19200289857359},
                 kUniformMean[] = {1.85566763285786};
constexpr double kSmoothDx[] = {0.190138520938431,  -0.0010914819212531,  -0.189047039017178,
                                0.0085788080863923, -0.00310895327515545, -0.00546985481123684,
                                -0.151015181524355, 0.148984818475645,    0.00203036304870958};
constexpr double kUniformDx[] = {0.0901385209384308,  -0.101091481921253, 0.0109529609828223,
                                 -0.0914211919136077, 0.196891046724845,  -0.105469854811237,
                                 0.0489848184756452,  0.0489848184756452, -0.0979696369512904};
constexpr double kOne[] = {1}, kBadLabels[] = {0, 3}, kNegative[] = {-1, 0},
                 kLarge[] = {1000, -1000, 0, -1000};
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kImpossible[] = {0, -kInf, 1}, kFirst[] = {0},
                 kImpossibleLoss[] = {1.31326168751822},
                 kImpossibleP[] = {0.268941421369995, 0, 0.731058578630005};
constexpr double kLargeLoss[] = {1000}, kLargeLabels[] = {1, 0};

constexpr CaseInput kGoldenX{.shape = {3}, .values = kX},
    kGoldenLabels{.shape = {}, .values = kLabels}, kGoldenSeed{.shape = {}, .values = kOne};
constexpr Case kCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {kGoldenX, kGoldenLabels},
     .expect = {kMean, kCorrect, kP}},
    {.name = "golden_sum",
     .attrs = "reduction=sum",
     .n = 3,
     .inputs = {kGoldenX, kGoldenLabels},
     .expect = {kSum, kCorrect, kP}},
    {.name = "golden_smooth",
     .attrs = "label_smoothing=0.1",
     .n = 3,
     .inputs = {kGoldenX, kGoldenLabels},
     .expect = {kSmoothMean, kCorrect, kP}},
    {.name = "golden_smooth_sum",
     .attrs = "reduction=sum label_smoothing=0.1",
     .n = 3,
     .inputs = {kGoldenX, kGoldenLabels},
     .expect = {kSmoothSum, kCorrect, kP}},
    {.name = "golden_uniform",
     .attrs = "label_smoothing=1",
     .n = 3,
     .inputs = {kGoldenX, kGoldenLabels},
     .expect = {kUniformMean, kCorrect, kP}},
    {.name = "golden_and_gradient",
     .n = 3,
     .inputs = {kGoldenX, kGoldenLabels, kGoldenSeed},
     .expect = {kMean, kCorrect, kP, kDx}},
    {.name = "golden_smooth_and_gradient",
     .attrs = "label_smoothing=0.1",
     .n = 3,
     .inputs = {kGoldenX, kGoldenLabels, kGoldenSeed},
     .expect = {kSmoothMean, kCorrect, kP, kSmoothDx}},
    {.name = "long_batch_and_gradient",
     .attrs = "reduction=sum",
     .n = 300,
     .inputs = {{{.shape = {3}},
                 {.shape = {}, .fill = Fill::labels, .range = 3},
                 {.shape = {}, .fill = Fill::unit}}}},
    {.name = "large_and_gradient",  // more than one block of threads should make
     .n = 130,
     .inputs = {{{.shape = {129}},
                 {.shape = {}, .fill = Fill::labels, .range = 129},
                 {.shape = {}, .fill = Fill::unit}}}},
    {.name = "large_logits",
     .n = 2,
     .inputs = {{{.shape = {2}, .values = kLarge}, {.shape = {}, .values = kLargeLabels}}},
     .expect = {kLargeLoss}},
    {.name = "impossible_class",
     .n = 1,
     .inputs = {{{.shape = {3}, .values = kImpossible}, {.shape = {}, .values = kFirst}}},
     .expect = {kImpossibleLoss, {}, kImpossibleP}},
    {.name = "ten_classes",
     .n = 33,
     .inputs = {{{.shape = {10}, .fill = Fill::spread}, {.shape = {}, .fill = Fill::labels}}},
     .bench = true},
    {.name = "many_classes",
     .attrs = "reduction=sum",
     .n = 17,
     .inputs = {{{.shape = {101}}, {.shape = {}, .fill = Fill::labels, .range = 101}}}},
    {.name = "many_classes_smooth",
     .attrs = "label_smoothing=0.2",
     .n = 17,
     .inputs = {{{.shape = {101}}, {.shape = {}, .fill = Fill::labels, .range = 101}}}},
    {.name = "long_batch",
     .n = 300,
     .inputs = {{{.shape = {3}}, {.shape = {}, .fill = Fill::labels, .range = 3}}}},
    {.name = "one_class", .n = 1, .inputs = {{{.shape = {1}}, {.shape = {}, .fill = Fill::zeros}}}},
    {.name = "label_too_large",
     .inputs = {{{.shape = {3}}, {.shape = {}, .values = kBadLabels}}},
     .error = "label 3 of example 1 is outside 0 to 2"},
    {.name = "negative_label",
     .inputs = {{{.shape = {3}}, {.shape = {}, .values = kNegative}}},
     .error = "label -1 of example 0 is outside 0 to 2"},
    {.name = "planes", .inputs = {{{.shape = {3, 2}}, {}}}, .error = "(K) is needed"},
    {.name = "too_smooth",
     .attrs = "label_smoothing=1.5",
     .inputs = {{{.shape = {3}}, {}}},
     .error = "label_smoothing=1.5 is out of range"},
    {.name = "seed_vector",
     .inputs = {{{.shape = {3}}, {}, {.shape = {3}}}},
     .error = "seed has shape (3), a scalar is needed"},
    {.name = "label_vector",
     .inputs = {{{.shape = {3}}, {.shape = {3}}}},
     .error = "a scalar is needed"},
};
constexpr Case kGradCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {{{.shape = {3}, .values = kP}, kGoldenLabels, {.shape = {}, .values = kOne}}},
     .expect = {kDx}},
    {.name = "ten_classes",
     .n = 33,
     .inputs = {{{.shape = {10}, .fill = Fill::unit}, {.shape = {}, .fill = Fill::labels}, {}}},
     .bench = true},
    {.name = "golden_sum",
     .attrs = "reduction=sum",
     .n = 3,
     .inputs = {{{.shape = {3}, .values = kP}, kGoldenLabels, {.shape = {}, .values = kOne}}},
     .expect = {kDxSum}},
    {.name = "golden_smooth",
     .attrs = "label_smoothing=0.1",
     .n = 3,
     .inputs = {{{.shape = {3}, .values = kP}, kGoldenLabels, {.shape = {}, .values = kOne}}},
     .expect = {kSmoothDx}},
    {.name = "golden_uniform",
     .attrs = "label_smoothing=1",
     .n = 3,
     .inputs = {{{.shape = {3}, .values = kP}, kGoldenLabels, {.shape = {}, .values = kOne}}},
     .expect = {kUniformDx}},
    {.name = "many_classes",
     .n = 17,
     .inputs = {{{.shape = {101}, .fill = Fill::unit},
                 {.shape = {}, .fill = Fill::labels, .range = 101},
                 {}}}},
    {.name = "one_example",
     .n = 1,
     .inputs = {{{.shape = {10}, .fill = Fill::unit}, {.shape = {}, .fill = Fill::labels}, {}}}},
    {.name = "planes", .inputs = {{{.shape = {3, 2}}, {}, {}}}, .error = "are needed"},
    {.name = "label_vector",
     .inputs = {{{.shape = {3}}, {.shape = {3}}, {}}},
     .error = "are needed"},
    {.name = "dloss_vector",
     .inputs = {{{.shape = {3}}, {}, {.shape = {3}}}},
     .error = "are needed"},
};

constexpr OpDef kOps[] = {
    checked({.name = "softmax_cross_entropy",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::sums_over_batch,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {softmax_cross_entropy_ref<float>, softmax_cross_entropy_ref<double>},
             .cpu = softmax_cross_entropy_cpu,
             .cuda = cuda_twin(softmax_cross_entropy_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .companions = kCompanions,
             .cases = kCases,
             .sets_sums = true}),
    checked({.name = "softmax_cross_entropy_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer_grad,
             .workspace = no_workspace,
             .reference = {softmax_cross_entropy_grad_ref<float>,
                           softmax_cross_entropy_grad_ref<double>},
             .cpu = softmax_cross_entropy_grad_cpu,
             .cuda = cuda_twin(softmax_cross_entropy_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kGradCases,
             .zeroes_spare = true}),
};

}  // namespace

extern const std::span<const OpDef> softmax_cross_entropy_ops;
constinit const std::span<const OpDef> softmax_cross_entropy_ops{kOps};

}  // namespace cairn
