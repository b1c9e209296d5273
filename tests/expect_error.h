#pragma once

#include <string>

#include <gtest/gtest.h>

#include "core/error.h"

namespace cairn {

/// `action` throws an Error whose message holds `text` and whose hint holds `hint`.
template <class F>
void expect_error(F action, const std::string& text, const std::string& hint = "") {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown; expected: " << text;
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
    EXPECT_NE(e.hint().find(hint), std::string::npos) << e.hint();
  }
}

}  // namespace cairn
