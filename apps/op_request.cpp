#include "apps/op_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/op_runner.h"
#include "core/op_table.h"
#include "io/safetensors.h"
#include "io/tensor_values.h"
#include "io/utf8.h"

namespace cairn {
namespace {

/// "2,1" for [2, 1], "1" for true: a value of an attribute as Attrs::parse reads it.
std::string attribute_text(const std::string& name, const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_array()) {
    std::vector<std::string> texts;
    for (const Json& item : value.as_array()) {
      if (item.is_array()) break;
      texts.push_back(attribute_text(name, item));
    }
    if (texts.size() == value.as_array().size()) return fmt::format("{}", fmt::join(texts, ","));
  }
  if (value.is_array() || value.is_object() || value.is_null())
    fail(fmt::format("attribute {} is {}", quoted_name(name), value.dump(-1)),
         "give a number, true, false, a string or a list of them; leave out what is None");
  return value.dump(-1);
}

std::vector<std::string> assignments(const Json& json) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : json.as_object())
    texts.push_back(fmt::format("{}={}", name, attribute_text(name, value)));
  return texts;
}

void set_member(OpRequest& request, const std::string& name, const Json& value) {
  if (name == "op")
    request.op = value.as_string();
  else if (name == "in")
    request.in = value.as_string();
  else if (name == "out")
    request.out = value.as_string();
  else if (name == "attrs")
    request.attrs = assignments(value);
  else if (name == "state")
    request.state = assignments(value);
  else if (name == "grad")
    request.grad = value.as_bool();
  else if (name == "device")
    request.device = value.as_string();
  else if (name == "dtype")
    request.dtype = value.as_string();
  else
    fail(fmt::format("a request has no member {}", quoted_name(name)),
         "it takes op, in, out, attrs, state, grad, device and dtype");
}

/// StepState's fields but n_valid, which is the batch's size, as a schema for their text.
constexpr double kWhole = 9007199254740992;  // 2^53
constexpr AttrDef kStateFields[] = {{.name = "step", .max = kWhole},
                                    {.name = "epoch", .max = kWhole},
                                    {.name = "first", .max = kWhole},
                                    {.name = "lr", .type = AttrType::real, .max = 1e6}};

StepState state_of(const OpRequest& request, int64_t n) {
  const std::string text = fmt::format("{}", fmt::join(request.state, " "));
  const Attrs fields = Attrs::parse(kStateFields, text, "state");
  return {fields.integer(0), fields.integer(1), fields.integer(2), n, fields.real(3)};
}

/// The request's op and files, read and checked.
class Call {
 public:
  explicit Call(const OpRequest& request)
      : request_(request),
        op_(find_op(request.op)),
        real_(request.dtype == "float64" ? DType::f64 : DType::f32),
        file_(SafetensorsFile::open(request.in)) {
    call_.op = &op_;
    call_.attrs =
        Attrs::parse(op_.attrs.items, fmt::format("{}", fmt::join(request.attrs, " ")), op_.name);
    find_seeds();
    refuse_others();
    call_.n = batch_size();
    call_.step = state_of(request, call_.n);
    for (const InputDef& def : op_.inputs) call_.inputs.push_back(input(def));
  }

  /// The tensors of the answer, in memory.
  void run(Device& device) {
    OpRunner runner(device, call_, {.real = real_, .seeded = seeded_});
    for (const int i : seeded_) {
      const TensorType type = runner.output(i).type;
      runner.set_seed(i, seed(seed_name(i), type));
    }
    runner.run();
    for (size_t i = 0; i < op_.outputs.size(); ++i)
      add(std::string(op_.outputs[i].name), runner.output(static_cast<int>(i)));
    for (size_t i = 0; i < op_.inputs.size(); ++i) {
      const std::string name(op_.inputs[i].name);
      if (op_.inputs[i].use == Use::mutated) add(name, runner.input(static_cast<int>(i)));
    }
    if (op_.advances_step) add_step(runner.step());
    if (!request_.grad) return;
    for (size_t i = 0; i < op_.inputs.size(); ++i) {
      const auto& x = call_.inputs[i];
      if (!x || !is_floating(x->type.dtype)) continue;
      const HostTensor none{x->type, std::vector<double>(x->values.size())};
      add(fmt::format("d{}", op_.inputs[i].name),
          runner.gradient(static_cast<int>(i)).value_or(none));
    }
  }

  void write() const {
    std::vector<TensorRecord> records;
    for (const Made& made : made_)
      records.push_back({made.name, made.dtype, made.shape, std::span(made.bytes)});
    write_safetensors(request_.out, records);
  }

 private:
  struct Made {
    std::string name;
    DType dtype;
    Shape shape;
    std::vector<std::byte> bytes;
  };

  std::string seed_name(int i) const {
    return fmt::format("d{}", op_.outputs[static_cast<size_t>(i)].name);
  }

  [[noreturn]] void refuse(std::string_view tensor, const std::string& what,
                           std::string hint = {}) const {
    fail(fmt::format("{}: tensor {}: {}", request_.in, quoted_name(tensor), what), std::move(hint));
  }

  void find_seeds() {
    if (!request_.grad) return;
    std::vector<std::string> names;
    for (int i = 0; i < static_cast<int>(op_.outputs.size()); ++i) {
      if (!is_floating(op_.outputs[static_cast<size_t>(i)].dtype)) continue;
      names.push_back(seed_name(i));
      if (file_.find(names.back())) seeded_.push_back(i);
    }
    if (!differentiable(op_)) fail(fmt::format("{} has no derivative", op_.name), "leave out grad");
    if (seeded_.empty())
      fail(fmt::format("{}: the gradient needs dL/d(output): there is no tensor \"{}\"",
                       request_.in, fmt::join(names, "\" or \"")),
           "add it, in the output's shape");
  }

  void refuse_others() const {
    std::vector<std::string> known;
    for (const InputDef& def : op_.inputs) known.emplace_back(def.name);
    for (const int i : seeded_) known.push_back(seed_name(i));
    for (const TensorRecord& record : file_.tensors())
      if (std::ranges::find(known, record.name) == known.end())
        refuse(record.name, fmt::format("{} doesn't take it", op_.name),
               fmt::format("it takes {}", fmt::join(known, ", ")));
  }

  /// The first axis of the batched inputs.
  int64_t batch_size() const {
    std::optional<int64_t> n;
    for (const InputDef& def : op_.inputs) {
      const TensorRecord* record = file_.find(def.name);
      if (!record || def.layout != Layout::batched) continue;
      if (record->shape.rank() == 0)
        refuse(def.name, "is a scalar, but its first axis is the batch");
      if (n && *n != record->shape[0])
        refuse(def.name,
               fmt::format("has {} examples, but those before it have {}", record->shape[0], *n));
      n = record->shape[0];
    }
    return n.value_or(1);
  }

  std::optional<HostTensor> input(const InputDef& def) const {
    const TensorRecord* record = file_.find(def.name);
    if (!record && def.use == Use::optional) return {};
    if (!record)
      fail(fmt::format("{}: {} needs a tensor \"{}\"", request_.in, op_.name, def.name),
           fmt::format("`cairn ops {}` tells of all of them", op_.name));
    const bool batched = def.layout == Layout::batched;
    const std::span<const int64_t> dims = record->shape.dims();
    return HostTensor{{def.dtype, Shape(dims.subspan(batched ? 1 : 0)), batched},
                      converted(*record, def.dtype)};
  }

  /// The record's values as an input of type `to` holds them.
  std::vector<double> converted(const TensorRecord& record, DType to) const {
    if (is_floating(record.dtype) != is_floating(to))
      refuse(record.name,
             fmt::format("is {}, but {} takes {}", name_of(record.dtype), op_.name,
                         is_floating(to) ? "float32 or float64" : "whole numbers, such as int64"));
    std::vector<double> values = values_of(record);
    if (is_floating(to)) {
      if (real_ == DType::f32)
        for (double& value : values) value = static_cast<float>(value);
      return values;
    }
    try {
      elements_of(values, to);
    } catch (const Error& error) {
      refuse(record.name, error.what());
    }
    return values;
  }

  std::vector<double> seed(const std::string& name, const TensorType& type) const {
    const TensorRecord& record = file_.at(name);
    const Shape wanted = full_shape(type);
    if (record.shape != wanted)
      refuse(name, fmt::format("has shape {}, but the output's is {}", to_string(record.shape),
                               to_string(wanted)));
    return converted(record, type.dtype);
  }

  Shape full_shape(const TensorType& type) const {
    std::vector<int64_t> dims(type.shape.dims().begin(), type.shape.dims().end());
    if (type.batched) dims.insert(dims.begin(), call_.n);
    return Shape(dims);
  }

  void add(std::string name, const HostTensor& tensor) {
    const DType dtype = is_floating(tensor.type.dtype)    ? real_
                        : tensor.type.dtype == DType::i32 ? DType::i64
                                                          : tensor.type.dtype;
    made_.push_back(
        {std::move(name), dtype, full_shape(tensor.type), elements_of(tensor.values, dtype)});
  }

  void add_step(const StepState& s) {
    const std::pair<const char*, int64_t> counts[] = {
        {"step", s.step}, {"epoch", s.epoch}, {"first", s.first}, {"n_valid", s.n_valid}};
    for (const auto& [name, value] : counts)
      add(name, {{DType::i64, {}, false}, {static_cast<double>(value)}});
    add("lr", {{DType::f32, {}, false}, {s.lr}});
  }

  const OpRequest& request_;
  const OpDef& op_;
  DType real_;
  SafetensorsFile file_;
  OpCall call_;
  std::vector<int> seeded_;
  std::vector<Made> made_;
};

}  // namespace

OpRequest request_from_json(const Json& json, const OpRequest& defaults) {
  OpRequest request = defaults;
  for (const auto& [name, value] : json.as_object()) {
    try {
      set_member(request, name, value);
    } catch (const Error& error) {
      fail(fmt::format("{}: {}", name, error.what()), error.hint(), error.where());
    }
  }
  for (const auto& [name, value] :
       {std::pair("op", &request.op), std::pair("in", &request.in), std::pair("out", &request.out)})
    if (value->empty()) fail(fmt::format("the request has no member \"{}\"", name), "add it");
  return request;
}

void OpServer::answer(const OpRequest& request) {
  if (request.dtype != "float32" && request.dtype != "float64")
    fail(fmt::format("dtype {} is neither float32 nor float64", quoted_name(request.dtype)));
  if (request.dtype == "float64" && request.device != "reference")
    fail(fmt::format("dtype float64 doesn't work on device {}", quoted_name(request.device)),
         "choose device reference, or dtype float32");
  Call call(request);
  call.run(device(request.device));
  call.write();
}

Device& OpServer::device(const std::string& name) {
  std::unique_ptr<Device>& device = devices_[name];
  if (!device) {
    DeviceChoice choice = where_;
    choice.device = name;
    device = open_and_tell(choice);
  }
  return *device;
}

}  // namespace cairn
