#include "core/dynamic_library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace cairn {
namespace {

constexpr const char* kWheels[] = {"lib/python3*/site-packages/nvidia/*/lib/",
                                   "lib/python3*/dist-packages/nvidia/*/lib/",
                                   "local/lib/python3*/dist-packages/nvidia/*/lib/"};

std::vector<std::string> words_of(const char* name, char separator) {
  std::vector<std::string> words;
  const char* value = std::getenv(name);
  const std::string text = value ? value : "";
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

/// Adds the folders that match a pattern, in the order of their names, each once.
void add_matches(std::vector<std::string>& folders, const std::string& pattern) {
  glob_t found = {};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i)
      if (std::ranges::find(folders, found.gl_pathv[i]) == folders.end())
        folders.emplace_back(found.gl_pathv[i]);
  globfree(&found);
}

std::string readable(const std::vector<std::string>& folders) {
  std::string text;
  for (const std::string& folder : folders)
    text += (text.empty() ? "" : ", ") + (folder.empty() ? "the loader's search path" : folder);
  return text;
}

}  // namespace

std::vector<std::string> cuda_library_folders() {
  std::vector<std::string> folders;
  for (const std::string& word : words_of("CAIRN_CUDA_LIBS", ':'))
    folders.push_back(word.ends_with('/') ? word : word + "/");
  folders.emplace_back();
  std::vector<std::string> toolkits = words_of("CUDA_HOME", '\n');
  toolkits.emplace_back("/usr/local/cuda");
  for (const std::string& toolkit : toolkits)
    for (const char* name : {"/lib64/", "/lib/"}) add_matches(folders, toolkit + name);
  std::vector<std::string> prefixes;
  for (const std::string& bin : words_of("PATH", ':'))
    if (bin.ends_with("/bin")) prefixes.push_back(bin.substr(0, bin.size() - 3));
  for (const std::string& home : words_of("HOME", '\n')) prefixes.push_back(home + "/.local/");
  for (const std::string& prefix : prefixes)
    for (const char* wheels : kWheels) add_matches(folders, prefix + wheels);
  return folders;
}

DynamicLibrary::DynamicLibrary(std::span<const char* const> names,
                               const std::vector<std::string>& folders) {
  std::string reason;
  for (const std::string& folder : folders)
    for (const char* name : names) {
      path_ = folder + name;
      handle_ = dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle_) return;
      const char* error = dlerror();
      if (reason.empty() && error && !folder.empty() && access(path_.c_str(), F_OK) == 0)
        reason = error;
    }
  path_.clear();
  problem_ =
      !reason.empty() ? reason : fmt::format("{} is in none of: {}", names[0], readable(folders));
}

void* DynamicLibrary::symbol(const char* name) {
  if (!handle_) return nullptr;
  void* found = dlsym(handle_, name);
  if (!found && problem_.empty()) problem_ = fmt::format("{} has no {}", path_, name);
  return found;
}

}  // namespace cairn
