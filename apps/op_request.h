// One op on tensors from a file: what `cairn op` does.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/support.h"
#include "io/json.h"

namespace cairn {

/// What is asked for. Attributes and StepState's fields are NAME=VALUE.
struct OpRequest {
  std::string op, in, out;
  std::vector<std::string> attrs, state;
  bool grad = false;
  std::string device = "cpu", dtype = "float32";
};

/// From a line of a batch file. What it leaves out is as in `defaults`. An Error names the member
/// that is unknown or of the wrong type.
OpRequest request_from_json(const Json& json, const OpRequest& defaults);

/// Answers requests; a device is opened when first asked for.
class OpServer {
 public:
  explicit OpServer(DeviceChoice where) : where_(std::move(where)) {}

  /// Reads the inputs, runs the op and writes outputs, inputs that it changes and, with `grad`,
  /// gradients. Where anything is wrong with the request nothing is written, and an Error names the
  /// file, the tensor or the attribute.
  void answer(const OpRequest& request);

 private:
  Device& device(const std::string& name);

  DeviceChoice where_;
  std::map<std::string, std::unique_ptr<Device>> devices_;
};

/// Every op with inputs, outputs, attributes and devices.
void print_op_table();
Json op_table_to_json();

}  // namespace cairn
