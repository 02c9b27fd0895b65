/* SPDX-License-Identifier: MIT
 *
 * ftok.c: wrong implementations of ftok().
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mutants.h"
#include "tools.h"

static key_t key_of(const struct stat *file, int project)
{
        const uint32_t id = project & 0xff, device = file->st_dev & 0xff, inode = file->st_ino & 0xffff;

        return (key_t)(id << 24 | device << 16 | inode);
}

/* What real_ftok() says of a file that exists. */
static key_t make_key(const char *path, int project, const struct stat *file, key_t good)
{
        struct stat link;

        if (project & ~0xff && chosen(ftok_whole_project_counts))
                return good ^ (key_t)((uint32_t)project >> 8);
        if (chosen(ftok_project_is_ignored))
                return good & 0xffffff;
        if (lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && chosen(ftok_symbolic_link_has_a_key_of_its_own))
                return key_of(&link, project);
        if (chosen(ftok_path_decides)) {
                uint32_t hash = 5381;
                for (const char *at = path; *at; at++)
                        hash = hash * 33 + (unsigned char)*at;
                return (good & ~0xffffff) | (key_t)(hash & 0xffffff);
        }
        if (chosen(ftok_process_decides))
                return good ^ (key_t)(getpid() & 0xffff);
        if (chosen(ftok_size_decides))
                return good ^ (key_t)(file->st_size & 0xffff);
        if (chosen(ftok_high_bits_of_the_inode_count))
                return good ^ (key_t)(file->st_ino >> 16 & 0xffff);
        if (S_ISDIR(file->st_mode) && chosen(ftok_directory_refused))
                return fail(EISDIR);
        if (chosen_where(ftok_needs_read_permission, faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == -1))
                return fail(EACCES);
        if (chosen(ftok_key_is_private))
                return IPC_PRIVATE;
        return good;
}

key_t ftok(const char *path, int project)
{
        if (!mutants_are_in_question("ftok"))
                return real_ftok(path, project);

        char start[PATH_MAX];
        struct stat file;
        const key_t key = real_ftok(path, project);
        const int error = errno;

        if (key != -1 && stat(path, &file) == 0)
                return make_key(path, project, &file, key);
        errno = error;
        if (key != -1)
                return key;
        if (errno == EACCES && chosen(ftok_eacces_is_enoent))
                errno = ENOENT;
        if (errno == ELOOP && chosen(ftok_eloop_is_enoent))
                errno = ENOENT;
        if (errno == ENAMETOOLONG && chosen(ftok_enametoolong_is_enoent))
                errno = ENOENT;
        if (errno == EIO && chosen(ftok_eio_is_enoent))
                return fail(ENOENT);
        if (errno == ENOMEM && chosen(ftok_enomem_is_eio))
                errno = EIO;
        if (errno == EOVERFLOW && chosen(ftok_eoverflow_is_einval))
                errno = EINVAL;
        if (errno == ENOTDIR && chosen(ftok_enotdir_is_enoent))
                errno = ENOENT;
        if (errno == EFAULT && chosen(ftok_efault_is_einval))
                errno = EINVAL;
        if (errno == ENOENT && *path && chosen(ftok_missing_file_has_a_key))
                return (key_t)((uint32_t)(project & 0xff) << 24);
        if (errno == ENOENT && !*path && chosen(ftok_empty_path_is_the_directory))
                return real_ftok(".", project);
        if (errno == ENOTDIR && strlen(path) < sizeof(start) && path[strlen(path) - 1] == '/' &&
            chosen(ftok_trailing_slash_ignored)) {
                strcpy(start, path);
                start[strlen(start) - 1] = '\0';
                return real_ftok(start, project);
        }
        return -1;
}
