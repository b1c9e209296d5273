// Shape rules of batch norm's ops.
#pragma once

#include <fmt/format.h>

#include <initializer_list>

#include "core/op.h"

namespace cairn {
namespace {

void expect_channels(const OpTypes& t, int x, int i, const char* name) {
  if (!t.has(i)) return;
  expect(t.shape(i) == Shape{t.shape(x)[0]}, t.op,
         fmt::format("{} {} must be ({})", name, to_string(t.shape(i)), t.shape(x)[0]));
}

void expect_example(const OpTypes& t, int x) {
  expect(t.shape(x).rank() >= 1, t.op, "x of one example is a scalar, but needs channels");
}

void expect_stats(const OpTypes& t, int x, int i) {
  expect(t.shape(i) == Shape{t.shape(x)[0], 2}, t.op,
         fmt::format("stats {} must be ({}, 2)", to_string(t.shape(i)), t.shape(x)[0]));
}

/// weight, bias and residual from input i on.
void expect_end(const OpTypes& t, int i) {
  expect_channels(t, 0, i, "weight");
  expect_channels(t, 0, i + 1, "bias");
  if (t.has(i + 2))
    expect(t.shape(i + 2) == t.shape(0), t.op,
           fmt::format("residual is {}, but x is {}", to_string(t.in[static_cast<size_t>(i + 2)]),
                       to_string(t.in[0])));
  t.set_out(0, t.shape(0));
}

void infer(const OpTypes& t) {
  expect_example(t, 0);
  expect_channels(t, 0, 1, "running_mean");
  expect_channels(t, 0, 2, "running_var");
  expect_end(t, 3);
  if (t.out.size() > 1) t.set_out(1, {t.shape(0)[0], 2});
}

void infer_sums(const OpTypes& t) {
  expect_example(t, 0);
  t.set_out(0, {t.shape(0)[0], 2});
}

void infer_stats(const OpTypes& t) {
  expect(t.shape(1).rank() == 1, t.op, "running_mean must be (C)");
  expect(t.shape(0) == Shape{t.shape(1)[0], 2}, t.op,
         fmt::format("sums {} must be ({}, 2)", to_string(t.shape(0)), t.shape(1)[0]));
  expect_channels(t, 1, 2, "running_var");
  t.set_out(0, t.shape(0));
}

void infer_normalize(const OpTypes& t) {
  expect_example(t, 0);
  expect_stats(t, 0, 1);
  expect_end(t, 2);
}

/// What comes before x has its type.
void expect_like_x(const OpTypes& t, std::initializer_list<const char*> names) {
  const auto x = static_cast<int>(names.size());
  expect_example(t, x);
  for (int i = 0; i < x; ++i)
    expect(t.shape(i) == t.shape(x), t.op,
           fmt::format("{} is {}, but x is {}", names.begin()[i],
                       to_string(t.in[static_cast<size_t>(i)]),
                       to_string(t.in[static_cast<size_t>(x)])));
}

/// dx, dweight and dbias.
void set_gradients(const OpTypes& t, int x) {
  t.set_out(0, t.shape(x));
  for (int i = 1; i <= 2; ++i) t.set_out(i, {t.shape(x)[0]});
}

void infer_grad(const OpTypes& t) {
  expect_like_x(t, {"dz"});
  expect_stats(t, 1, 2);
  expect_channels(t, 1, 3, "weight");
  set_gradients(t, 1);
}

void infer_relu_grad(const OpTypes& t) {
  expect_like_x(t, {"y", "dy"});
  expect_stats(t, 2, 3);
  expect_channels(t, 2, 4, "weight");
  set_gradients(t, 2);
  t.set_out(3, t.shape(2));
}

void infer_inference_grad(const OpTypes& t) {
  expect_like_x(t, {"dz"});
  expect_channels(t, 1, 2, "running_mean");
  expect_channels(t, 1, 3, "running_var");
  expect_channels(t, 1, 4, "weight");
  set_gradients(t, 1);
}

void infer_grad_sums(const OpTypes& t) {
  expect_like_x(t, {"dz"});
  expect_stats(t, 1, 2);
  for (int i = 0; i <= 1; ++i) t.set_out(i, {t.shape(1)[0]});
}

void infer_grad_input(const OpTypes& t) {
  expect_like_x(t, {"dz"});
  expect_stats(t, 1, 2);
  expect_channels(t, 1, 3, "dweight");
  expect_channels(t, 1, 4, "dbias");
  expect_channels(t, 1, 5, "weight");
  t.set_out(0, t.shape(1));
}

}  // namespace
}  // namespace cairn
