/* SPDX-License-Identifier: MIT
 *
 * kernel.shmmax, shmall and shmmni: what a new value does to segments, old and new.
 */
#include <limits.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "ipck_shm.h"

static void set_limit(const char *name, uintmax_t value)
{
        char text[32];

        snprintf(text, sizeof(text), "%ju", value);
        set_sysctl(name, text);
}

static uintmax_t read_limit(const char *name)
{
        char path[64], text[32], excess;
        uintmax_t value = 0;

        snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
        if (read_file(path, text, sizeof(text)) == -1)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        REQUIRE(sscanf(text, "%ju %c", &value, &excess) == 1);
        return value;
}

static void expect_agreement(void)
{
        const struct shminfo info = shm_limits();

        EQ(sysctl_info_agrees, info.shmmax, read_limit("shmmax"));
        EQ(sysctl_info_agrees, info.shmall, read_limit("shmall"));
        EQ(sysctl_info_agrees, info.shmmni, read_limit("shmmni"));
}

/* With values that a 32-bit program can be told. */
TEST(files_agree_with_ipc_info, VERIFIES(sysctl_info_agrees))
{
        set_limit("kernel/shmmax", 1234567);
        set_limit("kernel/shmall", INT32_MAX);
        set_limit("kernel/shmmni", 3333);
        expect_agreement();
        set_limit("kernel/shmmax", INT32_MAX);
        set_limit("kernel/shmall", 7654321);
        set_limit("kernel/shmmni", 1);
        expect_agreement();
}

/* ---- values of 64 bits ---- */

TEST(sizes_beyond_32_bits_are_kept, VERIFIES(sysctl_shm_wide_values))
{
        static const struct {
                const char *name;
                uintmax_t value;
        } rows[] = {
                {"2^32", UINTMAX_C(1) << 32}, {"2^32 + 1", (UINTMAX_C(1) << 32) + 1}, {"2^63", UINTMAX_C(1) << 63},
                {"2^64 - 1", UINT64_MAX},
        };
        struct utsname name;

        MUST(uname(&name));
        if (!strstr(name.machine, "64") && strcmp(name.machine, "s390x") != 0)
                UNSUPPORTED("a 64-bit kernel (%s)", name.machine);
        EACH_ROW(row, rows) {
                set_limit("kernel/shmmax", row->value);
                HOLDS(sysctl_shm_wide_values, read_limit("shmmax") == row->value);
                set_limit("kernel/shmall", row->value);
                HOLDS(sysctl_shm_wide_values, read_limit("shmall") == row->value);
                if (sizeof(long) == 8) {
                        HOLDS(sysctl_shm_wide_values, shm_limits().shmmax == row->value);
                        HOLDS(sysctl_shm_wide_values, shm_limits().shmall == row->value);
                }
                /* Cut to 32 bits, most of them would allow nothing. */
                const int segment = shmget(IPC_PRIVATE, 2 * page_size(), IPC_CREAT | 0600);
                EQ(sysctl_shm_wide_values, worked(segment), 0);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

/* ---- kernel.shmmax ---- */

TEST(smaller_sizes_bind_creation_alone, VERIFIES(sysctl_shmmax_enforced))
{
        const size_t page = page_size(), size = 3 * page;
        const struct {
                const char *name;
                size_t most;
        } rows[] = {{"a byte less", size - 1}, {"a page", page}, {"one byte", 1}, {"none", 0}};
        const key_t key = fresh_key();

        set_limit("kernel/shmall", shm_usage().shm_tot + 100);
        set_limit("kernel/shmmax", size);
        FAILS_WITH(sysctl_shmmax_enforced, EINVAL, shmget(key, size + 1, IPC_CREAT | 0600));
        const int segment = shmget(key, size, IPC_CREAT | 0600);
        EQ(sysctl_shmmax_enforced, worked(segment), 0);
        EACH_ROW(row, rows) {
                set_limit("kernel/shmmax", row->most);
                FAILS_WITH(sysctl_shmmax_enforced, EINVAL, shmget(IPC_PRIVATE, row->most + 1, IPC_CREAT | 0600));
                EQ(sysctl_shmmax_enforced, shmget(key, 0, 0), segment);
                EQ(sysctl_shmmax_enforced, shmget(key, size, IPC_CREAT | 0600), segment);
                char *const memory = shmat(segment, NULL, 0);
                HOLDS(sysctl_shmmax_enforced, memory != SHM_FAILED);
                memory[size - 1]++;
                EQ(sysctl_shmmax_enforced, shmdt(memory), 0);
                EQ(sysctl_shmmax_enforced, stat_of_segment(segment).shm_segsz, size);
        }
        set_limit("kernel/shmmax", size);
        EQ(sysctl_shmmax_enforced, worked(shmget(IPC_PRIVATE, size, IPC_CREAT | 0600)), 0);
}

/* ---- kernel.shmall ---- */

TEST(pages_over_a_lowered_shmall_stay, VERIFIES(sysctl_shmall_enforced))
{
        const size_t page = page_size();

        empty_namespace();
        set_limit("kernel/shmall", 10);
        const int kept = new_segment(6 * page, 0600), removed = new_segment(3 * page + 1, 0600);
        char *const memory = attach(kept, 0);
        FAILS_WITH(sysctl_shmall_enforced, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        set_limit("kernel/shmall", 11);
        const int last = shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
        EQ(sysctl_shmall_enforced, worked(last), 0);

        set_limit("kernel/shmall", 7);
        FAILS_WITH(sysctl_shmall_enforced, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        EQ(sysctl_shmall_enforced, shm_usage().shm_tot, 11);
        EQ(sysctl_shmall_enforced, shm_usage().used_ids, 3);
        memory[6 * page - 1] = 'k';
        detach(attach(removed, 0));
        /* As long as more are in use than the limit, removal makes no room. */
        MUST(shmctl(last, IPC_RMID, NULL));
        FAILS_WITH(sysctl_shmall_enforced, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        MUST(shmctl(removed, IPC_RMID, NULL));
        FAILS_WITH(sysctl_shmall_enforced, ENOSPC, shmget(IPC_PRIVATE, page + 1, IPC_CREAT | 0600));
        EQ(sysctl_shmall_enforced, worked(shmget(IPC_PRIVATE, page, IPC_CREAT | 0600)), 0);
        EQ(sysctl_shmall_enforced, memory[6 * page - 1], 'k');
}

/* ---- kernel.shmmni ---- */

TEST(fewer_segments_bind_creation_alone, VERIFIES(sysctl_shmmni_enforced))
{
        enum { SEGMENTS = 4 };
        static const struct {
                const char *name;
                unsigned limit;
        } rows[] = {{"as many as there are", SEGMENTS}, {"fewer", SEGMENTS - 1}, {"one", 1}, {"none", 0}};
        const key_t key = fresh_key();
        int segments[SEGMENTS];

        empty_namespace();
        set_limit("kernel/shmmni", SEGMENTS + 1);
        for (int i = 0; i < SEGMENTS; i++)
                segments[i] = new_segment(1, 0600);
        EACH_ROW(row, rows) {
                set_limit("kernel/shmmni", row->limit);
                FAILS_WITH(sysctl_shmmni_enforced, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
                FAILS_WITH(sysctl_shmmni_enforced, ENOSPC, shmget(key, 1, IPC_CREAT | 0600));
                EQ(sysctl_shmmni_enforced, shmget(key, 0, 0), -1);
                for (int i = 0; i < SEGMENTS; i++)
                        detach(attach(segments[i], 0));
                EQ(sysctl_shmmni_enforced, shm_usage().used_ids, SEGMENTS);
        }
        set_limit("kernel/shmmni", SEGMENTS - 1);
        MUST(shmctl(segments[0], IPC_RMID, NULL));
        FAILS_WITH(sysctl_shmmni_enforced, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        MUST(shmctl(segments[1], IPC_RMID, NULL));
        EQ(sysctl_shmmni_enforced, worked(shmget(key, 1, IPC_CREAT | 0600)), 0);
        FAILS_WITH(sysctl_shmmni_enforced, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}
