// Shared libraries that are opened while the program runs, so that it starts without them.
#pragma once

#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace cairn {

/// The folders in which NVIDIA's libraries are looked for, in this order; each ends in '/', and the
/// empty one stands for the loader's own search path:
///
///   $CAIRN_CUDA_LIBS              a list, separated by colons
///   the loader                    LD_LIBRARY_PATH, ld.so.cache
///   $CUDA_HOME, /usr/local/cuda   lib64/ and lib/ of the toolkit
///   Python's wheels               site-packages/nvidia/*/lib/ of the Pythons on PATH, of ~/.local
///
/// Only folders that exist are listed, but for those of $CAIRN_CUDA_LIBS.
std::vector<std::string> cuda_library_folders();

/// A library under the first of its names that opens, folder by folder. It stays open until the
/// program ends: NVIDIA's libraries keep state in the driver.
class DynamicLibrary {
 public:
  explicit DynamicLibrary(std::span<const char* const> names,
                          const std::vector<std::string>& folders = cuda_library_folders());

  /// Why it can't be used; empty where it can. Names the places where it was looked for, or the
  /// first file that doesn't load, or a function that is missing.
  const std::string& problem() const { return problem_; }
  /// The name under which it opened, with its folder; empty where it didn't.
  const std::string& path() const { return path_; }

  /// Sets `function` to the function of that name; nullptr, and a problem, where there is none.
  template <class F>
  void find(F*& function, const char* name) {
    static_assert(std::is_function_v<F>);
    function = reinterpret_cast<F*>(symbol(name));
  }

 private:
  void* symbol(const char* name);

  void* handle_ = nullptr;
  std::string path_, problem_;
};

}  // namespace cairn
