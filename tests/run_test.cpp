// Run folders and checkpoints.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <regex>
#include <set>

#include "core/error.h"
#include "core/random.h"
#include "io/files.h"
#include "io/safetensors.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/optimizers.h"
#include "train/run_folder.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

class Run : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cairn-run-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  void touch(const fs::path& path) { std::ofstream(path) << "x"; }

  fs::path root_;
};

template <class F>
std::string refusal(F call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  return "accepted";
}

/// Parameters of a small net, one of them as long as no multiple of the alignment, and a momentum.
Graph small_graph(const Shape& weight, const std::string& second = "fc.bias") {
  Graph graph;
  graph.parameter("conv.weight", weight, {Init::Kind::uniform, 0.5});
  graph.parameter(second, {3}, {Init::Kind::normal, 1.0});
  const int64_t flat = ParameterMap(graph).elements;
  graph.state("momentum", {DType::f32, {flat}, false});
  return graph;
}

struct SmallRun {
  explicit SmallRun(const Graph& graph)
      : device(open_device("reference", 1)), store(*device, ParameterMap(graph)) {
    store.declare(graph, 1, 1);
  }
  std::unique_ptr<Device> device;
  Store store;
  const CheckpointBuffers kept = {.states = {"momentum"}};
};

const CheckpointInfo kInfo = {"lenet5",
                              {{"a", "b"}},
                              "sgd",
                              ~uint64_t{0},
                              {.step = 7, .epoch = 2, .first = 64, .n_valid = 32, .lr = 0.1}};

TEST_F(Run, CheckpointRoundTripIsExact) {
  const Graph graph = small_graph({2, 1, 3, 3});
  SmallRun first(graph), second(graph);
  first.store.initialize(42);
  std::vector<double> momentum(static_cast<size_t>(first.store.parameters().elements));
  for (size_t i = 0; i < momentum.size(); ++i) momentum[i] = static_cast<double>(i) + 0.5;
  first.store.write("momentum", momentum);
  const fs::path where = root_ / "checkpoint";
  save_checkpoint(where, first.store, first.kept, kInfo);

  const CheckpointInfo info = load_checkpoint(where, second.store, second.kept);
  EXPECT_EQ(second.store.read("conv.weight"), first.store.read("conv.weight"));
  EXPECT_EQ(second.store.read("fc.bias"), first.store.read("fc.bias"));
  EXPECT_EQ(info.model, kInfo.model);
  EXPECT_EQ(info.options, kInfo.options);
  EXPECT_EQ(info.seed, kInfo.seed);
  EXPECT_EQ(info.state.step, 7);
  EXPECT_EQ(info.state.first, 64);
  EXPECT_EQ(info.state.lr, 0.1);
  const std::vector<double> restored = second.store.read("momentum");
  for (const Segment& s : second.store.parameters().segments)
    for (auto i = static_cast<size_t>(s.offset); i < static_cast<size_t>(s.offset + s.elements);
         ++i)
      EXPECT_EQ(restored[i], momentum[i]);
}

Dataset noise(int64_t count) {
  Dataset data{"noise", Shape{1, 28, 28}, 10, {}, {}};
  for (int64_t i = 0; i < count * 784; ++i)
    data.images.push_back(static_cast<uint8_t>(random_word({}, 0, static_cast<uint64_t>(i)) >> 24));
  for (int64_t i = 0; i < count; ++i) data.labels.push_back(static_cast<uint8_t>(i % 10));
  return data;
}

TEST_F(Run, ARunThatGoesOnFromACheckpointEndsWithTheSameBits) {
  const Dataset data = noise(40);
  const Network network(find_model("mlp"), {{"widths", "12"}}, data, pixel_statistics(data));
  const auto device = open_device("cpu", 2);
  for (const Optimizer& optimizer : all_optimizers()) {
    const TrainSettings settings{.batch = 16,
                                 .optimizer = std::string(optimizer.name),
                                 .lr = 0.01,
                                 .weight_decay = 0.01,
                                 .schedule = "cosine",
                                 .clip_norm = 0.5,
                                 .ema = 0.5,
                                 .horizon = 10};
    Trainer whole(network, *device, data, settings), rest(network, *device, data, settings);
    for (int i = 0; i < 4; ++i) whole.step();
    save_checkpoint(root_ / "c", whole.store(), whole.checkpoint_buffers(),
                    {"mlp", network.options, settings.optimizer, settings.seed, whole.state()});
    for (int i = 0; i < 4; ++i) whole.step();

    rest.set_state(load_checkpoint(root_ / "c", rest.store(), rest.checkpoint_buffers()).state);
    for (int i = 0; i < 4; ++i) rest.step();
    EXPECT_EQ(rest.steps(), whole.steps());
    for (const char* name : {"parameters", "average"})
      EXPECT_EQ(rest.store().read(name), whole.store().read(name)) << optimizer.name;
    EXPECT_EQ(rest.drain().back().loss, whole.drain().back().loss) << optimizer.name;
  }
}

TEST_F(Run, AverageOfTheWeightsIsTheModel) {
  const Dataset data = noise(40);
  const Network network(find_model("mlp"), {{"widths", "12"}}, data, pixel_statistics(data));
  const auto device = open_device("cpu", 2);
  Trainer trainer(network, *device, data, {.batch = 16, .lr = 0.05, .ema = 0.75});
  const auto weights = [&] { return trainer.store().read("parameters"); };
  std::vector<double> average = weights();
  for (int step = 0; step < 5; ++step) {
    trainer.step();
    const std::vector<double> now = weights();
    for (size_t i = 0; i < now.size(); ++i) average[i] = 0.75 * average[i] + 0.25 * now[i];
  }
  const std::vector<double> trained = weights();
  save_checkpoint(root_ / "c", trainer.store(), trainer.checkpoint_buffers(), kInfo);
  {
    const Trainer::Averaged averaged(trainer);
    for (size_t i = 0; i < average.size(); ++i) EXPECT_NEAR(weights()[i], average[i], 1e-6);
    EXPECT_NE(weights(), trained);
    Store store(*device, parameters_of(network));
    load_parameters(root_ / "c" / kModelFile, store);
    EXPECT_EQ(store.read("fc1.weight"), trainer.store().read("fc1.weight"));
  }
  EXPECT_EQ(weights(), trained);
}

TEST_F(Run, ClippingBoundsAStep) {
  const Dataset data = noise(40);
  const Network network(find_model("mlp"), {{"widths", "12"}}, data, pixel_statistics(data));
  const auto device = open_device("cpu", 1);
  for (const double limit : {1e-3, 1e6}) {
    Trainer trainer(network, *device, data,
                    {.batch = 16, .lr = 1, .momentum = 0, .clip_norm = limit});
    const std::vector<double> before = trainer.store().read("parameters");
    trainer.step();
    const std::vector<double> after = trainer.store().read("parameters");
    double squares = 0;
    for (size_t i = 0; i < after.size(); ++i) squares += std::pow(after[i] - before[i], 2);
    if (limit < 1)
      EXPECT_NEAR(std::sqrt(squares), limit, 0.01 * limit);
    else
      EXPECT_GT(std::sqrt(squares), 1e-2);
  }
}

TEST_F(Run, CheckpointHasPyTorchsNamesAndIsReplacedAsAWhole) {
  SmallRun run(small_graph({2, 1, 3, 3}));
  run.store.initialize(1);
  const fs::path where = root_ / "checkpoint";
  save_checkpoint(where, run.store, run.kept, kInfo);
  const std::string model = read_file(where / kModelFile);
  const std::string state = read_file(where / "state.safetensors");
  touch(where / "stray");
  save_checkpoint(where, run.store, run.kept, kInfo);
  EXPECT_EQ(read_file(where / kModelFile), model);
  EXPECT_EQ(read_file(where / "state.safetensors"), state);
  EXPECT_FALSE(fs::exists(where / "stray"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1);

  const SafetensorsFile file = SafetensorsFile::open(where / kModelFile);
  EXPECT_EQ(file.names(), (std::vector<std::string>{"conv.weight", "fc.bias"}));
  EXPECT_EQ(file.at("conv.weight").shape, Shape({2, 1, 3, 3}));
  EXPECT_EQ(SafetensorsFile::open(where / "state.safetensors").names(),
            (std::vector<std::string>{"momentum.conv.weight", "momentum.fc.bias"}));
}

TEST_F(Run, ParametersOfAnotherModelAreRefusedAndNothingIsWritten) {
  SmallRun saved(small_graph({2, 1, 3, 3}));
  saved.store.initialize(1);
  save_checkpoint(root_ / "c", saved.store, saved.kept, kInfo);
  const fs::path file = root_ / "c" / kModelFile;
  const auto refuse = [&](const Graph& graph) {
    SmallRun other(graph);
    const std::string message = refusal([&] { load_parameters(file, other.store); });
    for (const double value : other.store.read("conv.weight")) EXPECT_EQ(value, 0);
    return message;
  };
  EXPECT_EQ(
      refuse(small_graph({2, 1, 5, 5})),
      file.string() + ": 'conv.weight' has shape (2, 1, 3, 3), but the model's has (2, 1, 5, 5)");
  EXPECT_EQ(refuse(small_graph({2, 1, 3, 3}, "fc.scale")),
            file.string() + ": there is no tensor 'fc.scale'");
  Graph fewer;
  fewer.parameter("conv.weight", {2, 1, 3, 3}, {});
  EXPECT_EQ(refuse(fewer), file.string() + ": the model has nothing called 'fc.bias'");
}

TEST_F(Run, TensorsOfWholeNumbersAreRefused) {
  const std::vector<int64_t> values(18);
  const std::vector<TensorRecord> tensors = {
      {"conv.weight", DType::i64, {2, 1, 3, 3}, std::as_bytes(std::span(values))}};
  write_safetensors(root_ / "m.safetensors", tensors);
  SmallRun run(small_graph({2, 1, 3, 3}));
  EXPECT_NE(refusal([&] {
              load_parameters(root_ / "m.safetensors", run.store);
            }).find("'conv.weight' is int64, not float32"),
            std::string::npos);
}

TEST_F(Run, FolderIsMadeMovedAsideOrRefused) {
  const fs::path run = root_ / "runs" / "a";
  EXPECT_EQ(create_run_folder(run), fs::path());
  EXPECT_EQ(create_run_folder(run), fs::path()) << "an empty folder is taken as it is";
  touch(run / "config.json");
  touch(run / "first");
  EXPECT_EQ(create_run_folder(run), root_ / "runs" / "a.bak");
  EXPECT_TRUE(fs::exists(root_ / "runs" / "a.bak" / "first"));
  EXPECT_TRUE(fs::is_empty(run));

  touch(run / "letter.txt");
  EXPECT_THROW(create_run_folder(run), UsageError);
  EXPECT_TRUE(fs::exists(run / "letter.txt"));
  EXPECT_THROW(check_run_folder(run / "letter.txt"), UsageError);
}

TEST_F(Run, DefaultFolderIsNamedByModelAndDate) {
  const std::string folder = default_run_folder("lenet5").string();
  EXPECT_TRUE(std::regex_match(folder, std::regex("runs/lenet5-\\d{8}-\\d{6}(-\\d+)?"))) << folder;
}

TEST_F(Run, MetricsHaveNineDigits) {
  MetricsWriter metrics(root_);
  const StepRecord records[] = {{1, 0, 2.3025850929940457, 0.125, 0.1}, {2, 0, 1.0 / 3, 1, 1e-7}};
  metrics.write(records, 12345.678912);
  metrics.close();
  EXPECT_EQ(read_file(root_ / "metrics.csv"),
            "step,epoch,loss,accuracy,lr,images_per_s\n"
            "1,0,2.30258509,0.125,0.1,12345.6789\n"
            "2,0,0.333333333,1,1e-07,12345.6789\n");
}

TEST_F(Run, MetricsAreCutToTheStepsThatCount) {
  const std::string whole =
      "step,epoch,loss,accuracy,lr,images_per_s\n1,0,2.3,0.1,0.1,50\n2,0,2.2,0.2,0.1,40\n"
      "3,1,2,0.3,0.1,30\n";
  const auto cut = [&](const std::string& text, int64_t last) {
    write_file_atomic(root_ / "metrics.csv", text);
    const std::vector<double> rates = cut_metrics(root_, last);
    EXPECT_TRUE(whole.starts_with(read_file(root_ / "metrics.csv")));
    return rates;
  };
  EXPECT_EQ(cut(whole, 2), (std::vector<double>{50, 40}));
  EXPECT_EQ(cut(whole, 9), (std::vector<double>{50, 40, 30}));
  EXPECT_EQ(cut(whole.substr(0, whole.size() - 3), 3), (std::vector<double>{50, 40}));
  EXPECT_EQ(cut("nonsense", 3), std::vector<double>());
  fs::remove(root_ / "metrics.csv");
  EXPECT_EQ(cut_metrics(root_, 3), std::vector<double>());

  cut(whole, 1);
  MetricsWriter metrics(root_, true);
  const StepRecord record{2, 0, 2.2, 0.2, 0.1};
  metrics.write({&record, 1}, 40);
  metrics.close();
  EXPECT_EQ(cut_metrics(root_, 9), (std::vector<double>{50, 40}));
}

TEST_F(Run, KeepsTheNewestCheckpointsAndJudgements) {
  SmallRun run(small_graph({2, 1, 3, 3}));
  CheckpointInfo info = kInfo;
  const auto folders = [&] {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_)) names.insert(entry.path().filename());
    return names;
  };
  using Names = std::set<std::string>;
  for (const int64_t step : {3, 6, 9, 12}) {
    info.state.step = step;
    info.judged = {step, 0.25};
    save_checkpoint(root_ / "c", run.store, run.kept, info, 3);
  }
  EXPECT_EQ(folders(), (Names{"c", "c-6", "c-9"}));
  EXPECT_EQ(read_checkpoint_info(root_ / "c-6").state.step, 6);
  EXPECT_EQ(read_checkpoint_info(root_ / "c").judged->step, 12);
  EXPECT_EQ(read_checkpoint_info(root_ / "c").judged->accuracy, 0.25);
  EXPECT_FALSE(read_checkpoint_info(root_ / "c").best);
  info.state.step = 8;  // a run that went back
  save_checkpoint(root_ / "c", run.store, run.kept, info, 3);
  EXPECT_EQ(folders(), (Names{"c", "c-6"}));
}

TEST_F(Run, WhatAKilledProcessLeftIsNoObstacle) {
  touch(root_ / "config.json.partial-12-0");
  EXPECT_EQ(create_run_folder(root_), fs::path());
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(Run, IsNamedByItsFolderOrACheckpoint) {
  fs::create_directories(root_ / "r" / "checkpoint-7");
  touch(root_ / "r" / "checkpoint-7" / kModelFile);
  const std::string run = (root_ / "r").string();
  EXPECT_EQ(RunPath(run + "/").run, run);
  EXPECT_EQ(RunPath(run).checkpoint, run + "/checkpoint");
  EXPECT_EQ(RunPath(run + "/checkpoint-7/").run, run);
  EXPECT_EQ(RunPath(run + "/checkpoint-7/").checkpoint, run + "/checkpoint-7");
}

TEST_F(Run, TheFirstTensorThatIsNotFiniteIsNamed) {
  const Dataset data = noise(32);
  const Network network(find_model("mlp"), {{"widths", "12"}}, data, pixel_statistics(data));
  const auto device = open_device("cpu", 1);
  Trainer trainer(network, *device, data, {.batch = 16});
  const std::string name = trainer.store().parameters().segments[2].name;
  EXPECT_EQ(trainer.first_not_finite(), "");
  std::vector<double> weight = trainer.store().read(name);
  for (double& w : weight) w = 3e38;
  trainer.store().write(name, weight);
  EXPECT_NE(trainer.first_not_finite().find(" of "), std::string::npos);
  weight[0] = INFINITY;
  trainer.store().write(name, weight);
  EXPECT_EQ(trainer.first_not_finite(), "parameter " + name);
}

TEST_F(Run, ConfigRoundTrip) {
  RunConfig config;
  config.version = "0.1.0";
  config.model = "mlp";
  config.options = {{"widths", "30,10"}};
  config.data = "digits";
  config.image = {1, 28, 28};
  config.classes = 10;
  config.normalization.mean[0] = 0.1307;
  config.normalization.deviation[0] = 1.0 / 3;
  config.settings.optimizer = "adam";
  config.settings.seed = ~uint64_t{0};
  config.settings.schedule = "one-cycle";
  config.settings.precision = "bf16";
  config.settings.label_smoothing = 0.125;
  config.settings.augment = Augmentation::parse("flip=random rotate=7.5");
  config.epochs = 3;
  config.until_accuracy = 0.985;
  config.device = "cpu";
  config.threads = 2;
  config.conv = {"auto", {{"conv2d n=64", "cudnn"}}, "cudnn"};
  write_config(root_, config);
  const RunConfig read = read_config(root_);
  EXPECT_EQ(read.options, config.options);
  EXPECT_EQ(read.image, config.image);
  EXPECT_EQ(read.normalization.mean, config.normalization.mean);
  EXPECT_EQ(read.normalization.deviation, config.normalization.deviation);
  EXPECT_EQ(read.settings.optimizer, "adam");
  EXPECT_EQ(read.settings.seed, config.settings.seed);
  EXPECT_EQ(read.settings.schedule, "one-cycle");
  EXPECT_EQ(read.settings.precision, "bf16");
  EXPECT_EQ(read.settings.label_smoothing, 0.125);
  EXPECT_EQ(read.settings.augment, config.settings.augment);
  EXPECT_EQ(read.until_accuracy, config.until_accuracy);
  EXPECT_EQ(read.conv, config.conv);
  EXPECT_FALSE(read.steps);
  EXPECT_NE(refusal([&] { read_config(root_ / "nowhere"); }).find("is no run folder"),
            std::string::npos);
}

TEST_F(Run, SummaryTellsAnInterrupt) {
  RunSummary summary;
  summary.model = "lenet5";
  summary.seed = 3;
  summary.interrupted = true;
  EXPECT_TRUE(to_json(summary).at("test_accuracy").is_null());
  EXPECT_EQ(to_json(summary).at("seed").as_int(), 3);
  summary.test = Evaluation{.loss = 0.1, .accuracy = 0.9912, .confusion = {}};
  EXPECT_EQ(to_json(summary).at("test_accuracy").as_double(), 0.9912);
}

}  // namespace
}  // namespace cairn
