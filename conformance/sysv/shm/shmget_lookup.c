/* SPDX-License-Identifier: MIT
 *
 * shmget(): finding a segment that exists by its key, and who gets a key that several ask for.
 */
#include "ipck_shm.h"

TEST(key_leads_to_its_segment, VERIFIES(shmget_lookup_existing))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"no flag", 0},
                {"permissions", 0600},
                {"IPC_CREAT", IPC_CREAT | 0600},
                {"IPC_CREAT, no permissions", IPC_CREAT},
                {"IPC_EXCL alone", IPC_EXCL | 0600},
        };
        key_t key[3];
        int segment[3];

        burn_segment_ids(70);
        for (int i = 0; i < 3; i++) {
                key[i] = fresh_key();
                segment[i] = segment_must_fit(shmget(key[i], 2, IPC_CREAT | IPC_EXCL | 0600), 2);
        }
        EACH_ROW(row, rows)
                for (int i = 0; i < 3; i++)
                        EQ(shmget_lookup_existing, shmget(key[i], 2, row->flags), segment[i]);
}

TEST(finding_a_segment_does_not_start_it_again, VERIFIES(shmget_lookup_existing))
{
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 3, IPC_CREAT | IPC_EXCL | 0640), 3);
        char *memory = attach(segment, 0);
        struct child other;

        strcpy(memory, "ab");
        detach(memory);
        const struct segment_view before = view_of_segment(segment);
        EQ(shmget_lookup_existing, shmget(key, 2, IPC_CREAT | 0440), segment);
        CHILD(&other)
                EQ(shmget_lookup_existing, shmget(key, 3, IPC_CREAT | 0600), segment);
        join(&other);
        const struct segment_view after = view_of_segment(segment);
        HOLDS(shmget_lookup_existing, same_segment_view(&before, &after));
        memory = attach(segment, 0);
        HOLDS(shmget_lookup_existing, strcmp(memory, "ab") == 0);
}

TEST(smaller_sizes_may_be_asked_for, VERIFIES(shmget_lookup_size_le))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"no flag", 0600}, {"IPC_CREAT", IPC_CREAT | 0600}};
        const size_t size = 2 * page_size() + 5;
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, size, IPC_CREAT | 0600), size);

        EACH_ROW(row, rows) {
                EQ(shmget_lookup_size_le, shmget(key, size, row->flags), segment);
                EQ(shmget_lookup_size_le, shmget(key, size - 1, row->flags), segment);
                EQ(shmget_lookup_size_le, shmget(key, page_size(), row->flags), segment);
                EQ(shmget_lookup_size_le, shmget(key, 1, row->flags), segment);
                EQ(shmget_lookup_size_le, shmget(key, 0, row->flags), segment);
        }
        EQ(shmget_lookup_size_le, stat_of_segment(segment).shm_segsz, size);
}

TEST(no_size_is_needed_beside_creat, VERIFIES(shmget_lookup_size0_creat))
{
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600), 3);

        EQ(shmget_lookup_size0_creat, shmget(key, 3, IPC_CREAT | 0600), segment);
        EQ(shmget_lookup_size0_creat, shmget(key, 0, IPC_CREAT | 0600), segment);
        EQ(shmget_lookup_size0_creat, shmget(key, 0, IPC_CREAT), segment);
        EQ(shmget_lookup_size0_creat, stat_of_segment(segment).shm_segsz, 3);
}

TEST(key_of_a_removed_segment_makes_a_new_one, VERIFIES(shmget_key_freed_on_rmid))
{
        const key_t key = fresh_key();
        const int old = segment_must_fit(shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600), 3);
        char *const of_old = attach(old, 0);
        int new;

        /* The limits leave room for two. */
        MUST(shmctl(new_segment(3, 0600), IPC_RMID, NULL));
        strcpy(of_old, "ab");
        REQUIRE(shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600) == -1);
        MUST(shmctl(old, IPC_RMID, NULL));
        EQ(shmget_key_freed_on_rmid, worked(new = shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600)), 0);
        HOLDS(shmget_key_freed_on_rmid, new != old);
        EQ(shmget_key_freed_on_rmid, shmget(key, 0, 0), new);

        /* Two memories, and the end of one is not that of the other. */
        char *const of_new = attach(new, 0);
        HOLDS(shmget_key_freed_on_rmid, all_bytes(of_new, 3, 0));
        strcpy(of_new, "c");
        HOLDS(shmget_key_freed_on_rmid, strcmp(of_old, "ab") == 0);
        detach(of_old);
        EQ(shmget_key_freed_on_rmid, shmget(key, 0, 0), new);
        HOLDS(shmget_key_freed_on_rmid, strcmp(of_new, "c") == 0);
}

/* ---- several at once ---- */

struct contest {
        _Atomic int round, done;
        key_t key;
        int id[3], error[3];
};

TEST(one_exclusive_creator_wins, VERIFIES(shmget_atomic_creat_excl))
{
        enum { CONTESTANTS = 3, CONTESTS = 200 };
        struct contest *const contest = shared(sizeof(*contest));
        struct child contestants[CONTESTANTS];

        for (int i = 0; i < CONTESTANTS; i++)
                CHILD(&contestants[i])
                        for (int round = 1; round <= CONTESTS; round++) {
                                /* All set out at the same moment as nearly as can be. */
                                UNTIL(contest->round >= round);
                                contest->id[i] = shmget(contest->key, 1, IPC_CREAT | IPC_EXCL | 0600);
                                contest->error[i] = errno;
                                contest->done++;
                        }
        for (int round = 1; round <= CONTESTS; round++) {
                int winners = 0, winner = -1;

                contest->key = fresh_key();
                contest->round = round;
                UNTIL(contest->done == round * CONTESTANTS);
                for (int i = 0; i < CONTESTANTS; i++) {
                        if (contest->id[i] != -1) {
                                winners++;
                                winner = contest->id[i];
                        } else {
                                EQ(shmget_atomic_creat_excl, contest->error[i], EEXIST);
                        }
                }
                EQ(shmget_atomic_creat_excl, winners, 1);
                EQ(shmget_atomic_creat_excl, shmget(contest->key, 0, 0), winner);
                EQ(shmget_atomic_creat_excl, shmctl(winner, IPC_RMID, NULL), 0);
                EQ(shmget_atomic_creat_excl, shmget(contest->key, 0, 0), -1);
        }
        for (int i = 0; i < CONTESTANTS; i++)
                join(&contestants[i]);
}
