/* SPDX-License-Identifier: MIT
 *
 * names.c: named semaphores, shared memory and queues are opened, created and unlinked by many at the same moment. A
 * name has one creator, everybody gets the same object, and nobody sees it before it has its value.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "storm.h"

enum { CONTESTS = 20, MOST_CONTESTANTS = 16, SIZE = 16, THREADS = 2, OPENED = 10 };
enum kind {
        EXCLUSIVE_SEM, EXCLUSIVE_SHM, EXCLUSIVE_MQ, CREATE_MQ, CREATE_SHM, CREATE_SEM, FIRST_SIGHT, UNLINK_SEM,
        CREATE_AND_UNLINK, NAMES_OF_THREADS, KINDS,
};

static struct books {
        int crew;
        struct contest {
                enum kind kind;
                char name[64];
                unsigned value;
                _Atomic int winners, met;
        } contests[CONTESTS];
} *books;

static bool opened(const struct contest *c, int flags)
{
        struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = SIZE};

        switch (c->kind) {
        case CREATE_SHM:
        case EXCLUSIVE_SHM: {
                const int fd = shm_open(c->name, flags | O_RDWR, 0600);
                if (fd == -1)
                        return false;
                if (flags & O_EXCL)
                        EXPECT(ftruncate_shm_grow, ftruncate(fd, SIZE) == 0, "ftruncate() fails with %s",
                               errno_name(errno));
                close(fd);
                return true;
        }
        case CREATE_MQ:
        case EXCLUSIVE_MQ: {
                const mqd_t queue = mq_open(c->name, flags | O_RDWR, 0600, &attributes);
                if (queue != (mqd_t)-1)
                        mq_close(queue);
                return queue != (mqd_t)-1;
        }
        default: {
                sem_t *const sem = sem_open(c->name, flags, 0600, c->value);
                if (sem != SEM_FAILED)
                        sem_close(sem);
                return sem != SEM_FAILED;
        }
        }
}

/* All get it. */
static void open_together(const struct contest *c)
{
        EXPECT(c->kind == CREATE_MQ ? mq_open_creat_once : shm_open_flag_creat_new, opened(c, O_CREAT),
               "O_CREAT beside other creators fails with %s", errno_name(errno));
}

static enum ipck_requirement excl(const struct contest *c)
{
        return c->kind == EXCLUSIVE_SHM  ? shm_open_flag_excl_atomic
               : c->kind == EXCLUSIVE_MQ ? mq_open_excl_atomic
                                         : sem_open_excl_atomic;
}

/* One makes it, the others are told that it exists. */
static void create_exclusively(struct contest *c)
{
        if (opened(c, O_CREAT | O_EXCL))
                c->winners++;
        else
                EXPECT(excl(c), errno == EEXIST, "O_CREAT with O_EXCL fails with %s", errno_name(errno));
}

static int value_of(sem_t *sem)
{
        int value = -1;

        sem_getvalue(sem, &value);
        return value;
}

/* All get the same semaphore, with the value of one creation. */
static void create_together(struct contest *c)
{
        sem_t *const sem = sem_open(c->name, O_CREAT, 0600, c->value);

        EXPECT(sem_open_creat_atomic_init, sem != SEM_FAILED, "sem_open() with O_CREAT fails with %s",
               errno_name(errno));
        EXPECT(sem_open_creat_atomic_init, value_of(sem) >= (int)c->value,
               "a semaphore that is created with %u has the value %d", c->value, value_of(sem));
        sem_post(sem);
        meet(&c->met, books->crew, 2);
        EXPECT(sem_open_creat_atomic_init, value_of(sem) == (int)c->value + books->crew,
               "after %d calls of sem_post() a semaphore that was created with %u has the value %d", books->crew,
               c->value, value_of(sem));
        sem_close(sem);
}

/* Who opens it without creating it sees its value, or nothing. */
static void look_first(struct contest *c, bool creates)
{
        sem_t *sem;

        do {
                sem = sem_open(c->name, creates ? O_CREAT : 0, 0600, c->value);
                EXPECT(sem_open_creat_atomic_init, sem != SEM_FAILED || (errno == ENOENT && !creates),
                       "sem_open() beside a creation fails with %s", errno_name(errno));
        } while (sem == SEM_FAILED);
        EXPECT(sem_open_creat_atomic_init, value_of(sem) == (int)c->value,
               "a semaphore that is created with %u has the value %d", c->value, value_of(sem));
        sem_close(sem);
}

/* Those that were refused have not changed what there was. */
static void look_at_size(const struct contest *c)
{
        const int fd = shm_open(c->name, O_RDONLY, 0);
        struct stat st;

        EXPECT(shm_open_fail_no_effect, fd != -1 && fstat(fd, &st) == 0 && st.st_size == SIZE,
               "of an object that was created with O_EXCL and made %d bytes long there are not so many", SIZE);
        close(fd);
}

static void unlink_together(struct contest *c)
{
        if (sem_unlink(c->name) == 0)
                c->winners++;
        else
                EXPECT(sem_unlink_enoent, errno == ENOENT, "sem_unlink() beside others fails with %s",
                       errno_name(errno));
}

static void create_and_unlink(struct contest *c)
{
        for (uint32_t n = 1 + pick(10); n > 0; n--) {
                sem_t *const sem = sem_open(c->name, O_CREAT, 0600, c->value);
                EXPECT(sem_open_creat_race_unlink, sem != SEM_FAILED,
                       "sem_open() with O_CREAT beside sem_unlink() fails with %s", errno_name(errno));
                EXPECT(sem_open_creat_atomic_init, value_of(sem) == (int)c->value,
                       "a semaphore that is created with %u has the value %d", c->value, value_of(sem));
                sem_close(sem);
                if (sem_unlink(c->name) == -1)
                        EXPECT(sem_unlink_enoent, errno == ENOENT, "sem_unlink() beside others fails with %s",
                               errno_name(errno));
        }
}

struct opener {
        const struct contest *contest;
        int process, thread;
        _Atomic int *ready;
};

static void *open_own(void *argument)
{
        const struct opener *const self = argument;
        const unsigned value = self->contest->value + (unsigned)self->thread;
        char name[96];

        snprintf(name, sizeof(name), "%s-%d-%d", self->contest->name, self->process, self->thread);
        meet(self->ready, THREADS, 1);
        for (int n = 0; n < OPENED; n++) {
                sem_t *const sem = sem_open(name, O_CREAT, 0600, value);
                EXPECT(sem_open_threads, sem != SEM_FAILED, "sem_open() beside that of another thread fails with %s",
                       errno_name(errno));
                EXPECT(sem_open_threads, value_of(sem) == (int)value,
                       "a semaphore that is created with %u has the value %d where another thread opens another one",
                       value, value_of(sem));
                sem_close(sem);
        }
        sem_unlink(name);
        return NULL;
}

/* The threads of a process open names of their own, and each gets what it named. */
static void open_in_threads(const struct contest *c, int me)
{
        pthread_t threads[THREADS];
        struct opener openers[THREADS];
        _Atomic int ready = 0;

        for (int i = 0; i < THREADS; i++) {
                openers[i] = (struct opener){c, me, i, &ready};
                start_thread(&threads[i], open_own, &openers[i]);
        }
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
}

static void contestant(int me)
{
        doing("calls that do not wait");
        for (int i = 0; i < CONTESTS; i++) {
                struct contest *const c = &books->contests[i];
                meet(&c->met, books->crew, 1);
                switch (c->kind) {
                case CREATE_MQ:
                case CREATE_SHM: open_together(c); break;
                case CREATE_SEM: create_together(c); break;
                case FIRST_SIGHT: look_first(c, me == 0); break;
                case UNLINK_SEM: unlink_together(c); break;
                case CREATE_AND_UNLINK: create_and_unlink(c); break;
                case NAMES_OF_THREADS: open_in_threads(c, me); break;
                default: create_exclusively(c);
                }
                count_operations(1);
        }
}

static void remove_name(const struct contest *c)
{
        switch (c->kind) {
        case CREATE_SHM:
        case EXCLUSIVE_SHM: shm_unlink(c->name); break;
        case CREATE_MQ:
        case EXCLUSIVE_MQ: mq_unlink(c->name); break;
        default: sem_unlink(c->name);
        }
}

STORM(names, "creators and unlinkers of one name at the same moment: one winner, and the value is right at first sight")
{
        private_directory();
        books = shared(sizeof(*books));
        const bool queues = queues_exist();
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                books->crew = draw_crew(2, MOST_CONTESTANTS);
                for (int i = 0; i < CONTESTS; i++) {
                        struct contest *const c = &books->contests[i];
                        do
                                c->kind = (enum kind)pick(KINDS);
                        while ((c->kind == EXCLUSIVE_MQ || c->kind == CREATE_MQ) && !queues);
                        c->value = pick(1000);
                        snprintf(c->name, sizeof(c->name), "/ipck-storm-%d", i);
                        if (c->kind == UNLINK_SEM)
                                opened(c, O_CREAT | O_EXCL);
                }
                muster(books->crew, contestant);
                set_off();
                all_end(sem_open_excl_atomic);
                for (int i = 0; i < CONTESTS; i++) {
                        const struct contest *const c = &books->contests[i];
                        if (c->kind == EXCLUSIVE_SHM)
                                look_at_size(c);
                        remove_name(c);
                        if (c->kind <= EXCLUSIVE_MQ)
                                EXPECT(excl(c), c->winners == 1, "of %d calls with O_CREAT and O_EXCL %d succeeded",
                                       books->crew, c->winners);
                        if (c->kind == UNLINK_SEM)
                                EXPECT(sem_unlink_enoent, c->winners == 1, "of %d calls of sem_unlink() %d succeeded",
                                       books->crew, c->winners);
                }
        }
}
