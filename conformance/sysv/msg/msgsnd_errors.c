/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): calls that fail at once, each beside one that differs in a single argument and succeeds.
 */
#include <limits.h>

#include "ipck_msg.h"

/* ---- permission ---- */

TEST(owner_needs_write_permission, VERIFIES(msgsnd_eacces))
{
        static const struct {
                const char *name;
                int mode;
        } rows[] = {{"0000", 0}, {"0400", 0400}, {"0500", 0500}, {"0577", 0577}, {"0022", 0022}};

        drop_all_capabilities();
        EACH_ROW(row, rows) {
                const int queue = new_queue(row->mode);

                FAILS_WITH(msgsnd_eacces, EACCES, put(queue, 1, 10, 0));
                set_queue_mode(queue, row->mode | 0200);
                EQ(msgsnd_eacces, put(queue, 1, 10, 0), 0);
        }
}

TEST(write_permission_is_enough, VERIFIES(msgsnd_eacces))
{
        int queue;

        drop_all_capabilities();
        queue = new_queue(0200);
        EQ(msgsnd_eacces, put(queue, 1, 10, 0), 0);
        set_queue_mode(queue, 0600);
        EQ(msgsnd_eacces, take(queue, 0), 1);
}

TEST(stranger_needs_write_permission_of_others, VERIFIES(msgsnd_eacces))
{
        static const struct {
                const char *name;
                int mode;
                bool granted;
        } rows[] = {{"0770", 0770, false}, {"0775", 0775, false}, {"0002", 0002, true}, {"0606", 0606, true}};

        EACH_ROW(row, rows) {
                const int queue = new_queue_of(USER_A, row->mode);
                struct child stranger;

                CHILD(&stranger) {
                        as_user(USER_B);
                        if (row->granted)
                                EQ(msgsnd_eacces, put(queue, 1, 10, 0), 0);
                        else
                                FAILS_WITH(msgsnd_eacces, EACCES, put(queue, 1, 10, 0));
                }
                join(&stranger);
        }
}

TEST(member_of_the_group_needs_its_permission, VERIFIES(msgsnd_eacces))
{
        static const struct {
                const char *name;
                int mode;
                bool granted;
        } rows[] = {{"0707", 0707, false}, {"0747", 0747, false}, {"0020", 0020, true}, {"0660", 0660, true}};
        int *const queue = shared(sizeof(*queue));
        struct child creator, member;

        EACH_ROW(row, rows) {
                CHILD(&creator) {
                        become(USER_A, GROUP_A, NULL, 0);
                        *queue = new_queue(row->mode);
                }
                join(&creator);
                CHILD(&member) {
                        become(USER_B, GROUP_A, NULL, 0);
                        if (row->granted)
                                EQ(msgsnd_eacces, put(*queue, 1, 10, 0), 0);
                        else
                                FAILS_WITH(msgsnd_eacces, EACCES, put(*queue, 1, 10, 0));
                }
                join(&member);
        }
}

/* Whoever may not send is told so, and does not wait for room. */
TEST(permission_is_looked_at_before_room, VERIFIES(msgsnd_eacces))
{
        const int queue = new_queue_for(10, 0600);
        struct child sender;

        MUST(put(queue, 1, 10, 0));
        set_queue_mode(queue, 0400);
        CHILD(&sender) {
                drop_all_capabilities();
                FAILS_WITH(msgsnd_eacces, EACCES, put(queue, 1, 10, 0));
        }
        EVENTUALLY(msgsnd_eacces, returned(&sender));
        join(&sender);
}

/* ---- identifier ---- */

TEST(identifier_names_no_queue, VERIFIES(msgsnd_einval_badid, msgsnd_einval_negid))
{
        int queue, removed;

        burn_queue_ids(3);
        removed = new_queue(0600);
        queue = new_queue(0600);
        MUST(msgctl(removed, IPC_RMID, NULL));
        const struct {
                const char *name;
                enum ipck_requirement req;
                int id;
        } rows[] = {
                {"removed queue", msgsnd_einval_badid, removed},
                {"INT_MAX", msgsnd_einval_badid, INT_MAX},
                {"-1", msgsnd_einval_negid, -1},
                {"-2", msgsnd_einval_negid, -2},
                {"INT_MIN", msgsnd_einval_negid, INT_MIN},
                {"the queue's, negative", msgsnd_einval_negid, queue > 0 ? -queue : -3},
                {"the queue's with the sign bit", msgsnd_einval_negid, INT_MIN | queue},
        };
        EQ(msgsnd_einval_badid, put(queue, 1, 10, 0), 0);
        EACH_ROW(row, rows)
                FAILS_WITH(row->req, EINVAL, put(row->id, 1, 10, 0));
        EQ(msgsnd_einval_badid, QNUM(queue), 1);
}

/* The place of a removed queue is used again, its identifier is not. */
TEST(identifier_of_a_removed_queue_stays_invalid, VERIFIES(msgsnd_einval_badid))
{
        const int removed = new_queue(0600);

        EQ(msgsnd_einval_badid, put(removed, 1, 10, 0), 0);
        MUST(msgctl(removed, IPC_RMID, NULL));
        for (int i = 0; i < 200; i++) {
                const int queue = new_queue(0600);

                FAILS_WITH(msgsnd_einval_badid, EINVAL, put(removed, 1, 10, 0));
                EQ(msgsnd_einval_badid, QNUM(queue), 0);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
}

/* ---- type ---- */

TEST(type_must_be_positive, VERIFIES(msgsnd_einval_type0, msgsnd_einval_typeneg))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
                long type;
        } rows[] = {
                {"0", msgsnd_einval_type0, 0},
                {"-1", msgsnd_einval_typeneg, -1},
                {"INT_MIN", msgsnd_einval_typeneg, INT_MIN},
                {"LONG_MIN", msgsnd_einval_typeneg, LONG_MIN},
                {"LONG_MIN + 1", msgsnd_einval_typeneg, LONG_MIN + 1},
        };
        static const size_t sizes[] = {0, 10};
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                for (int i = 0; i < 2; i++) {
                        FAILS_WITH(row->req, EINVAL, put(queue, row->type, sizes[i], 0));
                        EQ(row->req, QNUM(queue), 0);
                        EQ(row->req, put(queue, 1, sizes[i], 0), 0);
                        EQ(row->req, take(queue, 0), 1);
                }
        }
}

/* ---- size ---- */

TEST(size_above_the_maximum_is_refused, VERIFIES(msgsnd_einval_toobig))
{
        const size_t most = (size_t)msg_limits().msgmax;
        struct message *message;
        int queue;

        if (most > 1 << 20)
                UNSUPPORTED("a modest maximum size of messages (kernel.msgmax: %zu)", most);
        /* The memory is all there, and so is the room on the queue where it may be given. */
        message = malloc(sizeof(long) + 2 * most + 16);
        REQUIRE(message);
        memset(message, 1, sizeof(long) + 2 * most + 16);
        queue = new_queue(0600);
        if (stat_of_queue(queue).msg_qbytes < most)
                UNSUPPORTED("a queue for a message of the maximum size (kernel.msgmax above kernel.msgmnb)");
        MUST(msgsnd(queue, message, most, IPC_NOWAIT));
        MUST(take(queue, 0));
        FAILS_WITH(msgsnd_einval_toobig, EINVAL, msgsnd(queue, message, most + 1, IPC_NOWAIT));
        FAILS_WITH(msgsnd_einval_toobig, EINVAL, msgsnd(queue, message, 2 * most + 16, IPC_NOWAIT));
        EQ(msgsnd_einval_toobig, QNUM(queue), 0);
        free(message);
}

TEST(maximum_is_the_one_in_force, VERIFIES(msgsnd_einval_toobig))
{
        static const struct {
                const char *name;
                const char *limit;
                size_t most;
        } rows[] = {
                {"0", "0", 0}, {"1", "1", 1}, {"100", "100", 100}, {"8191", "8191", 8191}, {"10001", "10001", 10001},
        };
        static struct {
                long type;
                char text[10002];
        } message = {.type = 1};

        set_sysctl("kernel/msgmnb", "16384");
        /* The limit counts when the call is made, not when the queue is. */
        const int queue = new_queue(0600);
        EACH_ROW(row, rows) {
                set_sysctl("kernel/msgmax", row->limit);
                FAILS_WITH(msgsnd_einval_toobig, EINVAL, msgsnd(queue, &message, row->most + 1, IPC_NOWAIT));
                MUST(msgsnd(queue, &message, row->most, IPC_NOWAIT));
                EQ(msgsnd_einval_toobig, QNUM(queue), 1);
                MUST(msgrcv(queue, &(struct message){0}, MESSAGE_ROOM, 0, IPC_NOWAIT | MSG_NOERROR));
        }
}

static const struct {
        const char *name;
        size_t size;
} negative_sizes[] = {
        {"SIZE_MAX", SIZE_MAX},
        {"SIZE_MAX - 1", SIZE_MAX - 1},
        {"SIZE_MAX - 4096", SIZE_MAX - 4096},
        {"SIZE_MAX / 2 + 1", SIZE_MAX / 2 + 1},
        {"SIZE_MAX / 2 + 11", SIZE_MAX / 2 + 11},
};

TEST(negative_size_is_refused, VERIFIES(msgsnd_einval_size_negative))
{
        static const struct message message = {.type = 1};
        const int queue = new_queue(0600);

        EQ(msgsnd_einval_size_negative, msgsnd(queue, &message, 10, IPC_NOWAIT), 0);
        EACH_ROW(row, negative_sizes)
                FAILS_WITH(msgsnd_einval_size_negative, EINVAL, msgsnd(queue, &message, row->size, IPC_NOWAIT));
        EQ(msgsnd_einval_size_negative, QNUM(queue), 1);
}

TEST(negative_size_is_refused_whatever_the_maximum, VERIFIES(msgsnd_einval_size_negative_highlimit))
{
        static const struct message message = {.type = 1};
        const int queue = new_queue(0600);

        set_sysctl("kernel/msgmax", "2147483647");
        EQ(msgsnd_einval_size_negative_highlimit, msgsnd(queue, &message, 10, IPC_NOWAIT), 0);
        EACH_ROW(row, negative_sizes)
                FAILS_WITH(msgsnd_einval_size_negative_highlimit, EINVAL,
                           msgsnd(queue, &message, row->size, IPC_NOWAIT));
        EQ(msgsnd_einval_size_negative_highlimit, QNUM(queue), 1);
}

/* ---- memory ---- */

TEST(inaccessible_message_is_refused, VERIFIES(msgsnd_efault_ptr))
{
        struct message good = {.type = 1};
        const struct {
                const char *name;
                const void *message;
                size_t size;
        } rows[] = {
                {"inaccessible page", bad_address(), 10},
                {"inaccessible page, no text", bad_address(), 0},
                {"null pointer", NULL, 10},
                {"last page of the address space", (const void *)((uintptr_t)0 - page_size()), 10},
                {"behind the memory", (const char *)guarded(16) + 16, 10},
                {"half of the type", (const char *)guarded(sizeof(long) / 2), 0},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                FAILS_WITH(msgsnd_efault_ptr, EFAULT, msgsnd(queue, row->message, row->size, IPC_NOWAIT));
                EQ(msgsnd_efault_ptr, QNUM(queue), 0);
                EQ(msgsnd_efault_ptr, msgsnd(queue, &good, row->size, IPC_NOWAIT), 0);
                MUST(take(queue, 0));
        }
}

TEST(text_that_runs_out_of_memory_is_refused, VERIFIES(msgsnd_efault_partial))
{
        const size_t most = (size_t)msg_limits().msgmax;
        const struct {
                const char *name;
                size_t there, size;             /* bytes of text that can be read, and that are asked for */
        } rows[] = {
                {"no text there", 0, 1},
                {"last byte missing", 23, 24},
                {"half there", 24, 48},
                {"second page missing", page_size(), page_size() + 24},
                {"last bytes of a long message missing", most - 8, most},
        };
        const int queue = new_queue(0600);

        if (most < 48 || most > 1 << 20)
                UNSUPPORTED("a modest maximum size of messages (kernel.msgmax: %zu)", most);
        EACH_ROW(row, rows) {
                /* No structures: they need not be aligned. */
                void *const cut = guarded(sizeof(long) + row->there), *const whole = guarded(sizeof(long) + row->size);

                if (row->size > most || row->size > stat_of_queue(queue).msg_qbytes)
                        continue;
                memcpy(cut, &(long){1}, sizeof(long));
                memcpy(whole, &(long){1}, sizeof(long));
                MUST(put(queue, 2, 0, 0));
                const struct queue_view before = view_of_queue(queue);
                FAILS_WITH(msgsnd_efault_partial, EFAULT, msgsnd(queue, cut, row->size, IPC_NOWAIT));
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgsnd_efault_partial, same_queue_view(&before, &after));
                EQ(msgsnd_efault_partial, take(queue, 0), 2);
                EQ(msgsnd_efault_partial, msgsnd(queue, whole, row->size, IPC_NOWAIT), 0);
                MUST(take(queue, 0));
        }
}

TEST(message_is_read_before_the_queue_is_looked_up, VERIFIES(msgsnd_efault_before_badid))
{
        const int queue = new_queue(0600), removed = new_queue(0600);
        const void *const nowhere = bad_address();
        const struct message good = {.type = 1};

        MUST(msgctl(removed, IPC_RMID, NULL));
        const struct {
                const char *name;
                int id;
        } rows[] = {{"removed queue", removed}, {"INT_MAX", INT_MAX}};
        EQ(msgsnd_efault_before_badid, msgsnd(queue, &good, 10, 0), 0);
        FAILS_WITH(msgsnd_efault_before_badid, EFAULT, msgsnd(queue, nowhere, 10, 0));
        EACH_ROW(row, rows) {
                REQUIRE(msgsnd(row->id, &good, 10, 0) == -1 && errno == EINVAL);
                FAILS_WITH(msgsnd_efault_before_badid, EFAULT, msgsnd(row->id, nowhere, 10, 0));
        }
}
