/* SPDX-License-Identifier: MIT
 *
 * kernel.msg_next_id, sem_next_id and shm_next_id: the identifier of the next object, on request.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>

#include "ipck_mechanism.h"

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

static void request(const struct mechanism *m, int id)
{
        char text[16];

        snprintf(text, sizeof(text), "%d", id);
        set_sysctl(m->next_id, text);
}

static int pending(const struct mechanism *m)
{
        char path[64], text[32];
        int id = INT_MIN;

        snprintf(path, sizeof(path), "/proc/sys/%s", m->next_id);
        if (read_file(path, text, sizeof(text)) <= 0)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        REQUIRE(sscanf(text, "%d", &id) == 1);
        return id;
}

static int new_requested(const struct mechanism *m, int id)
{
        request(m, id);
        REQUIRE(new_object(m, 0600) == id);
        return id;
}

/* ---- what is given ---- */

TEST(identifier_can_be_asked_for, VERIFIES(sysctl_next_id_msg, sysctl_next_id_sem, sysctl_next_id_shm))
{
        static const struct {
                const char *name;
                int id;
                bool key;
        } rows[] = {
                {"ahead of what is due", 17, true},
                {"with a sequence number", (3 << 15) + 19, false},
                {"with a high sequence number", (40000 << 15) + 21, true},
                {"back among the small ones", 5, false},
                {"largest", INT_MAX, false},
        };
        static const enum ipck_requirement promises[] = {
                [QUEUE] = sysctl_next_id_msg, [SET] = sysctl_next_id_sem, [SEGMENT] = sysctl_next_id_shm,
        };

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = promises[m - mechanisms];

                EACH_ROW(row, rows) {
                        const key_t key = row->key ? fresh_key() : IPC_PRIVATE;

                        request(m, row->id);
                        EQ(req, must_fit_in(m, m->get(key, IPC_CREAT | 0600)), row->id);
                        EQ(req, access_to(m, row->id), BOTH);
                        if (row->key)
                                REQUIRE(m->get(key, 0) == row->id);
                }
        }
}

TEST(request_holds_once, VERIFIES(sysctl_next_id_one_shot))
{
        const int wanted = (77 << 15) + 31;

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                EQ(sysctl_next_id_one_shot, pending(m), -1);
                request(m, wanted);
                REQUIRE(pending(m) == wanted);
                REQUIRE(new_object(m, 0600) == wanted);
                EQ(sysctl_next_id_one_shot, pending(m), -1);
                /* The identifier is free again, and nobody asks for it any more. */
                MUST(m->remove(wanted));
                const int id = new_object(m, 0600);
                HOLDS(sysctl_next_id_one_shot, id != wanted);
                EQ(sysctl_next_id_one_shot, pending(m), -1);
        }
}

TEST(request_is_for_one_mechanism, VERIFIES(sysctl_next_id_msg, sysctl_next_id_sem, sysctl_next_id_shm))
{
        const int wanted = (78 << 15) + 33;

        empty_namespace();
        request(&mechanisms[SET], wanted);
        HOLDS(sysctl_next_id_msg, new_object(&mechanisms[QUEUE], 0600) != wanted);
        HOLDS(sysctl_next_id_shm, new_object(&mechanisms[SEGMENT], 0600) != wanted);
        EQ(sysctl_next_id_sem, new_object(&mechanisms[SET], 0600), wanted);
}

/* Where the sequence number begins in an identifier: bit 15, or 24 with the kernel's parameter ipcmni_extend. */
static int sequence_shift(const struct mechanism *m)
{
        const int id = new_requested(m, 1 << 15), shift = id_at(m, 0) == id ? 15 : 24;

        REQUIRE(id_at(m, shift == 15 ? 0 : id) == id);
        MUST(m->remove(id));
        return shift;
}

TEST(taken_slot_gives_the_next_free_one, VERIFIES(sysctl_next_id_taken))
{
        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const int shift = sequence_shift(m), low = 7 << shift, high = 9 << shift;

                for (int slot = 20; slot <= 23; slot++)
                        if (slot != 22)
                                (void)new_requested(m, low + slot);
                request(m, high + 20);
                EQ(sysctl_next_id_taken, new_object(m, 0600), high + 22);
                EQ(sysctl_next_id_taken, id_at(m, 22), high + 22);
                request(m, high + 20);
                EQ(sysctl_next_id_taken, new_object(m, 0600), high + 24);
                /* The very identifier of a living object. */
                request(m, high + 22);
                EQ(sysctl_next_id_taken, new_object(m, 0600), high + 25);
                EQ(sysctl_next_id_taken, id_at(m, 22), high + 22);
                EQ(sysctl_next_id_taken, id_at(m, 20), low + 20);
        }
}

TEST(no_slot_lies_beyond_the_table, VERIFIES(sysctl_next_id_range))
{
        char text[8];

        /* A kernel that gives away a slot beyond the table is confused when the namespace goes, and warns. */
        if (read_file("/proc/sys/kernel/panic_on_warn", text, sizeof(text)) > 0 && text[0] == '1')
                UNSUPPORTED("a machine that survives a kernel warning (panic_on_warn is set)");
        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const int shift = sequence_shift(m), last = (1 << shift) - 1;
                const int id = new_requested(m, (1 << shift) + last);

                request(m, (2 << shift) + last);
                FAILS_WITH(sysctl_next_id_range, ENOSPC, m->get(IPC_PRIVATE, IPC_CREAT | 0600));
                EQ(sysctl_next_id_range, m->highest_index(), last);
                EQ(sysctl_next_id_range, id_at(m, last), id);
                /* A request that failed leaves nothing behind. */
                const int next = m->get(IPC_PRIVATE, IPC_CREAT | 0600);
                EQ(sysctl_next_id_range, worked(next), 0);
                BETWEEN(sysctl_next_id_range, 0, next & last, last - 1);
        }
}

/* ---- what may be asked for ---- */

TEST(request_is_no_more_and_no_less_than_an_identifier, VERIFIES(sysctl_next_id_value))
{
        static const struct {
                const char *name, *text;
                int accepted;           /* -1: not at all */
        } rows[] = {
                {"0", "0", 0},                          {"-1", "-1", -1},
                {"INT_MAX", "2147483647", INT_MAX},     {"INT_MAX + 1", "2147483648", -1},
                {"INT_MIN", "-2147483648", -1},         {"INT_MIN - 1", "-2147483649", -1},
                {"2^32 + 5", "4294967301", -1},         {"2^64 + 5", "18446744073709551621", -1},
        };

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                EACH_ROW(row, rows) {
                        request(m, 44);
                        if (row->accepted == -1)
                                FAILS_WITH(sysctl_next_id_value, EINVAL, write_sysctl(m->next_id, row->text));
                        else
                                EQ(sysctl_next_id_value, write_sysctl(m->next_id, row->text), 0);
                        EQ(sysctl_next_id_value, pending(m), row->accepted == -1 ? 44 : row->accepted);
                }
                /* What was refused last is forgotten, the request before it is not. */
                EQ(sysctl_next_id_value, new_object(m, 0600), 44);
        }
}

/* ---- who may ask ---- */

static int open_next_id(const struct mechanism *m)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/sys/%s", m->next_id);
        const int fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd == -1 ? -1 : close(fd);
}

TEST(privilege_opens_next_id, VERIFIES(sysctl_next_id_perm))
{
        static const struct {
                const char *name;
                int capability;
        } rows[] = {{"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE}, {"CAP_SYS_ADMIN", CAP_SYS_ADMIN}};
        struct child c;

        EACH_ROW(m, mechanisms) {
                (void)pending(m);
                if (open_next_id(m) == -1 && errno == EROFS)
                        UNSUPPORTED("a /proc/sys that can be written");
                EACH_ROW(row, rows) {
                        if (!has_capability(row->capability))
                                UNSUPPORTED("%s", row->name);
                        CHILD(&c) {
                                drop_other_capabilities(row->capability);
                                EQ(sysctl_next_id_perm, open_next_id(m), 0);
                                drop_capability(row->capability);
                                FAILS_WITH(sysctl_next_id_perm, EACCES, open_next_id(m));
                        }
                        join(&c);
                }
                /* User 0 with every other capability. */
                CHILD(&c) {
                        drop_capability(CAP_CHECKPOINT_RESTORE);
                        EQ(sysctl_next_id_perm, open_next_id(m), 0);
                        drop_capability(CAP_SYS_ADMIN);
                        FAILS_WITH(sysctl_next_id_perm, EACCES, open_next_id(m));
                }
                join(&c);
        }
}
