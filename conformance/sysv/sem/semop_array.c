/* SPDX-License-Identifier: MIT
 *
 * semop(): arrays of several entries: their order, their length, and which entry decides whether the caller waits.
 */
#include <stdio.h>

#include "ipck_sem.h"

enum { ROOM = 6 };

/* A copy of the row's entries goes to the call, so that one that scribbles on them spoils no other row. */
static int call(int set, const struct sembuf *ops, size_t count)
{
        struct sembuf copy[ROOM];

        memcpy(copy, ops, count * sizeof(*ops));
        return semop(set, copy, count);
}

static int semvmx(void)
{
        return sem_limits().semvmx;
}

/* ---- order ---- */

/* Each row has another result where entries are checked against the values before the call, summed up first, or taken
 * in any other order. IPC_NOWAIT everywhere, so that a wrong result cannot hang. */
#define NOW(num, op) OP(num, op, IPC_NOWAIT)

TEST(entry_sees_effect_of_earlier_ones, VERIFIES(semop_array_order))
{
        static const struct {
                const char *name;
                unsigned short before[2];
                struct sembuf ops[ROOM];
                size_t count;
                int error;
                unsigned short after[2];
        } rows[] = {
                {"increment, then decrement", {0, 7}, {NOW(0, 2), NOW(0, -1)}, 2, 0, {1, 7}},
                {"decrement, then increment", {0, 7}, {NOW(0, -1), NOW(0, 2)}, 2, EAGAIN, {0, 7}},
                {"decrement, then zero", {2, 7}, {NOW(0, -2), NOW(0, 0)}, 2, 0, {0, 7}},
                {"zero, then decrement", {2, 7}, {NOW(0, 0), NOW(0, -2)}, 2, EAGAIN, {2, 7}},
                {"zero, then increment", {0, 7}, {NOW(0, 0), NOW(0, 2)}, 2, 0, {2, 7}},
                {"increment, then zero", {0, 7}, {NOW(0, 2), NOW(0, 0)}, 2, EAGAIN, {0, 7}},
                {"two decrements of all", {3, 7}, {NOW(0, -3), NOW(0, -3)}, 2, EAGAIN, {3, 7}},
                {"decrements that together take all", {3, 7}, {NOW(0, -1), NOW(0, -2)}, 2, 0, {0, 7}},
                {"down to zero, zero, up, down", {1, 7}, {NOW(0, -1), NOW(0, 0), NOW(0, 5), NOW(0, -2)}, 4, 0, {3, 7}},
                {"zero between two increments", {0, 7}, {NOW(0, 1), NOW(0, 0), NOW(0, 1)}, 3, EAGAIN, {0, 7}},
                {"another semaphore between", {0, 7}, {NOW(0, 2), NOW(1, -7), NOW(0, -2), NOW(1, 0)}, 4, 0, {0, 0}},
                {"another semaphore between, too early", {0, 7}, {NOW(0, 2), NOW(1, 0), NOW(1, -7)}, 3, EAGAIN, {0, 7}},
                {"higher number first", {0, 7}, {NOW(1, -7), NOW(0, 1), NOW(1, 0)}, 3, 0, {1, 0}},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);

                set_all(set, row->before);
                if (row->error)
                        FAILS_WITH(semop_array_order, row->error, call(set, row->ops, row->count));
                else
                        EQ(semop_array_order, call(set, row->ops, row->count), 0);
                EQ(semop_array_order, VAL(set, 0), row->after[0]);
                EQ(semop_array_order, VAL(set, 1), row->after[1]);
        }
}

TEST(order_counts_at_the_largest_value, VERIFIES(semop_array_order))
{
        int set = new_sems(1, 0600);

        set_val(set, 0, semvmx());
        EQ(semop_array_order, SEMOP(set, NOW(0, -1), NOW(0, 1)), 0);
        FAILS_WITH(semop_array_order, ERANGE, SEMOP(set, NOW(0, 1), NOW(0, -1)));
        EQ(semop_array_order, VAL(set, 0), semvmx());
}

TEST(increment_lets_own_decrement_pass, VERIFIES(semop_array_inc_then_dec))
{
        int set = new_sems(2, 0600);
        struct child caller;

        set_val(set, 1, 5);
        CHILD(&caller) {
                EQ(semop_array_inc_then_dec, SEMOP(set, OP(0, 1, 0), OP(0, -1, 0)), 0);
                EQ(semop_array_inc_then_dec, VAL(set, 0), 0);
                EQ(semop_array_inc_then_dec, SEMOP(set, OP(0, 5, 0), OP(1, -1, 0), OP(0, -2, 0), OP(0, -3, 0)), 0);
                EQ(semop_array_inc_then_dec, VAL(set, 0), 0);
                /* The call did happen. */
                EQ(semop_array_inc_then_dec, VAL(set, 1), 4);
        }
        EVENTUALLY(semop_array_inc_then_dec, returned(&caller));
        join(&caller);
}

/* ---- the caller's memory ---- */

TEST(array_is_not_written_to, VERIFIES(semop_array_unmodified))
{
        static const struct {
                const char *name;
                struct sembuf ops[ROOM];
                size_t count;
                int error;
        } rows[] = {
                {"one increment", {OP(0, 3, 0)}, 1, 0},
                {"one decrement", {OP(1, -1, IPC_NOWAIT)}, 1, 0},
                {"one zero operation", {OP(2, 0, IPC_NOWAIT)}, 1, 0},
                {"several entries", {OP(1, -1, IPC_NOWAIT), OP(0, 2, SEM_UNDO), OP(2, 0, IPC_NOWAIT)}, 3, 0},
                {"one semaphore twice", {OP(1, 4, 0), OP(0, 1, 0), OP(1, -6, IPC_NOWAIT)}, 3, 0},
                {"flags of no meaning", {OP(0, 1, 0x100)}, 1, 0},
                {"EAGAIN", {OP(1, 1, SEM_UNDO), OP(0, -9, IPC_NOWAIT)}, 2, EAGAIN},
                {"EAGAIN, one semaphore twice", {OP(1, 1, 0), OP(1, -9, IPC_NOWAIT), OP(0, 1, 0)}, 3, EAGAIN},
                {"ERANGE", {OP(0, 1, 0), OP(1, 32767, 0)}, 2, ERANGE},
                {"EFBIG", {OP(0, 1, 0), OP(3, 1, 0)}, 2, EFBIG},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct sembuf ops[ROOM];

                set_val(set, 1, 2);
                memcpy(ops, row->ops, sizeof(ops));
                int result = semop(set, ops, row->count);
                REQUIRE(row->error ? result == -1 && errno == row->error : result != -1);
                HOLDS(semop_array_unmodified, memcmp(ops, row->ops, sizeof(ops)) == 0);
        }
}

TEST(array_of_waiting_call_is_not_written_to, VERIFIES(semop_array_unmodified))
{
        static const struct sembuf ops[] = {OP(1, 2, SEM_UNDO), OP(0, -3, 0), OP(1, -1, 0)};
        int set = new_sems(2, 0600);
        struct sembuf *copy = shared(sizeof(ops));
        struct child waiter;

        memcpy(copy, ops, sizeof(ops));
        CHILD(&waiter)
                MUST(semop(set, copy, 3));
        UNTIL(NCNT(set, 0) == 1);
        HOLDS(semop_array_unmodified, memcmp(copy, ops, sizeof(ops)) == 0);
        MUST(SEMOP(set, OP(0, 3, 0)));
        UNTIL(returned(&waiter));
        join(&waiter);
        HOLDS(semop_array_unmodified, memcmp(copy, ops, sizeof(ops)) == 0);
}

/* Not even the same bytes may be written back. A page of zeroes is an array of zero operations on semaphore 0. */
TEST(array_may_be_read_only, VERIFIES(semop_array_unmodified))
{
        int set = new_sems(1, 0600);
        struct sembuf *ops = read_only_page();

        EQ(semop_array_unmodified, semop(set, ops, 3), 0);
        set_val(set, 0, 1);
        struct child waiter;
        CHILD(&waiter)
                EQ(semop_array_unmodified, semop(set, ops, 3), 0);
        UNTIL(ZCNT(set, 0) == 1);
        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_array_unmodified, returned(&waiter));
        join(&waiter);
}

/* ---- which entry decides about waiting ---- */

TEST(blocking_entry_with_nowait_decides, VERIFIES(semop_array_zero_nowait_mixed))
{
        static const struct {
                const char *name;
                struct sembuf ops[ROOM];
                size_t count;
        } rows[] = {
                {"decrement, the first entry", {OP(0, -1, IPC_NOWAIT), OP(1, 1, 0)}, 2},
                {"decrement, the last entry", {OP(1, 1, 0), OP(2, -1, 0), OP(0, -1, IPC_NOWAIT)}, 3},
                {"decrement, in the middle", {OP(2, -1, 0), OP(0, -1, IPC_NOWAIT), OP(1, 1, 0)}, 3},
                {"zero operation, the first entry", {OP(1, 0, IPC_NOWAIT), OP(2, -1, 0)}, 2},
                {"zero operation, the last entry", {OP(2, -1, 0), OP(0, 0, 0), OP(1, 0, IPC_NOWAIT)}, 3},
                {"a decrement that would wait comes later", {OP(0, -1, IPC_NOWAIT), OP(1, -9, 0)}, 2},
                {"a zero operation that would wait comes later", {OP(0, -1, IPC_NOWAIT), OP(1, 0, 0)}, 2},
                {"after what the array itself took", {OP(1, -4, 0), OP(1, -1, IPC_NOWAIT), OP(2, 1, 0)}, 3},
                {"after what the array itself gave", {OP(0, 2, 0), OP(0, 0, IPC_NOWAIT)}, 2},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct child caller;

                set_all(set, (unsigned short[]){0, 4, 6});
                CHILD(&caller)
                        FAILS_WITH(semop_array_zero_nowait_mixed, EAGAIN, call(set, row->ops, row->count));
                EVENTUALLY(semop_array_zero_nowait_mixed, returned(&caller));
                join(&caller);
        }
}

/* ---- length ---- */

/* The third field of /proc/sys/kernel/sem: SEMOPM of this namespace. */
static int semopm_of_proc(void)
{
        char text[128];
        int semopm;

        if (read_file("/proc/sys/kernel/sem", text, sizeof(text)) == -1)
                UNSUPPORTED("/proc/sys/kernel/sem (%s)", errno_name(errno));
        REQUIRE(sscanf(text, "%*d %*d %d", &semopm) == 1);
        REQUIRE(semopm >= 1);
        if (semopm > 32767)
                UNSUPPORTED("SEMOPM below 32768: here it is %d", semopm);
        return semopm;
}

/* Entries that add 1 to the semaphores 0 .. sems-1 in turn. */
static struct sembuf *increments(int count, int sems)
{
        struct sembuf *ops = malloc((size_t)count * sizeof(*ops));

        REQUIRE(ops != NULL);
        for (int i = 0; i < count; i++)
                ops[i] = OP((unsigned short)(i % sems), 1, 0);
        return ops;
}

TEST(array_of_semopm_entries_is_accepted, VERIFIES(semop_array_max_semopm))
{
        const int semopm = semopm_of_proc();
        struct sembuf *ops = increments(semopm, 2);
        int set = new_sems(2, 0600);

        EQ(semop_array_max_semopm, semop(set, ops, (size_t)semopm), 0);
        EQ(semop_array_max_semopm, VAL(set, 0), (semopm + 1) / 2);
        EQ(semop_array_max_semopm, VAL(set, 1), semopm / 2);
}

TEST(semopm_follows_its_sysctl, VERIFIES(semop_array_max_semopm, semop_e2big))
{
        static const struct {
                const char *name;
                int semopm;
        } rows[] = {{"lowered to 1", 1}, {"lowered to 5", 5}, {"of 64", 64}, {"of 65", 65}, {"raised to 2000", 2000}};
        const struct seminfo limits = sem_limits();
        struct sembuf *ops = increments(2001, 1);

        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);

                set_sem_limits(limits.semmsl, limits.semmns, row->semopm, limits.semmni);
                EQ(semop_array_max_semopm, semop(set, ops, (size_t)row->semopm), 0);
                EQ(semop_array_max_semopm, VAL(set, 0), row->semopm);
                FAILS_WITH(semop_e2big, E2BIG, semop(set, ops, (size_t)row->semopm + 1));
                EQ(semop_e2big, VAL(set, 0), row->semopm);
        }
}

/* Lengths up to a few hundred, so that also those just past any table or buffer of the implementation are tried. */
TEST(arrays_of_every_length, VERIFIES(semop_ret_zero, semop_array_over_fast_path))
{
        const int semopm = sem_limits().semopm, longest = semopm < 300 ? semopm : 300;
        struct sembuf *ops = increments(longest, 1);
        int set = new_sems(1, 0600);

        if (semopm < 65)
                UNSUPPORTED("arrays of 65 entries: SEMOPM is %d", semopm);
        for (int count = 1; count <= longest; count++) {
                const enum ipck_requirement req = count > 64 ? semop_array_over_fast_path : semop_ret_zero;

                EQ(req, semop(set, ops, (size_t)count), 0);
                EQ(req, VAL(set, 0), count);
                set_val(set, 0, 0);
        }
}

enum { PAD_SEMS = 80, TAIL = PAD_SEMS, SEMS = PAD_SEMS + 3 };

/* An array whose end is the same whatever its length: `pad` increments of semaphores of their own come before it. */
static size_t padded(struct sembuf *ops, size_t pad, const struct sembuf *tail, size_t count)
{
        for (size_t i = 0; i < pad; i++)
                ops[i] = OP((unsigned short)i, 1, 0);
        for (size_t i = 0; i < count; i++)
                ops[pad + i] = OP(tail[i].sem_num + TAIL, tail[i].sem_op, tail[i].sem_flg);
        return pad + count;
}

static void values_before(unsigned short *values)
{
        for (int i = 0; i < TAIL; i++)
                values[i] = (unsigned short)(100 + i);
        values[TAIL] = 0;
        values[TAIL + 1] = 7;
        values[TAIL + 2] = 32760;
}

TEST(long_array_does_what_a_short_one_does, VERIFIES(semop_array_over_fast_path))
{
        static const struct {
                const char *name;
                struct sembuf tail[ROOM];
                size_t count;
                int error, change[3];
        } rows[] = {
                {"success", {OP(0, 3, 0), OP(1, -2, IPC_NOWAIT)}, 2, 0, {3, -2, 0}},
                {"a zero operation", {OP(0, 0, IPC_NOWAIT), OP(1, 1, 0)}, 2, 0, {0, 1, 0}},
                {"one semaphore twice", {OP(0, 3, 0), OP(0, -1, IPC_NOWAIT), OP(2, -5, IPC_NOWAIT)}, 3, 0, {2, 0, -5}},
                {"with SEM_UNDO", {OP(0, 3, SEM_UNDO), OP(1, -2, IPC_NOWAIT | SEM_UNDO)}, 2, 0, {3, -2, 0}},
                {"EAGAIN, a decrement", {OP(1, 1, 0), OP(0, -1, IPC_NOWAIT)}, 2, EAGAIN, {0}},
                {"EAGAIN, a zero operation", {OP(0, 1, 0), OP(1, 0, IPC_NOWAIT)}, 2, EAGAIN, {0}},
                {"EAGAIN, one semaphore twice", {OP(0, 1, 0), OP(0, -2, IPC_NOWAIT)}, 2, EAGAIN, {0}},
                {"ERANGE", {OP(0, 1, 0), OP(2, 32767, 0)}, 2, ERANGE, {0}},
                {"ERANGE, one semaphore twice", {OP(2, 1, 0), OP(2, 32767, 0)}, 2, ERANGE, {0}},
                {"EFBIG", {OP(0, 1, 0), OP(3, 1, 0)}, 2, EFBIG, {0}},
        };
        static const size_t pads[] = {0, 61, 62, 63, 64, 65, PAD_SEMS};

        if (sem_limits().semopm < PAD_SEMS + ROOM)
                UNSUPPORTED("arrays of %d entries: SEMOPM is %d", PAD_SEMS + ROOM, sem_limits().semopm);
        int set = new_sems(SEMS, 0600);
        EACH_ROW(row, rows) {
                for (size_t p = 0; p < sizeof(pads) / sizeof(*pads); p++) {
                        unsigned short want[SEMS], got[SEMS];
                        struct sembuf ops[PAD_SEMS + ROOM];
                        const size_t count = padded(ops, pads[p], row->tail, row->count);

                        values_before(want);
                        set_all(set, want);
                        for (size_t i = 0; !row->error && i < pads[p]; i++)
                                want[i]++;
                        for (int i = 0; i < 3; i++)
                                want[TAIL + i] = (unsigned short)(want[TAIL + i] + row->change[i]);
                        if (row->error)
                                FAILS_WITH(semop_array_over_fast_path, row->error, semop(set, ops, count));
                        else
                                EQ(semop_array_over_fast_path, semop(set, ops, count), 0);
                        get_all(set, got);
                        HOLDS(semop_array_over_fast_path, memcmp(got, want, sizeof(got)) == 0);
                }
        }
}

TEST(long_array_waits_as_a_whole, VERIFIES(semop_array_over_fast_path))
{
        static const struct sembuf tail[] = {OP(1, -7, 0), OP(0, -2, 0), OP(2, -1, 0)};
        unsigned short before[SEMS], values[SEMS];
        struct sembuf ops[PAD_SEMS + ROOM];
        struct child waiter;

        if (sem_limits().semopm < PAD_SEMS + ROOM)
                UNSUPPORTED("arrays of %d entries: SEMOPM is %d", PAD_SEMS + ROOM, sem_limits().semopm);
        int set = new_sems(SEMS, 0600);
        values_before(before);
        set_all(set, before);
        const size_t count = padded(ops, PAD_SEMS, tail, 3);
        CHILD(&waiter)
                EQ(semop_array_over_fast_path, semop(set, ops, count), 0);

        UNTIL(NCNT(set, TAIL) == 1);
        get_all(set, values);
        HOLDS(semop_array_over_fast_path, memcmp(values, before, sizeof(values)) == 0);
        MUST(SEMOP(set, OP(TAIL, 3, 0)));
        EVENTUALLY(semop_array_over_fast_path, returned(&waiter));
        join(&waiter);
        for (int i = 0; i < TAIL; i++)
                before[i]++;
        before[TAIL] = 1;
        before[TAIL + 1] = 0;
        before[TAIL + 2]--;
        get_all(set, values);
        HOLDS(semop_array_over_fast_path, memcmp(values, before, sizeof(values)) == 0);
}

/* ---- numbers that look alike to a bit mask ---- */

enum { FAR_SEMS = 300 };

TEST(numbers_a_word_apart_are_different_semaphores, VERIFIES(semop_array_dup_mod64))
{
        static const struct {
                const char *name;
                unsigned short a, b;
        } rows[] = {{"32 apart", 3, 35}, {"64 apart", 0, 64}, {"128 apart", 63, 191}, {"256 apart", 1, 257},
                    {"higher number first", 70, 6}};

        if (sem_limits().semmsl < FAR_SEMS)
                UNSUPPORTED("a set of %d semaphores", FAR_SEMS);
        EACH_ROW(row, rows) {
                const unsigned short a = row->a, b = row->b;
                unsigned short want[FAR_SEMS], got[FAR_SEMS];
                int set = new_sems(FAR_SEMS, 0600);

                for (int i = 0; i < FAR_SEMS; i++)
                        want[i] = (unsigned short)(500 + i);
                want[a] = 2;
                want[b] = 0;
                set_all(set, want);

                /* Each entry would fail on the other's semaphore. */
                EQ(semop_array_dup_mod64, SEMOP(set, NOW(a, -2), NOW(b, 0), NOW(a, 0), NOW(b, 5), NOW(b, -1)), 0);
                want[a] = 0;
                want[b] = 4;
                get_all(set, got);
                HOLDS(semop_array_dup_mod64, memcmp(got, want, sizeof(got)) == 0);

                /* And this would pass, were the two one. */
                FAILS_WITH(semop_array_dup_mod64, EAGAIN, SEMOP(set, NOW(b, 3), NOW(a, -1)));
                FAILS_WITH(semop_array_dup_mod64, EAGAIN, SEMOP(set, NOW(a, 9), NOW(b, -4), NOW(b, 0), NOW(b, -1)));
                FAILS_WITH(semop_array_dup_mod64, ERANGE, SEMOP(set, NOW(a, 1), NOW(b, -2), NOW(b, 1), NOW(a, 32767)));
                get_all(set, got);
                HOLDS(semop_array_dup_mod64, memcmp(got, want, sizeof(got)) == 0);
        }
}
