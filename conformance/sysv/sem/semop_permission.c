/* SPDX-License-Identifier: MIT
 *
 * semop(): an entry that changes a value needs alter permission, one that waits for zero needs read permission, and
 * an array needs what its entries need. The callers are owners without privilege, for targets with a single user,
 * and strangers.
 */
#include "ipck_sem.h"

enum { ENTRIES = 3 };

static const unsigned short original[] = {5, 0, 7};

static int new_set(int mode)
{
        const int set = new_sems(3, 0600);

        set_all(set, original);
        set_mode(set, mode);
        return set;
}

struct array {
        const char *name;
        size_t count;
        struct sembuf ops[ENTRIES];
        int error;                      /* where permission is no obstacle; 0: none */
};

static const struct array altering[] = {
        {"increment", 1, {OP(0, 1, 0)}, 0},
        {"decrement", 1, {OP(0, -1, 0)}, 0},
        {"increment with undo", 1, {OP(0, 1, SEM_UNDO)}, 0},
        {"decrement without waiting", 1, {OP(0, -1, IPC_NOWAIT)}, 0},
        {"decrement that would wait", 1, {OP(0, -100, IPC_NOWAIT)}, EAGAIN},
        {"entries without net effect", 2, {OP(0, 1, 0), OP(0, -1, 0)}, 0},
        {"entries for three semaphores", 3, {OP(2, -1, 0), OP(0, 1, 0), OP(1, 1, 0)}, 0},
};

static const struct array reading[] = {
        {"one entry", 1, {OP(1, 0, 0)}, 0},
        {"one entry without waiting", 1, {OP(1, 0, IPC_NOWAIT)}, 0},
        {"one entry with undo", 1, {OP(1, 0, SEM_UNDO)}, 0},
        {"one entry that would wait", 1, {OP(0, 0, IPC_NOWAIT)}, EAGAIN},
        {"two entries", 2, {OP(1, 0, 0), OP(1, 0, IPC_NOWAIT)}, 0},
};

static const struct array mixed[] = {
        {"wait for zero first", 2, {OP(1, 0, 0), OP(0, 1, 0)}, 0},
        {"wait for zero last", 2, {OP(0, 1, 0), OP(1, 0, 0)}, 0},
        {"wait for zero between", 3, {OP(0, -1, 0), OP(1, 0, 0), OP(2, 1, 0)}, 0},
        {"wait for zero around", 3, {OP(1, 0, 0), OP(2, 1, 0), OP(1, 0, 0)}, 0},
        {"one semaphore", 2, {OP(1, 0, 0), OP(1, 1, 0)}, 0},
};

/* The array is refused on the set that lacks the permission, and has its way on the one that does not. */
static void needs_permission(enum ipck_requirement refused, int without, enum ipck_requirement granted, int with,
                             const struct array *array)
{
        struct sembuf ops[ENTRIES];

        memcpy(ops, array->ops, sizeof(ops));
        FAILS_WITH(refused, EACCES, semop(without, ops, array->count));
        if (array->error)
                FAILS_WITH(granted, array->error, semop(with, ops, array->count));
        else
                EQ(granted, semop(with, ops, array->count), 0);
}

static void expect_original_values(int set, enum ipck_requirement req)
{
        set_mode(set, 0600);
        for (int i = 0; i < 3; i++)
                EQ(req, VAL(set, i), original[i]);
}

TEST(altering_needs_alter_permission_alone, VERIFIES(semop_eacces_alter, semop_eacces_alter_only_ok))
{
        const int without = new_set(0577), with = new_set(0200);
        struct child child;

        /* In a child, as an adjustment recorded by mistake shows at exit. */
        CHILD(&child) {
                drop_all_capabilities();
                EACH_ROW(r, altering)
                        needs_permission(semop_eacces_alter, without, semop_eacces_alter_only_ok, with, r);
        }
        join(&child);
        expect_original_values(without, semop_eacces_alter);
        set_mode(with, 0600);
        EQ(semop_eacces_alter_only_ok, VAL(with, 1), 1);
        EQ(semop_eacces_alter_only_ok, VAL(with, 2), original[2] - 1);
}

TEST(waiting_for_zero_needs_read_permission_alone, VERIFIES(semop_eacces_read, semop_eacces_read_only_ok))
{
        const int without = new_set(0377), with = new_set(0400);

        drop_all_capabilities();
        EACH_ROW(r, reading)
                needs_permission(semop_eacces_read, without, semop_eacces_read_only_ok, with, r);
}

TEST(stranger_needs_the_permissions_of_others,
     VERIFIES(semop_eacces_alter, semop_eacces_alter_only_ok, semop_eacces_read, semop_eacces_read_only_ok))
{
        const int none = new_sems_of(USER_A, 3, 0770, original);
        const int unreadable = new_sems_of(USER_A, 3, 0773, original);
        const int readable = new_sems_of(USER_A, 3, 0004, original);
        const int alterable = new_sems_of(USER_A, 3, 0002, original);
        struct child child;

        CHILD(&child) {
                as_user(USER_B);
                EACH_ROW(r, altering) {
                        needs_permission(semop_eacces_alter, none, semop_eacces_alter_only_ok, alterable, r);
                        needs_permission(semop_eacces_alter, readable, semop_eacces_alter_only_ok, alterable, r);
                }
        }
        join(&child);
        CHILD(&child) {
                as_user(USER_B);
                EACH_ROW(r, reading) {
                        needs_permission(semop_eacces_read, none, semop_eacces_read_only_ok, readable, r);
                        needs_permission(semop_eacces_read, unreadable, semop_eacces_read_only_ok, readable, r);
                }
        }
        join(&child);
        CHILD(&child) {
                as_user(USER_A);
                expect_original_values(none, semop_eacces_alter);
                expect_original_values(readable, semop_eacces_alter);
        }
        join(&child);
}

TEST(mixed_array_needs_alter_permission, VERIFIES(semop_eacces_mixed_array))
{
        const int without = new_set(0577);

        drop_all_capabilities();
        EACH_ROW(r, mixed) {
                const int with = new_set(0600);

                needs_permission(semop_eacces_mixed_array, without, semop_eacces_mixed_array, with, r);
        }
        expect_original_values(without, semop_eacces_mixed_array);
}

TEST(mixed_array_needs_read_permission, VERIFIES(semop_eacces_mixed_array))
{
        drop_all_capabilities();
        EACH_ROW(r, mixed) {
                const int without = new_set(0377), with = new_set(0600);

                needs_permission(semop_eacces_mixed_array, without, semop_eacces_mixed_array, with, r);
                expect_original_values(without, semop_eacces_mixed_array);
        }
}
