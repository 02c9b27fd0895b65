/* SPDX-License-Identifier: MIT
 *
 * Time stamps of queues, semaphore sets and segments: which second they show, and what leaves them alone.
 */
#include "ipck_mechanism.h"

/* Those of the last m->read() and m->write() and of the last change; a set has one for both operations. */
struct stamps {
        time_t read, write, change;
};

static struct stamps stamps_of(const struct mechanism *m, int id)
{
        struct msqid_ds queue;
        struct semid_ds set;
        struct shmid_ds segment;

        switch (m - mechanisms) {
        case QUEUE:
                queue = stat_of_queue(id);
                return (struct stamps){queue.msg_rtime, queue.msg_stime, queue.msg_ctime};
        case SET:
                set = stat_of(id);
                return (struct stamps){set.sem_otime, set.sem_otime, set.sem_ctime};
        default:
                segment = stat_of_segment(id);
                return (struct stamps){segment.shm_atime, segment.shm_dtime, segment.shm_ctime};
        }
}

static void expect_between(time_t before, const struct stamps *stamps, time_t after)
{
        BETWEEN(xsi_ipc_time_not_in_future, before, stamps->read, after);
        BETWEEN(xsi_ipc_time_not_in_future, before, stamps->write, after);
        BETWEEN(xsi_ipc_time_not_in_future, before, stamps->change, after);
}

TEST(stamps_show_the_second_that_has_begun, VERIFIES(xsi_ipc_time_not_in_future), MOSTLY_WAITS)
{
        int id[3];

        /* Late in a second: a stamp rounded up, or to the nearest second, would lie in the future. */
        moment_of_second(now(), 700000000);
        EACH_ROW(m, mechanisms) {
                const time_t before = now();
                id[m - mechanisms] = new_object(m, 0600);
                const struct stamps stamps = stamps_of(m, id[m - mechanisms]);
                BETWEEN(xsi_ipc_time_not_in_future, before, stamps.change, now());
        }
        moment_of_second(now() + 1, 700000000);
        EACH_ROW(m, mechanisms) {
                const int i = (int)(m - mechanisms);
                const time_t before = now();
                MUST(m->write(id[i]));
                MUST(m->read(id[i]));
                MUST(m->set(id[i], geteuid(), getegid(), 0640));
                const time_t after = now();
                const struct stamps stamps = stamps_of(m, id[i]);
                expect_between(before, &stamps, after);
        }
}

/* ---- what stamps nothing ---- */

struct scene {
        const struct mechanism *m;
        key_t key;
        int id;
        struct stamps stamps;           /* before the call */
};

static int describe(const struct scene *s)
{
        struct ipc_perm perm;

        return s->m->stat(s->id, &perm);
}

#define QUIET(name, call)                                                                               \
        static int name(const struct scene *s)                                                          \
        {                                                                                               \
                return call;                                                                            \
        }
QUIET(look_up, s->m->get(s->key, 0400))
QUIET(look_up_or_create, s->m->get(s->key, IPC_CREAT | 0400))
QUIET(create_exclusively, s->m->get(s->key, IPC_CREAT | IPC_EXCL | 0600))
QUIET(look_up_to_write, s->m->get(s->key, 0200))
QUIET(write_without_permission, s->m->write(s->id))
QUIET(give_to_nobody, s->m->set(s->id, (uid_t)-1, (gid_t)-1, 0600))

static const struct quiet {
        const char *name;
        int (*run)(const struct scene *s);
        enum { NOTHING, OPERATION, CHANGE } stamps;     /* what a success stamps */
} quiet[] = {
        {"IPC_STAT", describe, NOTHING},
        {"look-up", look_up, NOTHING},
        {"look-up with IPC_CREAT", look_up_or_create, NOTHING},
        {"IPC_EXCL", create_exclusively, NOTHING},
        {"look-up without permission", look_up_to_write, NOTHING},
        {"operation without permission", write_without_permission, OPERATION},
        {"IPC_SET to no user", give_to_nobody, CHANGE},
};

TEST(readers_and_failures_stamp_nothing, VERIFIES(xsi_ipc_time_stat_no_update), MOSTLY_WAITS)
{
        struct scene scenes[3];

        EACH_ROW(m, mechanisms) {
                struct scene *const s = &scenes[m - mechanisms];

                *s = (struct scene){.m = m, .key = fresh_key()};
                s->id = must_fit_in(m, m->get(s->key, IPC_CREAT | IPC_EXCL | 0600));
                REQUIRE(access_to(m, s->id) == BOTH);
                set_mode_of(m, s->id, 0400);
                s->stamps = stamps_of(m, s->id);
        }
        drop_all_capabilities();
        next_second(now());
        EACH_ROW(m, mechanisms) {
                struct scene *const s = &scenes[m - mechanisms];

                EACH_ROW(q, quiet) {
                        /* What succeeds though it must not, which other tests judge, stamps as a success does. */
                        const int stamped = q->run(s) == -1 ? NOTHING : q->stamps;
                        const struct stamps after = stamps_of(m, s->id);
                        if (stamped != OPERATION) {
                                EQ(xsi_ipc_time_stat_no_update, after.read, s->stamps.read);
                                EQ(xsi_ipc_time_stat_no_update, after.write, s->stamps.write);
                        }
                        if (stamped != CHANGE)
                                EQ(xsi_ipc_time_stat_no_update, after.change, s->stamps.change);
                        if (stamped != NOTHING)
                                next_second(now());
                        s->stamps = after;
                }
        }
}
