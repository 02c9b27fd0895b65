/* SPDX-License-Identifier: MIT
 *
 * posix.c: races about POSIX semaphores, shared memory and message queues.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "interleave.h"

#define NAME "/ipck-race"
enum { BYTES = 8, MOST = 8 };

static struct {
        int created, posted, taken, registered, messages, got;
        bool unlinked, recreated, notified;
        sem_t sem;
        char order[MOST];
} *m;

/* Where schedules share a /dev/shm, the one before left its names there. */
static void nothing(void)
{
        m = scenario_memory();
        sem_unlink(NAME);
        shm_unlink(NAME);
}

/* ---- named semaphores ---- */

static void create_sem(void)
{
        if (sem_open(NAME, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED)
                KEEPS(sem_open_eexist, errno == EEXIST);
        else
                m->created++;
}

static void one_sem_was_created(void)
{
        KEEPS(sem_open_excl_atomic, m->created == 1);
}

static void named_sem(void)
{
        nothing();
        sem_t *const sem = sem_open(NAME, O_CREAT | O_EXCL, 0600, 1);
        GIVEN(sem == SEM_FAILED ? -1 : 0);
        GIVEN(sem_close(sem));
}

static void open_sem_and_post(void)
{
        sem_t *const sem = sem_open(NAME, 0);
        const bool is_new = m->recreated;

        if (sem == SEM_FAILED) {
                KEEPS(sem_unlink_ret_zero, m->unlinked && !is_new && errno == ENOENT);
                return;
        }
        KEEPS(sem_unlink_ret_zero, !m->unlinked || is_new);
        KEEPS(sem_post_ret_zero, sem_post(sem) == 0);
        m->posted += is_new;
}

static void unlink_and_recreate_sem(void)
{
        int value = -1;

        KEEPS(sem_unlink_ret_zero, sem_unlink(NAME) == 0);
        m->unlinked = true;
        sem_t *const sem = sem_open(NAME, O_CREAT | O_EXCL, 0600, 5);
        m->recreated = true;
        KEEPS(sem_unlink_recreate_distinct, sem != SEM_FAILED);
        if (sem == SEM_FAILED)
                return;
        KEEPS(sem_getvalue_ret_zero, sem_getvalue(sem, &value) == 0);
        KEEPS(sem_unlink_recreate_distinct, value == 5 + m->posted);
}

static void open_or_create_sem(void)
{
        int value = -1;
        sem_t *const sem = sem_open(NAME, O_CREAT, 0600, 1);

        KEEPS(sem_open_creat_race_unlink, sem != SEM_FAILED);
        if (sem == SEM_FAILED)
                return;
        KEEPS(sem_getvalue_ret_zero, sem_getvalue(sem, &value) == 0);
        KEEPS(sem_open_creat_atomic_init, value == 1);
        if (sem_unlink(NAME) == -1)
                KEEPS(sem_unlink_enoent, errno == ENOENT);
}

/* ---- unnamed semaphores ---- */

static void shared_sem(void)
{
        nothing();
        GIVEN(sem_init(&m->sem, 1, 0));
}

static void wait_for_sem(void)
{
        KEEPS(sem_wait_ret_zero, sem_wait(&m->sem) == 0);
        m->taken++;
}

static void try_sem(void)
{
        if (sem_trywait(&m->sem) == 0)
                m->taken++;
        else
                KEEPS(sem_trywait_eagain, errno == EAGAIN);
}

static void post_twice(void)
{
        for (int i = 0; i < 2; i++) {
                KEEPS(sem_post_ret_zero, sem_post(&m->sem) == 0);
                m->posted++;
        }
}

static void units_are_conserved(void)
{
        int value = -1;

        KEEPS(sem_getvalue_ret_zero, sem_getvalue(&m->sem, &value) == 0);
        KEEPS(sem_post_increments, value == m->posted - m->taken);
}

/* ---- shared memory objects ---- */

static void create_object(void)
{
        if (shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600) == -1)
                KEEPS(shm_open_flag_creat_excl, errno == EEXIST);
        else
                m->created++;
}

static void one_object_was_created(void)
{
        KEEPS(shm_open_flag_excl_atomic, m->created == 1);
}

static void named_object(void)
{
        nothing();
        GIVEN(shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600));
}

static void open_object(void)
{
        const int object = shm_open(NAME, O_RDWR, 0);

        if (m->unlinked && !m->recreated)
                KEEPS(shm_unlink_open_after_enoent, object == -1 && errno == ENOENT);
        else
                KEEPS(shm_open_ret_fd, object != -1);
}

static void unlink_and_recreate_object(void)
{
        KEEPS(shm_unlink_ret_zero, shm_unlink(NAME) == 0);
        m->unlinked = true;
        KEEPS(shm_unlink_name_reuse_distinct, shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600) != -1);
        m->recreated = true;
}

/* ---- message queues ---- */

static mqd_t queue = (mqd_t)-1;

static mqd_t open_queue(int flags, long room)
{
        struct mq_attr attributes = {.mq_maxmsg = room, .mq_msgsize = BYTES};

        return mq_open(NAME, O_RDWR | flags, 0600, &attributes);
}

/* With a look whether there are queues at all: in some systems they can be opened, and no more. */
static void new_queue_of(long room)
{
        char text[BYTES];

        nothing();
        queue = (mqd_t)GIVEN(open_queue(O_CREAT | O_EXCL, room));
        GIVEN(mq_send(queue, "message", BYTES, 0));
        GIVEN(mq_receive(queue, text, sizeof(text), NULL));
        GIVEN(mq_notify(queue, NULL));
}

static void new_queue(void)
{
        new_queue_of(4);
}

static void queue_of_1(void)
{
        new_queue_of(1);
}

static void create_queue(void)
{
        if (open_queue(O_CREAT | O_EXCL, 1) == (mqd_t)-1)
                KEEPS(mq_open_eexist, errno == EEXIST);
        else
                m->created++;
}

static void one_queue_was_created(void)
{
        KEEPS(mq_open_excl_atomic, m->created == 1);
}

static void no_queue(void)
{
        new_queue_of(1);
        GIVEN(mq_close(queue));
        GIVEN(mq_unlink(NAME));
}

static void open_queue_and_send(void)
{
        const mqd_t found = mq_open(NAME, O_RDWR);
        const bool is_new = m->recreated;

        if (found == (mqd_t)-1) {
                KEEPS(mq_unlink_name_gone, m->unlinked && !is_new && errno == ENOENT);
                return;
        }
        KEEPS(mq_unlink_name_gone, !m->unlinked || is_new);
        KEEPS(mq_unlink_postponed, mq_send(found, "message", BYTES, 0) == 0);
        m->messages += is_new;
}

static void unlink_and_recreate_queue(void)
{
        char text[BYTES];

        KEEPS(mq_unlink_ret, mq_unlink(NAME) == 0);
        m->unlinked = true;
        const mqd_t other = open_queue(O_CREAT | O_EXCL | O_NONBLOCK, 4);
        m->recreated = true;
        KEEPS(mq_unlink_name_gone, other != (mqd_t)-1);
        const bool came = mq_receive(other, text, sizeof(text), NULL) != -1;
        KEEPS(mq_unlink_name_gone, came == (m->messages > 0));
}

static void send_1_then_2(void)
{
        KEEPS(mq_send_block_full, mq_send(queue, "1", 1, 1) == 0);
        KEEPS(mq_send_block_full, mq_send(queue, "2", 1, 2) == 0);
}

static void receive_twice(void)
{
        char text[BYTES] = "";

        for (int i = 0; i < 2; i++) {
                KEEPS(mq_receive_block_empty, mq_receive(queue, text, sizeof(text), NULL) == 1);
                m->order[m->got++] = text[0];
        }
}

static void each_came_once(void)
{
        KEEPS(mq_send_order_fifo, strcmp(m->order, "12") == 0);
}

/* Who is registered, and whether somebody is: 1 and 2 are the roles. */
static void register_as(int who)
{
        const struct sigevent event = {.sigev_notify = SIGEV_NONE};
        const bool good = mq_notify(queue, &event) == 0;

        if (m->registered) {
                KEEPS(mq_notify_ebusy, !good && errno == EBUSY);
        } else {
                KEEPS(mq_notify_none, good);
                m->registered = who;
        }
        KEEPS(mq_notify_unregister_other, mq_notify(queue, NULL) == 0);
        if (m->registered == who)
                m->registered = 0;
}

static void register_as_1(void)
{
        register_as(1);
}

static void register_as_2(void)
{
        register_as(2);
}

/* The arrival at the empty queue ends a registration, and no other does. */
static void send_two(void)
{
        for (int i = 0; i < 2; i++) {
                KEEPS(mq_notify_once, mq_send(queue, "message", BYTES, 0) == 0);
                if (m->messages++ == 0)
                        m->registered = 0;
        }
}

SCENARIOS(posix_scenarios,
        {"named_sem_create", "three create a semaphore by one name and O_EXCL", nothing, {create_sem, create_sem, create_sem},
         one_sem_was_created, .ends = sem_open_excl_atomic},
        {"named_sem_unlink", "opening a semaphore and sem_post() against sem_unlink() and a new one by that name", named_sem,
         {open_sem_and_post, unlink_and_recreate_sem}, NULL, .ends = sem_unlink_ret_zero},
        {"named_sem_open", "three open or create a semaphore, and unlink it", nothing,
         {open_or_create_sem, open_or_create_sem, open_or_create_sem}, NULL, .ends = sem_open_creat_race_unlink},
        {"sem_wait", "sem_wait() and sem_trywait() against two sem_post()", shared_sem, {wait_for_sem, try_sem, post_twice},
         units_are_conserved, .ends = sem_post_no_lost_wakeup},
        {"shm_open_create", "three create an object by one name and O_EXCL", nothing, {create_object, create_object, create_object},
         one_object_was_created, .ends = shm_open_flag_excl_atomic},
        {"shm_unlink", "shm_open() against shm_unlink() and a new object by that name", named_object,
         {open_object, unlink_and_recreate_object}, NULL, .ends = shm_unlink_ret_zero},
        {"mq_create", "three create a queue by one name and O_EXCL", no_queue, {create_queue, create_queue, create_queue},
         one_queue_was_created, .ends = mq_open_excl_atomic},
        {"mq_unlink", "opening a queue and mq_send() against mq_unlink() and a new queue by that name", new_queue,
         {open_queue_and_send, unlink_and_recreate_queue}, NULL, .ends = mq_unlink_postponed},
        {"mq_full", "a sender and a receiver, with room for one message", queue_of_1, {send_1_then_2, receive_twice}, each_came_once,
         .ends = mq_receive_wakes_sender},
        {"mq_notify", "two register for notification and end it, against two messages", new_queue,
         {register_as_1, register_as_2, send_two}, NULL, .ends = mq_notify_ebusy});
