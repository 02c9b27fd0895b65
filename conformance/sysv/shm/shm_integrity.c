/* SPDX-License-Identifier: MIT
 *
 * Several processes at work in one segment at a time: no store is lost or goes astray, and each attachment is counted.
 */
#include <sched.h>

#include "ipck_sem.h"
#include "ipck_shm.h"

/* ---- pages ---- */

enum { MOST_PROCESSES = 8, PAGES_EACH = 5, ROUNDS = 6 };

/* A meeting point of so many processes, for one use: a semaphore that all take to 0. */
static void meet(int set, int meeting)
{
        MUST(SEMOP(set, OP((unsigned short)meeting, -1, 0)));
        MUST(SEMOP(set, OP((unsigned short)meeting, 0, 0)));
}

struct work {
        int segment, set, processes;
        uint32_t seed;
};

static uint32_t seed_of(const struct work *w, int round, int page)
{
        return w->seed + (uint32_t)(round * MOST_PROCESSES * PAGES_EACH + page);
}

/* In each round every process fills pages of its own, which lie between those of the others, then checks them all. */
static void fill_and_check(const struct work *w, int self)
{
        const int pages = w->processes * PAGES_EACH;
        const size_t page = page_size();
        char *place = attach(w->segment, 0);

        for (int round = 0; round < ROUNDS; round++) {
                for (int i = self; i < pages; i += w->processes)
                        fill_pattern(place + (size_t)i * page, page, seed_of(w, round, i));
                meet(w->set, 2 * round);
                for (int i = 0; i < pages; i++)
                        HOLDS(shmat_share_two_procs, has_pattern(place + (size_t)i * page, page, seed_of(w, round, i)));
                /* What others store next must not depend on who has it attached. */
                if (round % 2 == self % 2) {
                        detach(place);
                        place = attach(w->segment, 0);
                }
                meet(w->set, 2 * round + 1);
        }
}

TEST(pages_of_all_processes_arrive_whole, VERIFIES(shmat_share_two_procs, shmdt_keeps_data), KERNEL_ALONE)
{
        static const struct {
                const char *name;
                int processes;
        } rows[] = {{"two processes", 2}, {"three processes", 3}, {"eight processes", MOST_PROCESSES}};

        EACH_ROW(row, rows) {
                const int pages = row->processes * PAGES_EACH;
                const struct work w = {new_segment((size_t)pages * page_size(), 0600), new_sems(2 * ROUNDS, 0600),
                                       row->processes, random_below(UINT32_MAX)};
                unsigned short values[2 * ROUNDS];
                struct child worker[MOST_PROCESSES];

                for (int i = 0; i < 2 * ROUNDS; i++)
                        values[i] = (unsigned short)row->processes;
                set_all(w.set, values);
                for (int i = 0; i < row->processes; i++)
                        CHILD(&worker[i])
                                fill_and_check(&w, i);
                for (int i = 0; i < row->processes; i++)
                        join(&worker[i]);
                const char *const place = attach(w.segment, SHM_RDONLY);
                for (int i = 0; i < pages; i++)
                        HOLDS(shmdt_keeps_data, has_pattern(place + (size_t)i * page_size(), page_size(),
                                                            seed_of(&w, ROUNDS - 1, i)));
        }
}

/* Neighbouring bytes of one page: nobody's store takes another's with it. */
TEST(bytes_side_by_side_stay_apart, VERIFIES(shmat_share_two_procs))
{
        enum { WRITERS = 4, STORES = 200 };
        const size_t page = page_size();
        const int segment = new_segment(page, 0600);
        struct child writer[WRITERS];

        for (size_t w = 0; w < WRITERS; w++)
                CHILD(&writer[w]) {
                        volatile unsigned char *const bytes = (unsigned char *)attach(segment, 0);
                        for (unsigned n = 1; n <= STORES; n++)
                                for (size_t i = w; i < page; i += WRITERS)
                                        bytes[i] = (unsigned char)(n + w);
                }
        for (size_t w = 0; w < WRITERS; w++)
                join(&writer[w]);
        const unsigned char *const bytes = (unsigned char *)attach(segment, SHM_RDONLY);
        int wrong = 0;
        for (size_t i = 0; i < page; i++)
                wrong += bytes[i] != (unsigned char)(STORES + i % WRITERS);
        EQ(shmat_share_two_procs, wrong, 0);
}

/* ---- locks of threads in the segment ---- */

struct counter {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        int turn, added;        /* not atomic: the mutex has to do */
};

static struct counter *new_counter(int *segment)
{
        pthread_mutexattr_t mutex;
        pthread_condattr_t cond;

        *segment = new_segment(sizeof(struct counter), 0600);
        struct counter *const c = (void *)attach(*segment, 0);
        pthread_mutexattr_init(&mutex);
        pthread_condattr_init(&cond);
        REQUIRE(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) == 0);
        REQUIRE(pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED) == 0);
        REQUIRE(pthread_mutex_init(&c->mutex, &mutex) == 0 && pthread_cond_init(&c->changed, &cond) == 0);
        return c;
}

TEST(mutex_in_the_segment_admits_one_at_a_time, VERIFIES(shmat_share_pthread_in_shm))
{
        enum { ADDERS = 4, ADDITIONS = 500 };
        int segment;
        const struct counter *const counter = new_counter(&segment);
        struct child adder[ADDERS];

        for (int i = 0; i < ADDERS; i++)
                CHILD(&adder[i]) {
                        /* At an address of its own, where no other process has it. */
                        struct counter *const c = (void *)attach(segment, 0);
                        for (int n = 0; n < ADDITIONS; n++) {
                                EQ(shmat_share_pthread_in_shm, pthread_mutex_lock(&c->mutex), 0);
                                const int before = *(volatile int *)&c->added;
                                if (n % 16 == 0)
                                        sched_yield();
                                c->added = before + 1;
                                EQ(shmat_share_pthread_in_shm, pthread_mutex_unlock(&c->mutex), 0);
                        }
                }
        for (int i = 0; i < ADDERS; i++) {
                EVENTUALLY(shmat_share_pthread_in_shm, returned(&adder[i]));
                join(&adder[i]);
        }
        EQ(shmat_share_pthread_in_shm, counter->added, ADDERS * ADDITIONS);
}

TEST(held_mutex_keeps_another_process_out, VERIFIES(shmat_share_pthread_in_shm))
{
        int segment;
        struct counter *const counter = new_counter(&segment);
        struct child other;

        EQ(shmat_share_pthread_in_shm, pthread_mutex_lock(&counter->mutex), 0);
        CHILD(&other) {
                struct counter *const c = (void *)attach(segment, 0);
                EQ(shmat_share_pthread_in_shm, pthread_mutex_trylock(&c->mutex), EBUSY);
                here(&other, 1);
                EQ(shmat_share_pthread_in_shm, pthread_mutex_lock(&c->mutex), 0);
                EQ(shmat_share_pthread_in_shm, c->turn, 1);
                pthread_mutex_unlock(&c->mutex);
        }
        UNTIL(blocked(&other));
        HOLDS(shmat_share_pthread_in_shm, !returned(&other));
        counter->turn = 1;
        EQ(shmat_share_pthread_in_shm, pthread_mutex_unlock(&counter->mutex), 0);
        EVENTUALLY(shmat_share_pthread_in_shm, returned(&other));
        join(&other);
}

static void take_turns(struct counter *c, int self, int turns)
{
        for (int turn = self; turn < turns; turn += 2) {
                pthread_mutex_lock(&c->mutex);
                while (c->turn != turn)
                        EQ(shmat_share_pthread_in_shm, pthread_cond_wait(&c->changed, &c->mutex), 0);
                c->turn = turn + 1;
                EQ(shmat_share_pthread_in_shm, pthread_cond_signal(&c->changed), 0);
                pthread_mutex_unlock(&c->mutex);
        }
}

TEST(condition_in_the_segment_wakes_the_other_process, VERIFIES(shmat_share_pthread_in_shm))
{
        enum { TURNS = 200 };
        int segment;
        const struct counter *const counter = new_counter(&segment);
        struct child player[2];

        for (int i = 0; i < 2; i++)
                CHILD(&player[i])
                        take_turns((void *)attach(segment, 0), i, TURNS);
        EVENTUALLY(shmat_share_pthread_in_shm, returned(&player[0]) && returned(&player[1]));
        for (int i = 0; i < 2; i++)
                join(&player[i]);
        EQ(shmat_share_pthread_in_shm, counter->turn, TURNS);
}

/* ---- shm_nattch ---- */

TEST(attachments_of_many_at_once_are_all_counted, VERIFIES(shmat_nattch_concurrent))
{
        enum { USERS = 6, CHANGES = 150, MOST = 8 };
        const int segment = new_segment(page_size(), 0600);
        int *const kept = shared(USERS * sizeof(*kept)), total = 0;
        struct child user[USERS];

        for (int i = 0; i < USERS; i++)
                CHILD(&user[i]) {
                        char *place[MOST];
                        int count = 0;

                        /* The children draw the same random numbers: each skips some. */
                        for (int skip = 0; skip < i; skip++)
                                random_below(2);
                        for (int n = 0; n < CHANGES; n++) {
                                if (count == 0 || (count < MOST && random_below(2)))
                                        place[count++] = attach(segment, n % 3 ? 0 : SHM_RDONLY);
                                else
                                        detach(place[--count]);
                        }
                        kept[i] = count;
                        stay(&user[i]);
                        while (count)
                                detach(place[--count]);
                }
        for (int i = 0; i < USERS; i++) {
                UNTIL(stays(&user[i]));
                total += kept[i];
        }
        EQ(shmat_nattch_concurrent, nattch(segment), total);
        /* Some detach what they have, others are killed with it. */
        for (int i = 0; i < USERS; i++) {
                if (i % 2)
                        kill_child(&user[i]);
                else
                        dismiss(&user[i]);
                total -= kept[i];
                EQ(shmat_nattch_concurrent, nattch(segment), total);
        }
        EQ(shmat_nattch_concurrent, nattch(segment), 0);
}

TEST(removed_segment_goes_with_the_last_of_many, VERIFIES(shmat_nattch_concurrent))
{
        enum { USERS = 4, CHANGES = 100 };
        const int segment = new_segment(page_size(), 0600);
        char *const place = attach(segment, 0);
        struct child user[USERS];

        fill_pattern(place, page_size(), 1);
        for (int i = 0; i < USERS; i++)
                CHILD(&user[i])
                        for (int n = 0; n < CHANGES; n++) {
                                char *const again = attach(segment, 0);
                                HOLDS(shmat_nattch_concurrent, has_pattern(again, page_size(), 1));
                                detach(again);
                        }
        MUST(shmctl(segment, IPC_RMID, NULL));
        for (int i = 0; i < USERS; i++)
                join(&user[i]);
        EQ(shmat_nattch_concurrent, nattch(segment), 1);
        detach(place);
        EQ(shmat_nattch_concurrent, nattch(segment), -1);
}
