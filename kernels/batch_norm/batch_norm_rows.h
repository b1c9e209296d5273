// Test rows of batch norm. Golden values: tests/oracle/batch_norm.py.
#pragma once

#include "core/op.h"

namespace cairn {
namespace {

constexpr double kX[] = {1.5, -2, 0.25, 8, -0.5, 3, 1, 0.5, -4, 2.5, 0.75, -1};
constexpr double kW[] = {0.5, -2}, kB[] = {0.25, 1}, kMean[] = {0.5, -1}, kVar[] = {2, 4};
constexpr double kResidual[] = {0.5, 0.25, -3, 1, 2, -1.5, 0, 0.125, 4, -0.5, -1, 2};
constexpr double kDy[] = {0.5, -1, 0.25, 2, -0.75, 1, -0.5, 0.25, 3, -2, 0.125, -1.5};
constexpr double kConstant[] = {3, 3, 3, 3, 3, 3, 3, 3};
constexpr double kY[] = {0.532549335718135, -0.165513728997257, 1.90727623828649,
                         -3.36626689675374, 0.133656155880768,  0.831719220596159,
                         1.39693335425034,  1.73716194360777,   -0.564406908834623,
                         0.731995925636818, 1.56704764892906,   2.75784771168008};
constexpr double kStats[] = {0.0833333333333333, 0.398893179837366, 1.58333333333333,
                             0.340228589357434};
constexpr double kNewMean[] = {0.458333333333333, -0.741666666666667};
constexpr double kNewVar[] = {2.55416666666667, 4.63666666666667};
constexpr double kResidualY[] = {1.03254933571813,
                                 0.0844862710027434,
                                 0,
                                 0,
                                 2.13365615588077,
                                 0,
                                 1.39693335425034,
                                 1.86216194360777,
                                 3.43559309116538,
                                 0.231995925636818,
                                 0.567047648929057,
                                 4.75784771168008};
constexpr double kDx[] = {0.156747258635104,  -0.344899159857928, -0.384397806836848,
                          0.0823206022562883, -0.208261855114682, 0.343246210858021,
                          0.286350090603576,  -0.330929469035424, 0.337186323465372,
                          -0.284018777985887, -0.192403983894641, 0.539060566907049};
constexpr double kDw[] = {-4.36289415447119, 5.54289076828153};
constexpr double kDb[] = {0.75, 0.625};
constexpr double kReluDx[] = {0.147050529067405, 0.033057459358053,  -0.38658603206455,
                              0.135380009834282, -0.110411865330955, 0.252889441776751,
                              0.157807021057419, -0.375235975702611, 0.0249033023580473,
                              -0.3474888672293,  -0.278828772001313, 0.747463748876773};
constexpr double kReluDw[] = {-0.30748015945797, 1.17662387152779}, kReluDb[] = {-1.25, -1.375};
constexpr double kReluDz[] = {0.5, 0, 0.25, 0, -0.75, 1, -0.5, 0.25, 0, -2, 0.125, -1.5};
constexpr double kHalfStats[] = {-0.166666666666667, 0.511217187410766, 1.83333333333333,
                                 0.298511157062997};
constexpr double kHalfY[] = {0.85202864568461,  -1.14429276874149,  0.213007161421152,
                             1.84081880188848,  -0.170405729136922, 0.348263016573496,
                             0.596420051979227, -0.398014876083996, -1.9596658850746,
                             0.199007438041998, 0.468615755126535,  -0.845781611678491};
constexpr double kHalfMean[] = {0.333333333333333, -0.291666666666667};
constexpr double kHalfVar[] = {2.49791666666667, 6.21666666666667};
constexpr double kConstantY[] = {0.25, 1, 0.25, 1, 0.25, 1, 0.25, 1};
constexpr double kConstantStats[] = {3, 316.227766016838, 3, 316.227766016838};
constexpr double kConstantMean[] = {0.75, -0.6};
constexpr double kConstantVar[] = {1.8, 3.6};
constexpr double kSums[] = {0.5, 37.75, 9.5, 66.875};
constexpr double kInferenceY[] = {0.603552506713112,  -0.63388126678278,  -0.24999843750293,
                                  -7.99998875002109,  -0.103552506713112, 1.13388126678278,
                                  -0.999997500004687, -0.499998125003516, -1.340986280209,
                                  0.957105013426224,  -0.749997812504102, 1};
constexpr double kInferenceReluY[] = {
    1.10355250671311, 0, 0, 0, 1.89644749328689, 0, 0, 0, 2.659013719791, 0.457105013426224, 0, 3};
constexpr double kInferenceDx[] = {0.176776253356556,  -0.353552506713112, -0.249999687500586,
                                   -1.99999750000469,  -0.265164380034834, 0.353552506713112,
                                   0.499999375001172,  -0.249999687500586, 1.06065752013934,
                                   -0.707105013426224, -0.124999843750293, 1.49999812500352};
constexpr double kInferenceDw[] = {-7.95493140104502, 8.95311380861473};
constexpr double kPlainInferenceDx[] = {0.316227766016838,  -0.471404520791032, 0.158113883008419,
                                        0.942809041582063,  -0.474341649025257, 0.471404520791032,
                                        -0.316227766016838, 0.117851130197758,  1.89736659610103,
                                        -0.942809041582063, 0.0790569415042095, -0.707106781186548};
constexpr double kPlainDx[] = {0.527902392133254,  0.120653164711768,  0.0206035477336948,
                               0.0913807376195757, -0.749824954005983, 0.258712859528129,
                               -0.168480999261803, 0.266030966301177,  0.269642891316127,
                               -0.610190196783267, 0.10015712208471,   -0.126587531377383};
// About 1000, in channel 1 with a mean that is no float.
constexpr double kFarX[] = {1000 + 3 / 512.0, 1000 - 8 / 512.0, 1000 + 1 / 512.0, 1000 + 7 / 512.0,
                            1000 - 2 / 512.0, 1000 + 5 / 512.0, 1000 - 6 / 512.0, 1000,
                            1000 + 4 / 512.0, 1000 - 3 / 512.0};
constexpr double kFarStats[] = {1000, 128.720274334229, 1000.000390625, 90.5359272188739};
constexpr double kFarDw[] = {4.58817384102178, 5.82648203488914}, kFarDb[] = {2.5, 0.25};
constexpr double kPlainStats[] = {-0.166666666666667, 0.548293170705815, 1.83333333333333,
                                  0.305391816724914};

constexpr CaseInput kGoldenX{.shape = {2, 2}, .values = kX},
    kGoldenResidual{.shape = {2, 2}, .values = kResidual},
    kGoldenDz{.shape = {2, 2}, .values = kDy}, kGoldenStats{.shape = {2, 2}, .values = kStats},
    kGoldenMean{.shape = {2}, .values = kMean}, kGoldenVar{.shape = {2}, .values = kVar},
    kGoldenW{.shape = {2}, .values = kW}, kGoldenB{.shape = {2}, .values = kB},
    kPlain{.shape = {2}, .values = kX};

/// Normal x of that shape, with all else that normalises C channels.
constexpr CaseInput planes(int64_t c) { return {.shape = {c, 5, 7}}; }
constexpr CaseInput vectors(int64_t c) { return {.shape = {c}}; }
constexpr CaseInput positive(int64_t c) { return {.shape = {c}, .fill = Fill::positive}; }
constexpr CaseInput stats_of(int64_t c) { return {.shape = {c, 2}, .fill = Fill::positive}; }
constexpr CaseInput kBlock{.shape = {16, 32, 32}}, kMatrix{.shape = {3, 1}}, kScalar{};
constexpr std::string_view kRelu = "activation=relu";

constexpr Case kCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {kGoldenX, kGoldenMean, kGoldenVar, kGoldenW, kGoldenB},
     .expect = {kY, kStats, kNewMean, kNewVar}},
    {.name = "golden_residual_relu",
     .attrs = kRelu,
     .n = 3,
     .inputs = {kGoldenX, kGoldenMean, kGoldenVar, kGoldenW, kGoldenB, kGoldenResidual},
     .expect = {kResidualY, kStats, kNewMean, kNewVar}},
    {.name = "golden_without_weight",
     .attrs = "eps=0.5 momentum=0.25",
     .n = 6,
     .inputs = {kPlain, kGoldenMean, kGoldenVar},
     .expect = {kHalfY, kHalfStats, kHalfMean, kHalfVar},
     .least_valid = 2},
    {.name = "golden_constant",
     .n = 4,
     .inputs = {{{.shape = {2}, .values = kConstant}, kGoldenMean, kGoldenVar, kGoldenW, kGoldenB}},
     .expect = {kConstantY, kConstantStats, kConstantMean, kConstantVar},
     .least_valid = 2},
    {.name = "planes",
     .n = 17,
     .inputs = {planes(6), vectors(6), positive(6), vectors(6), vectors(6)}},
    {.name = "planes_relu",
     .attrs = kRelu,
     .n = 33,
     .inputs = {planes(3), vectors(3), positive(3), vectors(3), vectors(3), planes(3)}},
    {.name = "planes_relu_alone",
     .attrs = kRelu,
     .n = 16,
     .inputs = {planes(3), vectors(3), positive(3), vectors(3), vectors(3)}},
    {.name = "vectors",
     .n = 33,
     .inputs = {vectors(31), vectors(31), positive(31), vectors(31), vectors(31)},
     .least_valid = 2},
    {.name = "one_example", .n = 1, .inputs = {planes(2), vectors(2), positive(2), vectors(2)}},
    {.name = "many_examples", .n = 1100, .inputs = {{{.shape = {2, 10}}, vectors(2), positive(2)}}},
    {.name = "resnet_block",
     .n = 9,
     .inputs = {kBlock, vectors(16), positive(16), vectors(16), vectors(16)},
     .bench = true},
    {.name = "one_value",
     .n = 1,
     .inputs = {vectors(3), vectors(3), positive(3)},
     .error = "one value per channel"},
    {.name = "scalar", .inputs = {kScalar, vectors(1), positive(1)}, .error = "needs channels"},
    {.name = "weights",
     .inputs = {planes(3), vectors(3), positive(3), vectors(4)},
     .error = "weight (4) must be (3)"},
    {.name = "averages", .inputs = {planes(3), kMatrix, positive(3)}, .error = "must be (3)"},
    {.name = "residual",
     .inputs = {planes(3), vectors(3), positive(3), vectors(3), vectors(3), planes(4)},
     .error = "residual is float32 (N, 4, 5, 7), but x is float32 (N, 3, 5, 7)"},
};
constexpr Case kInferenceCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {kGoldenX, kGoldenMean, kGoldenVar, kGoldenW, kGoldenB},
     .expect = {kInferenceY}},
    {.name = "golden_residual_relu",
     .attrs = kRelu,
     .n = 3,
     .inputs = {kGoldenX, kGoldenMean, kGoldenVar, kGoldenW, kGoldenB, kGoldenResidual},
     .expect = {kInferenceReluY}},
    {.name = "vectors", .n = 17, .inputs = {vectors(31), vectors(31), positive(31)}},
    {.name = "planes_relu",
     .attrs = kRelu,
     .n = 33,
     .inputs = {planes(3), vectors(3), positive(3), vectors(3), vectors(3), planes(3)}},
    {.name = "planes_relu_alone",
     .attrs = kRelu,
     .n = 16,
     .inputs = {planes(3), vectors(3), positive(3), vectors(3), vectors(3)}},
    {.name = "resnet_block",
     .n = 9,
     .inputs = {kBlock, vectors(16), positive(16), vectors(16), vectors(16), kBlock},
     .bench = true},
    {.name = "scalar", .inputs = {kScalar, vectors(1), positive(1)}, .error = "needs channels"},
    {.name = "averages",
     .inputs = {planes(3), vectors(3), positive(2)},
     .error = "running_var (2) must be (3)"},
    {.name = "bias",
     .inputs = {planes(3), vectors(3), positive(3), vectors(3), kMatrix},
     .error = "bias (3, 1) must be (3)"},
};
constexpr Case kInferenceGradCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {kGoldenDz, kGoldenX, kGoldenMean, kGoldenVar, kGoldenW},
     .expect = {kInferenceDx, kInferenceDw, kDb}},
    {.name = "golden_without_weight",
     .attrs = "eps=0.5",
     .n = 6,
     .inputs = {{{.shape = {2}, .values = kDy}, kPlain, kGoldenMean, kGoldenVar}},
     .expect = {kPlainInferenceDx}},
    {.name = "planes",
     .n = 17,
     .inputs = {planes(6), planes(6), vectors(6), positive(6), vectors(6)}},
    {.name = "vectors", .n = 33, .inputs = {vectors(31), vectors(31), vectors(31), positive(31)}},
    {.name = "many_examples",
     .n = 1100,
     .inputs = {{{.shape = {2, 10}}, {.shape = {2, 10}}, vectors(2), positive(2), vectors(2)}}},
    {.name = "resnet_block",
     .n = 9,
     .inputs = {kBlock, kBlock, vectors(16), positive(16), vectors(16)},
     .bench = true},
    {.name = "scalar",
     .inputs = {kScalar, kScalar, vectors(1), positive(1)},
     .error = "needs channels"},
    {.name = "sizes",
     .inputs = {planes(3), planes(4), vectors(4), positive(4)},
     .error = "dz is float32"},
    {.name = "averages",
     .inputs = {planes(3), planes(3), vectors(3), positive(2)},
     .error = "running_var (2) must be (3)"},
    {.name = "weights",
     .inputs = {planes(3), planes(3), vectors(3), positive(3), kMatrix},
     .error = "weight (3, 1) must be (3)"},
};
constexpr Case kSumsCases[] = {
    {.name = "golden", .n = 3, .inputs = {kGoldenX}, .expect = {kSums}},
    {.name = "planes", .n = 17, .inputs = {planes(6)}},
    {.name = "vectors", .n = 33, .inputs = {vectors(31)}},
    {.name = "many_examples", .n = 1100, .inputs = {{{.shape = {2, 10}}}}},
    {.name = "resnet_block", .n = 9, .inputs = {kBlock}, .bench = true},
    {.name = "scalar", .inputs = {kScalar}, .error = "needs channels"},
    {.name = "attribute", .attrs = "eps=1", .inputs = {kMatrix}, .error = "has no attribute 'eps'"},
    {.name = "no_value", .attrs = "eps", .inputs = {kMatrix}, .error = "'eps' is no attribute"},
};
constexpr Case kStatsCases[] = {
    {.name = "golden",
     .attrs = "positions=2",
     .n = 3,
     .inputs = {{{.shape = {2, 2}, .values = kSums}, kGoldenMean, kGoldenVar}},
     .expect = {kStats, kNewMean, kNewVar}},
    {.name = "channels",
     .attrs = "positions=9",
     .n = 17,
     .inputs = {stats_of(31), vectors(31), positive(31)},
     .bench = true},
    {.name = "one_value",
     .n = 1,
     .inputs = {stats_of(3), vectors(3), positive(3)},
     .error = "one value per channel"},
    {.name = "sums",
     .inputs = {vectors(3), vectors(3), positive(3)},
     .error = "sums (3) must be (3, 2)"},
    {.name = "averages",
     .inputs = {stats_of(3), vectors(3), positive(4)},
     .error = "running_var (4) must be (3)"},
    {.name = "mean", .inputs = {stats_of(3), kMatrix, kMatrix}, .error = "must be (C)"},
};
constexpr Case kNormalizeCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {kGoldenX, kGoldenStats, kGoldenW, kGoldenB},
     .expect = {kY}},
    {.name = "golden_residual_relu",
     .attrs = kRelu,
     .n = 3,
     .inputs = {kGoldenX, kGoldenStats, kGoldenW, kGoldenB, kGoldenResidual},
     .expect = {kResidualY}},
    {.name = "vectors", .n = 17, .inputs = {vectors(31), stats_of(31)}},
    {.name = "resnet_block",
     .attrs = kRelu,
     .n = 9,
     .inputs = {kBlock, stats_of(16), vectors(16), vectors(16)},
     .bench = true},
    {.name = "scalar", .inputs = {kScalar, stats_of(1)}, .error = "needs channels"},
    {.name = "stats", .inputs = {planes(3), stats_of(2)}, .error = "stats (2, 2) must be (3, 2)"},
    {.name = "weights",
     .inputs = {planes(3), stats_of(3), vectors(4)},
     .error = "weight (4) must be (3)"},
};
constexpr Case kGradCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {kGoldenDz, kGoldenX, kGoldenStats, kGoldenW},
     .expect = {kDx, kDw, kDb}},
    {.name = "golden_without_weight",
     .n = 6,
     .inputs = {{{.shape = {2}, .values = kDy}, kPlain, {.shape = {2, 2}, .values = kPlainStats}}},
     .expect = {kPlainDx}},
    {.name = "planes", .n = 17, .inputs = {planes(6), planes(6), stats_of(6), vectors(6)}},
    {.name = "vectors", .n = 33, .inputs = {vectors(31), vectors(31), stats_of(31)}},
    {.name = "many_examples",
     .n = 1100,
     .inputs = {{{.shape = {2, 10}}, {.shape = {2, 10}}, stats_of(2), vectors(2)}}},
    {.name = "resnet_block",
     .n = 9,
     .inputs = {kBlock, kBlock, stats_of(16), vectors(16)},
     .bench = true},
    {.name = "scalar", .inputs = {kScalar, kScalar, stats_of(1)}, .error = "needs channels"},
    {.name = "sizes", .inputs = {planes(3), planes(4), stats_of(4)}, .error = "dz is float32"},
    {.name = "stats", .inputs = {planes(3), planes(3), kMatrix}, .error = "must be (3, 2)"},
};
constexpr Case kReluGradCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {{{.shape = {2, 2}, .values = kY}, kGoldenDz, kGoldenX, kGoldenStats, kGoldenW}},
     .expect = {kReluDx, kReluDw, kReluDb, kReluDz}},
    {.name = "planes",
     .n = 17,
     .inputs = {planes(6), planes(6), planes(6), stats_of(6), vectors(6)}},
    {.name = "vectors", .n = 33, .inputs = {vectors(31), vectors(31), vectors(31), stats_of(31)}},
    {.name = "many_examples",
     .n = 1100,
     .inputs =
         {{{.shape = {2, 10}}, {.shape = {2, 10}}, {.shape = {2, 10}}, stats_of(2), vectors(2)}}},
    {.name = "resnet_block",
     .n = 9,
     .inputs = {kBlock, kBlock, kBlock, stats_of(16), vectors(16)},
     .bench = true},
    {.name = "scalar",
     .inputs = {kScalar, kScalar, kScalar, stats_of(1)},
     .error = "needs channels"},
    {.name = "sizes",
     .inputs = {planes(3), planes(4), planes(3), stats_of(3)},
     .error = "dy is float32 (N, 4, 5, 7), but x is"},
    {.name = "mask",
     .inputs = {planes(4), planes(3), planes(3), stats_of(3)},
     .error = "y is float32 (N, 4, 5, 7), but x is"},
    {.name = "stats",
     .inputs = {planes(3), planes(3), planes(3), kMatrix},
     .error = "must be (3, 2)"},
    {.name = "weights",
     .inputs = {planes(3), planes(3), planes(3), stats_of(3), vectors(4)},
     .error = "weight (4) must be (3)"},
};
constexpr Case kGradSumsCases[] = {
    {.name = "golden", .n = 3, .inputs = {kGoldenDz, kGoldenX, kGoldenStats}, .expect = {kDw, kDb}},
    {.name = "golden_far",
     .n = 5,
     .inputs = {{{.shape = {2}, .values = std::span(kDy).first(10)},
                 {.shape = {2}, .values = kFarX},
                 {.shape = {2, 2}, .values = kFarStats}}},
     .expect = {kFarDw, kFarDb}},
    {.name = "planes", .n = 17, .inputs = {planes(6), planes(6), stats_of(6)}},
    {.name = "vectors", .n = 33, .inputs = {vectors(31), vectors(31), stats_of(31)}},
    {.name = "resnet_block", .n = 9, .inputs = {kBlock, kBlock, stats_of(16)}, .bench = true},
    {.name = "scalar", .inputs = {kScalar, kScalar, stats_of(1)}, .error = "needs channels"},
    {.name = "sizes", .inputs = {planes(3), planes(4), stats_of(4)}, .error = "dz is float32"},
    {.name = "stats", .inputs = {planes(3), planes(3), kMatrix}, .error = "must be (3, 2)"},
};
constexpr Case kGradInputCases[] = {
    {.name = "golden",
     .n = 3,
     .inputs = {kGoldenDz,
                kGoldenX,
                kGoldenStats,
                {.shape = {2}, .values = kDw},
                {.shape = {2}, .values = kDb},
                kGoldenW},
     .expect = {kDx}},
    {.name = "vectors",
     .n = 17,
     .inputs = {vectors(31), vectors(31), stats_of(31), vectors(31), vectors(31)}},
    {.name = "resnet_block",
     .n = 9,
     .inputs = {kBlock, kBlock, stats_of(16), vectors(16), vectors(16), vectors(16)},
     .bench = true},
    {.name = "scalar",
     .inputs = {kScalar, kScalar, stats_of(1), vectors(1), vectors(1)},
     .error = "needs channels"},
    {.name = "sums",
     .inputs = {planes(3), planes(3), stats_of(3), vectors(2), vectors(3)},
     .error = "dweight (2) must be (3)"},
    {.name = "weights",
     .inputs = {planes(3), planes(3), stats_of(3), vectors(3), vectors(3), kMatrix},
     .error = "weight (3, 1) must be (3)"},
};

}  // namespace
}  // namespace cairn
