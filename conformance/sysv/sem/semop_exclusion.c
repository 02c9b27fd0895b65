/* SPDX-License-Identifier: MIT
 *
 * Calls on one set, and calls for one key, happen one after the other: nobody sees an array of operations, a semctl()
 * or the making of a set half done.
 */
#include <sched.h>
#include <stdatomic.h>

#include "ipck_sem.h"

/* The test's process and a child work on one set at the same time, until each has had its turns: neither is done
 * before the other has begun, whoever gets the processor first. */
enum { TURNS = 300, LAST_TURN = 100 * TURNS };

struct race {
        _Atomic int turns[2];
};
enum { TEST_SIDE, CHILD_SIDE };

static bool next_turn(struct race *race, int side)
{
        const int turn = ++race->turns[side];

        if (turn >= TURNS)
                sched_yield();
        return turn < LAST_TURN && (race->turns[TEST_SIDE] < TURNS || race->turns[CHILD_SIDE] < TURNS);
}

TEST(zero_in_the_middle_of_an_array_is_not_seen, VERIFIES(semop_exclusion_simple_complex))
{
        int set = new_sems(2, 0600);
        struct child single, array;

        set_val(set, 0, 2);
        CHILD(&single)
                EQ(semop_exclusion_simple_complex, SEMOP(set, OP(0, 0, 0)), 0);
        UNTIL(ZCNT(set, 0) == 1);
        CHILD(&array)
                EQ(semop_exclusion_simple_complex, SEMOP(set, OP(0, 0, 0), OP(1, 0, 0)), 0);
        UNTIL(ZCNT(set, 0) == 2);
        EQ(semop_exclusion_simple_complex, SEMOP(set, OP(0, -2, IPC_NOWAIT), OP(0, 2, 0)), 0);
        EQ(semop_exclusion_simple_complex,
           SEMOP(set, OP(0, -2, IPC_NOWAIT), OP(0, 0, IPC_NOWAIT), OP(1, 1, 0), OP(1, -1, IPC_NOWAIT), OP(0, 1, 0)), 0);
        EVENTUALLY(semop_exclusion_simple_complex, ZCNT(set, 0) == 2);
        EQ(semop_exclusion_simple_complex, VAL(set, 0), 1);
        HOLDS(semop_exclusion_simple_complex, !returned(&single) && !returned(&array));
        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_exclusion_simple_complex, returned(&single) && returned(&array));
        join(&single);
        join(&array);
}

TEST(unit_in_the_middle_of_an_array_is_not_taken, VERIFIES(semop_exclusion_simple_complex))
{
        int set = new_sems(2, 0600);
        struct child single, array;

        CHILD(&single)
                EQ(semop_exclusion_simple_complex, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        CHILD(&array)
                EQ(semop_exclusion_simple_complex, SEMOP(set, OP(1, -1, 0), OP(1, -1, 0)), 0);
        UNTIL(NCNT(set, 1) == 1);
        /* Whoever takes a unit on the way makes the array fail for want of it. */
        EQ(semop_exclusion_simple_complex, SEMOP(set, OP(0, 5, 0), OP(0, -5, IPC_NOWAIT)), 0);
        EQ(semop_exclusion_simple_complex,
           SEMOP(set, OP(1, 2, 0), OP(0, 1, 0), OP(1, -1, IPC_NOWAIT), OP(0, -1, IPC_NOWAIT)), 0);
        EVENTUALLY(semop_exclusion_simple_complex, NCNT(set, 1) == 1);
        EVENTUALLY(semop_exclusion_simple_complex, NCNT(set, 0) == 1);
        EQ(semop_exclusion_simple_complex, VAL(set, 0), 0);
        EQ(semop_exclusion_simple_complex, VAL(set, 1), 1);
        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0)));
        EVENTUALLY(semop_exclusion_simple_complex, returned(&single) && returned(&array));
        join(&single);
        join(&array);
}

/* An array takes and gives back in one call, again and again; in between the unit is always there. */
TEST(running_array_hides_what_it_borrows, VERIFIES(semop_exclusion_simple_complex))
{
        int set = new_sems(2, 0600);
        struct race *race = shared(sizeof(*race));
        struct child borrower;

        set_all(set, (unsigned short[]){1, 1});
        CHILD(&borrower)
                do {
                        /* The other may have the unit just then. */
                        if (SEMOP(set, OP(0, -1, IPC_NOWAIT), OP(1, -1, 0), OP(1, 1, 0), OP(0, 1, 0)) == -1)
                                REQUIRE(errno == EAGAIN);
                } while (next_turn(race, CHILD_SIDE));
        do {
                EQ(semop_exclusion_simple_complex, VAL(set, 0), 1);
                EQ(semop_exclusion_simple_complex, SEMOP(set, OP(0, -1, IPC_NOWAIT)), 0);
                EQ(semop_exclusion_simple_complex, VAL(set, 1), 1);
                MUST(SEMOP(set, OP(0, 1, 0)));
        } while (next_turn(race, TEST_SIDE));
        join(&borrower);
        EQ(semop_exclusion_simple_complex, VAL(set, 0), 1);
}

struct room {
        _Atomic int inside;
        int visits;     /* not atomic: two at once would lose one now and then */
};

TEST(test_and_set_admits_one_at_a_time, VERIFIES(semop_array_zero_then_inc, semop_exclusion_simple_complex))
{
        enum { VISITORS = 4, VISITS = 60 };
        int set = new_sems(1, 0600);
        struct room *room = shared(sizeof(*room));
        struct child visitor[VISITORS];

        for (int i = 0; i < VISITORS; i++)
                CHILD(&visitor[i])
                        for (int visit = 0; visit < VISITS; visit++) {
                                MUST(SEMOP(set, OP(0, 0, 0), OP(0, 1, 0)));
                                EQ(semop_array_zero_then_inc, room->inside++, 0);
                                room->visits++;
                                sched_yield();
                                room->inside--;
                                EQ(semop_exclusion_simple_complex, SEMOP(set, OP(0, -1, IPC_NOWAIT)), 0);
                                here(&visitor[i], visit + 1);
                        }
        for (int i = 0; i < VISITORS; i++) {
                for (int visit = 0; visit < VISITS; visit++)
                        EVENTUALLY(semop_array_zero_then_inc, at(&visitor[i]) > visit);
                join(&visitor[i]);
        }
        EQ(semop_array_zero_then_inc, room->visits, VISITORS * VISITS);
        EQ(semop_array_zero_then_inc, VAL(set, 0), 0);
}

enum { LARGE = 300 };

static int new_large_set(void)
{
        if (sem_limits().semmsl < LARGE)
                UNSUPPORTED("sets of %d semaphores (limit: %d)", LARGE, sem_limits().semmsl);
        return new_sems(LARGE, 0600);
}

TEST(getall_is_a_snapshot, VERIFIES(semctl_getall_snapshot))
{
        const struct {
                const char *name;
                bool large;
        } rows[] = {{"small set", false}, {"large set", true}};

        EACH_ROW(row, rows) {
                const int nsems = row->large ? LARGE : 8;
                int set = row->large ? new_large_set() : new_sems(nsems, 0600);
                const unsigned short first = 0, last = (unsigned short)(nsems - 1);
                struct race *race = shared(sizeof(*race));
                unsigned short values[LARGE] = {0};
                struct child mover;

                /* Units move between the ends; how many there are in all does not change. */
                set_val(set, 0, 5);
                CHILD(&mover)
                        do {
                                MUST(SEMOP(set, OP(first, -5, IPC_NOWAIT), OP(last, 5, 0)));
                                MUST(SEMOP(set, OP(last, -5, IPC_NOWAIT), OP(first, 5, 0)));
                        } while (next_turn(race, CHILD_SIDE));
                do {
                        EQ(semctl_getall_snapshot, semctl(set, 0, GETALL, ARG_ARRAY(values)), 0);
                        EQ(semctl_getall_snapshot, values[first] + values[last], 5);
                } while (next_turn(race, TEST_SIDE));
                join(&mover);
        }
}

TEST(setall_is_not_seen_half_done, VERIFIES(semctl_setall_atomic))
{
        int set = new_large_set();
        struct race *race = shared(sizeof(*race));
        unsigned short seen[LARGE];
        struct child setter;

        CHILD(&setter) {
                unsigned short values[LARGE], value = 1;

                do {
                        for (int i = 0; i < LARGE; i++)
                                values[i] = value;
                        EQ(semctl_setall_atomic, semctl(set, 0, SETALL, ARG_ARRAY(values)), 0);
                        value = value % 30000 + 1;
                } while (next_turn(race, CHILD_SIDE));
        }
        do {
                get_all(set, seen);
                EQ(semctl_setall_atomic, seen[LARGE - 1], seen[0]);
                EQ(semctl_setall_atomic, seen[LARGE / 2], seen[0]);
        } while (next_turn(race, TEST_SIDE));
        join(&setter);
        HOLDS(semctl_setall_atomic, VAL(set, 0) > 0);
}

/* Whichever end SETALL begins at, there is no moment at which both semaphores are 0, or both 1. */
TEST(setall_wakes_nobody_half_way, VERIFIES(semctl_setall_atomic))
{
        int set = new_sems(2, 0600);
        struct child zeros, units;

        set_all(set, (unsigned short[]){0, 1});
        CHILD(&zeros)
                EQ(semctl_setall_atomic, SEMOP(set, OP(0, 0, 0), OP(1, 0, 0)), 0);
        UNTIL(ZCNT(set, 1) == 1);
        CHILD(&units)
                EQ(semctl_setall_atomic, SEMOP(set, OP(0, -1, 0), OP(1, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        for (int i = 0; i < 4; i++) {
                const unsigned short one = i % 2, other = !one;

                set_all(set, (unsigned short[]){other, one});
                EVENTUALLY(semctl_setall_atomic,
                           NCNT(set, 0) + NCNT(set, 1) == 1 && ZCNT(set, 0) + ZCNT(set, 1) == 1);
                HOLDS(semctl_setall_atomic, !returned(&zeros) && !returned(&units));
        }
        set_all(set, (unsigned short[]){1, 1});
        EVENTUALLY(semctl_setall_atomic, returned(&zeros) && returned(&units));
        join(&zeros);
        join(&units);
}

TEST(semctl_does_not_mix_with_semop, VERIFIES(semctl_atomic))
{
        int set = new_sems(2, 0600);
        struct race *race = shared(sizeof(*race));
        unsigned short n = 0;
        struct child mover;

        set_all(set, (unsigned short[]){20, 20});
        CHILD(&mover)
                do {
                        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT), OP(1, 1, 0)));
                        MUST(SEMOP(set, OP(1, -2, IPC_NOWAIT), OP(0, 2, 0)));
                        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT), OP(1, 1, 0)));
                } while (next_turn(race, CHILD_SIDE));
        do {
                unsigned short values[2] = {(unsigned short)(20 + n), (unsigned short)(20 - n)};

                /* Moves keep the sum, so that one who worked with what SETALL replaced would break it. */
                EQ(semctl_atomic, semctl(set, 0, SETALL, ARG_ARRAY(values)), 0);
                EQ(semctl_atomic, semctl(set, 0, GETALL, ARG_ARRAY(values)), 0);
                EQ(semctl_atomic, values[0] + values[1], 40);
                n = (n + 1) % 10;
        } while (next_turn(race, TEST_SIDE));
        join(&mover);
        EQ(semctl_atomic, VAL(set, 0) + VAL(set, 1), 40);
}

TEST(setval_does_not_mix_with_semop, VERIFIES(semctl_atomic))
{
        int set = new_sems(1, 0600);
        struct race *race = shared(sizeof(*race));
        struct child borrower;
        int n = 5;

        set_val(set, 0, n);
        CHILD(&borrower)
                do
                        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT), OP(0, 2, 0), OP(0, -1, 0)));
                while (next_turn(race, CHILD_SIDE));
        do {
                n = n % 100 + 5;
                EQ(semctl_atomic, semctl(set, 0, SETVAL, ARG_VAL(n)), 0);
                EQ(semctl_atomic, VAL(set, 0), n);
        } while (next_turn(race, TEST_SIDE));
        join(&borrower);
}

TEST(increments_of_all_are_counted, VERIFIES(semctl_atomic))
{
        enum { ADDERS = 4 };
        int set = new_sems(1, 0600);
        struct child adder[ADDERS];

        for (int i = 0; i < ADDERS; i++)
                CHILD(&adder[i])
                        for (int turn = 0; turn < TURNS; turn++)
                                MUST(SEMOP(set, OP(0, 1, 0)));
        /* Reading in between must not disturb. */
        for (int i = 0; i < ADDERS; i++) {
                while (!returned(&adder[i]))
                        BETWEEN(semctl_atomic, 0, VAL(set, 0), ADDERS * TURNS);
                join(&adder[i]);
        }
        EQ(semctl_atomic, VAL(set, 0), ADDERS * TURNS);
}

/* The window is short: most rounds find the set still there or gone for good, and some in between. */
TEST(getall_of_a_set_that_goes_is_whole_or_fails, VERIFIES(semctl_getall_rmid_race))
{
        enum { SETS = 30 };
        _Atomic int *current = shared(sizeof(*current));
        struct child reader;

        *current = -1;
        CHILD(&reader) {
                unsigned short values[LARGE];

                for (int round = 1; round <= SETS; round++) {
                        int set, reads = 0;

                        await(&reader, round);
                        set = *current;
                        for (;;) {
                                memset(values, 0xff, sizeof(values));
                                if (semctl(set, 0, GETALL, ARG_ARRAY(values)) == -1)
                                        break;
                                EQ(semctl_getall_rmid_race, values[0], round);
                                EQ(semctl_getall_rmid_race, values[LARGE - 1], round);
                                if (++reads == 1)
                                        here(&reader, round);
                                sched_yield();
                        }
                        HOLDS(semctl_getall_rmid_race, errno == EIDRM || errno == EINVAL);
                        FAILS_WITH(semctl_getall_rmid_race, EINVAL, semctl(set, 0, GETALL, ARG_ARRAY(values)));
                }
        }
        for (int round = 1; round <= SETS; round++) {
                unsigned short values[LARGE];
                int set = new_large_set();

                for (int i = 0; i < LARGE; i++)
                        values[i] = (unsigned short)round;
                set_all(set, values);
                *current = set;
                tell(&reader, round);
                UNTIL(at(&reader) == round);
                MUST(semctl(set, 0, IPC_RMID));
        }
        EVENTUALLY(semctl_getall_rmid_race, returned(&reader));
        join(&reader);
}

struct contest {
        _Atomic int round, done;
        key_t key;
        int id[4], error[4];
};

TEST(one_exclusive_creator_wins, VERIFIES(semget_atomic_creat_excl))
{
        enum { CONTESTANTS = 4, CONTESTS = 40 };
        struct contest *contest = shared(sizeof(*contest));
        struct child contestant[CONTESTANTS];

        for (int i = 0; i < CONTESTANTS; i++)
                CHILD(&contestant[i])
                        for (int round = 1; round <= CONTESTS; round++) {
                                /* All set out at the same moment as nearly as can be. */
                                UNTIL(contest->round >= round);
                                contest->id[i] = semget(contest->key, 1, IPC_CREAT | IPC_EXCL | 0600);
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
                                EQ(semget_atomic_creat_excl, contest->error[i], EEXIST);
                        }
                }
                EQ(semget_atomic_creat_excl, winners, 1);
                EQ(semget_atomic_creat_excl, semget(contest->key, 1, 0), winner);
                if (winners == 1)
                        MUST(semctl(winner, 0, IPC_RMID));
        }
        for (int i = 0; i < CONTESTANTS; i++)
                join(&contestant[i]);
}

TEST(otime_tells_when_a_set_is_ready, VERIFIES(semget_otime_init_handshake))
{
        const key_t key = fresh_key();
        int set = (int)MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
        struct child peer;

        CHILD(&peer) {
                int mine = (int)MUST(semget(key, 2, 0));

                EQ(semget_otime_init_handshake, stat_of(mine).sem_otime, 0);
                stay(&peer);
                /* Values that are set are no sign yet. */
                EQ(semget_otime_init_handshake, stat_of(mine).sem_otime, 0);
                here(&peer, 2);
                EVENTUALLY(semget_otime_init_handshake, stat_of(mine).sem_otime != 0);
                EQ(semget_otime_init_handshake, VAL(mine, 0), 7);
                EQ(semget_otime_init_handshake, VAL(mine, 1), 3);
        }
        UNTIL(stays(&peer));
        set_val(set, 0, 4);
        set_all(set, (unsigned short[]){4, 3});
        tell(&peer, 1);
        UNTIL(at(&peer) == 2);
        const time_t before = now();
        MUST(SEMOP(set, OP(0, 3, 0)));
        const time_t after = now();
        BETWEEN(semget_otime_init_handshake, before, stat_of(set).sem_otime, after);
        EVENTUALLY(semget_otime_init_handshake, returned(&peer));
        join(&peer);
}
