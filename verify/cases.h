// From the test rows of the op table to calls: values for inputs that have none, forms of a row.
#pragma once

#include <string>
#include <vector>

#include "core/op_runner.h"

namespace cairn {

/// A row as it is run. Rows of ops that take any layout are run twice, batched and plain.
struct OpCase {
  const OpDef* op = nullptr;
  const Case* row = nullptr;
  bool plain = false;  // the examples become the first axis of plain tensors

  /// "conv2d.strided", "relu.planes.plain".
  std::string label() const;
  bool refused() const { return !row->error.empty(); }
};

/// Every row of an op in each of its forms; bad rows in one.
std::vector<OpCase> cases_of(const OpDef& op);

/// The call that a row describes; an Error where its attributes are bad. An optional input is
/// absent where the row says nothing of it. Filled values are exact in float32.
OpCall make_call(const OpCase& c);

/// The first n examples of a call.
OpCall first_examples(const OpCall& call, int64_t n);
/// The call with every value rounded to float32.
OpCall rounded(OpCall call);

/// `count` random numbers, standard normal, named by `name`.
std::vector<double> random_values(int64_t count, std::string_view name);

}  // namespace cairn
