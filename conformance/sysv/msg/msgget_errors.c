/* SPDX-License-Identifier: MIT
 *
 * msgget(): calls that fail, each beside one that differs in a single argument and succeeds.
 */
#include "ipck_msg.h"

/* ---- permission ---- */

struct access {
        const char *name;
        int mode, flags;
        bool granted;
};

static void ask(const struct access *row, key_t key, int queue)
{
        REQUIRE(msgget(key, 0) == queue);
        if (row->granted)
                EQ(msgget_eacces_mode, msgget(key, row->flags), queue);
        else
                FAILS_WITH(msgget_eacces_mode, EACCES, msgget(key, row->flags));
}

TEST(owner_is_asked_for_permission, VERIFIES(msgget_eacces_mode))
{
        static const struct access rows[] = {
                {"read of 0400", 0400, 0400, true},   {"write of 0400", 0400, 0200, false},
                {"both of 0400", 0400, 0600, false},  {"read of 0200", 0200, 0400, false},
                {"write of 0200", 0200, 0200, true},  {"both of 0200", 0200, 0600, false},
                {"both of 0600", 0600, 0600, true},   {"read of 0000", 0000, 0400, false},
                {"read of 0077", 0077, 0400, false},  {"write of 0577", 0577, 0200, false},
                {"creating 0000", 0000, IPC_CREAT | 0400, false},
        };

        drop_all_capabilities();
        EACH_ROW(row, rows) {
                const key_t key = fresh_key();
                const int queue = queue_must_fit(msgget(key, IPC_CREAT | row->mode));

                ask(row, key, queue);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
}

TEST(other_user_is_asked_for_permission, VERIFIES(msgget_eacces_mode))
{
        static const struct access rows[] = {
                {"read of 0604", 0604, 0004, true},  {"write of 0604", 0604, 0002, false},
                {"both of 0604", 0604, 0006, false}, {"read of 0602", 0602, 0004, false},
                {"write of 0602", 0602, 0002, true}, {"both of 0606", 0606, 0006, true},
                {"read of 0660", 0660, 0004, false}, {"creating 0660", 0660, IPC_CREAT | 0004, false},
        };

        EACH_ROW(row, rows) {
                const key_t key = fresh_key();
                const int queue = queue_must_fit(msgget(key, IPC_CREAT | row->mode));
                struct child other;

                CHILD(&other) {
                        as_user(USER_A);
                        ask(row, key, queue);
                }
                join(&other);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
}

TEST(who_asks_for_nothing_is_told_the_identifier, VERIFIES(msgget_eacces_zero_request))
{
        const key_t key = fresh_key();
        const int queue = queue_must_fit(msgget(key, IPC_CREAT));

        drop_all_capabilities();
        REQUIRE(msgget(key, 0400) == -1 && errno == EACCES);
        EQ(msgget_eacces_zero_request, msgget(key, 0), queue);
        EQ(msgget_eacces_zero_request, msgget(key, IPC_CREAT), queue);
}

TEST(stranger_who_asks_for_nothing_is_told_the_identifier, VERIFIES(msgget_eacces_zero_request))
{
        const key_t key = fresh_key();
        const int queue = queue_must_fit(msgget(key, IPC_CREAT | 0660));
        struct child stranger;

        CHILD(&stranger) {
                as_user(USER_A);
                REQUIRE(msgget(key, 0004) == -1 && errno == EACCES);
                EQ(msgget_eacces_zero_request, msgget(key, 0), queue);
                EQ(msgget_eacces_zero_request, msgget(key, IPC_CREAT), queue);
        }
        join(&stranger);
}

/* ---- existence ---- */

TEST(excl_refuses_an_existing_key, VERIFIES(msgget_eexist))
{
        const key_t key = fresh_key();
        const int queue = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));

        REQUIRE(msgget(key, IPC_CREAT | 0600) == queue);
        post(queue, 7, "kept");
        const struct queue_view before = view_of_queue(queue);
        FAILS_WITH(msgget_eexist, EEXIST, msgget(key, IPC_CREAT | IPC_EXCL | 0600));
        FAILS_WITH(msgget_eexist, EEXIST, msgget(key, IPC_CREAT | IPC_EXCL | 0640));
        FAILS_WITH(msgget_eexist, EEXIST, msgget(key, IPC_CREAT | IPC_EXCL));
        const struct queue_view after = view_of_queue(queue);
        HOLDS(msgget_eexist, same_queue_view(&before, &after));
        EQ(msgget_eexist, take(queue, 0), 7);
}

TEST(existence_is_judged_before_permission, VERIFIES(msgget_eexist_before_eacces))
{
        const key_t key = fresh_key();

        (void)queue_must_fit(msgget(key, IPC_CREAT));
        drop_all_capabilities();
        REQUIRE(msgget(key, IPC_CREAT | 0600) == -1 && errno == EACCES);
        FAILS_WITH(msgget_eexist_before_eacces, EEXIST, msgget(key, IPC_CREAT | IPC_EXCL | 0600));
}

TEST(existence_is_judged_before_permission_of_strangers, VERIFIES(msgget_eexist_before_eacces))
{
        const key_t key = fresh_key();
        struct child stranger;

        (void)queue_must_fit(msgget(key, IPC_CREAT | 0660));
        CHILD(&stranger) {
                as_user(USER_A);
                REQUIRE(msgget(key, IPC_CREAT | 0006) == -1 && errno == EACCES);
                FAILS_WITH(msgget_eexist_before_eacces, EEXIST, msgget(key, IPC_CREAT | IPC_EXCL | 0006));
        }
        join(&stranger);
}

TEST(unknown_key_is_not_found, VERIFIES(msgget_enoent))
{
        const key_t key = fresh_key();

        (void)new_queue(0600);
        /* There is room for a second one. */
        burn_queue_ids(1);
        FAILS_WITH(msgget_enoent, ENOENT, msgget(key, 0600));
        FAILS_WITH(msgget_enoent, ENOENT, msgget(key, 0));
        FAILS_WITH(msgget_enoent, ENOENT, msgget(key, IPC_EXCL | 0600));
        FAILS_WITH(msgget_enoent, ENOENT, msgget(key, IPC_NOWAIT | 0600));
        /* None of these has made one. */
        int queue;
        EQ(msgget_enoent, worked(queue = msgget(key, IPC_CREAT | IPC_EXCL | 0600)), 0);
        EQ(msgget_enoent, msgget(key, 0600), queue);
}

TEST(key_of_a_removed_queue_is_free, VERIFIES(msgget_enoent_after_rmid))
{
        const key_t key = fresh_key();

        for (int round = 0; round < 100; round++) {
                const int queue = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));

                REQUIRE(msgget(key, 0600) == queue);
                MUST(msgctl(queue, IPC_RMID, NULL));
                FAILS_WITH(msgget_enoent_after_rmid, ENOENT, msgget(key, 0600));
                FAILS_WITH(msgget_enoent_after_rmid, ENOENT, msgget(key, IPC_EXCL));
                int next;
                EQ(msgget_enoent_after_rmid, worked(next = msgget(key, IPC_CREAT | IPC_EXCL | 0600)), 0);
                MUST(msgctl(next, IPC_RMID, NULL));
        }
}

TEST(key_of_a_removed_queue_is_free_to_all, VERIFIES(msgget_enoent_after_rmid))
{
        const key_t key = fresh_key();
        const int queue = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
        struct child other;

        CHILD(&other) {
                stay(&other);
                FAILS_WITH(msgget_enoent_after_rmid, ENOENT, msgget(key, 0600));
                EQ(msgget_enoent_after_rmid, worked(msgget(key, IPC_CREAT | IPC_EXCL | 0600)), 0);
        }
        UNTIL(stays(&other));
        MUST(msgctl(queue, IPC_RMID, NULL));
        dismiss(&other);
        EQ(msgget_enoent_after_rmid, worked(msgget(key, 0600)), 0);
}
