/* SPDX-License-Identifier: MIT
 *
 * sem_otime and sem_ctime: what sets them, to which time, and what leaves them alone. They count whole seconds, so a
 * change shows only when the second has changed since: the tests that wait for that prepare many sets and wait for
 * all of them at once.
 */
#include "ipck_sem.h"

/* ---- what a successful call stamps ---- */

/* A call in a function of its own, for a table. */
#define ACTION(name, call)              \
        static int name(int set)        \
        {                               \
                return call;            \
        }

ACTION(increment, SEMOP(set, OP(1, 1, 0)))
ACTION(decrement, SEMOP(set, OP(1, -1, 0)))
ACTION(increment_with_undo, SEMOP(set, OP(1, 1, SEM_UNDO)))
ACTION(wait_for_zero, SEMOP(set, OP(3, 0, 0)))
ACTION(several_entries, SEMOP(set, OP(2, -1, 0), OP(3, 0, 0), OP(0, 1, 0)))
ACTION(no_net_effect, SEMOP(set, OP(1, -1, 0), OP(1, 1, 0)))
ACTION(first_latest, SEMOP(set, OP(0, 1, 0)))
ACTION(middle_latest, SEMOP(set, OP(2, 1, 0)))
ACTION(last_latest, SEMOP(set, OP(3, 0, 0)))
ACTION(setval, semctl(set, 2, SETVAL, ARG_VAL((int)MUST(VAL(set, 2)) ^ 1)))
ACTION(setval_same, semctl(set, 2, SETVAL, ARG_VAL((int)MUST(VAL(set, 2)))))

static int setall(int set)
{
        unsigned short values[4];

        get_all(set, values);
        values[2] ^= 1;
        return semctl(set, 0, SETALL, ARG_ARRAY(values));
}

static int setall_same(int set)
{
        unsigned short values[4];

        get_all(set, values);
        return semctl(set, 0, SETALL, ARG_ARRAY(values));
}

static int change_mode(int set)
{
        struct semid_ds ds = stat_of(set);

        ds.sem_perm.mode ^= 0020;
        return semctl(set, 0, IPC_SET, ARG_BUF(&ds));
}

static int keep_mode(int set)
{
        struct semid_ds ds = stat_of(set);

        return semctl(set, 0, IPC_SET, ARG_BUF(&ds));
}

/* Each is run twice on a set of its own. The last column is the promise about the other stamp. */
static const struct action {
        const char *name;
        int (*run)(int set);
        enum { OTIME, CTIME } stamp;
        enum ipck_requirement sets, keeps;
} actions[] = {
        {"increment", increment, OTIME, semop_otime_set, semop_ctime_unchanged},
        {"decrement", decrement, OTIME, semop_otime_set, semop_ctime_unchanged},
        {"increment with undo", increment_with_undo, OTIME, semop_otime_set, semop_ctime_unchanged},
        {"wait for zero", wait_for_zero, OTIME, semop_otime_zero_op, semop_ctime_unchanged},
        {"several entries", several_entries, OTIME, semop_otime_set, semop_ctime_unchanged},
        {"entries without net effect", no_net_effect, OTIME, semop_otime_set, semop_ctime_unchanged},
        {"first semaphore latest", first_latest, OTIME, semop_otime_max_over_sems, semop_ctime_unchanged},
        {"middle semaphore latest", middle_latest, OTIME, semop_otime_max_over_sems, semop_ctime_unchanged},
        {"last semaphore latest", last_latest, OTIME, semop_otime_max_over_sems, semop_ctime_unchanged},
        {"SETVAL", setval, CTIME, semctl_setval_ctime, semctl_setval_otime_unchanged},
        {"SETVAL to the present value", setval_same, CTIME, semctl_setval_ctime, semctl_setval_otime_unchanged},
        {"SETALL", setall, CTIME, semctl_setall_ctime, semctl_setall_otime_unchanged},
        {"SETALL to the present values", setall_same, CTIME, semctl_setall_ctime, semctl_setall_otime_unchanged},
        {"IPC_SET", change_mode, CTIME, semctl_set_ctime, semctl_set_values_untouched},
        {"IPC_SET to the present state", keep_mode, CTIME, semctl_set_ctime, semctl_set_values_untouched},
};
enum { ACTIONS = sizeof(actions) / sizeof(*actions) };

static time_t stamp(const struct semid_ds *ds, int which)
{
        return which == OTIME ? ds->sem_otime : ds->sem_ctime;
}

/* Four semaphores with the values 3, 4, 5 and 0, each operated on once. */
static int new_used_set(void)
{
        static const unsigned short values[] = {3, 4, 5, 0};
        const int set = new_sems(4, 0600);

        set_all(set, values);
        for (unsigned short i = 0; i < 3; i++)
                MUST(SEMOP(set, OP(i, 1, 0)));
        MUST(SEMOP(set, OP(3, 0, 0)));
        return set;
}

TEST(success_stamps_the_set_with_the_present_second,
     VERIFIES(xsi_ipc_time_not_in_future, semop_otime_set, semop_otime_zero_op, semop_otime_max_over_sems,
              semop_ctime_unchanged, semctl_setval_ctime, semctl_setval_otime_unchanged, semctl_setall_ctime,
              semctl_setall_otime_unchanged, semctl_set_ctime, semctl_set_values_untouched),
     MOSTLY_WAITS)
{
        int sets[ACTIONS] = {0};

        /* Late in a second: a stamp rounded up, or to the nearest second, would lie in the future. */
        moment_of_second(now(), 700000000);
        const time_t start = now();
        const struct semid_ds created = stat_of(new_sems(1, 0600));
        BETWEEN(xsi_ipc_time_not_in_future, start, created.sem_ctime, now());
        EACH_ROW(a, actions) {
                const int set = sets[a - actions] = new_used_set();
                const time_t before = now();
                MUST(a->run(set));
                const time_t after = now();
                const struct semid_ds ds = stat_of(set);

                BETWEEN(xsi_ipc_time_not_in_future, before, stamp(&ds, a->stamp), after);
        }
        next_second(now());
        EACH_ROW(a, actions) {
                const int set = sets[a - actions], other = a->stamp == OTIME ? CTIME : OTIME;
                const struct semid_ds old = stat_of(set);
                const time_t before = now();
                MUST(a->run(set));
                const time_t after = now();
                const struct semid_ds new = stat_of(set);

                BETWEEN(a->sets, before, stamp(&new, a->stamp), after);
                EQ(a->keeps, stamp(&new, other), stamp(&old, other));
        }
}

/* ---- what stamps nothing ---- */

/* A set under a key that has been operated on, and another that can be read but not altered. */
struct scene {
        int set, read_only;
        key_t key;
};

#define QUIET(name, call)                       \
        static int name(const struct scene *s)  \
        {                                       \
                return call;                    \
        }

static unsigned short seen[4];
static struct semid_ds scratch;

QUIET(read_state, semctl(s->set, 0, IPC_STAT, ARG_BUF(&scratch)))
QUIET(read_value, VAL(s->set, 1))
QUIET(read_pid, PID(s->set, 1))
QUIET(read_ncnt, NCNT(s->set, 1))
QUIET(read_zcnt, ZCNT(s->set, 1))
QUIET(read_values, semctl(s->set, 0, GETALL, ARG_ARRAY(seen)))
QUIET(look_up, semget(s->key, 4, 0600))
QUIET(look_up_with_creat, semget(s->key, 4, IPC_CREAT | 0640))
QUIET(create_exclusively, semget(s->key, 4, IPC_CREAT | IPC_EXCL | 0640))
QUIET(look_up_too_large, semget(s->key, 5, 0600))

QUIET(decrement_too_far, SEMOP(s->set, OP(1, -100, IPC_NOWAIT)))
QUIET(find_no_zero, SEMOP(s->set, OP(1, 0, IPC_NOWAIT)))
QUIET(fail_after_entries, SEMOP(s->set, OP(0, 1, IPC_NOWAIT), OP(3, 0, IPC_NOWAIT), OP(1, -100, IPC_NOWAIT)))
QUIET(wait_in_vain, SEMTIMEDOP(s->set, &((struct timespec){.tv_nsec = 1000000}), OP(1, -100, 0)))
QUIET(overflow, SEMOP(s->set, OP(0, 1, 0), OP(2, 1, 0)))
QUIET(name_no_semaphore, SEMOP(s->set, OP(0, 1, 0), OP(4, 1, 0)))
QUIET(do_nothing, semop(s->set, &OP(0, 1, 0), 0))
QUIET(alter_read_only, SEMOP(s->read_only, OP(1, 1, 0)))

QUIET(setval_too_high, semctl(s->set, 1, SETVAL, ARG_VAL(sem_limits().semvmx + 1)))
QUIET(setval_of_none, semctl(s->set, 4, SETVAL, ARG_VAL(1)))
QUIET(setval_read_only, semctl(s->read_only, 1, SETVAL, ARG_VAL(1)))
QUIET(setall_read_only, semctl(s->read_only, 0, SETALL, ARG_ARRAY(seen)))
QUIET(unknown_command, semctl(s->set, 0, 0x7ff))

static int do_too_much(const struct scene *s)
{
        const size_t count = (size_t)sem_limits().semopm + 1;
        struct sembuf *ops = calloc(count, sizeof(*ops));

        REQUIRE(ops);
        for (size_t i = 0; i < count; i++)
                ops[i] = OP(3, 0, IPC_NOWAIT);
        const int result = semop(s->set, ops, count);
        free(ops);
        return result;
}

static int setall_too_high(const struct scene *s)
{
        unsigned short wrong[] = {1, 2, 3, (unsigned short)(sem_limits().semvmx + 1)};

        return semctl(s->set, 0, SETALL, ARG_ARRAY(wrong));
}

static int set_no_user(const struct scene *s)
{
        struct semid_ds ds = stat_of(s->set);

        ds.sem_perm.uid = (uid_t)-1;
        return semctl(s->set, 0, IPC_SET, ARG_BUF(&ds));
}

static const struct quiet {
        const char *name;
        int (*run)(const struct scene *s);
        bool succeeds;
        enum ipck_requirement req;
} quiet[] = {
        {"IPC_STAT", read_state, true, xsi_ipc_time_stat_no_update},
        {"GETVAL", read_value, true, xsi_ipc_time_stat_no_update},
        {"GETPID", read_pid, true, xsi_ipc_time_stat_no_update},
        {"GETNCNT", read_ncnt, true, xsi_ipc_time_stat_no_update},
        {"GETZCNT", read_zcnt, true, xsi_ipc_time_stat_no_update},
        {"GETALL", read_values, true, xsi_ipc_time_stat_no_update},
        {"semget of the key", look_up, true, semget_lookup_no_reinit},
        {"semget of the key with IPC_CREAT", look_up_with_creat, true, semget_lookup_no_reinit},
        {"semget of the key with IPC_EXCL", create_exclusively, false, xsi_ipc_time_stat_no_update},
        {"semget of too many", look_up_too_large, false, xsi_ipc_time_stat_no_update},
        {"decrement below zero", decrement_too_far, false, semop_otime_failed_unchanged},
        {"wait for zero without zero", find_no_zero, false, semop_otime_failed_unchanged},
        {"last entry of three", fail_after_entries, false, semop_otime_failed_unchanged},
        {"wait that times out", wait_in_vain, false, semop_otime_failed_unchanged},
        {"overflow", overflow, false, semop_otime_failed_unchanged},
        {"semaphore outside the set", name_no_semaphore, false, semop_otime_failed_unchanged},
        {"no entries", do_nothing, false, semop_otime_failed_unchanged},
        {"too many entries", do_too_much, false, semop_otime_failed_unchanged},
        {"semop without permission", alter_read_only, false, semop_otime_failed_unchanged},
        {"SETVAL above the maximum", setval_too_high, false, xsi_ipc_time_stat_no_update},
        {"SETVAL outside the set", setval_of_none, false, xsi_ipc_time_stat_no_update},
        {"SETALL above the maximum", setall_too_high, false, xsi_ipc_time_stat_no_update},
        {"SETVAL without permission", setval_read_only, false, xsi_ipc_time_stat_no_update},
        {"SETALL without permission", setall_read_only, false, xsi_ipc_time_stat_no_update},
        {"IPC_SET to no user", set_no_user, false, xsi_ipc_time_stat_no_update},
        {"unknown command", unknown_command, false, xsi_ipc_time_stat_no_update},
};

TEST(readers_and_failures_stamp_nothing,
     VERIFIES(xsi_ipc_time_stat_no_update, semget_lookup_no_reinit, semop_otime_failed_unchanged), MOSTLY_WAITS)
{
        const key_t key = fresh_key();
        const struct scene s = {(int)MUST(semget(key, 4, IPC_CREAT | IPC_EXCL | 0600)), new_used_set(), key};

        MUST(SEMOP(s.set, OP(0, 5, 0), OP(1, 6, 0), OP(3, 0, 0)));
        set_val(s.set, 2, sem_limits().semvmx);
        set_mode(s.read_only, 0400);
        drop_all_capabilities();
        const struct semid_ds old = stat_of(s.set), old_read_only = stat_of(s.read_only);

        next_second(now());
        EACH_ROW(q, quiet) {
                const int result = q->run(&s);
                REQUIRE(q->succeeds ? result >= 0 : result == -1);
                const struct semid_ds new = stat_of(s.set), new_read_only = stat_of(s.read_only);

                EQ(q->req, new.sem_otime, old.sem_otime);
                EQ(q->req, new_read_only.sem_otime, old_read_only.sem_otime);
                EQ(xsi_ipc_time_stat_no_update, new.sem_ctime, old.sem_ctime);
                EQ(xsi_ipc_time_stat_no_update, new_read_only.sem_ctime, old_read_only.sem_ctime);
        }
}

/* ---- calls that block ---- */

static const struct waiting {
        const char *name;
        unsigned short start, end;      /* value of semaphore 0 that makes it wait, and that lets it complete */
        size_t count;
        struct sembuf ops[2];
} waiting[] = {
        {"decrement", 1, 5, 1, {OP(0, -5, 0)}},
        {"wait for zero", 1, 0, 1, {OP(0, 0, 0)}},
        {"several entries", 1, 5, 2, {OP(1, 1, 0), OP(0, -5, 0)}},
};
enum { WAITING = sizeof(waiting) / sizeof(*waiting) };

TEST(blocked_call_stamps_when_it_completes, VERIFIES(semop_otime_blocked_completion, semctl_setval_otime_unchanged),
     MOSTLY_WAITS)
{
        struct child waiters[WAITING];
        int sets[WAITING] = {0};

        EACH_ROW(w, waiting) {
                struct child *const waiter = &waiters[w - waiting];
                const int set = sets[w - waiting] = new_sems(2, 0600);

                set_val(set, 0, w->start);
                CHILD(waiter) {
                        struct sembuf ops[2] = {w->ops[0], w->ops[1]};
                        EQ(semop_otime_blocked_completion, semop(set, ops, w->count), 0);
                }
                UNTIL(NCNT(set, 0) + ZCNT(set, 0) == 1);
                EQ(semop_otime_blocked_completion, stat_of(set).sem_otime, 0);
        }
        next_second(now());
        EACH_ROW(w, waiting) {
                struct child *const waiter = &waiters[w - waiting];
                const int set = sets[w - waiting];

                /* SETVAL stamps sem_otime by way of the call that it lets complete, and only so. */
                set_val(set, 0, 2);
                EQ(semctl_setval_otime_unchanged, stat_of(set).sem_otime, 0);
                EQ(semop_otime_blocked_completion, NCNT(set, 0) + ZCNT(set, 0), 1);
                const time_t before = now();
                set_val(set, 0, w->end);
                UNTIL(returned(waiter));
                const time_t after = now();
                join(waiter);

                BETWEEN(semop_otime_blocked_completion, before, stat_of(set).sem_otime, after);
        }
}

/* ---- new sets ---- */

TEST(new_set_is_stamped_with_its_creation, VERIFIES(semget_init_otime0, semget_init_ctime))
{
        static const struct {
                const char *name;
                bool named, reused;
        } rows[] = {{"without a key", false, false}, {"with a key", true, false}, {"after a removal", false, true}};

        EACH_ROW(r, rows) {
                if (r->reused)
                        MUST(semctl(new_used_set(), 0, IPC_RMID));
                const key_t key = r->named ? fresh_key() : IPC_PRIVATE;
                const time_t before = now();
                const int set = (int)MUST(semget(key, 4, IPC_CREAT | IPC_EXCL | 0600));
                const time_t after = now();
                const struct semid_ds ds = stat_of(set);

                EQ(semget_init_otime0, ds.sem_otime, 0);
                BETWEEN(semget_init_ctime, before, ds.sem_ctime, after);
        }
}

/* The way to tell a set that its creator has initialised from one that it has only created. */
TEST(otime_waits_for_the_first_successful_semop, VERIFIES(semget_otime_init_handshake))
{
        const key_t key = fresh_key();
        struct child creator;

        CHILD(&creator) {
                const int mine = (int)MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
                stay(&creator);
                set_val(mine, 0, 3);
                set_all(mine, (unsigned short[]){4, 5});
                set_mode(mine, 0640);
                REQUIRE(SEMOP(mine, OP(0, 1, IPC_NOWAIT), OP(1, -6, IPC_NOWAIT)) == -1 && errno == EAGAIN);
                here(&creator, 2);
                await(&creator, 2);
                MUST(SEMOP(mine, OP(1, -5, 0)));
        }
        UNTIL(stays(&creator));
        const int set = (int)MUST(semget(key, 0, 0));
        EQ(semget_otime_init_handshake, stat_of(set).sem_otime, 0);
        tell(&creator, 1);
        UNTIL(at(&creator) == 2);
        EQ(semget_otime_init_handshake, stat_of(set).sem_otime, 0);
        tell(&creator, 2);
        join(&creator);
        HOLDS(semget_otime_init_handshake, stat_of(set).sem_otime != 0);
}

/* One look at a set whose creator passes the stages 3 * round (created), + 1 (about to operate) and + 2 (done). */
static bool looks_ready(const struct child *creator, int round, int set)
{
        const bool done = at(creator) >= 3 * round + 2;
        const bool stamped = stat_of(set).sem_otime != 0;
        const bool begun = at(creator) >= 3 * round + 1;

        HOLDS(semget_otime_init_handshake, begun || !stamped);
        HOLDS(semget_otime_init_handshake, stamped || !done);
        HOLDS(semget_otime_init_handshake, !stamped || VAL(set, 1) == 8);
        return done;
}

TEST(whoever_sees_otime_sees_the_operation, VERIFIES(semget_otime_init_handshake))
{
        enum { ROUNDS = 200 };
        int *const set = shared(sizeof(*set));
        struct child creator;

        CHILD(&creator) {
                for (int round = 1; round <= ROUNDS; round++) {
                        *set = new_sems(2, 0600);
                        here(&creator, 3 * round);
                        await(&creator, round);
                        here(&creator, 3 * round + 1);
                        MUST(SEMOP(*set, OP(0, 7, 0), OP(1, 8, 0)));
                        here(&creator, 3 * round + 2);
                }
        }
        for (int round = 1; round <= ROUNDS; round++) {
                UNTIL(at(&creator) >= 3 * round);
                const int present = *set;
                tell(&creator, round);
                UNTIL(looks_ready(&creator, round, present));
        }
        join(&creator);
}
