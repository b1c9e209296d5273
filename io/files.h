// Files and folders that are either whole or untouched, whatever happens in between.
//
// Every function throws an Error that names the path and the system's reason.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace cairn {

/// All bytes of a file. Errors: missing, a folder, unreadable.
std::string read_file(const std::filesystem::path& path);

/// Writes the parts one after another to a file beside `path`, flushes it to the disk and renames
/// it to `path`: a reader finds the old file or the new one, after a crash too. The folder must
/// exist.
void write_file_atomic(const std::filesystem::path& path, std::span<const std::string_view> parts);
void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

/// Removes what write_file_atomic leaves in `folder` where the process is killed.
void remove_partial_files(const std::filesystem::path& folder);

/// Puts the folder `fresh` in the place of `target`; what `target` was takes the name `kept`, or is
/// removed where that is empty; `fresh` is gone afterwards. Both are flushed to the disk and must
/// lie on one file system. `target` is whole at every moment. The exception: on file systems that
/// can't exchange two names (NFS) there is an instant in which the old folder is called
/// `target`.old and no `target` exists.
void exchange_directory(const std::filesystem::path& fresh, const std::filesystem::path& target,
                        const std::filesystem::path& kept = {});

/// Renames an existing `directory` to `directory`.bak, where an older one is removed first. Returns
/// the new name, or an empty path where `directory` doesn't exist.
std::filesystem::path move_aside(const std::filesystem::path& directory);

}  // namespace cairn
