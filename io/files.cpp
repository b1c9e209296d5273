#include "io/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "core/error.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

std::string hint_for(int code, const fs::path& path) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "free some space on that disk, or choose a folder on another one";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a file or folder that you may use, or change its permissions";
    case ENOENT:
    case ENOTDIR:
      return path.is_relative()
                 ? fmt::format("check the path; it starts at {}", fs::current_path().string())
                 : "check the path, and that the folders on the way exist";
    case EXDEV:
      return "both folders must lie on one disk";
    default:
      return "check the path and the disk";
  }
}

[[noreturn]] void fail_with(std::string_view action, const fs::path& path, int code) {
  fail(fmt::format("cannot {} {}: {}", action, path.string(), std::system_category().message(code)),
       hint_for(code, path));
}

/// An open file; closed at the end of its scope.
class File {
 public:
  File(const fs::path& path, int flags, mode_t mode = 0)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  /// The result of close(2): some file systems report a full disk only here.
  int close() { return ::close(std::exchange(descriptor_, -1)); }

 private:
  int descriptor_;
};

void flush(const fs::path& path) {
  const File file(path, O_RDONLY);
  if (!file.is_open()) fail_with("open", path, errno);
  if (::fsync(file.get()) != 0 && errno != EINVAL) fail_with("flush", path, errno);
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

void flush_tree(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file() || (it->is_directory() && !it->is_symlink())) flush(it->path());
  }
  if (error) fail_with("read", folder, error.value());
  flush(folder);
}

void rename_path(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return;
  const std::string action = fmt::format("rename {} to", from.string());
  fail_with(action, to, errno);
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) fail_with("remove", path, error.value());
}

/// "runs/a/" and "runs/./a" name the folder "runs/a"; a suffix goes after its last letter.
fs::path without_slash(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

constexpr char kPartial[] = ".partial-";

/// A new file beside `path`, under a name that no other process or thread uses.
std::pair<File, fs::path> create_beside(const fs::path& path) {
  static std::atomic<unsigned> count{0};
  for (;;) {
    fs::path name = path;
    name += fmt::format("{}{}-{}", kPartial, ::getpid(), count++);
    File file(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (file.is_open()) return {std::move(file), std::move(name)};
    if (errno != EEXIST) fail_with("write", path, errno);
  }
}

/// Zero, or errno.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

std::string read_file(const fs::path& path) {
  const File file(path, O_RDONLY);
  if (!file.is_open()) fail_with("read", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_with("read", path, errno);
  if (S_ISDIR(status.st_mode)) {
    fail(fmt::format("cannot read {}: it is a folder", path.string()), "name a file inside it");
  }

  constexpr size_t kChunk = 1 << 16;
  std::string bytes;
  size_t size = 0;
  for (;;) {
    if (bytes.size() - size < kChunk) {
      const size_t expected = static_cast<size_t>(status.st_size) + kChunk;
      bytes.resize(std::max(expected, bytes.size() * 2));
    }
    const ssize_t count = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count == 0) break;
    if (count > 0) {
      size += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      fail_with("read", path, errno);
    }
  }
  bytes.resize(size);
  return bytes;
}

void write_file_atomic(const fs::path& path, std::span<const std::string_view> parts) {
  if (fs::is_directory(path)) {
    fail(fmt::format("cannot write {}: it is a folder", path.string()), "name a file inside it");
  }
  auto [file, partial] = create_beside(path);
  int code = 0;
  for (const std::string_view part : parts) {
    if (code == 0) code = write_all(file.get(), part);
  }
  if (code == 0 && ::fsync(file.get()) != 0 && errno != EINVAL) code = errno;
  if (file.close() != 0 && code == 0) code = errno;
  if (code == 0 && ::rename(partial.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0) {
    ::unlink(partial.c_str());
    fail_with("write", path, code);
  }
  flush(folder_of(path));
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  write_file_atomic(path, std::span(&bytes, 1));
}

void remove_partial_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().find(kPartial) != std::string::npos)
      found.push_back(entry.path());
  for (const fs::path& path : found) fs::remove(path, error);
}

void exchange_directory(const fs::path& fresh_path, const fs::path& target_path,
                        const fs::path& kept) {
  const fs::path fresh = without_slash(fresh_path);
  const fs::path target = without_slash(target_path);
  const auto retire = [&kept](const fs::path& old) {
    if (kept.empty()) return remove_tree(old);
    remove_tree(kept);
    rename_path(old, kept);
  };
  flush_tree(fresh);
  if (!fs::exists(fs::symlink_status(target))) {
    rename_path(fresh, target);
  } else if (!fs::is_directory(target)) {
    fail(fmt::format("cannot replace {}: it is no folder", target.string()),
         "move it away, or choose another name");
  } else if (::syscall(SYS_renameat2, AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(),
                       RENAME_EXCHANGE) == 0) {
    flush(folder_of(target));
    retire(fresh);
  } else if (errno == EINVAL || errno == ENOSYS) {
    fs::path old = target;
    old += ".old";
    remove_tree(old);
    rename_path(target, old);
    rename_path(fresh, target);
    flush(folder_of(target));
    retire(old);
  } else {
    fail_with(fmt::format("exchange {} with", fresh.string()), target, errno);
  }
  flush(folder_of(target));
  flush(folder_of(fresh));
}

fs::path move_aside(const fs::path& directory_path) {
  const fs::path directory = without_slash(directory_path);
  if (!fs::exists(fs::symlink_status(directory))) return {};
  if (directory.filename() == "." || directory.filename() == "..") {
    fail(fmt::format("cannot move {} aside", directory.string()), "name another folder");
  }
  fs::path backup = directory;
  backup += ".bak";
  remove_tree(backup);
  rename_path(directory, backup);
  return backup;
}

}  // namespace cairn
