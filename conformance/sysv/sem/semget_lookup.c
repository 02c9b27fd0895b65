/* SPDX-License-Identifier: MIT
 *
 * semget(): finding a set that exists, and leaving it as it is.
 */
#include "ipck_sem.h"

TEST(key_leads_to_its_set, VERIFIES(semget_lookup_existing))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"no flag", 0},
                {"permissions", 0600},
                {"IPC_CREAT", IPC_CREAT | 0600},
                {"IPC_CREAT, no permissions", IPC_CREAT},
        };
        key_t key[3];
        int set[3];

        burn_sem_ids(70);
        for (int i = 0; i < 3; i++) {
                key[i] = fresh_key();
                set[i] = (int)MUST(semget(key[i], 2, IPC_CREAT | IPC_EXCL | 0600));
        }
        EACH_ROW(row, rows)
                for (int i = 0; i < 3; i++)
                        EQ(semget_lookup_existing, semget(key[i], 2, row->flags), set[i]);
}

TEST(fewer_semaphores_may_be_asked_for, VERIFIES(semget_lookup_nsems0, semget_lookup_nsems_smaller))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"no flag", 0600}, {"IPC_CREAT", IPC_CREAT | 0600}};
        const key_t key = fresh_key();

        burn_sem_ids(70);
        const int set = (int)MUST(semget(key, 5, IPC_CREAT | 0600));
        EACH_ROW(row, rows) {
                MUST(semget(key, 5, row->flags));
                EQ(semget_lookup_nsems0, semget(key, 0, row->flags), set);
                EQ(semget_lookup_nsems_smaller, semget(key, 1, row->flags), set);
                EQ(semget_lookup_nsems_smaller, semget(key, 4, row->flags), set);
        }
        EQ(semget_lookup_nsems_smaller, stat_of(set).sem_nsems, 5);
}

/* A set with distinct values, a pid and an otime. */
static int used_set(key_t key, int mode)
{
        const unsigned short values[3] = {5, 6, 7};
        const int set = (int)MUST(semget(key, 3, IPC_CREAT | IPC_EXCL | mode));

        set_all(set, values);
        MUST(SEMOP(set, OP(1, 2, 0)));
        return set;
}

TEST(finding_a_set_does_not_start_it_again, VERIFIES(semget_lookup_no_reinit), MOSTLY_WAITS)
{
        const key_t key = fresh_key();
        const int set = used_set(key, 0640);
        const struct sem_view before = view_of(set);

        REQUIRE(before.otime != 0);
        /* Otherwise a new time stamp could not be told from the old one. */
        next_second(before.ctime > before.otime ? before.ctime : before.otime);
        EQ(semget_lookup_no_reinit, semget(key, 3, IPC_CREAT | 0600), set);
        EQ(semget_lookup_no_reinit, semget(key, 2, IPC_CREAT | 0440), set);
        const struct sem_view after = view_of(set);
        HOLDS(semget_lookup_no_reinit, same_view(&before, &after));
}

TEST(finding_a_set_does_not_make_it_ours, VERIFIES(semget_lookup_no_reinit))
{
        const key_t key = fresh_key();
        const int set = used_set(key, 0666);
        const struct sem_view before = view_of(set);
        struct child other;

        CHILD(&other) {
                as_user(USER_A);
                EQ(semget_lookup_no_reinit, semget(key, 3, IPC_CREAT | 0600), set);
        }
        join(&other);
        const struct sem_view after = view_of(set);
        HOLDS(semget_lookup_no_reinit, same_view(&before, &after));
}
