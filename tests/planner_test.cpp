// Plans of a real training graph, judged by lives that are worked out here anew.
#include <algorithm>

#include <gtest/gtest.h>

#include "core/random.h"
#include "tests/small_network.h"
#include "train/trainer.h"

namespace cairn {
namespace {

/// Bytes [begin, end) that a value needs while nodes first ... last run.
struct Claim {
  std::string name;
  int64_t begin = 0, end = 0;
  int first = 0, last = 0;
};

class Lives {
 public:
  explicit Lives(const Program& program) : program_(program) {
    const auto& nodes = program.graph.nodes();
    first_.assign(program.graph.values().size(), -1);
    last_ = first_;
    for (int n = 0; n < static_cast<int>(nodes.size()); ++n) {
      for (const Value v : nodes[static_cast<size_t>(n)].outputs) first(v) = last(v) = n;
      for (const Value v : nodes[static_cast<size_t>(n)].inputs)
        if (v) last(v) = n;
    }
  }

  /// What lies in `space`. A value of the arena that a sliced stage touches lives through the
  /// stage.
  std::vector<Claim> claims(Space space) {
    std::vector<Claim> found;
    for (int id = 0; id < static_cast<int>(program_.graph.values().size()); ++id) {
      const Value v{id};
      const ValueInfo& info = program_.graph[v];
      const Placement& at = program_.plan.placements[static_cast<size_t>(id)];
      if (info.base || info.kind != ValueKind::activation || first(v) < 0) continue;
      const Stage &born = stage_of(first(v)), &dies = stage_of(last(v));
      const int64_t elements = info.type.shape.elements();
      const PlanOptions& options = program_.plan.options;
      if (space == Space::group && at.partial >= 0)
        found.push_back({info.name + " (partial)", at.partial, at.partial + elements * kBytes,
                         born.first, born.last - 1});
      if (at.space != space) continue;
      const int64_t slices = space == Space::group ? 1 : options.slices();
      const int64_t bytes = (info.type.batched ? options.width * slices : 1) * elements * kBytes;
      const bool whole_stages = space == Space::arena;
      found.push_back({info.name, at.offset, at.offset + bytes,
                       whole_stages ? born.first : first(v),
                       whole_stages ? dies.last - 1 : last(v)});
    }
    return found;
  }

 private:
  static constexpr int64_t kBytes = 4;

  int& first(Value v) { return first_[static_cast<size_t>(program_.graph.base_of(v).id)]; }
  int& last(Value v) { return last_[static_cast<size_t>(program_.graph.base_of(v).id)]; }
  const Stage& stage_of(int node) const {
    return *std::ranges::find_if(program_.plan.stages,
                                 [=](const Stage& s) { return node < s.last; });
  }

  const Program& program_;
  std::vector<int> first_, last_;
};

void expect_disjoint(const std::vector<Claim>& claims, int64_t bytes) {
  for (size_t i = 0; i < claims.size(); ++i) {
    const Claim& a = claims[i];
    EXPECT_TRUE(a.begin >= 0 && a.end <= bytes) << a.name << " leaves its memory";
    for (size_t j = 0; j < i; ++j) {
      const Claim& b = claims[j];
      const bool at_once = a.first <= b.last && b.first <= a.last;
      EXPECT_FALSE(at_once && a.begin < b.end && b.begin < a.end)
          << a.name << " overlaps " << b.name;
    }
  }
}

int64_t sum_of_bytes(const std::vector<Claim>& claims) {
  int64_t sum = 0;
  for (const Claim& c : claims) sum += c.end - c.begin;
  return sum;
}

TEST(Planner, WholeBatchReusesMemory) {
  const Program program = compile(small_network(), {.capacity = 64, .width = 64}, 0);
  const auto claims = Lives(program).claims(Space::arena);
  EXPECT_GT(claims.size(), 5u);
  expect_disjoint(claims, program.plan.arena_bytes);
  EXPECT_LT(program.plan.arena_bytes, sum_of_bytes(claims));
}

TEST(Planner, ForwardAndBackwardPassInOneSlicedStage) {
  const Program program = compile(small_network(), plan_options(DeviceKind::cpu, 300), 0);
  ASSERT_EQ(program.plan.stages.size(), 1u);
  EXPECT_TRUE(program.plan.stages[0].sliced);
  EXPECT_GT(program.plan.groups, 1);
  Lives lives(program);
  const auto claims = lives.claims(Space::group);
  EXPECT_GT(claims.size(), 5u);
  expect_disjoint(claims, program.plan.group_bytes);
  EXPECT_LT(program.plan.group_bytes, sum_of_bytes(claims));
  expect_disjoint(lives.claims(Space::arena), program.plan.arena_bytes);
}

TEST(Planner, KeepUsesNoMemoryTwice) {
  const Program program = compile(small_network(), {.capacity = 8, .width = 8, .keep = true}, 0);
  auto claims = Lives(program).claims(Space::arena);
  for (Claim& c : claims) c.first = 0, c.last = 1000;
  expect_disjoint(claims, program.plan.arena_bytes);
}

TEST(Planner, EverySliceBelongsToOneGroup) {
  for (const int64_t batch : {1, 31, 33, 64, 300, 1000}) {
    const Plan plan = compile(small_network(), plan_options(DeviceKind::cpu, batch), 0).plan;
    EXPECT_EQ(plan.first_slice(0), 0);
    EXPECT_EQ(plan.first_slice(plan.groups), plan.options.slices());
    for (int64_t g = 0; g < plan.groups; ++g)
      EXPECT_LT(plan.first_slice(g), plan.first_slice(g + 1));
  }
}

std::vector<double> trained_gradients(const std::string& device, int threads,
                                      const PlanOptions& options) {
  const auto opened = open_device(device, threads);
  BoundNetwork network(*opened, options);
  network.executor.run();
  return network.store.read(std::string(kGradients));
}

TEST(Planner, PlansAgreeAndThreadsChangeNoBit) {
  constexpr int64_t kBatch = 70;
  const PlanOptions whole{.capacity = kBatch, .width = kBatch};
  const PlanOptions sliced = plan_options(DeviceKind::cpu, kBatch);
  const auto reference = trained_gradients("reference", 1, whole);
  const auto one = trained_gradients("cpu", 1, sliced);
  EXPECT_EQ(trained_gradients("cpu", 2, sliced), one);
  EXPECT_EQ(trained_gradients("cpu", 5, sliced), one);
  double largest = 0;
  for (const double g : reference) largest = std::max(largest, std::abs(g));
  for (size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], reference[i], 4e-6 * largest);
}

/// A model's gradients of a batch of noise.
struct NoiseNet {
  NoiseNet(std::string model_name, ModelOptions model_options, int64_t images)
      : model(std::move(model_name)), options(std::move(model_options)), batch(images) {
    data.images.resize(static_cast<size_t>(batch * data.image.elements()));
    for (size_t i = 0; i < data.images.size(); ++i)
      data.images[i] = static_cast<uint8_t>(random_word({}, 0, i) >> 24);
    for (int64_t i = 0; i < batch; ++i) data.labels.push_back(static_cast<uint8_t>(i % 10));
  }

  Program program(bool keep) const {
    PlanOptions plan = plan_options(DeviceKind::cpu, batch);
    plan.keep = keep;
    return compile(accumulate_graph(network(), {.batch = batch}, batch), plan, 1);
  }

  std::vector<double> gradients(const Program& program, int threads) const {
    const auto device = open_device("cpu", threads);
    Store store(*device, parameters_of(network()));
    const Program* programs[] = {&program};
    Executor executor(program, store, make_scratch(*device, programs));
    load_images(store, "train", data);
    store.initialize(1);
    store.write("loss.grad", std::vector<double>{1});
    executor.run();
    return store.read(std::string(kGradients));
  }

  Network network() const {
    return Network(find_model(model), options, data, pixel_statistics(data));
  }

  std::string model;
  ModelOptions options;
  int64_t batch;
  Dataset data{"noise", Shape{3, 32, 32}, 10, {}, {}};
};

/// ResNet-20 on two and a half slices.
NoiseNet resnet() { return {"resnet20", {}, 20}; }

// Of a block's convolution with batch norm and ReLU, memory sees the convolution's output and dz,
// and of the second the block's output. All else lives for one slice.
TEST(Planner, WhatABlockMakesAgainOrUsesAtOnceStaysInTheCache) {
  const Program program = resnet().program(false);
  const auto space = [&](const std::string& name) {
    const Value v = program.graph.find(name);
    return program.plan.placements[static_cast<size_t>(v.id)].space;
  };
  for (const char* name :
       {"layer2.1.relu1.y", "layer2.1.relu1.y.again", "layer2.1.bn1.batch_norm_grad.dx",
        "layer2.1.bn2.batch_norm_grad.dx", "layer2.1.conv1.conv2d_dx.dx"})
    EXPECT_EQ(space(name), Space::group) << name;
  for (const char* name :
       {"layer2.1.conv1.y", "layer2.1.conv2.y", "layer2.1.relu2.y", "layer2.1.relu1.relu_grad.dx"})
    EXPECT_EQ(space(name), Space::arena) << name;
  const auto is_normalize = [](const Node& node) {
    return node.op->name == "batch_norm_normalize";
  };
  EXPECT_EQ(std::ranges::count_if(program.graph.nodes(), is_normalize), 19 + 9);
  Lives lives(program);
  expect_disjoint(lives.claims(Space::group), program.plan.group_bytes);
}

// A plan that keeps all values makes none of them again.
TEST(Planner, WhatIsMadeAgainChangesNoBit) {
  const NoiseNet net = resnet();
  const Program kept = net.program(true), again = net.program(false);
  EXPECT_LT(kept.graph.nodes().size(), again.graph.nodes().size());
  const std::vector<double> gradients = net.gradients(kept, 1);
  EXPECT_EQ(net.gradients(again, 1), gradients);
  EXPECT_EQ(net.gradients(again, 3), gradients);
  EXPECT_GT(*std::ranges::max_element(gradients), 0);
}

// Layers with more weights than slices should share see the whole batch; a small one doesn't.
/// How many nodes that share weights stand in stages that are sliced, or not.
int64_t sharing(const Program& program, bool sliced) {
  int64_t count = 0;
  for (const Stage& stage : program.plan.stages)
    for (int n = stage.first; n < stage.last; ++n)
      count += stage.sliced == sliced &&
               program.graph.nodes()[static_cast<size_t>(n)].op->shares_weights;
  return count;
}

TEST(Planner, ManyWeightsAreReadOnceForAllSlices) {
  const NoiseNet net("mlp", {{"widths", "300,200"}}, 70);
  const Program program = net.program(false);
  EXPECT_EQ(sharing(program, false), 2 + 1 + 2);  // forward, to the data, to the weights
  EXPECT_EQ(sharing(program, true), 1 + 1 + 1);   // those of the last layer
  EXPECT_EQ(sharing(NoiseNet("mlp", {{"widths", "30,20"}}, 70).program(false), false), 0);
  const auto gradients = net.gradients(program, 1);
  EXPECT_EQ(net.gradients(program, 2), gradients);
  EXPECT_EQ(net.gradients(program, 5), gradients);
}

// Forward and backward of all layers are one stage; the two large gradients follow it.
TEST(Planner, LargeSumsAreMadeBehindTheSlices) {
  const NoiseNet net("lenet5", {}, 70);
  const Program program = net.program(false);
  const std::vector<Stage>& stages = program.plan.stages;
  EXPECT_EQ(sharing(program, false), 2);
  EXPECT_EQ(sharing(program, true), 3 + 3 + 1);
  EXPECT_EQ(std::ranges::count(stages, true, &Stage::sliced), 1);
  const auto slices = std::ranges::find(stages, true, &Stage::sliced);
  EXPECT_EQ(std::count_if(slices, stages.end(),
                          [&](const Stage& stage) {
                            const auto first = static_cast<size_t>(stage.first);
                            return !stage.sliced && program.graph.nodes()[first].op->shares_weights;
                          }),
            2);
  const auto gradients = net.gradients(program, 1);
  EXPECT_EQ(net.gradients(program, 2), gradients);
  EXPECT_EQ(net.gradients(program, 5), gradients);
}

}  // namespace
}  // namespace cairn
